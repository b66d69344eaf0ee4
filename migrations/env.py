"""Alembic's entry: the same migrations for SQLite and PostgreSQL."""

from alembic import context
from sqlalchemy import create_engine

from algomirror.store.db import METADATA

url = context.config.get_main_option("sqlalchemy.url") or ""
engine = create_engine(url)
with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=False
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
