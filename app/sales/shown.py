"""What buyers are told of how many are left (QUO-4, LIVE-3): nothing, what is left or what is sold, and what stands in
place of "sold out"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from app.catalog.offers import Offer
from app.catalog.queries import forget_offers, offers_of
from app.core import jobs, journal
from app.core.db import transaction
from app.core.errors import Invalid, Problem
from app.core.i18n import LANGUAGES, N_
from app.sales.groups import regroup

WORDS_MAX = 200
Shown = Literal["nothing", "left", "sold"]


class ShownView(Struct, frozen=True, kw_only=True):
    """`sold_out_text` by language, "" in none of them; `languages` are those that the event is told in."""

    event: int
    show: Shown
    sold_out_text: dict[str, str]
    languages: tuple[str, ...]


async def shown_of(event: int, *, organizer: int) -> ShownView:
    """Raises Problem('not_found')."""
    return _view(await _offer_of(event, organizer))


async def change_shown(
    event: int, *, organizer: int, actor: str, at: datetime, show: Shown | None = None,
    sold_out_text: Mapping[str, str] | None = None,
) -> ShownView:  # fmt: skip
    """What is not given stays. Open maps take a new picture, with the counters that they may see from now on. Raises
    Problem: not_found, invalid."""
    offer = await _offer_of(event, organizer)
    before = _view(offer)
    after = msgspec.structs.replace(
        before,
        show=before.show if show is None else show,
        sold_out_text=before.sold_out_text if sold_out_text is None else _checked(sold_out_text),
    )
    if after == before:
        return before
    regrouped = after.show != before.show
    async with transaction() as ledger:
        await ledger.execute(
            "UPDATE catalog.event SET show_left = $2, show_sold = $3, sold_out_text = $4 WHERE id = $1",
            event, after.show == "left", after.show == "sold", msgspec.json.encode(after.sold_out_text).decode(),
        )  # fmt: skip
        if regrouped:
            await jobs.enqueue("regroup", loaded=[offer.group], forgotten=[])
        await journal.record(
            f"box-office:{offer.box_office.id}", "shown_changed", str(event),
            {"before": _facts(before), "after": _facts(after)}, actor=actor, at=at,
        )  # fmt: skip
    if regrouped:
        await regroup([offer.group], [])
    else:
        forget_offers()
    return await shown_of(event, organizer=organizer)


def _checked(words: Mapping[str, str]) -> dict[str, str]:
    if set(words) - set(LANGUAGES):
        raise Invalid({"sold_out_text": N_("This is no language of this box office.")})
    kept = {language: text.strip() for language, text in words.items() if text.strip()}
    if any(len(text) > WORDS_MAX or "\x00" in text for text in kept.values()):
        raise Invalid({"sold_out_text": N_("Please use no more than 200 characters.")})
    return kept


def _view(offer: Offer) -> ShownView:
    # What is sold stands instead of what is left, where both were wished for.
    show: Shown = "sold" if offer.show_sold else "left" if offer.show_left else "nothing"
    told_in = {language for language, text in offer.title.items() if text} | set(offer.sold_out_text)
    return ShownView(
        event=offer.event, show=show, sold_out_text=dict(offer.sold_out_text),
        languages=tuple(language for language in LANGUAGES if language in told_in),
    )  # fmt: skip


def _facts(view: ShownView) -> dict[str, object]:
    return {"show": view.show, "sold_out_text": view.sold_out_text}


async def _offer_of(event: int, organizer: int) -> Offer:
    offers = await offers_of(event)
    if not offers or offers[0].box_office.organizer != organizer:
        raise Problem("not_found")
    return offers[0]
