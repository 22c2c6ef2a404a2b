"""What buyers are told of how many are left or sold (QUO-4, LIVE-3)."""

from __future__ import annotations

import json
import re

from app.catalog.queries import forget_offers, offer_of
from app.catalog.tables import Event, Quota
from app.core.clock import now
from app.core.i18n import locale_of
from app.sales.allotments import AllotmentWish, make_allotment
from app.sales.cart_keys import present_key
from app.sales.carts import Wish, add_to_cart
from app.sales.orders import place_order
from app.sales.queries import shows_use, view_performance
from tests.audience.waiting import sell_out
from tests.cast import ALICE, Theatre, buyer_cart
from tests.shop import browser, open_shop


async def wanted(theatre: Theatre, *, left: bool, sold: bool, words: dict[str, str]) -> None:
    await Event.update({Event.show_left: left, Event.show_sold: sold, Event.sold_out_text: json.dumps(words)}).where(
        Event.id == theatre.event
    )
    forget_offers()


async def order_two(theatre: Theatre) -> None:
    cart = buyer_cart()
    await add_to_cart(cart, Wish(performance=theatre.performance, seats=(0, 1)), at=now())
    await place_order(cart, ALICE, method="cash", expected_total_minor=None, settled=True, at=now())


async def test_what_is_sold_can_be_shown_instead_of_what_is_left(theatre: Theatre) -> None:
    await wanted(theatre, left=False, sold=True, words={})
    view = await view_performance(theatre.performance, "online", now())
    assert (view.show_left, view.show_sold) == (False, True)
    assert view.capacity is not None
    assert view.left is not None
    assert view.capacity - view.left == 0, "nothing is sold yet"
    await order_two(theatre)
    after = await view_performance(theatre.performance, "online", now())
    assert after.capacity is not None
    assert after.left is not None
    assert after.capacity - after.left == 2


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


async def test_the_organisers_own_words_stand_wherever_sold_out_is_said(theatre: Theatre) -> None:
    """Whether counters are shown or not: on the map's page, in the list of dates, in the API."""
    words = {"en": "See you in spring!", "fr": "Rendez-vous au printemps !"}
    await Event.update({Event.sold_out_text: json.dumps(words)}).where(Event.id == theatre.standing_event)
    forget_offers()
    await sell_out(theatre)
    async with open_shop() as url, browser(url) as person:
        seen = (await person.get(f"/api/v1/performances/{theatre.standing}")).json()
        assert (seen["status"], seen["status_text"]) == ("sold_out", "See you in spring!")
        for language, said in words.items():
            house = (await person.get(f"/p/{theatre.standing}", params={"language": language})).text
            assert re.search(rf'id="closed">.*?<strong>{said}</strong>', house, re.DOTALL)
            dates = (await person.get(f"/e/{seen['event']['slug']}", params={"language": language})).text
            assert f'<span class="badge badge--warn">{said}</span>' in dates


async def test_a_tariff_whose_limit_is_reached_is_told_as_sold_out(theatre: Theatre) -> None:
    """QUO-1: places are left at other tariffs. Whoever has a code for seats meets the same limit."""
    await Quota(event=theatre.event, performance=theatre.performance, tariff=theatre.child, name="Child", size=0).save()
    forget_offers()
    view = await view_performance(theatre.performance, "online", now())
    assert view.status == "open"
    said = {theatre.full: False, theatre.child: True}
    assert {t.id: t.sold_out for t in view.tariffs} == said
    wish = AllotmentWish(performance=theatre.performance, name="École", seats=(4, 5))
    kept = await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())
    pupil = buyer_cart()
    await present_key(pupil, kept.key, at=now())
    view = await view_performance(theatre.performance, "online", now(), pupil)
    assert {t.id: t.sold_out for t in view.tariffs} == said


async def test_places_kept_for_somebody_are_theirs_though_nothing_is_left_for_others(theatre: Theatre) -> None:
    """AHEAD-2: their limits have counted them since they were kept."""
    capacity = await Quota.objects().get((Quota.event == theatre.standing_event) & Quota.tariff.is_null())
    assert capacity is not None
    wish = AllotmentWish(performance=theatre.standing, name="École", quantity=capacity.size)
    kept = await make_allotment(wish, organizer=theatre.organizer, actor="account:1", at=now())
    assert (await view_performance(theatre.standing, "online", now())).status == "sold_out"
    pupil = buyer_cart()
    await present_key(pupil, kept.key, at=now())
    view = await view_performance(theatre.standing, "online", now(), pupil)
    assert (view.status, [t.sold_out for t in view.tariffs]) == ("open", [False])
