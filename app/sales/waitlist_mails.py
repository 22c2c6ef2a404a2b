"""The mails of the waitlist (WTL-1, WTL-2), made purely from a `WaitlistMail`."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage

from msgspec import Struct

from app.core.i18n import gettext as _
from app.core.i18n import locale_of, ngettext
from app.sales.mails import PerformanceLine, compose


class WaitlistMail(Struct, frozen=True, kw_only=True):
    """What the mails of an entry say. Texts are in the language of `locale`, addresses absolute; `performances`: what
    is waited for or offered, none for any date; `until`, `offered_count`: an offer's. `unsubscribe_url`: for a POST."""

    name: str
    email: str
    locale: str
    event_title: str
    performances: tuple[PerformanceLine, ...]
    tariff_name: str
    count: int
    position: int
    offered_count: int
    until: datetime | None
    time_zone: str
    url: str
    leave_url: str
    unsubscribe_url: str
    box_office_name: str
    contact_email: str
    accent: str
    terms_url: str


def place_message(
    mail: WaitlistMail, *, new: bool, own: bool, sender: str, message_id: str, now: datetime | None = None
) -> EmailMessage:
    """On the list; not `new`: had been there before; not `own`: another browser asked, and changed nothing. Raises
    MailRefused, MailUnavailable like every mail."""
    with locale_of(mail.locale):
        subject = _("You are on the waiting list for {event}").format(event=mail.event_title)
        return _with_way_out(mail, compose(
            mail, "waitlist_place", subject, sender=sender, message_id=message_id, now=now, new=new, own=own
        ))  # fmt: skip


def offer_message(mail: WaitlistMail, *, sender: str, message_id: str, now: datetime | None = None) -> EmailMessage:
    """There are places. Raises MailRefused, MailUnavailable like every mail."""
    with locale_of(mail.locale):
        subject = ngettext(
            "A place has come free: {event}", "{n} places have come free: {event}", mail.offered_count
        ).format(n=mail.offered_count, event=mail.event_title)
        return _with_way_out(
            mail, compose(mail, "waitlist_offer", subject, sender=sender, message_id=message_id, now=now)
        )


def _with_way_out(mail: WaitlistMail, message: EmailMessage) -> EmailMessage:
    """RFC 8058: mail programs show a button of their own to leave, and need no page for it."""
    message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message
