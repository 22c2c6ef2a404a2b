"""The pages of what is outside of the box office: the mailbox, and the labels that the demo's printer put out.

Litestar reads the annotations here at run time.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from markupsafe import Markup

from app.core.i18n import show_date
from app.demo.label_picture import picture
from app.demo.mailbox import Mail, Mailbox, linked
from hardware.virtual_printer import VirtualPrinter

ZONE = ZoneInfo("Europe/Paris")
LANGUAGES = ("fr", "en")
LABELS_SHOWN = 60
# What a mail's HTML may do in its frame: look like itself. No scripts, nothing fetched from elsewhere.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; "
    "style-src 'unsafe-inline'; font-src data:"
)
WORDS = {
    "en": {
        "mailbox": "Mailbox",
        "printer": "Printer",
        "outside": "Demonstration: nothing here leaves this machine.",
        "other_code": "fr",
        "other_name": "Français",
        "no_mail": "No mail yet. Buy a ticket in the shop, and its confirmation arrives here.",
        "no_subject": "(no subject)",
        "choose": "Choose a mail to read it.",
        "sender": "From",
        "recipients": "To",
        "date": "Date",
        "attachments": "Attachments",
        "as_text": "As plain text",
        "no_labels": "Nothing printed yet. Sell a ticket at the counter, and it comes out here.",
        "labels": "What came out of the printer",
        "label": "Label",
        "commands": "Printer commands",
    },
    "fr": {
        "mailbox": "Boîte aux lettres",
        "printer": "Imprimante",
        "outside": "Démonstration : rien ne quitte cette machine.",
        "other_code": "en",
        "other_name": "English",
        "no_mail": "Aucun message. Achetez un billet dans la boutique, et sa confirmation arrive ici.",
        "no_subject": "(sans objet)",
        "choose": "Choisissez un message pour le lire.",
        "sender": "De",
        "recipients": "À",
        "date": "Date",
        "attachments": "Pièces jointes",
        "as_text": "En texte simple",
        "no_labels": "Rien d’imprimé. Vendez un billet au guichet, et il sort ici.",
        "labels": "Ce qui est sorti de l’imprimante",
        "label": "Étiquette",
        "commands": "Commandes de l’imprimante",
    },
}

AnyRequest = Request[Any, Any, Any]

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


@get("/", sync_to_thread=False)
def show_mailbox(request: AnyRequest, state: State) -> Response[str]:
    return _page(request, "mailbox.html", place="mailbox", version=len(state.mailbox), mails=state.mailbox, mail=None)


@get("/mails/{key:str}", sync_to_thread=False)
def show_mail(request: AnyRequest, state: State, key: FromPath[str]) -> Response[str]:
    mail = _mail(state, key)
    return _page(
        request,
        "mailbox.html",
        place="mailbox",
        version=len(state.mailbox),
        mails=state.mailbox,
        mail=mail,
        text=Markup(linked(mail.text)),  # noqa: S704 - `linked` escapes all but the links it makes
    )


@get("/mails/{key:str}/html", sync_to_thread=False)
def show_html(state: State, key: FromPath[str]) -> Response[str]:
    body = _mailbox(state).html_of(_mail(state, key).key)
    if body is None:
        raise NotFoundException("This mail has no HTML part.")
    # Links of a mail open beside the mailbox, as in any mail program.
    return Response(
        f'<base target="_blank">{body}',
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": MAIL_POLICY, "X-Content-Type-Options": "nosniff"},
    )


@get("/mails/{key:str}/parts/{index:int}", sync_to_thread=False)
def show_part(state: State, key: FromPath[str], index: FromPath[int]) -> Response[bytes]:
    part = _mailbox(state).part(key, index)
    if part is None:
        raise NotFoundException("This mail has no such part.")
    name, media_type, content = part
    shown = media_type == "application/pdf" or (media_type.startswith("image/") and media_type != "image/svg+xml")
    plain = name.encode("ascii", "replace").decode().replace('"', "'")
    return Response(
        content,
        media_type=media_type if shown or media_type == "text/calendar" else "application/octet-stream",
        headers={
            "Content-Disposition": f'{"inline" if shown else "attachment"}; filename="{plain}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@get("/labels", sync_to_thread=True)
def show_labels(request: AnyRequest, state: State) -> Response[str]:
    paths = _printer(state).labels()
    labels = [
        {
            "number": int(path.stem),
            "at": datetime.fromtimestamp(path.stat().st_mtime, UTC),
            "commands": path.read_text(errors="replace"),
        }
        for path in reversed(paths[-LABELS_SHOWN:])
    ]
    return _page(request, "labels.html", place="labels", version=len(paths), labels=labels)


@get("/labels/{number:int}", sync_to_thread=True)
def show_label(state: State, number: FromPath[int]) -> Response[str]:
    path = next((path for path in _printer(state).labels() if int(path.stem) == number), None)
    if path is None:
        raise NotFoundException("There is no such label.")
    return Response(picture(path.read_text(errors="replace")), media_type="image/svg+xml")


@get("/versions", sync_to_thread=True)
def tell_versions(state: State) -> dict[str, int]:
    """What a page compares to know that something new has come."""
    return {"mailbox": len(_mailbox(state)), "labels": len(_printer(state).labels())}


@get("/health/ready", sync_to_thread=False, media_type=MediaType.TEXT)
def tell_ready() -> str:
    return "ready"


def _mailbox(state: State) -> Mailbox:
    found = state.mailbox
    assert isinstance(found, Mailbox)
    return found


def _printer(state: State) -> VirtualPrinter:
    found = state.printer
    assert isinstance(found, VirtualPrinter)
    return found


def _mail(state: State, key: str) -> Mail:
    mail = _mailbox(state).get(key)
    if mail is None:
        raise NotFoundException("There is no such mail.")
    return mail


def _page(request: AnyRequest, template: str, **context: object) -> Response[str]:
    language = _language(request)

    def moment(at: datetime, long: bool = False) -> str:
        day = show_date(at, ZONE.key, "EEEE d MMMM y" if long else "d MMM", language)
        return f"{day} {at.astimezone(ZONE):%H:%M}"

    def size(count: int) -> str:
        return f"{format_decimal(max(1, round(count / 1000)), locale=language)} {'ko' if language == 'fr' else 'kB'}"

    text = _templates.get_template(template).render(
        language=language, words=WORDS[language], moment=moment, size=size, **context
    )
    return Response(text, media_type=MediaType.HTML)


def _language(request: AnyRequest) -> str:
    wishes = [request.query_params.get("language", ""), *request.headers.get("Accept-Language", "").split(",")]
    codes = (wish.strip()[:2].lower() for wish in wishes)
    return next((code for code in codes if code in LANGUAGES), "en")


router = Router(
    path="/",
    route_handlers=[show_mailbox, show_mail, show_html, show_part, show_labels, show_label, tell_versions, tell_ready],
)
