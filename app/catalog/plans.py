"""Seating plans in the ledger: unchanging versions, kept by what is in them."""

from __future__ import annotations

import hashlib

from app.catalog.tables import PlanVersion
from app.core.db import connection
from seating.plan import Plan, plan_to_document


async def store_plan(organizer: int, plan: Plan) -> int:
    """The id of the version that holds exactly this plan, made when the organiser has none (SEA-6)."""
    document = plan_to_document(plan)
    digest = hashlib.sha256(document).hexdigest()
    kept = (
        await PlanVersion.select(PlanVersion.id)
        .where((PlanVersion.organizer == organizer) & (PlanVersion.digest == digest))
        .first()
    )
    if kept is not None:
        return int(kept["id"])
    version = PlanVersion(
        organizer=organizer, name=plan.name, document=document.decode(), digest=digest, seats=len(plan.seats)
    )
    await version.save()
    return int(version.id)


async def organizers() -> dict[str, int]:
    """Everyone a plan can be kept for: id by slug."""
    async with connection() as reader:
        rows = await reader.fetch("SELECT id, slug FROM accounts.organizer ORDER BY id")
    return {row["slug"]: row["id"] for row in rows}
