"""Migrations: up to what the tables say, down to nothing, with rows in between."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy import text

from algomirror.simulate.world import World
from algomirror.simulate.world import short_iron_fly
from algomirror.store.db import METADATA
from algomirror.store.db import alembic_config
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.trading import TradingStore


def test_the_migrations_make_the_tables_the_code_knows(tmp_path: Path) -> None:
    """Nothing is left to generate."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    engine = open_database(url)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        differences = compare_metadata(context, METADATA)

    assert differences == []
    engine.dispose()


def test_upgrade_and_downgrade_work_with_rows(tmp_path: Path) -> None:
    """A database with a day in it goes down to nothing and up again."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    store = TradingStore(open_database(url))
    World(journal=store).open(short_iron_fly())
    store.close()

    command.downgrade(alembic_config(url), "base")
    engine = open_database(url)
    empty = set(inspect(engine).get_table_names()) - {"alembic_version"}
    engine.dispose()
    migrate(url)
    engine = open_database(url)

    assert empty == set()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM orders")).scalar() == 0
    engine.dispose()


def test_sqlite_is_opened_for_safety(tmp_path: Path) -> None:
    """WAL, full synchronisation, foreign keys."""
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")

    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()
