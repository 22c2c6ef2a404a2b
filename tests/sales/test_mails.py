"""The mails of an order (ORD-2), read back as a mail program would, and sent to a real SMTP server on loopback."""

from __future__ import annotations

import ast
import asyncio
import email
import html
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.core.i18n import catalogue
from app.core.web import FRONTEND, environment
from app.sales import documents, mails
from app.sales.mails import (
    MailRefused,
    MailUnavailable,
    OrderMail,
    PerformanceLine,
    RefundCause,
    TicketLine,
    confirmation_message,
    message_id_of,
    refund_message,
    send_message,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SENDER = "billets@placeur.example"
PDF = b"%PDF-1.7 tickets"
CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
MAIL = OrderMail(
    order_code="C3M8ZK0Q7TB",
    url="https://billetterie.example/orders/C3M8ZK0Q7TB?key=abc&from=mail",
    name="Élodie Čapek",
    email="elodie@exemple.fr",
    locale="fr",
    event_title="Le Malade imaginaire",
    performances=(
        PerformanceLine(
            title="",
            venue="Théâtre des Quatre-Vents, Lyon",
            starts_at=datetime(2026, 12, 12, 19, 30, tzinfo=UTC),
            doors_at=datetime(2026, 12, 12, 18, 45, tzinfo=UTC),
            time_zone="Europe/Paris",
        ),
    ),
    tickets=(
        TicketLine(label="Parterre · A · 12", tariff_name="Plein tarif", price_minor=4250),
        TicketLine(label="", tariff_name="Enfant", price_minor=0),
    ),
    total_minor=4250,
    currency="EUR",
    box_office_name="Théâtre des Quatre-Vents",
    contact_email="billetterie@quatre-vents.example",
    accent="#8a1c36",
    terms_url="https://billetterie.example/terms",
)


# What a message says


@pytest.mark.parametrize("part", ["plain", "html"])
def test_a_confirmation_says_everything_in_text_and_in_html(part: str) -> None:
    """ORD-2, CAT-9."""
    text = words_of(confirmation(), part)
    for wanted in (
        "Bonjour Élodie Čapek", "Le Malade imaginaire", "samedi 12 décembre 2026", "20:30", "19:45",
        "Théâtre des Quatre-Vents, Lyon", "Parterre · A · 12", "Plein tarif", "42,50 €", "Placement libre", "gratuit",
        MAIL.url, "C3M8ZK0Q7TB", "billetterie@quatre-vents.example", MAIL.terms_url,
    ):  # fmt: skip
        assert wanted in text


def test_a_confirmation_speaks_the_buyers_language() -> None:
    """CAT-9."""
    message = confirmation(replace(MAIL, locale="en"))
    text = words_of(message, "plain")
    assert message["Subject"] == "Your tickets for Le Malade imaginaire (order C3M8ZK0Q7TB)"
    assert "Saturday, December 12, 2026, 8:30 PM" in text
    assert "€42.50" in text
    assert "Unreserved seating" in text


def test_a_confirmation_carries_its_tickets_and_a_calendar_entry_for_each_performance() -> None:
    """ORD-2."""
    attached = {part.get_filename(): part for part in confirmation(calendars=(CALENDAR, CALENDAR)).iter_attachments()}
    assert list(attached) == ["tickets-C3M8ZK0Q7TB.pdf", "C3M8ZK0Q7TB-1.ics", "C3M8ZK0Q7TB-2.ics"]
    tickets, entry = attached["tickets-C3M8ZK0Q7TB.pdf"], attached["C3M8ZK0Q7TB-1.ics"]
    assert tickets.get_content_type() == "application/pdf"
    assert tickets.get_payload(decode=True) == PDF
    assert entry.get_content_type() == "text/calendar"
    assert entry.get_param("method") == "PUBLISH"
    assert entry.get_payload(decode=True) == CALENDAR


def test_mail_programs_without_html_get_the_text_first() -> None:
    message = confirmation()
    assert message.get_content_type() == "multipart/mixed"
    alternative = next(message.iter_parts())
    assert alternative.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in alternative.iter_parts()] == ["text/plain", "text/html"]


def test_headers_say_who_writes_and_where_an_answer_goes() -> None:
    """CAT-11."""
    message = confirmation()
    assert message["From"].addresses[0].display_name == "Théâtre des Quatre-Vents"
    assert message["From"].addresses[0].addr_spec == SENDER
    assert message["To"].addresses[0].display_name == "Élodie Čapek"
    assert message["To"].addresses[0].addr_spec == "elodie@exemple.fr"
    assert message["Reply-To"].addresses[0].addr_spec == "billetterie@quatre-vents.example"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == "Vos billets pour Le Malade imaginaire (commande C3M8ZK0Q7TB)"


