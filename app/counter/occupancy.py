"""Where a house fills (LIVE-6): its zones one by one, and its limits with what is sold, held and kept back (LIVE-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from app.catalog.offers import Offer, QuotaOffer
from app.core.i18n import translated
from seating.plan import Plan
from seating.store import ALLOTTED, BLOCKED, FREE, HELD, LINKED, PENDING, SOLD, USED

Runs = Mapping[str, Sequence[tuple[int, int]]]
_runs: dict[int, Runs] = {}


class ZoneFigures(Struct, frozen=True, kw_only=True):
    """Places of a zone by state; `sold` includes those inside, `kept` are allotments', `linked` another
    performance's."""

    name: str
    capacity: int
    free: int
    held: int
    pending: int
    sold: int
    kept: int
    linked: int
    blocked: int


class QuotaFigures(Struct, frozen=True, kw_only=True):
    """A limit as it stands. `used` is what is sold, being paid or held; `kept` what allotments keep back of the rest.
    `performance` None: it limits the whole event, and `shared` ones others too. `tariff` is its name."""

    id: int
    name: str
    performance: int | None
    tariff: str | None
    category: str | None
    size: int
    used: int
    kept: int
    shared: bool


def zones_filled(version: int, plan: Plan, states: bytes) -> tuple[ZoneFigures, ...]:
    """A plan's zones in its order. `version` is the plan's, whose seats never change."""
    if version not in _runs:
        _runs[version] = _runs_of(plan)
    return tuple(_zone(name, runs, states) for name, runs in _runs[version].items())


def quotas_filled(
    offers: Sequence[Offer], group: Sequence[Offer], spoken_for: Mapping[str, int], kept: Mapping[str, int]
) -> tuple[QuotaFigures, ...]:
    """Every limit of these performances of one event once: by the live inventory, where what is kept back is spoken for
    too, and by what the ledger keeps back. `group`: all performances of their inventory group, to tell which limits
    count other events too."""
    quotas = {quota.id: (quota, offer) for offer in offers for quota in offer.quotas}
    elsewhere = {quota.id for offer in group if offer.event != offers[0].event for quota in offer.quotas}
    return tuple(_quota(quota, offer, spoken_for, kept, quota.id in elsewhere) for quota, offer in quotas.values())


def _quota(
    quota: QuotaOffer, offer: Offer, spoken_for: Mapping[str, int], kept: Mapping[str, int], shared: bool
) -> QuotaFigures:
    back = kept.get(quota.key, 0)
    tariff = offer.tariff(quota.tariff) if quota.tariff is not None else None
    return QuotaFigures(
        id=quota.id, name=quota.name, performance=quota.performance, tariff=translated(tariff.name) if tariff else None,
        category=quota.category, size=quota.size, used=max(0, spoken_for.get(quota.key, 0) - back), kept=back,
        shared=shared,
    )  # fmt: skip


def _runs_of(plan: Plan) -> Runs:
    """Each zone as ranges of ordinals: plans list their seats zone by zone, so there are few, and counting bytes in a
    slice costs a thousandth of looking at each seat."""
    found: dict[str, list[tuple[int, int]]] = {}
    for name, group in groupby(range(len(plan.seats)), key=lambda ordinal: plan.seats[ordinal].zone):
        ordinals = list(group)
        found.setdefault(name, []).append((ordinals[0], ordinals[-1] + 1))
    return found


def _zone(name: str, runs: Sequence[tuple[int, int]], states: bytes) -> ZoneFigures:
    here = b"".join(states[first:last] for first, last in runs)
    n = {state: here.count(state) for state in (FREE, HELD, PENDING, SOLD, USED, ALLOTTED, LINKED, BLOCKED)}
    return ZoneFigures(
        name=name, capacity=len(here), free=n[FREE], held=n[HELD], pending=n[PENDING], sold=n[SOLD] + n[USED],
        kept=n[ALLOTTED], linked=n[LINKED], blocked=n[BLOCKED],
    )  # fmt: skip
