"""What is outside of the box office: mail that really arrives, and the labels that really came out."""

from __future__ import annotations

import asyncio
import smtplib
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from app.demo.bank import Bank
from app.demo.label_picture import picture
from app.demo.mailbox import Mailbox, linked, receiving
from app.demo.ports import BANK_PATH, HOST
from app.demo.world import create_app
from hardware.printers._contract import LABEL_100_50, TICKET_STOCK, PrintableTicket, SeatPart, Stock
from hardware.printers.zpl import LANGUAGE
from hardware.virtual_printer import VirtualPrinter
from tests.ports import free_port

TICKET = PrintableTicket(
    number="T4F7ZK92QWX", code="P1ABCDEFG0123", event="Le Malade imaginaire", date="24.11.2026 20:00", price="42,00 €",
    seat=(SeatPart("Rang", "A"), SeatPart("Place", "12")), tariff="Plein tarif", holder="Zoé Laurent",
)  # fmt: skip


@pytest.fixture
def box(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mailbox")


@pytest.fixture
async def printer(tmp_path: Path) -> AsyncIterator[VirtualPrinter]:
    machine = VirtualPrinter(tmp_path / "labels", port=0)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
async def pages(box: Mailbox, printer: VirtualPrinter) -> AsyncIterator[httpx.AsyncClient]:
    bank = Bank(
        secret_key="sk_test_1",
        webhook_secret="whsec_1",
        webhook_url="http://127.0.0.1:1/webhooks/card",
        base_url=f"http://testserver.local{BANK_PATH}",
        data=None,
    )
    app = create_app(box, printer, bank)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # both are ASGI; their types of a scope differ
    async with bank.lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


def confirmation(*, html: str | None = None) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Les Scènes du Canal <billetterie@scenes-du-canal.example>"
    mail["To"] = "Zoé Laurent <zoe@buyer.example>"
    mail["Subject"] = "Vos billets pour « Le Malade imaginaire »"
    mail["Date"] = "Sun, 22 Nov 2026 07:40:00 +0000"
    mail.set_content("Bonjour Zoé,\nvoyez https://placeur.example/orders/C1?key=2.\n<script>alert(1)</script>\n")
    if html is not None:
        mail.add_alternative(html, subtype="html")
    mail.add_attachment(b"%PDF-1.7 ticket", maintype="application", subtype="pdf", filename="billets.pdf")
    return mail


async def post(box: Mailbox, mail: EmailMessage, *recipients: str) -> str:
    """Send over real SMTP; the key under which it is kept."""
    port = free_port()
    before = {kept.key for kept in box}

    def send() -> None:
        with smtplib.SMTP(HOST, port) as server:
            server.send_message(mail, to_addrs=recipients or None)

    async with receiving(box, HOST, port):
        await asyncio.to_thread(send)
    (key,) = {kept.key for kept in box} - before
    return key


async def test_a_mail_arrives_with_its_tickets(box: Mailbox) -> None:
    """ORD-2: subject, text and PDF as they were sent."""
    key = await post(box, confirmation())

    mail = box.get(key)
    assert mail is not None
    assert mail.subject == "Vos billets pour « Le Malade imaginaire »"
    assert mail.recipients == "zoe@buyer.example"
    assert [(file.name, file.media_type) for file in mail.attachments] == [("billets.pdf", "application/pdf")]
    assert box.part(key, mail.attachments[0].index) == ("billets.pdf", "application/pdf", b"%PDF-1.7 ticket")


async def test_a_blind_copy_is_seen_here_though_no_header_tells(box: Mailbox) -> None:
    key = await post(box, confirmation(), "zoe@buyer.example", "archive@scenes-du-canal.example")

    mail = box.get(key)
    assert mail is not None
    assert mail.recipients == "zoe@buyer.example, archive@scenes-du-canal.example"


async def test_mail_outlives_the_process(box: Mailbox, tmp_path: Path) -> None:
    key = await post(box, confirmation())

    again = Mailbox(tmp_path / "mailbox")
    assert [mail.key for mail in again] == [key]
    assert again.get(key) == box.get(key)


async def test_the_page_lists_and_opens_mail_in_both_languages(pages: httpx.AsyncClient, box: Mailbox) -> None:
    empty = await pages.get("/?language=en")
    assert "No mail yet" in empty.text
    key = await post(box, confirmation())

    listed = await pages.get("/", headers={"Accept-Language": "fr-CH, fr;q=0.9"})
    assert '<html lang="fr">' in listed.text
    assert "Boîte aux lettres" in listed.text
    assert f'href="/mails/{key}?language=fr"' in listed.text
    opened = await pages.get(f"/mails/{key}?language=en")
    assert "Attachments" in opened.text
    assert "billets.pdf" in opened.text
    assert (await pages.get("/versions")).json() == {"mailbox": 1, "labels": 0}


async def test_text_of_a_mail_is_text(pages: httpx.AsyncClient, box: Mailbox) -> None:
    """Its links can be followed; nothing else in it does anything."""
    key = await post(box, confirmation())

    page = (await pages.get(f"/mails/{key}")).text
    assert 'href="https://placeur.example/orders/C1?key=2" target="_blank"' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


async def test_html_of_a_mail_cannot_run_anything(pages: httpx.AsyncClient, box: Mailbox) -> None:
    key = await post(box, confirmation(html="<p>Bonjour</p><script>parent.location = '/'</script>"))

    answer = await pages.get(f"/mails/{key}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "<p>Bonjour</p>" in answer.text
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert 'sandbox="allow-popups' in (await pages.get(f"/mails/{key}")).text


async def test_a_picture_inside_a_mail_is_shown_from_the_mail(box: Mailbox) -> None:
    mail = confirmation(html='<img src="cid:logo@placeur">')
    body = mail.get_body(("html",))
    assert isinstance(body, EmailMessage)
    body.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo@placeur>")
    key = await post(box, mail)

    html = box.html_of(key)
    assert html is not None
    index = int(html.partition("parts/")[2].partition('"')[0])
    assert box.part(key, index) == (f"part-{index}", "image/png", b"\x89PNG")


@pytest.mark.parametrize("path", ["/mails/none", "/mails/none/html", "/mails/none/parts/0", "/labels/7"])
async def test_what_is_not_there_is_not_found(pages: httpx.AsyncClient, path: str) -> None:
    assert (await pages.get(path)).status_code == 404


async def test_a_part_that_is_not_there_is_not_found(pages: httpx.AsyncClient, box: Mailbox) -> None:
    key = await post(box, confirmation())

    assert (await pages.get(f"/mails/{key}/parts/0")).status_code == 404  # the whole, which is no part
    assert (await pages.get(f"/mails/{key}/parts/99")).status_code == 404
    assert (await pages.get(f"/mails/{key}/html")).status_code == 404  # it has none


async def test_an_attached_page_is_never_opened_as_ours(pages: httpx.AsyncClient, box: Mailbox) -> None:
    mail = confirmation()
    mail.add_attachment("<script>alert(1)</script>", subtype="html", filename="bill.html")
    key = await post(box, mail)
    kept = box.get(key)
    assert kept is not None

    answer = await pages.get(f"/mails/{key}/parts/{kept.attachments[1].index}")
    assert answer.headers["Content-Type"].startswith("application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_links_end_before_the_sentence_does() -> None:
    assert linked("(see https://a.example/x?y=1&z=2).") == (
        '(see <a href="https://a.example/x?y=1&amp;z=2" target="_blank">https://a.example/x?y=1&amp;z=2</a>).'
    )


async def test_a_printed_label_is_shown(pages: httpx.AsyncClient, printer: VirtualPrinter) -> None:
    reader, writer = await asyncio.open_connection(HOST, printer.port)
    writer.write(LANGUAGE.render(TICKET, LABEL_100_50))
    writer.write_eof()
    async with asyncio.timeout(60):
        while not printer.labels():
            await asyncio.sleep(0.02)
    assert await reader.read() == b""
    writer.close()

    page = await pages.get("/labels?language=en")
    assert 'src="/labels/1"' in page.text
    label = await pages.get("/labels/1")
    assert label.headers["Content-Type"].startswith("image/svg+xml")
    assert "T4F7ZK92QWX" in label.text
    assert (await pages.get("/versions")).json()["labels"] == 1


@pytest.mark.parametrize("stock", [LABEL_100_50, TICKET_STOCK])
def test_a_label_s_picture_shows_every_text_and_the_code(stock: Stock) -> None:
    drawn = ElementTree.fromstring(picture(LANGUAGE.render(TICKET, stock).decode()))  # noqa: S314 - we drew it ourselves
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]

    for part in ("Le Malade imaginaire", "42,00 €", "Plein tarif · Zoé Laurent", "A", "12", "Rang", "T4F7ZK92QWX"):
        assert part in texts
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}path"))) == 1


def test_what_a_printer_does_not_know_is_passed_over() -> None:
    drawn = picture("^XA^ZZ9^PW100^LL50^FO1,2^A0N,20,20^FD<b>&^FS^GB^XZ")

    assert 'viewBox="0 0 100 50"' in drawn
    assert "&lt;b&gt;&amp;" in drawn


async def test_the_bank_lives_beside_the_mailbox(pages: httpx.AsyncClient) -> None:
    answer = await pages.get(f"{BANK_PATH}/v1/checkout/sessions/none", headers={"Authorization": "Bearer sk_test_1"})

    assert answer.json()["error"]["code"] == "resource_missing"
