"""The mails of an order (ORD-2): the confirmation with its tickets, and word of a refund. Made here, sent here.

A message is made purely from an `OrderMail`; `send_message` gives it to the operator's mail server. What a person
wrote (names, titles) reaches headers only as one line, and the HTML part only escaped. An order that expired unpaid is
not mailed about: its buyer saw the countdown, and a mail would arrive like a reproach.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Literal, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from app.core import clock
from app.core.i18n import gettext as _
from app.core.i18n import locale_of
from app.core.web import render
from app.sales.documents.accent import ink
from app.sales.documents.content import one_line

SEND_TIMEOUT_S = 30.0
DISPLAY_NAME_MAX = 100


RefundCause = Literal["seats_gone", "paid_twice", "wrong_amount"]
"""seats_gone: the payment came after the seats had gone back on sale. paid_twice: the order was paid already, and its
tickets stay valid. wrong_amount: not what the order asked for; it still waits for its payment."""


class MailUnavailable(Exception):
    """The mail server cannot take the message now (away, busy, misconfigured): the same message may pass later."""


class MailRefused(Exception):
    """This message will never pass: its address does not exist or cannot be written, or its content was refused."""


class PerformanceLine(Struct, frozen=True, kw_only=True):
    """A performance of the order; times are aware and shown in `time_zone`, `title` may be ""."""

    title: str
    venue: str
    starts_at: datetime
    doors_at: datetime | None
    time_zone: str


class TicketLine(Struct, frozen=True, kw_only=True):
    """A ticket of the order; `label` is its seat, or "" when unnumbered."""

    label: str
    tariff_name: str
    price_minor: int


class OrderMail(Struct, frozen=True, kw_only=True):
    """What the mails of an order say. Texts are in the language of `locale`; `url` and `terms_url` are absolute."""

    order_code: str
    url: str
    name: str
    email: str
    locale: str
    event_title: str
    performances: tuple[PerformanceLine, ...]
    tickets: tuple[TicketLine, ...]
    total_minor: int
    currency: str
    box_office_name: str
    contact_email: str
    accent: str
    terms_url: str


class Letter(Protocol):
    """What every mail to a buyer has, whatever it is about."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def box_office_name(self) -> str: ...
    @property
    def contact_email(self) -> str: ...
    @property
    def accent(self) -> str: ...


def message_id_of(kind: str, subject: str, sender: str) -> str:
    """`<confirmation.C…@domain>`: the same for every sending of the same mail.

    A worker may die between the server's "250" and its own note of it, and then sends again; mailboxes drop or stack
    a message whose id they have already.
    """
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<{kind}.{subject}@{domain}>"


def confirmation_message(
    mail: OrderMail,
    *,
    pdf: bytes,
    calendars: Sequence[bytes],
    sender: str,
    message_id: str,
    new_seat: bool = False,
    now: datetime | None = None,
) -> EmailMessage:
    """The tickets are here: text and HTML, the tickets as PDF, an .ics for each performance (ORD-2). `new_seat`: they
    are here again, since one of them has another seat.

    Raises MailRefused when the buyer's address cannot be written into a header, MailUnavailable when `sender` cannot.
    """
    with locale_of(mail.locale):
        title = (
            _("Your new seat for {event} (order {code})") if new_seat else _("Your tickets for {event} (order {code})")
        )
        subject = title.format(event=mail.event_title, code=mail.order_code)
        message = compose(mail, "confirmation", subject, sender=sender, message_id=message_id, now=now)
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"tickets-{mail.order_code}.pdf")
    for position, calendar in enumerate(calendars, start=1):
        number = f"-{position}" if len(calendars) > 1 else ""
        message.add_attachment(
            calendar,
            maintype="text",
            subtype="calendar",
            filename=f"{mail.order_code}{number}.ics",
            params={"charset": "utf-8", "method": "PUBLISH"},
        )
    return message


def refund_message(
    mail: OrderMail,
    *,
    amount_minor: int,
    because: RefundCause,
    sender: str,
    message_id: str,
    now: datetime | None = None,
) -> EmailMessage:
    """Money that no order wants goes back, all of it (LIVE-10). Raises MailRefused like `confirmation_message`."""
    with locale_of(mail.locale):
        subject = _("Your payment is on its way back (order {code})").format(code=mail.order_code)
        shown = {"amount_minor": amount_minor, "because": because}
        return compose(mail, "refund", subject, sender=sender, message_id=message_id, now=now, **shown)


