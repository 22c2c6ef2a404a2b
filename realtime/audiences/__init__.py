"""Feed audiences: each module that does not start with `_` defines one `AUDIENCE`."""

from __future__ import annotations

import importlib
import pkgutil

from realtime.audiences._contract import Audience

__all__ = ["AUDIENCES", "Audience"]


def _find() -> dict[str, Audience]:
    found: dict[str, Audience] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            audience: Audience = importlib.import_module(f"{__name__}.{module.name}").AUDIENCE
            found[audience.name] = audience
    return found


AUDIENCES = _find()
