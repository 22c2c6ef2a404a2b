"""Where a request comes from. Pure; the refusal itself over HTTP: tests/sales/test_api.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.edge import comes_from_elsewhere

HOST = "tickets.example:8000"


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({}, False),  # no browser: it carries no cookie that somebody else could ride on
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),  # typed, or from a bookmark
        ({"sec-fetch-site": "same-site"}, True),  # another host of the same domain is another site to us
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "something-new"}, True),
        ({"sec-fetch-site": "cross-site", "origin": f"https://{HOST}"}, True),
        ({"origin": f"https://{HOST}"}, False),
        ({"origin": f"http://{HOST}"}, False),  # behind a proxy that ends TLS
        ({"origin": "https://tickets.example"}, True),
        ({"origin": "https://tickets.example.evil.example:8000"}, True),
        ({"origin": f"https://user@{HOST}"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://["}, True),
    ],
)
def test_a_browser_s_word_decides(headers: dict[str, str], elsewhere: bool) -> None:
    assert comes_from_elsewhere(headers, HOST) is elsewhere


@given(st.text())
def test_no_origin_breaks_the_question(origin: str) -> None:
    assert comes_from_elsewhere({"origin": origin}, HOST) in (True, False)
