"""Fifty short days with faults: no invariant breaks, and the ledger says what was checked."""

from pathlib import Path

import pytest

from algomirror.simulate import command
from algomirror.simulate.command import Sum
from algomirror.simulate.command import simulate
from algomirror.simulate.day import Ledger
from algomirror.simulate.day import run_day
from algomirror.simulate.invariants import NAMES

SEEDS = 50


@pytest.fixture(scope="module")
def fifty() -> Sum:
    total = Sum()
    for seed in range(SEEDS):
        total.add(run_day(seed))
    return total


def test_fifty_days_break_no_invariant(fifty: Sum) -> None:
    """Half of them on each profile."""
    assert fifty.broken == []
    assert fifty.seeds == SEEDS


def test_the_days_are_worth_checking(fifty: Sum) -> None:
    """Every invariant was checked, and the days held what they are for."""
    assert [name for name in NAMES if fifty.checks[name] == 0] == []
    assert fifty.orders > 8 * SEEDS
    assert len(fifty.injected) >= 10
    assert min(fifty.hand_trades, fifty.restarts, fifty.kills) > 0
    assert fifty.ticks >= 300 * SEEDS


def test_a_seed_gives_the_same_day() -> None:
    """Twice the same ledger, whatever ran before."""
    assert run_day(7) == run_day(7)


def test_the_number_of_processes_changes_nothing() -> None:
    """The ledger but for its last line (the time it took)."""
    ledgers: list[list[str]] = []
    for jobs in ("1", "2"):
        said: list[str] = []
        assert simulate(["--seeds", "12", "--first", "300", "--jobs", jobs], said.append) == 0
        ledgers.append(said[:-1])

    assert ledgers[0] == ledgers[1]
    assert any("invariants checked" in line for line in ledgers[0])


def test_a_breach_names_the_command_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1. The day is replaced by one that breaks: the ledger is under test."""

    def bad(seeds: range, kinds: tuple[str, ...], jobs: int) -> list[Ledger]:
        return [Ledger(seed=9, profile="live", broken=["P&L equals cash flow when flat: no"])]

    monkeypatch.setattr(command, "_ledgers", bad)
    said: list[str] = []

    assert simulate(["--seeds", "1", "--first", "9"], said.append) == 1
    assert any("--first 9 --seeds 1" in line for line in said)


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    """Exit code 2 and a sentence."""
    said: list[str] = []

    assert simulate(["--faults", "drop_reply,meteor"], said.append) == 2
    assert "meteor" in said[0]
    assert "drop_reply" in said[0]


def test_without_faults_every_run_ends_by_itself() -> None:
    """--faults none: nothing is injected."""
    said: list[str] = []

    assert simulate(["--seeds", "4", "--faults", "none", "--jobs", "1"], said.append) == 0
    assert "faults injected: 0: none" in said


def test_no_file_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated day lives in memory."""
    monkeypatch.chdir(tmp_path)

    run_day(3)

    assert list(tmp_path.iterdir()) == []
