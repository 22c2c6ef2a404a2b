"""A counter takes over what somebody holds online: the customer who gave up on a phone, or has no card.

A cart's public name stands on every screen that shows its seats, so that it opens nothing by itself: only a cashier of
the house whose tickets are in it takes a cart over, the journal says who, and its buyer is told where it went.
"""

from __future__ import annotations

import re
from datetime import datetime

from app.catalog.queries import offer_of
from app.core import journal
from app.core.db import transaction
from app.core.errors import Problem
from app.core.i18n import translated
from app.sales.cart_notes import Notice, find_token, note_group, note_loss, note_opens, read_notes
from app.sales.carts import Cart, held_items
from app.sales.inventory import inventory
from app.sales.visitors import BUYER

REF = re.compile(r"[0-9a-f]{8}")


async def take_over(ref: str, to: Cart, *, organizer: int, actor: str, at: datetime) -> int:
    """Everything that the online cart of this public name holds goes to the counter's; how many places. Raises Problem:
    not_found when nobody holds anything of this house under it, other_event."""
    text = ref.strip().lower()
    token = await find_token(text) if REF.fullmatch(text) else None
    source = Cart(token, "online", BUYER) if token else None
    items = await held_items(source) if source else ()
    if source is None or not items:
        raise Problem("not_found")
    offer = await offer_of(items[0].performance)
    if offer.box_office.organizer != organizer:
        raise Problem("not_found")
    mine = await held_items(to)
    notes = await read_notes(source.token)
    if mine and (await read_notes(to.token)).event != notes.event:
        other = await offer_of(mine[0].performance)
        raise Problem("other_event", params={"title": translated(other.title)}, extras={"event": other.slug})
    # Known before it holds: a counter that dies in between finds the seats in its cart.
    await note_group(to.token, offer.group, offer.event)
    if notes.opens:
        await note_opens(to.token, notes.opens)
    moved = await inventory().move(offer.group, source.token, to.token, to.owner, offer.hold_ttl_s)
    if not moved:
        raise Problem("not_found")
    await note_loss(source.token, Notice("taken_over", to.owner.label))
    async with transaction():
        await journal.record(
            f"box-office:{offer.box_office.id}", "cart_taken_over", text, {"places": moved}, actor=actor, at=at
        )
    return moved
