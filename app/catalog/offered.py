"""Which offers a request may see."""

from __future__ import annotations

from typing import Any

from litestar import Request

from app.accounts.logins import operator_of
from app.catalog.offers import Offer
from app.catalog.queries import offer_of
from app.catalog.rules.selling import is_offered
from app.core.errors import Problem


async def offered_to(request: Request[Any, Any, Any], performance: int) -> Offer:
    """What anybody may see, and the organiser's own staff besides. Raises Problem('not_found')."""
    offer = await offer_of(performance)
    if is_offered(offer, "online"):
        return offer
    operator = await operator_of(request)
    if operator is None or operator.organizer != offer.box_office.organizer:
        raise Problem("not_found")
    return offer