def compose(
    mail: Letter, template: str, subject: str, *, sender: str, message_id: str, now: datetime | None, **context: Any
) -> EmailMessage:
    """Text and HTML from `mail/{template}`, in the language that is set. Raises MailRefused when the buyer's address
    cannot be written into a header, MailUnavailable when `sender` cannot."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _header_text(subject)
    try:
        message["From"] = _address(sender, mail.box_office_name)
    except MailRefused as wrong:
        # A setting of the operator's, not the buyer's doing: the mails wait until it is mended.
        raise MailUnavailable(f"the sender is {wrong}") from wrong
    message["To"] = _address(mail.email, mail.name)
    with suppress(MailRefused):  # without a usable contact address, answers go to the sender
        message["Reply-To"] = _address(mail.contact_email, mail.box_office_name)
    message["Date"] = format_datetime(now or clock.now())
    message["Message-ID"] = message_id
    # RFC 3834; and Exchange's own word for the same wish: no out-of-office notes to the box office.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    shown = {"mail": mail, "subject": one_line(subject), "ink": ink(mail.accent), **context}
    # Quoted-printable, not 8bit: the message crosses servers that we do not know.
    message.set_content(render(f"mail/{template}.txt", **shown), cte="quoted-printable")
    message.add_alternative(render(f"mail/{template}.html", **shown), subtype="html", cte="quoted-printable")
    return message


# What servers deliver to: a dot-atom, in any script (RFC 6531), at a domain. Quoted local parts and address literals
# are legal, unheard of among buyers, and the stuff of injections.
_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]+(?:\.[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


def _address(address: str, name: str) -> Address:
    """A mailbox with a display name that cannot break out of its header."""
    user, _at, domain = address.strip().rpartition("@")
    try:
        # Servers want the domain in its ASCII form; the part before the @ has none.
        domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError as error:
        raise MailRefused(f"not an e-mail address: {address!r}") from error
    if len(user) > 64 or not _LOCAL_PART.fullmatch(user) or not _DOMAIN.fullmatch(domain):
        raise MailRefused(f"not an e-mail address: {address!r}")
    return Address(_header_text(name)[:DISPLAY_NAME_MAX], username=user, domain=domain)


def _header_text(text: str) -> str:
    """One line that mail programs read as it is written: `=?` would begin an encoded word, with anything inside."""
    return one_line(text).replace("=?", "= ?")


async def send_message(message: EmailMessage, smtp_url: str, *, tls_context: ssl.SSLContext | None = None) -> None:
    """Give the message to the server at `smtp_url`: smtp://user:password@host:port, or smtps:// for TLS from the start.

    With smtp://, STARTTLS is used when it is offered; a password is sent to another machine only under TLS. Raises
    MailUnavailable (try again later) or MailRefused (never will).
    """
    url = urlsplit(smtp_url)
    host = url.hostname or "localhost"
    username = unquote(url.username) if url.username else None
    try:
        await aiosmtplib.send(
            message,
            hostname=host,
            port=url.port,
            username=username,
            password=unquote(url.password) if url.password else None,
            use_tls=url.scheme == "smtps",
            start_tls=_start_tls(url.scheme, host, username),
            tls_context=tls_context,
            timeout=SEND_TIMEOUT_S,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _verdict(error, message) from error


def _start_tls(scheme: str, host: str, username: str | None) -> bool | None:
    """None: when offered; True: or not at all."""
    if scheme == "smtps":
        return False
    return True if username and not _is_loopback(host) else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _verdict(error: Exception, message: EmailMessage) -> MailUnavailable | MailRefused:
    """Only an answer about the recipient or the content condemns the message.

    A 5xx to our log-in or to our sender's address is the operator's to mend: meanwhile every mail has to wait, not to
    be lost.
    """
    match error:
        case aiosmtplib.SMTPRecipientsRefused() if all(refusal.code >= 500 for refusal in error.recipients):
            return MailRefused("; ".join(f"{r.code} {r.message}" for r in error.recipients))
        case aiosmtplib.SMTPDataError() if error.code >= 500:
            return MailRefused(f"{error.code} {error.message}")
        case aiosmtplib.SMTPSenderRefused(code=552):
            # The size is announced along with the sender (RFC 1870): this is about the content as well.
            return MailRefused(f"{error.code} {error.message}")
        case aiosmtplib.SMTPNotSupported() if not str(message["To"].addresses[0].addr_spec).isascii():
            return MailRefused(str(error))
        case _:
            return MailUnavailable(str(error) or type(error).__name__)
