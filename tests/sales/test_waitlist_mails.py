"""The mails of a waitlist, read back as a mail program would (WTL-1, WTL-2)."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from msgspec.structs import replace

from app.sales.mails import MailRefused, PerformanceLine
from app.sales.waitlist_mails import WaitlistMail, offer_message, place_message
from tests.sales.test_mails import NOW, SENDER, words_of

MAIL = WaitlistMail(
    name="Élodie Čapek",
    email="elodie@exemple.fr",
    locale="fr",
    event_title="Le Malade imaginaire",
    performances=(
        PerformanceLine(
            title="Avant-première", venue="Théâtre des Quatre-Vents, Lyon",
            starts_at=datetime(2026, 12, 12, 19, 30, tzinfo=UTC), doors_at=None, time_zone="Europe/Paris",
        ),
    ),
    tariff_name="",
    count=4,
    position=3,
    offered_count=2,
    until=datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
    time_zone="Europe/Paris",
    url="https://billetterie.example/p/7",
    leave_url="https://billetterie.example/waitlist/abc",
    unsubscribe_url="https://billetterie.example/api/v1/waitlist/abc/leave",
    box_office_name="Théâtre des Quatre-Vents",
    contact_email="billetterie@quatre-vents.example",
    accent="#8a1c36",
    terms_url="https://billetterie.example/terms",
)  # fmt: skip


def place(mail: WaitlistMail = MAIL, *, new: bool = True, own: bool = True) -> EmailMessage:
    return place_message(mail, new=new, own=own, sender=SENDER, message_id="<waitlist.1@x>", now=NOW)


def offer(mail: WaitlistMail = MAIL) -> EmailMessage:
    return offer_message(mail, sender=SENDER, message_id="<waitlist-offer.1@x>", now=NOW)


@pytest.mark.parametrize("part", ["plain", "html"])
def test_an_offer_says_what_is_free_until_when_and_that_it_is_no_reservation(part: str) -> None:
    message = offer()
    assert message["Subject"] == "2 places se sont libérées : Le Malade imaginaire"
    text = words_of(message, part)
    for wanted in (
        "Bonjour Élodie Čapek", "2 places sont libres", "Vous en attendez 4", "samedi 12 décembre 2026", "20:30",
        "seront prévenus à 14:00 le 22 novembre 2026", "Ce n’est pas une réservation", "Avant-première", MAIL.url,
        MAIL.leave_url,
    ):  # fmt: skip
        assert wanted in text


@pytest.mark.parametrize("part", ["plain", "html"])
def test_a_place_on_the_list_says_which_and_how_to_leave(part: str) -> None:
    text = words_of(place(), part)
    for wanted in (
        "vous êtes sur la liste d’attente", "4 places", "Votre numéro sur la liste", "Ce n’est pas une réservation",
        "votre nom et votre adresse sont effacés", MAIL.leave_url,
    ):  # fmt: skip
        assert wanted in text


@pytest.mark.parametrize("part", ["plain", "html"])
def test_whoever_was_there_before_reads_that_the_place_is_kept(part: str) -> None:
    """The page says the same to everybody; only the mail, which goes to the address, says which it was."""
    assert "vous êtes déjà sur cette liste" in words_of(place(new=False), part)
    assert "vous êtes déjà" not in words_of(place(), part)


@pytest.mark.parametrize("part", ["plain", "html"])
def test_whose_address_was_used_elsewhere_reads_that_nothing_was_changed(part: str) -> None:
    text = words_of(place(new=False, own=False), part)
    for wanted in ("restent ce qu’ils étaient", "4 places", MAIL.leave_url):
        assert wanted in text
    assert "restent ce qu’ils étaient" not in words_of(place(new=False), part)
    # Whoever is asked "It was not you?" of somebody else's try would give up a place of one's own.
    assert "Ce n’était pas vous" not in text


@pytest.mark.parametrize("part", ["plain", "html"])
def test_an_offer_does_not_say_whose_turn_it_is(part: str) -> None:
    """A manager may tell anybody by hand."""
    text = words_of(offer(), part)
    assert "bonne nouvelle de la liste d’attente" in text
    assert "votre tour" not in text


@pytest.mark.parametrize("part", ["plain", "html"])
def test_one_place_for_one_person_in_english(part: str) -> None:
    message = offer(replace(MAIL, locale="en", count=1, offered_count=1, tariff_name="Child"))
    assert message["Subject"] == "A place has come free: Le Malade imaginaire"
    text = words_of(message, part)
    assert "1 place is free" in text
    assert "Child" in text
    assert "more have not come free" not in text
    assert "Saturday 12 December 2026" in text  # as the pages say it
    assert "told at 2:00 PM on 22 November 2026" in text


@pytest.mark.parametrize("part", ["plain", "html"])
def test_any_date_is_said_to_be_any(part: str) -> None:
    assert "N’importe quelle date" in words_of(place(replace(MAIL, performances=())), part)


def test_a_mail_program_can_leave_by_itself() -> None:
    """RFC 8058."""
    for message in (place(), offer()):
        assert message["List-Unsubscribe"] == f"<{MAIL.unsubscribe_url}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_no_order_is_spoken_of_and_nothing_is_fetched() -> None:
    for message in (place(), offer()):
        markup = message.get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one
        assert "ommande" not in html.unescape(markup)
        assert not re.search(r"<(img|script|link|iframe|form)\b|url\(|@import", markup)


def test_what_a_stranger_typed_stays_text() -> None:
    message = place(replace(MAIL, name="<b>Jerry</b>\r\nBcc: all@example.org"))
    assert "<b>Jerry" not in message.get_body(("html",)).get_content()  # type: ignore[union-attr]  # as above
    assert message["Bcc"] is None
    with pytest.raises(MailRefused):
        place(replace(MAIL, email="a@example.org, b@example.org"))
