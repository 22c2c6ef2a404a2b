"""What buyers are told of how many are left or sold (QUO-4, LIVE-3)."""

from __future__ import annotations

import json

from app.catalog.queries import forget_offers, offer_of
from app.catalog.tables import Event
from app.core.clock import now
from app.core.i18n import locale_of
from app.sales.queries import shows_use, view_performance
from tests.cast import Theatre


async def wanted(theatre: Theatre, *, left: bool, sold: bool, words: dict[str, str]) -> None:
    await Event.update({Event.show_left: left, Event.show_sold: sold, Event.sold_out_text: json.dumps(words)}).where(
        Event.id == theatre.event
    )
    forget_offers()


async def test_what_is_sold_can_be_shown_instead_of_what_is_left(theatre: Theatre) -> None:
    await wanted(theatre, left=False, sold=True, words={})
    view = await view_performance(theatre.performance, "online", now())
    assert (view.show_left, view.show_sold) == (False, True)
    assert view.capacity is not None
    assert view.left is not None
    assert 0 <= view.left <= view.capacity <= 30


async def test_nothing_is_told_unless_the_organiser_wants_it(theatre: Theatre) -> None:
    await wanted(theatre, left=False, sold=False, words={})
    view = await view_performance(theatre.performance, "online", now())
    assert (view.left, view.capacity, view.counters) == (None, None, ())
    assert not shows_use(await offer_of(theatre.performance, exact=True))


async def test_the_organisers_own_words_for_sold_out_are_in_the_readers_language(theatre: Theatre) -> None:
    await wanted(theatre, left=True, sold=False, words={"fr": "Complet, à bientôt !", "en": "Full, see you soon!"})
    for locale, words in (("fr", "Complet, à bientôt !"), ("en", "Full, see you soon!")):
        with locale_of(locale):
            assert (await view_performance(theatre.performance, "online", now())).sold_out_text == words
