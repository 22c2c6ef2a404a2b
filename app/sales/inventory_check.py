"""`placeur inventory check`: where the live inventory differs from itself or from the ledger, and mending it (LIVE-10).

Selling goes on meanwhile. What is just being ordered or given back differs for a moment, so a group in which something
differs is looked at again, and only what every look has seen is told.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct
from redis.exceptions import RedisError

from app.catalog.queries import offers_of, offers_of_group
from app.core import db
from app.core.i18n import N_, gettext, locale_of, negotiate, ngettext, translated
from app.core.logs import configure_logs
from app.core.redis import close_redis
from app.sales.inventory import inventory, read_group
from app.sales.reconciliation import GRACE, Mended, make_whole, mend_faults
from app.settings import Settings
from seating.audit import Difference, contradictions, differences
from seating.dumps import read_dump
from seating.store import GroupMissing, StoreUnavailable

LOOKS, LOOK_AGAIN_S = 3, 0.5
SHOWN_OF_A_KIND = 10
CLEAN, DIFFERS, UNSEEN = 0, 1, 2

MENDED = {
    "sold": N_("Order %(order)s is marked sold."),
    "given back": N_("Order %(order)s has given back its places."),
    "given back: no such order": N_("Order %(order)s was never made and has given back its places."),
    "limit set": N_("The limit of quota %(subject)s is that of the ledger."),
    "seat marked used": N_("Seat %(subject)s is marked used."),
    "seat marked sold": N_("Seat %(subject)s is marked sold."),
    "group forgotten": N_("The group was forgotten."),
    "group rebuilt": N_("The group was laid down anew from the ledger; carts keep what they hold."),
}


class Report(Struct, frozen=True):
    """One group. `left`: what still differed after the repair, if there was one."""

    group: str
    title: str
    loaded: bool
    found: tuple[Difference, ...]
    mended: tuple[Mended, ...] = ()
    left: tuple[Difference, ...] = ()

    @property
    def clean(self) -> bool:
        return not (self.left if self.mended else self.found)


class Unseen(Exception):
    """Nothing could be looked at; the message is one sentence that says why."""


def report(settings: Settings, *, group: str, repair: bool, as_json: bool, language: str) -> int:
    """Print what was found and done. 0: nothing differs (any more), 1: something does, 2: could not look."""
    # What is printed is the answer; a repair's log lines are not part of it.
    configure_logs(settings.log_format, "warning", sys.stderr)
    spoken = language or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    with locale_of(negotiate(spoken[:2], None, None)):
        try:
            reports = asyncio.run(_run(settings, group, repair=repair))
        except Unseen as reason:
            print(f"placeur: {reason}", file=sys.stderr)  # noqa: T201 - a command line speaks
            return UNSEEN
        print(_as_json(reports) if as_json else "\n".join(_lines(reports)))  # noqa: T201 - as above
    return CLEAN if all(each.clean for each in reports) else DIFFERS


async def _run(settings: Settings, group: str, *, repair: bool) -> list[Report]:
    try:
        # Asked first, since Piccolo's pool would add a warning of its own to our sentence.
        await (await asyncpg.connect(settings.database_url)).close()
        return await _check_all(group, repair=repair)
    except (OSError, asyncpg.PostgresError, RedisError, StoreUnavailable) as error:
        sentence = gettext("Nothing was looked at, for an engine does not answer (%(error)s): see `placeur check`.")
        raise Unseen(sentence % {"error": error}) from None


async def _check_all(group: str, *, repair: bool) -> list[Report]:
    await db.start_pool(4)
    try:
        groups = [await find_group(group)] if group else sorted(await inventory().groups())
        return [await check(each, repair=repair) for each in groups]
    finally:
        await db.stop_pool()
        await close_redis()


async def find_group(named: str) -> str:
    """By its own name, or by the number of an event that belongs to it. Raises Unseen."""
    if named.isdecimal() and len(named) < 19 and (offers := await offers_of(int(named))):
        return offers[0].group
    if named not in await inventory().groups() and not await offers_of_group(named):
        raise Unseen(gettext("There is no inventory group “%(group)s”.") % {"group": named})
    return named


async def check(group: str, *, repair: bool = False) -> Report:
    """What lasts of what differs in a group; with `repair`, it is mended and looked at again."""
    offers = await offers_of_group(group)
    if not offers:
        # Its events were joined with others, and whoever did that could not finish.
        if repair:
            await inventory().unload(group)
        forgotten = (Mended("", "group forgotten"),) if repair else ()
        return Report(group, "–", True, (Difference("group_unknown"),), forgotten)
    title = translated(offers[0].title)
    found = await lasting(group)
    if not repair or found == []:
        return Report(group, title, found is not None, tuple(found or ()))
    done = await make_whole(group)
    done += await mend_faults(group, await lasting(group) or ())
    return Report(group, title, True, tuple(found or ()), tuple(done), tuple(await lasting(group) or ()))


async def lasting(group: str) -> list[Difference] | None:
    """What every one of several looks has seen; None for a group that is not loaded."""
    seen = await _look(group)
    for _ in range(LOOKS - 1):
        if not seen:
            break
        await asyncio.sleep(LOOK_AGAIN_S)
        keys = {fault.key for fault in seen}
        seen = [fault for fault in await _look(group) or () if fault.key in keys]
    return seen


async def _look(group: str) -> list[Difference] | None:
    damage: list[Difference] = []
    try:
        await inventory().pulse(group)
    except GroupMissing as missing:
        if not missing.damaged:
            return None
        damage.append(Difference("not_whole", subject=missing.damaged))
    try:
        answer = await inventory().dump(group)
    except GroupMissing:
        return None
    async with db.connection() as reader:
        ledger = await read_group(reader, group)
    young_since_ms = await inventory().now_ms(group) - int(GRACE.total_seconds() * 1000)

    def compare() -> list[Difference]:
        dump = read_dump(answer)
        plans = {each.id: each.plan for each in ledger.performances}
        return contradictions(dump, plans) + differences(dump, ledger, young_since_ms=young_since_ms)

    return damage + await asyncio.to_thread(compare)


# Words ----------------------------------------------------------------------------------------------------------------


def _lines(reports: Sequence[Report]) -> list[str]:
    if not reports:
        return [gettext("No inventory group is loaded: nothing is being sold.")]
    lines = []
    for each in reports:
        lines.append(f"{each.group} ({each.title}): {_summary(each)}")
        lines += _sentences(each.found)
        if each.mended:
            lines += [f"  → {_what_was_done(done)}" for done in each.mended]
            lines.append("  " + (_count(each.left) if each.left else gettext("Nothing differs any more.")))
            lines += _sentences(each.left)
    return lines


def _summary(each: Report) -> str:
    if not each.loaded:
        return gettext("not loaded; it will be when somebody asks for it.")
    return _count(each.found) if each.found else gettext("nothing differs.")


def _count(found: Sequence[Difference]) -> str:
    return ngettext("%(n)s difference:", "%(n)s differences:", len(found)) % {"n": len(found)}


def _sentences(found: Sequence[Difference]) -> list[str]:
    """A house whose every seat differs is told of in a few lines."""
    kinds: dict[str, list[Difference]] = defaultdict(list)
    for each in found:
        kinds[each.code].append(each)
    lines = []
    for alike in kinds.values():
        lines += [f"  · {each.sentence(gettext)}" for each in alike[:SHOWN_OF_A_KIND]]
        if len(alike) > SHOWN_OF_A_KIND:
            more = len(alike) - SHOWN_OF_A_KIND
            lines.append("    " + gettext("… and %(n)s more of this kind.") % {"n": more})
    return lines


def _what_was_done(done: Mended) -> str:
    return gettext(MENDED[done.action]) % {"order": done.order, "subject": done.subject}


def _as_json(reports: Sequence[Report]) -> str:
    def told(found: Sequence[Difference]) -> list[dict[str, Any]]:
        return [{**msgspec.structs.asdict(each), "sentence": each.sentence(gettext)} for each in found]

    groups = [
        {
            "group": each.group, "title": each.title, "loaded": each.loaded, "clean": each.clean,
            "differences": told(each.found), "left": told(each.left),
            "mended": [{**msgspec.structs.asdict(done), "sentence": _what_was_done(done)} for done in each.mended],
        }
        for each in reports
    ]  # fmt: skip
    return json.dumps({"groups": groups}, ensure_ascii=False, indent=2)
