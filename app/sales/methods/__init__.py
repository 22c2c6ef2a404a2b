"""The ways to pay (PAY-1). The folder finds its members: each file not starting with `_` is one method.

Owns what a method is and how providers are spoken to. Never touches orders, tickets or the database.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from app.sales.methods._contract import Audience, MethodSettings, PaymentMethod

__all__ = ["find_method", "find_methods", "offer_methods"]

# The order in which buyers and cashiers see them; a file that is not named here comes last, by name.
SHOWN_FIRST = ("card", "cash", "terminal")


@functools.cache
def find_methods() -> Mapping[str, PaymentMethod]:
    """Every method of the folder by id, in the order to show them. A member that breaks the contract stops the start:
    better no box office than one that loses a payment."""
    found: dict[str, PaymentMethod] = {}
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    for name in sorted(names, key=lambda name: ((*SHOWN_FIRST, name).index(name), name)):
        method = getattr(importlib.import_module(f"{__name__}.{name}"), "METHOD", None)
        if not isinstance(method, PaymentMethod):
            raise TypeError(f"app/sales/methods/{name}.py must expose METHOD, a PaymentMethod.")
        if method.id != name:
            raise TypeError(f"app/sales/methods/{name}.py calls itself {method.id!r}; file and id must agree.")
        found[name] = method
    return MappingProxyType(found)


def find_method(method_id: str) -> PaymentMethod | None:
    return find_methods().get(method_id)


def offer_methods(
    total_minor: int, audience: Audience, settings: Mapping[str, MethodSettings]
) -> tuple[PaymentMethod, ...]:
    """The methods by which `audience` may pay `total_minor`, in the order to show them. `settings` by method id; a
    method without settings has the defaults (so one that needs keys is not offered)."""
    default = MethodSettings()
    return tuple(
        method
        for method_id, method in find_methods().items()
        if method.takes(total_minor, audience, settings.get(method_id, default))
    )
