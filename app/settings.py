"""Every setting of Placeur, in one typed place.

Values come, later over earlier, from the defaults here, from the TOML file named by PLACEUR_CONFIG, and from the
environment: `DATABASE_URL`, `REDIS_URL`, and `PLACEUR_<NAME>` for all others. `placeur check` explains a wrong one.
"""

from __future__ import annotations

import functools
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

PLAIN = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}


class SettingsError(Exception):
    """Settings that cannot be used. `problems` holds one sentence each, naming the variable and what it takes."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    database_url: str = "postgresql://placeur@localhost/placeur"
    redis_url: str = "redis://localhost:6379/0"
    public_url: str = "http://localhost:8000"
    """The address that buyers use; links in mails and payment returns start with it. https turns cookies Secure."""
    data_dir: str = ".placeur"
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    database_pool: Annotated[int, Meta(ge=2, le=200)] = 10

    hold_ttl_s: Annotated[int, Meta(ge=5, le=86_400)] = 900
    """How long a seat stays in an unpaid cart (LIVE-7); an event may set its own."""
    payment_deadline_s: Annotated[int, Meta(ge=30, le=7 * 86_400)] = 1_800
    """How long an order waits for its payment before its seats go back on sale."""
    reconcile_every_s: Annotated[int, Meta(ge=1, le=3_600)] = 15

    ticket_key: str = ""
    """Ed25519 private key that signs tickets (ACC-7): 32 bytes in hex. `placeur check --new-key` makes one."""

    smtp_url: str = "smtp://localhost:25"
    mail_from: str = "box-office@localhost"

    card_api_url: str = ""
    """Base URL of the card provider (Stripe's protocol); empty: no card payments."""
    card_secret_key: str = ""
    card_webhook_secret: str = ""
    card_test_mode: bool = False

    hub_url: str = "tcp://127.0.0.1:5570"
    hub_events_url: str = "tcp://127.0.0.1:5571"
    hub_key_file: str = ""

    live_frame_bytes_max: Annotated[int, Meta(ge=256, le=1 << 20)] = 4_096
    live_connections_per_address_max: Annotated[int, Meta(ge=1)] = 200
    live_connections_max: Annotated[int, Meta(ge=1)] = 20_000
    """Of one process; each takes a file descriptor, and a few KiB."""
    live_frames_burst: Annotated[int, Meta(ge=2)] = 20
    """What a client of the feed may say at once; then one frame a second."""
    live_hello_timeout_s: Annotated[float, Meta(ge=0.1, le=300)] = 10.0
    live_unread_bytes_max: Annotated[int, Meta(ge=4_096)] = 256 * 1024
    """What a viewer may leave unread, beyond the kernel's own buffers, before it is cut off."""

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https:")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings. Raises SettingsError with every problem at once."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    known = set(Settings.__struct_fields__)
    if file := environment.get("PLACEUR_CONFIG"):
        try:
            values |= tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except OSError as error:
            problems.append(f"PLACEUR_CONFIG names {file}, which cannot be read: {error.strerror}.")
        except tomllib.TOMLDecodeError as error:
            problems.append(f"{file} is no valid TOML: {error}.")
        for name in sorted(set(values) - known):
            problems.append(f"{file} sets {name!r}, which is no setting of Placeur.")
    for name in Settings.__struct_fields__:
        if (text := environment.get(variable_of(name))) is not None:
            values[name] = text
    variables = {variable_of(name) for name in known} | {"PLACEUR_CONFIG"}
    problems += [
        f"{name} is no setting of Placeur."
        for name in sorted(environment)
        if name.startswith("PLACEUR_") and not name.startswith("PLACEUR_DEMO_") and name not in variables
    ]
    settings = Settings()
    for name, value in values.items():
        if name not in known:
            continue
        try:
            # One field at a time: a person mends all of them in one go.
            settings = msgspec.structs.replace(settings, **{name: _convert(name, value)})
        except msgspec.ValidationError as error:
            shown = "" if "key" in name or "secret" in name else f" ({value!r})"
            problems.append(f"{variable_of(name)}{shown}: {error}.")
    problems += _complain(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _convert(name: str, value: Any) -> Any:
    field = next(f for f in msgspec.structs.fields(Settings) if f.name == name)
    return msgspec.convert(value, field.type, strict=False)


def _complain(settings: Settings) -> list[str]:
    problems = []
    if _scheme(settings.database_url) not in {"postgresql", "postgres"}:
        problems.append("DATABASE_URL must begin with postgresql://.")
    if _scheme(settings.redis_url) not in {"redis", "rediss", "unix"}:
        problems.append("REDIS_URL must begin with redis://, rediss:// or unix://.")
    if _scheme(settings.public_url) not in {"http", "https"}:
        problems.append("PLACEUR_PUBLIC_URL must be the http(s):// address that buyers use.")
    if settings.ticket_key and not re.fullmatch(r"[0-9a-fA-F]{64}", settings.ticket_key):
        problems.append("PLACEUR_TICKET_KEY must be 64 hexadecimal digits; `placeur check --new-key` makes one.")
    if settings.card_api_url and not (settings.card_secret_key and settings.card_webhook_secret):
        problems.append("PLACEUR_CARD_API_URL needs PLACEUR_CARD_SECRET_KEY and PLACEUR_CARD_WEBHOOK_SECRET as well.")
    if _scheme(settings.smtp_url) not in {"smtp", "smtps"}:
        problems.append("PLACEUR_SMTP_URL must begin with smtp:// or smtps://.")
    return problems


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return PLAIN.get(name, f"PLACEUR_{name.upper()}")


@functools.cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings(os.environ)