def test_a_second_sending_carries_the_same_message_id() -> None:
    """A worker that died after the server's "250" sends again; mailboxes know the message by its id."""
    assert message_id_of("confirmation", "C3M8ZK0Q7TB", SENDER) == "<confirmation.C3M8ZK0Q7TB@placeur.example>"
    assert confirmation()["Message-ID"] == confirmation()["Message-ID"] == "<confirmation.C3M8ZK0Q7TB@placeur.example>"
    assert message_id_of("refund", "C3M8ZK0Q7TB", SENDER) != message_id_of("confirmation", "C3M8ZK0Q7TB", SENDER)


@pytest.mark.parametrize("part", ["plain", "html"])
@pytest.mark.parametrize(
    ("because", "said"),
    [
        ("seats_gone", "nous n’avons pas pu garder vos places"),
        ("paid_twice", "Vos billets restent valables"),
        ("wrong_amount", "un autre montant"),
    ],
)
def test_a_refund_says_why_and_how_much(because: RefundCause, said: str, part: str) -> None:
    """LIVE-10: money that came for nothing goes back whole, and the buyer is told."""
    message = refund(because)
    text = words_of(message, part)
    assert said in text
    assert "42,50 €" in text
    assert MAIL.url in text
    assert list(message.iter_attachments()) == []


def test_only_lost_seats_are_said_to_be_lost() -> None:
    assert "garder vos places" not in words_of(refund("paid_twice"), "plain")


def test_html_escapes_what_people_wrote_and_text_does_not() -> None:
    written = "Tom & <b>Jerry</b> \"x\""  # fmt: skip
    message = confirmation(replace(MAIL, name=written, event_title=written))
    markup = content_of(message, "html")
    assert "<b>Jerry" not in markup
    assert html.unescape(markup).count(written) >= 2
    assert f"Bonjour {written}, voici" in content_of(message, "plain")


def test_a_mail_fetches_nothing_and_runs_nothing() -> None:
    """No tracking, nothing for a mail program to block."""
    markup = content_of(confirmation(), "html")
    assert not re.search(r"<(img|script|link|iframe|form)\b|url\(|@import", markup)
    assert set(re.findall(r'href="([^"]*)"', markup)) == {
        html.escape(MAIL.url),
        "mailto:billetterie@quatre-vents.example",
        MAIL.terms_url,
    }


def test_what_is_missing_leaves_no_hole() -> None:
    message = confirmation(replace(MAIL, contact_email="", terms_url=""))
    assert message["Reply-To"] is None
    for part in ("plain", "html"):
        text = words_of(message, part)
        assert "Une question" not in text
        assert "Conditions de vente" not in text


# What may not get into a header


@pytest.mark.parametrize("field_name", ["name", "event_title", "box_office_name"])
def test_a_line_break_cannot_start_another_header(field_name: str) -> None:
    raw = sent_bytes(confirmation(replace(MAIL, **{field_name: "Ann\r\nBcc: victim@example.org\r\n\r\nHi"})))
    received = parsed(raw)
    assert received["Bcc"] is None
    assert len(received["To"].addresses) == 1
    assert received.get_content_type() == "multipart/mixed"


@given(name=st.text(max_size=200), title=st.text(max_size=200))
def test_whatever_names_hold_there_is_one_recipient_and_one_sender(name: str, title: str) -> None:
    """Quotes, commas, angle brackets and encoded words included, long enough to be folded."""
    raw = sent_bytes(confirmation(replace(MAIL, name=name, event_title=title, box_office_name=name)))
    received = parsed(raw)
    assert [address.addr_spec for address in received["To"].addresses] == ["elodie@exemple.fr"]
    assert [address.addr_spec for address in received["From"].addresses] == [SENDER]
    assert [address.addr_spec for address in received["Reply-To"].addresses] == ["billetterie@quatre-vents.example"]
    assert set(received.keys()) == set(confirmation().keys())


@pytest.mark.parametrize(
    "name",
    [
        "Bee, Ann <victim@example.org>",
        "\"Bee\" <victim@example.org>, Élodie " * 4,
        "=?utf-8?q?=2C_victim=40example=2Eorg?=",
        "É" * 99 + ", victim@example.org",
    ],
)  # fmt: skip
def test_a_name_that_looks_like_addresses_stays_a_name(name: str) -> None:
    received = parsed(sent_bytes(confirmation(replace(MAIL, name=name))))
    assert [address.addr_spec for address in received["To"].addresses] == ["elodie@exemple.fr"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@exemple.fr",
        "a@",
        "a b@exemple.fr",
        "a@b, c@d",
        "a@exemple.fr\r\nBcc: x@y",
        "<a@b>",
        "a@b@",
        "(c)@d",
    ],
)
def test_what_is_no_address_is_refused_before_it_is_sent(address: str) -> None:
    with pytest.raises(MailRefused, match="not an e-mail address"):
        confirmation(replace(MAIL, email=address))


