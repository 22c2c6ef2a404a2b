"""What the buyer sees: the payment page, the 3-D Secure question, and where each leads. Also the bank's own journal.

Every page says that this is a demo. Every change answers with a redirect (303), so that reloading never pays again.
"""

import math
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from app.demo.bank.cards import BY_NUMBER, TEST_CARDS, check_card
from app.demo.bank.ledger import Ledger
from app.demo.bank.wire import ID_PLACE, Session, Terms, WireError, read_form
from app.demo.bank.words import choose_language, explain, show_amount, word

Wire = Request[Any, Any, Any]
TheLedger: TypeAlias = NamedDependency[Ledger]
TheTerms: TypeAlias = NamedDependency[Terms]
Page = Response[str]

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@get("/")
async def show_journal(request: Wire, bank_ledger: TheLedger, bank_terms: TheTerms) -> Page:
    bank_ledger.settle_due()
    return _show(request, bank_terms, "journal.html", rows=bank_ledger.latest(40), when=_when)


@get("/pay/{session_id:str}")
async def show_payment(request: Wire, session_id: FromPath[str], bank_ledger: TheLedger, bank_terms: TheTerms) -> Page:
    return _payment(request, bank_ledger, bank_terms, bank_ledger.look(session_id))


@post("/pay/{session_id:str}", status_code=200)
async def pay(
    request: Wire, session_id: FromPath[str], bank_ledger: TheLedger, bank_terms: TheTerms
) -> Response[str] | Redirect:
    form = await _read(request)
    session = bank_ledger.look(session_id)
    if session.status != "open":  # paid by the first of two clicks, or closed: nothing to check, nothing to pay
        return _go_on(bank_ledger, bank_terms, session_id)
    card, problems = check_card(
        form.get("number", ""), form.get("expiry", ""), form.get("code", ""), datetime.now(UTC).date()
    )
    if card is None:
        if problems.get("number") == "no_test_card":
            del form["number"]  # it may be a real one: not even shown again
        return _payment(request, bank_ledger, bank_terms, session, typed=form, problems=problems)
    bank_ledger.pay(session_id, form.get("attempt", "") or secrets.token_hex(8), card)
    return _go_on(bank_ledger, bank_terms, session_id)


@get("/pay/{session_id:str}/confirm")
async def show_challenge(
    request: Wire, session_id: FromPath[str], bank_ledger: TheLedger, bank_terms: TheTerms
) -> Response[str] | Redirect:
    session, intent = bank_ledger.look(session_id), bank_ledger.intent_of(session_id)
    if session.status != "open" or intent is None or intent.status != "requires_action":
        return Redirect(bank_terms.page_url(session_id), status_code=303)
    return _show(
        request, bank_terms, "challenge.html", session=session, intent=intent, card=BY_NUMBER[intent.card], when=_when
    )


@post("/pay/{session_id:str}/confirm", status_code=200)
async def confirm(request: Wire, session_id: FromPath[str], bank_ledger: TheLedger, bank_terms: TheTerms) -> Redirect:
    form = await _read(request)
    bank_ledger.confirm(session_id, form.get("attempt", ""), approved=form.get("answer") == "approve")
    return _go_on(bank_ledger, bank_terms, session_id)


def _go_on(ledger: Ledger, terms: Terms, session_id: str) -> Redirect:
    """Where the buyer goes from here."""
    session, intent = ledger.look(session_id), ledger.intent_of(session_id)
    if session.status == "complete" or (intent and intent.status == "processing"):
        return Redirect(_success_url(session), status_code=303)
    if session.status == "open" and intent and intent.status == "requires_action":
        return Redirect(terms.page_url(session_id) + "/confirm", status_code=303)
    return Redirect(terms.page_url(session_id), status_code=303)


def _payment(
    request: Wire,
    ledger: Ledger,
    terms: Terms,
    session: Session,
    *,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
) -> Page:
    intent = ledger.intent_of(session.id)
    busy = intent is not None and intent.status == "processing"
    if session.status != "open" or busy:
        state = "busy" if busy else "paid" if session.status == "complete" else "closed"
        back = session.form["cancel_url"] if state == "closed" else _success_url(session)
        return _show(request, terms, "state.html", session=session, state=state, back=back)
    return _show(
        request,
        terms,
        "pay.html",
        status=422 if problems else 200,
        session=session,
        name=next(iter(session.form["line_items"].values()))["price_data"]["product_data"]["name"],
        error=intent.error if intent and not problems else None,
        typed=typed or {},
        problems=problems or {},
        # A page served again with a problem has not tried anything yet: it keeps its number.
        attempt=(typed or {}).get("attempt") or secrets.token_hex(8),
        cards=TEST_CARDS,
        closes=datetime.fromtimestamp(session.expires_at, UTC),
        explain=explain,
    )


def _show(
    request: Wire,
    terms: Terms,
    template: str,
    *,
    status: int = 200,
    session: Session | None = None,
    **values: Any,
) -> Page:
    language = choose_language(
        request.query_params.get("language"),
        session.form.get("locale") if session else None,
        request.headers.get("accept-language"),
    )
    nonce = secrets.token_urlsafe(12)
    html = _templates.get_template(template).render(
        session=session,
        language=language,
        nonce=nonce,
        home=terms.base_url,
        path=request.url.path,
        guilloche=guilloche(),
        w=lambda key, **more: word(key, language, **more),
        amount=lambda minor, currency: show_amount(minor, currency, language),
        **values,
    )
    return Response(
        html,
        status_code=status,
        media_type="text/html; charset=utf-8",
        headers={
            # No form-action: browsers would apply it to the redirect back to the box office as well.
            "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}';"
            " img-src data:; frame-ancestors 'none'; base-uri 'none'",
            "Cache-Control": "no-store",  # the back button must ask again how the payment stands
            "Referrer-Policy": "no-referrer",
        },
    )


async def _read(request: Wire) -> dict[str, str]:
    form = read_form((await request.body()).decode(errors="replace"))
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _success_url(session: Session) -> str:
    return str(session.form["success_url"]).replace(ID_PLACE, session.id)


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@cache
def guilloche() -> str:
    """The fine lines of a banknote: one SVG path of interlaced waves, 600 by 240."""
    lines = []
    for phase in range(18):
        points = []
        for x in range(0, 601, 6):
            swell = 34 + 46 * math.sin(math.pi * x / 600) ** 2
            y = 120 + swell * math.sin(x / 52 + phase * math.tau / 18) + 14 * math.sin(x / 17 - phase * math.tau / 9)
            points.append(f"{x} {y:.1f}")
        lines.append("M" + "L".join(points))
    return "".join(lines)


def say_problem(request: Wire, error: WireError) -> Page:
    return _show(request, request.app.state.bank_terms, "state.html", status=error.status, state="unknown", back="")


router = Router(
    path="/",
    route_handlers=[show_journal, show_payment, pay, show_challenge, confirm],
    exception_handlers={WireError: say_problem},
)
