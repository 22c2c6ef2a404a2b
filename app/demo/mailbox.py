"""All mail of the demo: a real SMTP server on loopback that keeps every message in a Maildir and sends none on."""

from __future__ import annotations

import asyncio
import email
import html
import mailbox
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.policy import default as modern
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_BYTES_MAX = 25_000_000
RECIPIENTS = "X-Demo-Recipients"
LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


@dataclass(frozen=True, slots=True)
class Attachment:
    index: int
    """Its place among the message's parts: its address on the page."""
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Mail:
    key: str
    sender: str
    recipients: str
    subject: str
    at: datetime
    text: str
    has_html: bool
    attachments: tuple[Attachment, ...]


class Mailbox:
    """A Maildir, read once and then kept up by what is delivered here; newest first."""

    def __init__(self, directory: Path) -> None:
        self._maildir = mailbox.Maildir(directory, create=True)
        self._mails = {key: self._read(key) for key in self._maildir.keys()}  # noqa: SIM118 - a Maildir iterates over messages

    def __iter__(self) -> Iterator[Mail]:
        return iter(sorted(self._mails.values(), key=lambda mail: (mail.at, mail.key), reverse=True))

    def __len__(self) -> int:
        return len(self._mails)

    def get(self, key: str) -> Mail | None:
        return self._mails.get(key)

    async def deliver(self, content: bytes, recipients: list[str]) -> None:
        # The envelope knows who gets it; a Bcc is in no header.
        header = f"{RECIPIENTS}: {', '.join(recipients)}\r\n".encode()
        key = await asyncio.to_thread(self._maildir.add, header + content)
        self._mails[key] = self._read(key)

    def html_of(self, key: str) -> str | None:
        """The HTML part, its inline pictures pointing at this mail's parts; None without one."""
        message = self._message(key)
        body = message.get_body(("html",))
        if body is None:
            return None
        text = str(body.get_content())
        for index, part in enumerate(message.walk()):
            if name := part.get("Content-ID", "").strip("<> "):
                text = text.replace(f"cid:{name}", f"parts/{index}")
        return text

    def part(self, key: str, index: int) -> tuple[str, str, bytes] | None:
        """(file name, media type, content) of one part; None where there is none."""
        if key not in self._mails:
            return None
        parts = list(self._message(key).walk())
        if not 0 <= index < len(parts) or parts[index].is_multipart():
            return None
        part = parts[index]
        return part.get_filename() or f"part-{index}", part.get_content_type(), _content(part)

    def _message(self, key: str) -> EmailMessage:
        message = email.message_from_bytes(self._maildir.get_bytes(key), policy=modern)
        assert isinstance(message, EmailMessage)
        return message

    def _read(self, key: str) -> Mail:
        message = self._message(key)
        plain = message.get_body(("plain",))
        attached = {id(part) for part in message.iter_attachments()}
        attachments = tuple(
            Attachment(
                index,
                part.get_filename() or f"part-{index}",
                part.get_content_type(),
                len(_content(part)),
            )
            for index, part in enumerate(message.walk())
            if id(part) in attached
        )
        return Mail(
            key=key,
            sender=str(message.get("From", "")),
            recipients=str(message.get(RECIPIENTS) or message.get("To", "")),
            subject=str(message.get("Subject", "")),
            at=_date(message),
            text=str(plain.get_content()) if plain is not None else "",
            has_html=message.get_body(("html",)) is not None,
            attachments=attachments,
        )


def linked(text: str) -> str:
    """Plain text as safe HTML, its addresses as links."""
    pieces, end = [], 0
    for match in LINK.finditer(text):
        address = html.escape(match[0])
        pieces += [html.escape(text[end : match.start()]), f'<a href="{address}" target="_blank">{address}</a>']
        end = match.end()
    return "".join([*pieces, html.escape(text[end:])])


@asynccontextmanager
async def receiving(box: Mailbox, host: str, port: int) -> AsyncIterator[None]:
    """Take mail at host:port while the block runs. Raises OSError when the port is taken."""
    handler = _Handler(box)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True, data_size_limit=MESSAGE_BYTES_MAX, hostname="placeur.example"),
        host,
        port,
    )
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


class _Handler:
    """What aiosmtpd calls, by these names."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content
        if not isinstance(content, bytes):
            return "554 5.6.0 A message without content"
        await self._box.deliver(content, envelope.rcpt_tos)
        return "250 2.0.0 Kept in the demo's mailbox"


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _date(message: EmailMessage) -> datetime:
    try:
        at = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        return datetime.now(UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
