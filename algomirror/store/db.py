"""How a database is opened: pragmas, patience, migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import StaticPool
from sqlmodel import Session
from sqlmodel import SQLModel
from sqlmodel import create_engine

from algomirror.store import tables as _tables
from algomirror.store import tables_trading as _trading

ENGINE_PATIENCE_S = 0.25
SERVICE_PATIENCE_S = 5.0
MIGRATIONS = Path(__file__).parents[2] / "migrations"
METADATA = SQLModel.metadata
TABLE_MODULES = (_tables, _trading)
"""Imported so that METADATA knows every table."""


def open_database(url: str, *, patience_s: float = SERVICE_PATIENCE_S) -> Engine:
    """An engine with WAL, full sync and foreign keys on SQLite; PostgreSQL as it comes."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if url == "sqlite://":
        engine = create_engine(url, connect_args={"check_same_thread": False}, poolclass=StaticPool)
    else:
        engine = create_engine(
            url, connect_args={"check_same_thread": False, "timeout": patience_s}
        )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={int(patience_s * 1000)}")
        cursor.close()

    return engine


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def migrate(url: str) -> None:
    """Bring the database to the newest revision."""
    command.upgrade(alembic_config(url), "head")


class Database:
    """What services hold: short sessions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
