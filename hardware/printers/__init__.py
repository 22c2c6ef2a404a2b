"""Printer languages, one file each, found by looking into this folder (PRN-2).

A new language is a new file that defines `LANGUAGE`; `_contract.py` says what it must do and the conformance test runs
over every one found. Nothing here does IO.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from hardware.printers._contract import PrinterLanguage


@cache
def languages() -> dict[str, PrinterLanguage]:
    """Every language in this folder, by its name."""
    found: dict[str, PrinterLanguage] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        language: PrinterLanguage = importlib.import_module(f"{__name__}.{module.name}").LANGUAGE
        found[language.name] = language
    return found
