"""Killed at every journal boundary, restarted, compared with the twin that was left alone."""

import ast
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from algomirror.engine.outbox import Outbox
from algomirror.engine.unknown import UnknownResolver
from algomirror.paper.exchange import Profile
from algomirror.simulate.crash import STORIES
from algomirror.simulate.crash import Enumeration
from algomirror.simulate.crash import Story
from algomirror.simulate.crash_lives import TAKEN
from algomirror.simulate.crash_lives import TAKING
from algomirror.simulate.crash_lives import Crossing
from algomirror.store.fallback import KINDS
from algomirror.store.fallback import Fallback

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a life is a forked process"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # no thread of ours is forked
]

ENGINE = Path(__file__).parents[2] / "algomirror" / "engine"
PROFILES: list[Profile] = ["analyze", "live"]
BY_NAME = {story.name: story for story in STORIES}
FACTS_OF_NO_STORY: dict[str, str] = {}
"""Name and reason of a fact that no story puts at stake; a new one needs a story or a line here."""
REQUESTS_OF_NO_STORY = {
    "modifyorder": "steps of a chase; whatever became of one, the order book says it",
}


ON_ONE_PROFILE = {
    "exit while entries rest": "live",
    "exit in equal slices": "analyze",
    "exit by the kill switch": "live",
    "exit while the database is locked": "live",
}
"""What they are about is not in the exchange's answers; the others are told on both."""
TOLD = [
    pytest.param(story, profile, id=f"{story.name}, {profile}")
    for story in STORIES
    for profile in PROFILES
    if ON_ONE_PROFILE.get(story.name, profile) == profile
]


@pytest.mark.acceptance(13)
@pytest.mark.acceptance(14)
@pytest.mark.parametrize(("story", "profile"), TOLD)
def test_a_kill_at_any_boundary_ends_like_the_twin(
    story: Story, profile: Profile, tmp_path: Path
) -> None:
    """Same orders at the exchange, same books; a lost entry is flat and explained instead."""
    begun = time.monotonic()

    tally = Enumeration(story, profile, tmp_path, is_eager=profile == "live").run()
    print(f"{tally.text}, {time.monotonic() - begun:.1f} s")

    assert tally.broken == []
    assert tally.kills == len(tally.crossings) > 20
    assert tally.verdicts.total() == tally.kills
    assert story.may_lose_entries or tally.verdicts["explained"] == 0


def test_a_second_kill_while_it_recovers_changes_nothing(tmp_path: Path) -> None:
    """Recovery is itself recovered."""
    tally = Enumeration(BY_NAME["entry"], "live", tmp_path).run(twice=True)
    print(f"twice: {tally.text}")

    assert tally.broken == []
    assert tally.kills == 2 * len(tally.crossings)


# --- nothing is forgotten ------------------------------------------------------------------
@pytest.fixture(scope="module")
def crossings(tmp_path_factory: pytest.TempPathFactory) -> list[Crossing]:
    """Of every story's twin."""
    found: list[Crossing] = []
    for number, story in enumerate(STORIES):
        folder = tmp_path_factory.mktemp(f"twin{number}")
        found += Enumeration(story, "analyze", folder).twin().crossings[0]
    return found


def test_every_kind_of_fact_is_at_stake_at_some_boundary(crossings: list[Crossing]) -> None:
    """The union is closed: a new member is found missing here."""
    crossed = Counter(name for crossing in crossings for name in crossing.facts)
    print(f"boundaries by fact: {dict(crossed)}")

    assert set(KINDS) - set(crossed) - set(FACTS_OF_NO_STORY) == set()
    assert set(FACTS_OF_NO_STORY) <= set(KINDS)


def test_every_kind_of_request_is_survived(crossings: list[Crossing]) -> None:
    """The exchange took it and we died before we knew."""
    crossed = {c.kind.removeprefix(f"{TAKEN} ") for c in crossings if c.kind.startswith(TAKEN)}

    assert set(TAKING) - crossed - set(REQUESTS_OF_NO_STORY) == set()


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(tree: ast.AST, *names: str) -> bool:
    """Calls of a method of that name of the journal, or of an effect."""
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr in names
        and (call.func.attr == "effect" or "journal" in ast.unparse(call.func.value))
        for call in calls(tree)
    )


def boundaries(tree: ast.AST) -> set[str]:
    """Kinds named where `boundary` is called."""
    return {
        call.args[0].value
        for call in calls(tree)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "boundary"
        and isinstance(call.args[0], ast.Constant)
    }


def test_whatever_saves_or_acts_crosses_a_boundary(crossings: list[Crossing]) -> None:
    """In the source: no save and no effect outside the outbox, none there without a boundary;
    and every boundary of the source is crossed by some story."""
    outbox = ast.parse((ENGINE / "outbox.py").read_text())
    functions = [f for f in ast.walk(outbox) if isinstance(f, ast.FunctionDef)]
    needed = {"commit": {"before commit", "after commit"},
              "fall_back": {"before fallback", "after fallback"},
              "effect": {"after effect"}}  # fmt: skip

    for name, kinds in needed.items():
        places = [f for f in functions if called(f, name)]
        assert len(places) == 1
        assert boundaries(places[0]) == kinds
    others = [p for p in ENGINE.glob("*.py") if p.name != "outbox.py"]
    assert [p.name for p in others if called(ast.parse(p.read_text()), *needed)] == []
    assert boundaries(outbox) == {c.kind for c in crossings if not c.kind.startswith(TAKEN)}


def test_orders_leave_only_as_effects() -> None:
    """Workers are given jobs in one file, by what `then` runs."""
    senders = {
        path.name
        for path in ENGINE.glob("*.py")
        for call in calls(ast.parse(path.read_text()))
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "send"
        and "limbs" in ast.unparse(call.func.value)
    }

    assert senders == {"orders.py"}


# --- the enumeration can fail --------------------------------------------------------------
def test_an_engine_that_acts_before_it_saves_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched because the real one cannot be told to."""

    def act_first(outbox: Outbox) -> None:
        outbox._act(outbox._facts)
        outbox._save()

    monkeypatch.setattr(Outbox, "commit", act_first)
    enumeration = Enumeration(BY_NAME["exit by a person"], "live", tmp_path, is_eager=True)

    tally = enumeration.run(at=lambda crossing: crossing.kind == "after effect")

    assert tally.broken != []


def test_an_engine_that_does_not_look_for_its_orders_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: the books are never searched, so that what arrived counts as not found."""
    monkeypatch.setattr(UnknownResolver, "match", lambda *given: None)
    enumeration = Enumeration(BY_NAME["exit by a person"], "live", tmp_path)

    tally = enumeration.run(at=lambda crossing: crossing.kind.startswith(TAKEN))

    assert tally.broken != []


def test_a_fallback_journal_that_is_not_written_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: it pretends to write."""
    monkeypatch.setattr(Fallback, "_write", lambda *given: None)
    enumeration = Enumeration(BY_NAME["exit while the database is locked"], "live", tmp_path)

    tally = enumeration.run(at=lambda crossing: crossing.kind.startswith(TAKEN))

    assert tally.broken != []
