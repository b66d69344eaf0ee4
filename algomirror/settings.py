"""What the environment and the command line decide, before anything runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from algomirror import __version__
from algomirror.errors import AlgoMirrorError

KNOWN_SAMPLES = frozenset({"dev-key", "dev-secret-key", "change-this-in-production"})
MIN_SECRET_BYTES = 32
KNOWN_NAMES = frozenset(
    {"ALGOMIRROR_ENV", "ALGOMIRROR_DATA_DIR", "ALGOMIRROR_HOST", "ALGOMIRROR_PORT"}
)


class BadSetting(AlgoMirrorError):  # noqa: N818 - a sentence for the person who starts us
    """A value we refuse to start with; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    is_demo: bool = False
    database_url: str = ""
    environment: str = "development"
    secret_key: str = ""
    encryption_key: str = ""
    log_level: str = "INFO"
    stale_price_s: float = 5.0
    opens_browser: bool = True
    version: str = __version__

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'algomirror.db'}"


def read_settings(
    environment: Mapping[str, str] | None = None,
    *,
    data_dir: str | None = None,
    host: str | None = None,
    port: int | None = None,
    is_demo: bool = False,
    opens_browser: bool = True,
) -> Settings:
    """Flags win over the environment. BadSetting names what is refused."""
    env = os.environ if environment is None else environment
    secret = env.get("SECRET_KEY", "")
    if secret and (secret in KNOWN_SAMPLES or len(secret.encode()) < MIN_SECRET_BYTES):
        raise BadSetting(
            "SECRET_KEY is a published sample or shorter than 32 bytes. Remove it (one is made "
            "for you) or set a random one."
        )
    folder = data_dir or env.get("ALGOMIRROR_DATA_DIR") or ("demo-data" if is_demo else "data")
    try:
        chosen_port = port or int(env.get("ALGOMIRROR_PORT", "8000"))
        stale = float(env.get("STALE_PRICE_SECONDS", "5"))
    except ValueError as odd:
        raise BadSetting(f"A setting is not a number: {odd}") from None
    return Settings(
        data_dir=Path(folder).resolve(),
        host=host or env.get("ALGOMIRROR_HOST", "127.0.0.1"),
        port=chosen_port,
        is_demo=is_demo,
        database_url=_with_driver(env.get("DATABASE_URL", "")),
        environment=env.get("ALGOMIRROR_ENV", "development"),
        secret_key=secret,
        encryption_key=env.get("ENCRYPTION_KEY", ""),
        log_level=env.get("LOG_LEVEL", "INFO"),
        stale_price_s=stale,
        opens_browser=opens_browser,
    )


def _with_driver(url: str) -> str:
    """postgresql:// means the driver of our own extra."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def claim_folder(settings: Settings) -> None:
    """Make the data folder; a demo folder and a real one are never opened as the other."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    marker = settings.data_dir / "DEMO"
    has_data = (settings.data_dir / "algomirror.db").exists()
    if settings.is_demo and has_data and not marker.exists():
        raise BadSetting(f"{settings.data_dir} holds real data: it cannot be opened with --demo.")
    if not settings.is_demo and marker.exists():
        raise BadSetting(f"{settings.data_dir} holds a demo: open it with --demo.")
    if settings.is_demo:
        marker.touch()