def test_a_wrong_sender_is_the_operators_to_mend_and_loses_no_mail() -> None:
    with pytest.raises(MailUnavailable, match="the sender is not an e-mail address"):
        confirmation_message(MAIL, pdf=PDF, calendars=(), sender="nobody", message_id="<a@b>", now=NOW)


def test_a_wrong_contact_address_stops_no_tickets() -> None:
    assert confirmation(replace(MAIL, contact_email="call us"))["Reply-To"] is None


def test_a_domain_in_another_script_is_written_as_servers_want_it() -> None:
    message = confirmation(replace(MAIL, email="elodie@théâtre.example"))
    assert message["To"].addresses[0].addr_spec == "elodie@xn--thtre-4qa2c.example"


# Sending


async def test_a_message_arrives_whole() -> None:
    async with receiving() as server:
        await send_message(confirmation(), server.url)
    (envelope,) = server.received
    assert envelope.mail_from == SENDER
    assert envelope.rcpt_tos == ["elodie@exemple.fr"]
    assert isinstance(envelope.content, bytes)
    received = parsed(envelope.content)
    assert received["Message-ID"] == "<confirmation.C3M8ZK0Q7TB@placeur.example>"
    assert words_of(received, "plain") == words_of(confirmation(), "plain")
    assert [part.get_payload(decode=True) for part in received.iter_attachments()] == [PDF, CALENDAR]


async def test_a_message_crosses_a_server_that_knows_only_seven_bits() -> None:
    async with receiving(decode_data=True) as server:
        await send_message(confirmation(), server.url)
    (envelope,) = server.received
    assert isinstance(envelope.content, str)
    assert envelope.content.isascii()
    assert "Bonjour Élodie" in words_of(parsed(envelope.content.encode()), "plain")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it is on loopback
async def test_a_message_logs_in_where_it_is_asked_to() -> None:
    async with receiving(password="p@ss:w/rd") as server:
        with_login = server.url.replace("smtp://", "smtp://box%40office:p%40ss%3Aw%2Frd@")
        await send_message(confirmation(), with_login)
        assert len(server.received) == 1
        with pytest.raises(MailUnavailable, match="535"):
            await send_message(confirmation(), server.url.replace("smtp://", "smtp://box%40office:wrong@"))
        with pytest.raises(MailUnavailable, match="530"):
            await send_message(confirmation(), server.url)


async def test_tls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    serving, trusting = certificates(tmp_path)
    async with receiving(tls_context=serving) as server:
        await send_message(confirmation(), server.url, tls_context=trusting)
    assert server.encrypted == [True]


async def test_smtps_speaks_tls_from_the_start(tmp_path: Path) -> None:
    serving, trusting = certificates(tmp_path)
    async with receiving(implicit_tls=serving) as server:
        await send_message(confirmation(), server.url.replace("smtp://", "smtps://"), tls_context=trusting)
    assert server.encrypted == [True]


async def test_a_certificate_that_nobody_vouches_for_stops_the_sending(tmp_path: Path) -> None:
    serving, _ = certificates(tmp_path)
    async with receiving(tls_context=serving) as server:
        with pytest.raises(MailUnavailable, match="certificate"):
            await send_message(confirmation(), server.url)
    assert server.received == []


def test_a_password_goes_to_another_machine_only_under_tls() -> None:
    assert mails._start_tls("smtp", "mail.example", "box") is True
    assert mails._start_tls("smtp", "mail.example", None) is None
    assert mails._start_tls("smtp", "127.0.0.1", "box") is None
    assert mails._start_tls("smtp", "::1", "box") is None
    assert mails._start_tls("smtp", "localhost", "box") is None


@pytest.mark.parametrize(
    ("stage", "answer", "verdict"),
    [
        ("RCPT", "550 5.1.1 No such mailbox", MailRefused),
        ("RCPT", "451 4.7.1 Greylisted, come back", MailUnavailable),
        ("DATA", "554 5.7.1 Looks like spam", MailRefused),
        ("DATA", "452 4.3.1 Disk full", MailUnavailable),
        ("MAIL", "552 5.3.4 Too large", MailRefused),
        ("MAIL", "550 5.7.1 This sender may not send here", MailUnavailable),
        ("MAIL", "421 4.3.2 Going down", MailUnavailable),
    ],
)
async def test_what_the_server_answers_decides_whether_to_try_again(
    stage: str, answer: str, verdict: type[Exception]
) -> None:
    """A refused recipient is final; a refused sender is the operator's to mend, and the mail waits."""
    async with receiving(answers={stage: answer}) as server:
        with pytest.raises(verdict, match=answer[:3]):
            await send_message(confirmation(), server.url)
    assert server.received == []


