"""What the machine of test_store_model.py may be told to do, and how often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from seating.holds import Exceedable
from seating.store import NamedSeats, OrderRule, Quantity
from tests.seating.model import AWAY, CARTS, HOME, SCHOOL, SEATED, SEATS, STANDS, quotas_of

ALLOTMENTS = {"press": HOME, "club": AWAY}
KEYS = ("press", "club", SCHOOL, "own")
RULES = (
    (),
    (OrderRule("few", (1,), at_most=3), OrderRule("order", at_most=6)),
    (OrderRule("pair", (2,), at_least=2), OrderRule("with", (1,), needs=(2,))),
    (OrderRule("must", (2,), at_least=1, mandatory=True), OrderRule("few", (1,), at_most=3)),
)
EXCEEDABLE: tuple[Exceedable, ...] = ("quotas", "order_limits", "allotments", "blocked")
LOST = ("meta", "quotas", "carts", "due", "pending", "sold", "qsets", "allot", "p:2:states", "p:3:i0")

carts = st.sampled_from(list(CARTS))
performances = st.sampled_from(SEATED)
ordinals = st.integers(0, SEATS - 1)
tariffs = st.sampled_from([1, 2])
rules = st.sampled_from([(), (), *RULES])
keys = st.sampled_from([KEYS, KEYS, ("press",), ("own",), ()])
exceed = st.sampled_from([(), (), (), (), EXCEEDABLE, *((each,) for each in EXCEEDABLE)])
orders = st.integers(0, 5)


@st.composite
def line(draw: st.DrawFn) -> NamedSeats | Quantity:
    tariff, bundle = draw(tariffs), draw(st.sampled_from(["", "", "pass"]))
    if draw(st.integers(0, 2)) == 0:
        allotment = draw(st.sampled_from([SCHOOL, ""]))
        return Quantity(STANDS, draw(st.integers(1, 3)), tariff, quotas_of(STANDS, tariff), allotment, bundle)
    performance = draw(performances)
    some = draw(st.lists(ordinals, min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 9)) == 9:
        some = [*some, draw(st.sampled_from([-1, SEATS, some[0]]))]
    return NamedSeats(performance, tuple(some), tariff, quotas_of(performance, tariff), bundle)


# By name, how often, and with what.
STEPS: tuple[tuple[int, str, dict[str, st.SearchStrategy[Any]]], ...] = (
    (8, "hold", {"cart": carts, "lines": st.lists(line(), min_size=1, max_size=2), "keys": keys, "rules": rules,
                 "exceed": exceed, "again": st.booleans()}),
    (5, "hold_best", {"cart": carts, "performance": performances, "count": st.integers(1, 5), "tariff": tariffs,
                      "keys": keys, "rules": rules, "category": st.sampled_from(["", "Gold", "Silver"]),
                      "allotment": st.sampled_from(["", "", "press", "club"]), "row_by_row": st.booleans(),
                      "exceed": exceed, "again": st.booleans()}),
    (3, "release", {"cart": carts, "some": st.sampled_from(["all", "first", "last", "another's"])}),
    (3, "lapse", {"cart": carts, "which": st.sets(st.integers(0, 5), min_size=1, max_size=3), "then": line(),
                  "by": carts}),
    (2, "change_tariff", {"cart": carts, "which": st.integers(0, 3), "tariff": tariffs}),
    (1, "extend", {"cart": carts}),
    (2, "move", {"cart": carts, "to": carts}),
    (6, "promise", {"cart": carts, "rules": rules,
                    "named": st.sampled_from(["", "", "exactly", "exactly", "one less", "one more"])}),
    (2, "recall", {"order_number": orders, "cart": carts}),
    (5, "sell", {"order_number": orders}),
    (4, "give_back", {"order_number": orders, "count": st.integers(0, 3), "by_seat": st.booleans()}),
    (4, "exchange", {"order_number": orders, "which": st.integers(0, 3), "to": st.integers(-1, SEATS),
                     "tariff": tariffs, "keys": keys}),
    (2, "scan", {"performance": performances, "ordinal": ordinals, "used": st.booleans()}),
    (2, "block", {"performance": performances, "some": st.sets(ordinals, max_size=3), "blocked": st.booleans()}),
    (2, "set_limit", {"quota": st.sampled_from(["event", "tariff:1", "performance:2"]),
                      "limit": st.sampled_from([None, 0, 3, 6, 9, 14])}),
    (2, "allot", {"id": st.sampled_from(list(ALLOTMENTS)), "some": st.sets(ordinals, min_size=1, max_size=3),
                  "keyed": st.booleans()}),
    (1, "keep_back", {"quantity": st.integers(1, 4)}),
    (1, "end_allotment", {"id": st.sampled_from([*ALLOTMENTS, SCHOOL]),
                          "how": st.sampled_from(["by hand", "by date"])}),
    (1, "release_some", {"id": st.sampled_from(list(ALLOTMENTS)), "some": st.sets(ordinals, max_size=4)}),
    (1, "lose_everything", {}),
    (1, "lose_one_key", {"key": st.sampled_from(LOST)}),
    (1, "load_again_while_in_use", {"missed": st.booleans()}),
)  # fmt: skip


def step() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    each = [st.tuples(st.just(name), st.fixed_dictionaries(wish)) for often, name, wish in STEPS for _ in range(often)]
    return st.sampled_from(each).flatmap(lambda chosen: chosen)
