"""The fallback journal: whole lines come back as they were, and are merged exactly once."""

from collections.abc import Iterator
from datetime import UTC
from datetime import date
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy import event
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from algomirror.clock import FakeClock
from algomirror.engine.ports import Fact
from algomirror.engine.ports import JournalUnavailable
from algomirror.engine.ports import StateChange
from algomirror.engine.ports import TimelineEvent
from algomirror.simulate.world import START
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.fallback import FALLBACK_NAME
from algomirror.store.fallback import KINDS
from algomirror.store.fallback import Fallback
from algomirror.store.trading import TradingStore
from tests.processes import Program
from tests.processes import free_port

AMOUNTS = st.decimals(-(10**9), 10**9, places=4, allow_nan=False)
INSTANTS = st.datetimes(timezones=st.just(UTC))
TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)


@pytest.fixture(autouse=True)
def our_values() -> Iterator[None]:
    """Values as the engine makes them: finite amounts, aware instants, storable text."""
    st.register_type_strategy(Decimal, AMOUNTS)
    st.register_type_strategy(datetime, INSTANTS)
    st.register_type_strategy(str, TEXTS)
    yield
    st.register_type_strategy(Decimal, st.decimals())
    st.register_type_strategy(datetime, st.datetimes())
    st.register_type_strategy(str, st.text())


def line(number: int) -> TimelineEvent:
    return TimelineEvent(id=number, at=START, level="info", kind="test", text=f"line {number}")


def change(reason: str) -> StateChange:
    return StateChange(account_id=None, state="ACTIVE", reason=reason, actor="test", at=START)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() or 0)  # noqa: S608


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fallback.jsonl"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    engine = open_database(url, patience_s=0.02)
    yield engine
    engine.dispose()


def fallback(path: Path) -> Fallback:
    return Fallback(path, FakeClock(START))