async def test_an_address_beyond_ascii_is_sent_where_the_server_knows_how() -> None:
    abroad = replace(MAIL, email="élodie@exemple.fr")
    async with receiving(enable_SMTPUTF8=True) as server:
        await send_message(confirmation(abroad), server.url)
    assert server.received[0].rcpt_tos == ["élodie@exemple.fr"]
    async with receiving(enable_SMTPUTF8=False) as server:
        with pytest.raises(MailRefused, match="SMTPUTF8"):
            await send_message(confirmation(abroad), server.url)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(MailUnavailable):
            await send_message(confirmation(), url)


async def test_a_server_that_hangs_up_in_the_middle_is_unavailable() -> None:
    """Whether it kept the message is unknown: it is sent again under the same id."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(MailUnavailable):
            await send_message(confirmation(), f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")


async def test_a_message_that_was_taken_is_not_failed_by_a_rude_goodbye() -> None:
    """Else it would be sent a second time."""
    async with receiving(answers={"QUIT": "421 4.4.2 no"}) as server:
        await send_message(confirmation(), server.url)
    assert len(server.received) == 1


# Words


def test_every_word_of_mails_and_documents_is_in_french() -> None:
    """CAT-9: fr is complete."""
    french = catalogue("fr")
    asked = messages_of_templates() | messages_of_sources()
    assert "Vos billets" not in asked
    assert len(asked) > 40
    missing = [text for text in sorted(asked) if not ((found := french.get(text)) and found.string)]
    assert missing == []


def test_translations_fill_in_the_same_things_as_the_english() -> None:
    french = catalogue("fr")
    for text in messages_of_templates() | messages_of_sources():
        found = french.get(text)
        assert found is not None
        assert isinstance(found.string, str)
        names = re.compile(r"%\(\w+\)s|\{\w*\}")
        assert sorted(names.findall(found.string)) == sorted(names.findall(text))


def messages_of_templates() -> set[str]:
    return {
        text
        for path in (FRONTEND / "templates" / "mail").iterdir()
        for _, _, text in environment().extract_translations(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]  # added by the i18n extension
        if isinstance(text, str)
    }


def messages_of_sources() -> set[str]:
    folder = Path(str(documents.__file__)).parent
    return {
        call.args[0].value
        for path in (Path(mails.__file__), *folder.glob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_"
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


# The cast


def confirmation(mail: OrderMail = MAIL, calendars: tuple[bytes, ...] = (CALENDAR,)) -> EmailMessage:
    id = message_id_of("confirmation", MAIL.order_code, SENDER)
    return confirmation_message(mail, pdf=PDF, calendars=calendars, sender=SENDER, message_id=id, now=NOW)


def refund(because: RefundCause) -> EmailMessage:
    id = message_id_of("refund", MAIL.order_code, SENDER)
    return refund_message(MAIL, amount_minor=4250, because=because, sender=SENDER, message_id=id, now=NOW)


def content_of(message: EmailMessage, part: str) -> str:
    body = message.get_body((part,))
    assert body is not None
    return str(body.get_content())


def words_of(message: EmailMessage, part: str) -> str:
    """The part's words with plain spaces, entities resolved."""
    return " ".join(html.unescape(content_of(message, part)).split())


def sent_bytes(message: EmailMessage) -> bytes:
    return message.as_bytes()


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=modern)
    assert isinstance(message, EmailMessage)
    return message


@dataclass
class Server:
    """A real SMTP server; `answers` maps a stage to what it says there instead of "250"."""

    answers: dict[str, str]
    url: str = ""
    received: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_MAIL(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        if "DATA" not in self.answers:
            self.received.append(envelope)
            assert server.transport is not None
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.answers.get("DATA", "250 OK")

    async def handle_QUIT(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        return self.answers.get("QUIT", "221 Bye")


@asynccontextmanager
async def receiving(
    *,
    answers: dict[str, str] | None = None,
    password: str | None = None,
    implicit_tls: ssl.SSLContext | None = None,
    **options: Any,
) -> AsyncIterator[Server]:
    server = Server(answers or {})

    def check(*asked: Any) -> AuthResult:
        given = asked[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.password.decode() == password, handled=False)

    if password is not None:
        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": False}
    made: Callable[[], SMTP] = lambda: SMTP(server, hostname="mail.example", **options)  # noqa: E731 - a protocol factory
    listener = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=implicit_tls)
    server.url = f"smtp://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        yield server


def certificates(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for 127.0.0.1, and a client's that trusts only it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = directory / "mail.pem"
    file.write_bytes(private + pem)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(file)
    return serving, ssl.create_default_context(cadata=pem.decode())
