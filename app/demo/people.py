"""The log-ins of the demo, public by design: the season loads them, the demo prints them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogIn:
    role: str
    """A `app.accounts.tables.Role`."""
    name: str
    email: str
    password: str
    page: str
    """Where this person works."""


GATE = "Entrée principale"
"""The gate whose scanner the demo's gate agent reads."""

LOG_INS = (
    LogIn("manager", "Camille Roche", "manager@placeur.example", "manager-demo", "/manage"),
    LogIn("cashier", "Léa Martin", "lea@placeur.example", "counter-demo", "/counter"),
    LogIn("cashier", "Hugo Petit", "hugo@placeur.example", "counter-demo", "/counter"),
    LogIn("gate", "Inès Garnier", "gate@placeur.example", "entrance-demo", "/gate"),
)
