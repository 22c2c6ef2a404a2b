"""Each wrong setting is named with what it takes, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, load_settings, variable_of


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environment)
    return refused.value.problems


def test_an_empty_environment_is_a_box_office_on_this_machine() -> None:
    assert load_settings({}) == Settings()
    assert load_settings({"PATH": "/bin", "PLACEUR_DEMO_PARENT": "1"}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("DATABASE_URL", "mysql://x", "postgresql://"),
        ("DATABASE_URL", "postgresql://[", "postgresql://"),
        ("REDIS_URL", "http://x", "redis://"),
        ("PLACEUR_PUBLIC_URL", "tickets.example", "http"),
        ("PLACEUR_PUBLIC_URL", "http://[", "http"),
        ("PLACEUR_SMTP_URL", "localhost:25", "smtp://"),
        ("PLACEUR_TICKET_KEY", "11" * 31, "64 hexadecimal"),
        ("PLACEUR_TICKET_KEY", "zz" * 32, "64 hexadecimal"),
        ("PLACEUR_CARD_API_URL", "https://bank.example", "PLACEUR_CARD_SECRET_KEY"),
        ("PLACEUR_DATABASE_POOL", "1", "PLACEUR_DATABASE_POOL"),
        ("PLACEUR_DATABASE_POOL", "many", "PLACEUR_DATABASE_POOL"),
        ("PLACEUR_HOLD_TTL_S", "4", "PLACEUR_HOLD_TTL_S"),
        ("PLACEUR_HOLD_TTL_S", "", "PLACEUR_HOLD_TTL_S"),
        ("PLACEUR_PAYMENT_DEADLINE_S", "1.5", "PLACEUR_PAYMENT_DEADLINE_S"),
        ("PLACEUR_LOG_FORMAT", "xml", "PLACEUR_LOG_FORMAT"),
        ("PLACEUR_LOG_LEVEL", "loud", "PLACEUR_LOG_LEVEL"),
        ("PLACEUR_CARD_TEST_MODE", "perhaps", "PLACEUR_CARD_TEST_MODE"),
        ("PLACEUR_HOLD_TTL", "900", "PLACEUR_HOLD_TTL is no setting"),
        ("PLACEUR_DATABASE_URL", "postgresql://x", "PLACEUR_DATABASE_URL is no setting"),
        ("PLACEUR_CONFIG", "/nowhere/placeur.toml", "cannot be read"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_it_takes(variable: str, value: str, word: str) -> None:
    [sentence] = problems({variable: value})
    assert word in sentence
    assert sentence.endswith(".")


def test_all_problems_are_told_in_one_go_and_no_secret_with_them() -> None:
    told = problems(
        {
            "PLACEUR_LOG_LEVEL": "loud",
            "REDIS_URL": "x",
            "PLACEUR_TYPO": "1",
            "PLACEUR_TICKET_KEY": "a-secret-of-mine",
        }
    )
    assert len(told) == 4
    assert "a-secret-of-mine" not in " ".join(told)


def test_the_environment_is_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "placeur.toml"
    file.write_text('hold_ttl_s = 600\nlog_level = "error"\npublic_url = "https://tickets.example"\n')
    settings = load_settings({"PLACEUR_CONFIG": str(file), "PLACEUR_HOLD_TTL_S": "300"})
    assert (settings.hold_ttl_s, settings.log_level, settings.payment_deadline_s) == (300, "error", 1800)
    assert settings.secure_cookies


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hold_ttl = 5", "'hold_ttl', which is no setting"),
        ("hold_ttl_s = [1]", "PLACEUR_HOLD_TTL_S"),
        ("[hold_ttl_s]\nx = 1", "PLACEUR_HOLD_TTL_S"),
        ("hold_ttl_s = ", "no valid TOML"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "placeur.toml"
    file.write_text(text)
    assert any(word in sentence for sentence in problems({"PLACEUR_CONFIG": str(file)}))


def test_every_setting_has_one_variable() -> None:
    names = [variable_of(name) for name in Settings.__struct_fields__]
    assert len(set(names)) == len(names)
    assert {"DATABASE_URL", "REDIS_URL", "PLACEUR_HOLD_TTL_S"} <= set(names)
