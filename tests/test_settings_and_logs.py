"""What we refuse to start with, and what never stands in a log."""

import json
import logging
from pathlib import Path

import pytest

from algomirror.logs import JsonLines
from algomirror.logs import redacted
from algomirror.settings import BadSetting
from algomirror.settings import Settings
from algomirror.settings import claim_folder
from algomirror.settings import read_settings

SECRET = "s3cr3t-value-0123456789"


@pytest.mark.acceptance(98)
@pytest.mark.parametrize("key", ["dev-key", "change-this-in-production", "short"])
def test_a_published_or_short_secret_key_is_refused(key: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(BadSetting, match="SECRET_KEY"):
        read_settings({"SECRET_KEY": key})


@pytest.mark.acceptance(97)
@pytest.mark.parametrize(
    "line",
    [
        f"apikey={SECRET}", f'"apikey": "{SECRET}"', f"{{'apikey': '{SECRET}'}}",
        f"api_key: {SECRET}", f"password={SECRET}&x=1", f"Authorization: Bearer {SECRET}",
        f"Cookie: {SECRET}; path=/", f"token = {SECRET}",
    ],
)  # fmt: skip
def test_a_log_line_holds_no_secret(line: str) -> None:
    """Keys, tokens, passwords and cookies are taken out, also of tracebacks."""
    record = logging.LogRecord("x", logging.INFO, "f", 1, "said %s", (line,), None)

    assert SECRET not in redacted(line)
    assert SECRET not in json.loads(JsonLines().format(record))["text"]


def test_a_demo_folder_and_a_real_one_are_never_mixed(tmp_path: Path) -> None:
    """Each is refused as the other."""
    demo, real = tmp_path / "demo", tmp_path / "real"
    claim_folder(Settings(data_dir=demo, is_demo=True))
    claim_folder(Settings(data_dir=real))
    (real / "algomirror.db").touch()

    with pytest.raises(BadSetting, match="open it with --demo"):
        claim_folder(Settings(data_dir=demo))
    with pytest.raises(BadSetting, match="holds real data"):
        claim_folder(Settings(data_dir=real, is_demo=True))


def test_a_postgres_address_names_our_driver() -> None:
    """The extra installs psycopg 3."""
    found = read_settings({"DATABASE_URL": "postgresql://x/y"})

    assert found.url == "postgresql+psycopg://x/y"
