"""The API's own description, and a great many wrong requests made from it: each gets an answer, none our insides."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.settings import get_settings
from tests.cast import Theatre
from tests.shop import browser, open_shop, sign_in

VERBS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
async def shop(theatre: Theatre) -> AsyncIterator[str]:
    async with open_shop() as url:
        yield url


def test_every_route_says_what_it_is_for_under_its_own_name(migrated: str) -> None:
    document = create_app(get_settings()).openapi_schema.to_schema()
    operations = [
        (path, verb, op) for path, item in document["paths"].items() for verb, op in item.items() if verb in VERBS
    ]
    assert len(operations) >= 27
    for path, verb, operation in operations:
        assert path.startswith("/api/v1/"), path
        assert operation.get("summary"), (verb, path)
        assert operation.get("operationId"), (verb, path)
        assert operation.get("tags"), (verb, path)
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)


async def test_the_description_is_plain_json_and_needs_nothing_from_elsewhere(shop: str) -> None:
    async with browser(shop) as client:
        answer = await client.get("/api/v1/openapi.json")
        assert answer.status_code == 200
        assert "json" in answer.headers["content-type"]
        assert answer.json()["openapi"].startswith("3.")
        assert (await client.get("/api/v1/docs")).status_code == 404


# -- wrong requests ---------------------------------------------------------------------------------------------------

WORDS = [
    "",
    "x",
    "\x00",
    "%00",
    "é" * 300,
    "../../etc/passwd",
    "' OR 1=1 --",
    "{}",
    "null",
    "\u202e",
    "🎭",
    "1e999",
    "-0",
]
NUMBERS = [0, -1, 1, 2, 3, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 1.5, float(10**300)]
WEIRD: list[Any] = [None, True, [], {}, [[[]]], {"a": {"b": []}}, *WORDS, *NUMBERS]
BODIES = [b"", b"{", b"\xff\xfe\x00", b"[" * 3_000, b'{"performance": 1e999}', b"null", b'"x"', b"\x00" * 50]


class Wrongly:
    """Requests that mean ill or nothing, always the same ones for the same seed."""

    def __init__(self, document: dict[str, Any], theatre: Theatre) -> None:
        self.dice = random.Random(20261212)
        self.schemas: dict[str, Any] = document["components"]["schemas"]
        self.ids = [theatre.performance, theatre.standing, theatre.gate, theatre.full, 999_999]
        self.operations = [
            (path, verb, operation)
            for path, item in document["paths"].items()
            for verb, operation in item.items()
            if verb in VERBS
        ]

    def requests(self, count: int) -> list[dict[str, Any]]:
        """`count` for each operation."""
        return [self.request(*operation) for operation in self.operations for _ in range(count)]

    def request(self, path: str, verb: str, operation: dict[str, Any]) -> dict[str, Any]:
        query: dict[str, Any] = {}
        for parameter in operation.get("parameters", []):
            value = self.scalar()
            if parameter["in"] == "path":
                text = httpx.QueryParams({"v": str(value)})
                path = path.replace("{" + parameter["name"] + "}", str(text)[2:] or "x")
            elif self.dice.random() < 0.9:
                query[parameter["name"]] = str(value)
        made: dict[str, Any] = {"method": verb.upper(), "url": path, "params": query}
        if verb in ("post", "patch", "put") or self.dice.random() < 0.1:
            made["content"] = self.body(operation)
        if self.dice.random() < 0.2:
            made["headers"] = {"Idempotency-Key": self.dice.choice(["k", "x" * 255, "x" * 256, "k 1"])}
        return made

    def body(self, operation: dict[str, Any]) -> bytes:
        if self.dice.random() < 0.15:
            return self.dice.choice(BODIES)
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        return json.dumps(self.value(schema)).encode("utf-8", "surrogatepass")

    def value(self, schema: dict[str, Any]) -> Any:
        """Mostly of the right shape, so that it gets beyond the first door."""
        if self.dice.random() < 0.1:
            return self.dice.choice(WEIRD)
        if "$ref" in schema:
            return self.value(self.schemas[schema["$ref"].rsplit("/", 1)[1]])
        if "oneOf" in schema:
            return self.value(self.dice.choice(schema["oneOf"]))
        kind = schema.get("type")
        if kind == "object":
            return {k: self.value(v) for k, v in schema.get("properties", {}).items() if self.dice.random() < 0.8}
        if kind == "array":
            return [self.value(schema.get("items", {})) for _ in range(self.dice.randrange(4))]
        if kind == "integer":
            return self.dice.choice([*self.ids, *NUMBERS])
        if kind == "boolean":
            return self.dice.choice([True, False])
        return self.scalar() if kind != "string" else self.dice.choice([*WORDS, "cash", "card", "a@b.example"])

    def scalar(self) -> Any:
        return self.dice.choice([*self.ids, *self.ids, *NUMBERS, *WORDS])


async def test_no_request_however_wrong_gets_a_500_or_our_insides(
    shop: str, theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sales.api.HOLDS_PER_MINUTE", 10_000)
    async with browser(shop) as anybody, browser(shop) as manager:
        await sign_in(manager, "manager")
        document = (await anybody.get("/api/v1/openapi.json")).json()
        wrongly = Wrongly(document, theatre)
        statuses: dict[int, int] = {}
        for client, count in ((anybody, 1), (manager, 4)):
            for asked in wrongly.requests(count):
                answer = await client.request(**asked)
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                assert answer.status_code < 500, (asked, answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json", (asked, answer.text)
                    assert answer.json()["detail"], asked
                for inside in ("Traceback", "asyncpg", "site-packages", "/app/"):
                    assert inside not in answer.text, (asked, answer.text)
        assert {200, 400, 401, 404, 409, 422} <= set(statuses), statuses
