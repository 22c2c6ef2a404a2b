"""What a person or a client is told when something cannot be done: RFC 9457 problem details.

A Problem is raised anywhere in a rule or workflow and becomes, at the edge, JSON for the API or a page for a person,
in their language. Each has a stable `code`; the sentence says what to do next. Nothing else reaches a person: an
unforeseen error is logged with its request id and shown as `internal` without its insides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.i18n import N_


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str
    detail: str


KINDS: dict[str, Kind] = {
    "seat_taken": Kind(409, N_("Someone was quicker"), N_("Someone else has just taken this seat. Please choose another one.")),
    "kept_seat": Kind(409, N_("This seat is kept"), N_("This seat is kept for whoever has the code for it. Please enter your code, or choose another seat.")),
    "allotment_exhausted": Kind(409, N_("Fewer are left"), N_("Of the places kept under this code, {left} are left. Please ask for fewer, or choose among the others.")),
    "seats_taken": Kind(409, N_("Some seats are not free"), N_("Somebody has some of these seats, or holds them at the moment. Nothing was changed: please leave them out, or try again later.")),
    "different_plans": Kind(409, N_("Different plans"), N_("Only performances on the same version of a seating plan can be linked, and none with itself. Please choose others.")),
    "seat_photographed": Kind(409, N_("This seat has a photo"), N_("Another photo shows the view from this seat already. Please delete that one first, or name another seat.")),
    "still_joined": Kind(409, N_("Still joined"), N_("This event shares a quota with another, or its performances are linked. Please end that first.")),
    "not_shareable": Kind(409, N_("This limit cannot be shared"), N_("A limit of one performance or one tariff cannot count other events. Please share a limit of the whole event or of a category.")),
    "quota_exhausted": Kind(409, N_("Sold out"), N_("There are not enough tickets left: {left} remain. Please ask for fewer.")),
    "sold_out": Kind(409, N_("Sold out"), N_("There are no tickets left at this price. Please choose another price or date.")),
    "not_sold_out": Kind(409, N_("There are places"), N_("Places are on sale: there is no need to wait for them. Please reload the page and choose.")),
    "no_waitlist": Kind(409, N_("No waiting list"), N_("There is no waiting list for this. Please reload the page.")),
    "not_enough_seats": Kind(409, N_("Not that many seats together"), N_("We could not find that many free seats. Please ask for fewer, or choose another category.")),
    "sale_closed": Kind(409, N_("Not on sale"), N_("Tickets for this date are not on sale at the moment.")),
    "too_many": Kind(409, N_("Too many tickets"), N_("You can take at most {max} tickets in one order.")),
    "other_event": Kind(409, N_("Another event is in your basket"), N_("Your basket holds tickets for {title}. Please pay for them or empty the basket first.")),
    "hold_expired": Kind(409, N_("Your time is up"), N_("The time to pay has passed and your seats are back on sale. Please choose again.")),
    "price_changed": Kind(409, N_("The price has changed"), N_("The total is now {total}. Please check your basket and confirm again.")),
    "order_closed": Kind(409, N_("This order is closed"), N_("This order no longer waits for a payment. Nothing was charged.")),
    "idempotency_conflict": Kind(409, N_("Same key, other request"), N_("This Idempotency-Key was used for a different request. Please use a new key.")),
    "print_not_finished": Kind(409, N_("Not now"), N_("This ticket is still on its way to the printer, or somebody has already dealt with it. Please look at the list again.")),
    "not_enough_cash": Kind(422, N_("Not enough cash"), N_("This is less than the total. Please check the amount received.")),
    "in_progress": Kind(409, N_("Still working"), N_("The same request is being worked on. Please wait a moment and try again.")),
    "unknown_seat": Kind(422, N_("No such seat"), N_("This seat does not exist on the plan. Please reload the page.")),
    "wrong_performance": Kind(422, N_("Another performance"), N_("This seat belongs to another performance. Please reload the page.")),
    "invalid": Kind(422, N_("Please check what you entered"), N_("Some fields need your attention.")),
    "unknown_key": Kind(422, N_("Unknown code"), N_("We do not know this code, or it has expired. Please check it letter by letter, or ask whoever gave it to you.")),
    "unknown_method": Kind(422, N_("Unknown payment method"), N_("This way of paying is not offered here. Please choose another one.")),
    "provider_unavailable": Kind(503, N_("The bank does not answer"), N_("The payment service cannot be reached. Nothing was charged and your seats are kept: please try again in a moment.")),
    "provider_refused": Kind(502, N_("The payment could not be started"), N_("The payment service refused the request: {reason} Nothing was charged.")),
    "not_found": Kind(404, N_("Nothing here"), N_("We could not find this page. The link may be old or incomplete.")),
    "unauthenticated": Kind(401, N_("Please sign in"), N_("You need to sign in to see this page.")),
    "wrong_login": Kind(401, N_("That did not work"), N_("E-mail or password is wrong. Please try again.")),
    "forbidden": Kind(403, N_("Not allowed"), N_("Your account does not have the right to do this. Please ask a manager.")),
    "cross_site": Kind(403, N_("Refused"), N_("This request came from another site and was refused. Please go back to the box office and try there.")),
    "too_many_requests": Kind(429, N_("Too many tries"), N_("Too many tries in a short time. Please wait {seconds} seconds.")),
    "store_unavailable": Kind(503, N_("One moment please"), N_("The box office is busy getting its seats in order. Please try again in a few seconds: nothing was lost.")),
    "bad_notification": Kind(400, N_("Not a valid notification"), N_("The signature of this notification is wrong or too old.")),
    "bad_request": Kind(400, N_("We did not understand"), N_("This request cannot be read: {reason}")),
    "method_not_allowed": Kind(405, N_("Not possible here"), N_("This address does not take such a request.")),
    "too_large": Kind(413, N_("Too much at once"), N_("This request is larger than the box office reads.")),
    "internal": Kind(500, N_("Something went wrong"), N_("This is our fault, and we have been told. Please try again; if it happens again, quote {request_id}.")),
}  # fmt: skip


class Problem(Exception):
    """A refusal with a code of KINDS. `params` fill the sentence, `extras` go to API clients as they are."""

    def __init__(
        self, code: str, *, params: dict[str, Any] | None = None, extras: dict[str, Any] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = KINDS[code]
        self.params = params or {}
        self.extras = extras or {}


class Invalid(Problem):
    """Fields that need attention: field name -> message id."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("invalid")
        self.errors = errors
