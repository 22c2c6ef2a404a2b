"""The jobs of the waitlist (WTL-2, LIVE-4). Each may run twice."""

from __future__ import annotations

from app.audience import telling
from app.core.clock import now
from app.core.jobs import job
from app.sales import waitlist, waitlist_letters

TRIES_OF_A_DAY = 300


@job("look_at_waitlist")
async def look_at_waitlist(event: int) -> None:
    await waitlist.look(event, at=now())


@job("tell_waitlist_places", attempts_max=3)
async def tell_waitlist_places(event: int, visitors: list[str]) -> None:
    """Everybody of the list, since whoever has gone moves those behind. A page that misses it is told when it connects
    again, and by the next change."""
    await telling.tell_places(event, visitors)


@job("tell_waitlist_entries", attempts_max=3)
async def tell_waitlist_entries(visitors: list[str]) -> None:
    await telling.tell_entries(visitors)


@job("mail_waitlist_place", attempts_max=TRIES_OF_A_DAY)
async def mail_waitlist_place(entry: int, new: bool, at_ms: int, own: bool = True) -> None:
    """`own` is not in jobs that were written before it was known."""
    await waitlist_letters.send_place(entry, new=new, own=own, at_ms=at_ms)


@job("mail_waitlist_offer", attempts_max=TRIES_OF_A_DAY)
async def mail_waitlist_offer(entry: int, number: int) -> None:
    await waitlist_letters.send_offer(entry, number, at=now())


@job("notify_waitlist_offer")
async def notify_waitlist_offer(entry: int, number: int) -> None:
    await waitlist_letters.show_offer(entry, number, at=now())
