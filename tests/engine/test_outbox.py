"""Facts first, then effects: each effect once, none before its facts are durable."""

from collections.abc import Sequence

import pytest

from algomirror.clock import FakeClock
from algomirror.engine.outbox import Outbox
from algomirror.engine.ports import Fact
from algomirror.engine.ports import JournalUnavailable
from algomirror.engine.ports import TimelineEvent
from algomirror.simulate.world import START

FACT = TimelineEvent(id=1, at=START, level="info", kind="test", text="a fact")


class FakeJournal:
    """A journal whose database and file can be taken away."""

    def __init__(self) -> None:
        self.has_database = True
        self.has_file = True
        self.saved: list[Fact] = []
        self.waiting: list[Fact] = []

    def commit(self, facts: Sequence[Fact]) -> None:
        if not self.has_database:
            raise JournalUnavailable("database is locked")
        self.saved += [*self.waiting, *facts]
        self.waiting = []

    def fall_back(self, facts: Sequence[Fact]) -> None:
        if not self.has_file:
            raise JournalUnavailable("disk full")
        self.waiting += facts

    def load(self, session_day: object) -> object:
        raise NotImplementedError("nothing to load here")


class Box:
    """An outbox, what it said, and what it did."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.clock = FakeClock(START)
        self.said: list[str] = []
        self.done: list[str] = []
        self.outbox = Outbox(self.journal, self.clock, self._say)  # type: ignore[arg-type]

    def _say(self, level: str, text: str) -> None:
        self.said.append(level)
        self.outbox.stage(FACT)

    def ask(self, name: str, *, entry_id: str = "") -> None:
        self.outbox.stage(FACT)
        self.outbox.then(lambda: self.done.append(name), entry_id=entry_id)


@pytest.fixture
def box() -> Box:
    return Box()


def test_an_effect_follows_its_facts(box: Box) -> None:
    """Saved, then done."""
    box.ask("exit")
    assert box.done == []

    box.outbox.commit()

    assert (box.done, box.journal.saved) == (["exit"], [FACT])


def test_while_the_database_is_away_entries_wait_and_exits_do_not(box: Box) -> None:
    """In order, and each once."""
    box.journal.has_database = False
    box.ask("entry", entry_id="E1-L1-ENTRY-1-s1")
    box.ask("exit")

    box.outbox.commit()
    assert box.done == ["exit"]
    box.journal.has_database = True
    box.clock.advance(1.0)
    assert box.outbox.has_staged
    box.outbox.commit()
    box.outbox.commit()

    assert box.done == ["exit", "entry"]
    assert box.said == ["critical", "warning"]
    assert not box.outbox.is_on_fallback


def test_an_entry_taken_back_never_leaves(box: Box) -> None:
    """Whether it waits for the database or was only just asked for."""
    box.ask("just asked", entry_id="a")
    assert box.outbox.take_back("a")
    box.journal.has_database = False
    box.ask("waits", entry_id="b")
    box.outbox.commit()
    assert box.outbox.take_back("b")
    assert not box.outbox.take_back("b")

    box.journal.has_database = True
    box.clock.advance(1.0)
    box.outbox.commit()

    assert box.done == []


def test_without_database_and_file_everything_waits_in_order(box: Box) -> None:
    """Nothing is sent; the error says so; then all of it, once."""
    box.journal.has_database = box.journal.has_file = False
    box.ask("first")
    box.outbox.commit()
    box.ask("second")
    box.outbox.commit()
    assert box.done == []
    assert box.outbox.error.endswith("Nothing is sent.")

    box.journal.has_file = True
    box.outbox.commit()

    assert box.done == ["first", "second"]
    assert box.outbox.is_on_fallback


def test_an_effect_that_raises_does_not_take_the_others_with_it(box: Box) -> None:
    """They run with the next commit, once each."""
    box.outbox.stage(FACT)
    box.outbox.then(lambda: box.done.remove("not there"))
    box.ask("exit")

    with pytest.raises(ValueError, match="not in list"):
        box.outbox.commit()
    assert box.outbox.has_staged
    box.outbox.commit()

    assert box.done == ["exit"]


def test_a_stopped_outbox_does_nothing_any_more(box: Box) -> None:
    """The lease is gone: what was staged and what waits is dropped."""
    box.journal.has_database = False
    box.ask("entry", entry_id="a")
    box.outbox.commit()
    box.ask("exit")

    box.outbox.stop("another process owns trading")
    box.journal.has_database = True
    box.clock.advance(5.0)
    box.ask("later")
    box.outbox.commit()

    assert box.done == []
    assert box.outbox.error == "another process owns trading"
