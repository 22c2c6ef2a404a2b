"""`placeur plan import FILE`: keep a seating plan, or say row by row what is wrong with it (AHEAD-4)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncpg

from app.catalog.plans import organizers, store_plan
from app.core import db
from app.settings import get_settings
from seating.plan import Plan, PlanRefused, zones_of
from seating.pretix import plan_from_pretix


class ImportRefused(Exception):
    """Nothing was kept; the message is one sentence that says why."""


def import_file(path: Path, *, renumber: bool, organizer: str, check_only: bool) -> int:
    """Print what came of it; 0 when all seats arrived, else 1."""
    try:
        plan = plan_from_pretix(_read(path), renumber=renumber)
        print(_summary(plan))
        if check_only:
            print("Nothing was kept: that was only a check.")
        else:
            kept = asyncio.run(_reach_and_keep(plan, organizer))
            print(f"Kept as plan {kept}.")
    except PlanRefused as refused:
        _explain(path, refused)
        return 1
    except ImportRefused as refused:
        print(f"placeur: {refused}", file=sys.stderr)
        return 1
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.") from None


def _summary(plan: Plan) -> str:
    return (
        f"{plan.name}: {len(plan.seats)} seats in {len(plan.rows)} rows, {len(zones_of(plan))} zones and "
        f"{len(plan.categories)} categories."
    )


def _explain(path: Path, refused: PlanRefused) -> None:
    for problem in refused.problems:
        print(f"{problem.path or 'document'}: {problem.sentence()}", file=sys.stderr)
    count = len(refused.problems)
    hint = " --renumber keeps every seat and gives new ids to all." if refused.renumber_would_help else ""
    print(
        f"placeur: {path} was not imported: {count} {'problem' if count == 1 else 'problems'}, listed above.{hint}",
        file=sys.stderr,
    )


async def _reach_and_keep(plan: Plan, organizer: str) -> int:
    """Raises ImportRefused when there is no ledger to keep it in, or nobody to keep it for."""
    try:
        # Asked first, since Piccolo's pool would add a warning of its own to our sentence.
        await (await asyncpg.connect(get_settings().database_url)).close()
        await db.start_pool(2)
        return await keep(plan, organizer)
    except (OSError, asyncpg.PostgresError) as error:
        raise ImportRefused(
            f"the plan is sound but was not kept, since no migrated database answers ({error}); start `placeur demo`, "
            "give DATABASE_URL, or ask for --check only."
        ) from None
    finally:
        await db.stop_pool()


async def keep(plan: Plan, organizer: str) -> int:
    """Store the plan for the organiser asked for, or for the only one there is; its id. Raises ImportRefused."""
    known = await organizers()
    if organizer in known:
        return await store_plan(known[organizer], plan)
    names = ", ".join(known) or "none yet"
    if organizer:
        raise ImportRefused(f"no organiser is called {organizer!r}; there are: {names}.")
    if len(known) != 1:
        raise ImportRefused(f"say with --organizer for whom the plan is; there are: {names}.")
    return await store_plan(next(iter(known.values())), plan)