def write(path: Path, *facts: Fact) -> None:
    journal = fallback(path)
    for fact in facts:
        journal.append([fact])


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind_of_fact_comes_back_as_it_was(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Through the file: amounts, days, instants, words and nested plans."""
    where = tmp_path_factory.mktemp("round") / "f.jsonl"
    fact: Any = data.draw(st.from_type(KINDS[kind]))

    write(where, fact)

    assert [found.facts for found in fallback(where).lines] == [(fact,)]


def test_a_torn_last_line_is_left_out_and_written_over(path: Path) -> None:
    """Its effects never ran; what came before it stands, what comes after it is whole."""
    write(path, line(1), line(2))
    whole = path.read_bytes()
    path.write_bytes(whole + b'["abc", 3, [["Timel')

    after = fallback(path)
    assert [found.facts for found in after.lines] == [(line(1),), (line(2),)]
    after.append([line(3)])

    assert [found.facts[0] for found in fallback(path).lines] == [line(1), line(2), line(3)]


@pytest.mark.parametrize("cut", [1, 5, 20, 60])
def test_a_line_cut_anywhere_never_counts(path: Path, cut: int) -> None:
    """Not even when only its line end is missing."""
    write(path, line(1), line(2))
    path.write_bytes(path.read_bytes()[:-cut])

    assert [found.facts for found in fallback(path).lines] == [(line(1),)]


def test_an_unreadable_line_in_the_middle_stops_loudly(path: Path) -> None:
    """It was relied on: orders may stand in it."""
    write(path, line(1), line(2))
    raw = path.read_bytes()
    path.write_bytes(b"x" + raw[1:])

    with pytest.raises(JournalUnavailable, match="Line 1"):
        _ = fallback(path).lines


def test_a_whole_line_of_another_version_stops_loudly(path: Path) -> None:
    """It is not torn: leaving it out would forget orders."""
    write(path, line(1))
    path.write_bytes(path.read_bytes().replace(b'"text"', b'"words"'))

    with pytest.raises(JournalUnavailable, match="another version"):
        _ = fallback(path).lines


def test_a_file_that_cannot_be_written_takes_nothing(tmp_path: Path) -> None:
    """The caller must not send."""
    journal = fallback(tmp_path / "missing" / "f.jsonl")

    with pytest.raises(JournalUnavailable, match="cannot be written"):
        journal.append([line(1)])

    assert list(journal.lines) == []


def test_what_fell_back_is_merged_with_the_next_commit(path: Path, database: Engine) -> None:
    """In one transaction, in order, and the file is gone."""
    store = TradingStore(database, fallback=fallback(path))
    store.fall_back([line(1), change("a")])
    store.fall_back([line(2)])

    store.commit([line(3)])

    found = store.load(date(2026, 11, 23))
    assert [e.id for e in found.timeline] == [1, 2, 3]
    assert [s.reason for s in found.states] == ["a"]
    assert not path.exists()
    store.close()


def test_a_file_left_by_an_earlier_life_is_merged_at_start(path: Path, database: Engine) -> None:
    """Before anything is loaded, so that ids go on after its own."""
    write(path, line(7), change("a"))

    store = TradingStore(database, fallback=fallback(path))
    found = store.load(date(2026, 11, 23))

    assert [e.id for e in found.timeline] == [7]
    assert found.next_ids["timeline"] == 8
    assert not path.exists()
    store.close()


def test_a_crash_between_merge_and_deletion_merges_once(path: Path, database: Engine) -> None:
    """The mark in the database is what counts, not the file."""
    write(path, line(1), change("a"))
    left = path.read_bytes()
    first = TradingStore(database, fallback=fallback(path))
    first.load(date(2026, 11, 23))
    path.write_bytes(left)

    second = TradingStore(database, fallback=fallback(path))
    found = second.load(date(2026, 11, 23))
    second.fall_back([line(2)])
    second.commit([])

    assert [e.id for e in found.timeline] == [1]
    assert count(database, "trading_state_changes") == 1
    assert count(database, "timeline_events") == 2
    first.close()
    second.close()


def test_a_file_that_cannot_be_deleted_is_not_merged_again(path: Path, database: Engine) -> None:
    """Later outages go on in it; each line counts once."""
    store = TradingStore(database, fallback=fallback(path))
    store.fall_back([change("a")])
    left = path.read_bytes()
    store.commit([])
    path.write_bytes(left)

    again = TradingStore(database, fallback=fallback(path))
    again.commit([change("b")])
    again.commit([change("c")])

    assert count(database, "trading_state_changes") == 3
    store.close()
    again.close()


def test_a_commit_whose_answer_was_lost_is_not_written_twice(path: Path, database: Engine) -> None:
    """The rows stand already: the merge finds them."""
    store = TradingStore(database, fallback=fallback(path))
    facts = [line(1), change("a")]
    lose_next_answer(database)

    with pytest.raises(JournalUnavailable):
        store.commit(facts)
    store.fall_back(facts)
    store.commit([line(2)])

    assert count(database, "timeline_events") == 2
    assert count(database, "trading_state_changes") == 1
    store.close()


def lose_next_answer(engine: Engine) -> None:
    """The next transaction is committed and its answer lost, as when a connection breaks."""

    @event.listens_for(engine, "commit", once=True)
    def _lose(connection: Any) -> None:
        connection.connection.driver_connection.commit()
        raise OperationalError("COMMIT", None, OSError("connection lost"))


def test_without_a_fallback_nothing_is_taken(database: Engine) -> None:
    """With a standby another process may own trading by now."""
    store = TradingStore(database)

    with pytest.raises(JournalUnavailable, match="no fallback"):
        store.fall_back([line(1)])


def test_a_start_waits_for_the_lock_then_says_so(path: Path, database: Engine) -> None:
    """A file that cannot be merged stops the start; nothing of it is lost."""
    write(path, line(1))
    other = open_database(str(database.url)).connect()
    other.exec_driver_sql("BEGIN EXCLUSIVE")
    store = TradingStore(database, fallback=fallback(path))

    with pytest.raises(JournalUnavailable, match="locked"):
        store.load(date(2026, 11, 23))
    other.exec_driver_sql("ROLLBACK")

    assert [e.id for e in store.load(date(2026, 11, 23)).timeline] == [1]
    other.close()
    store.close()


# --- the program itself --------------------------------------------------------------------
def test_the_program_merges_what_a_killed_one_left(tmp_path: Path) -> None:
    """SIGKILL leaves the file; the next start has its rows before it serves."""
    folder = tmp_path / "demo"
    folder.mkdir()
    write(folder / FALLBACK_NAME, line(5), change("saved on the file"))

    program = Program(folder, free_port())
    program.wait()
    program.stop()

    engine = open_database(f"sqlite:///{folder / 'algomirror.db'}")
    assert count(engine, "trading_state_changes") == 1
    assert count(engine, "fallback_merges") == 2
    assert not (folder / FALLBACK_NAME).exists()
    engine.dispose()


def test_the_program_does_not_start_on_a_file_it_cannot_read(tmp_path: Path) -> None:
    """Orders may stand in it: code 4 and a sentence, and the file stays."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / FALLBACK_NAME).write_text("not a line of ours\n[]\n")

    program = Program(folder, free_port())

    assert program.child.wait(30) == 4
    assert "Line 1" in program.said()
    assert (folder / FALLBACK_NAME).exists()
    program.stop()
