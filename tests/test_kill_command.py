"""`algomirror kill` against real processes that have no page: the file, and without an owner."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from algomirror.app import App
from algomirror.kill_command import kill
from algomirror.settings import Settings
from tests.processes import ROOT
from tests.processes import environment
from tests.processes import get
from tests.processes import paper

KEYS = [f"{name}:{cash}" for name, cash in (("a" * 32, 6_000_000), ("b" * 32, 4_000_000),
                                            ("c" * 32, 2_800_000))]  # fmt: skip


class Desk:
    """A demo folder whose exchange is a process of its own, so that it outlives AlgoMirror."""

    def __init__(self, folder: Path, ready: dict[str, Any]) -> None:
        self.folder = folder
        self._exchange = str(ready["rest"])
        folder.mkdir()
        (folder / "demo-keys.json").write_text(json.dumps([k.split(":")[0] for k in KEYS]))
        (folder / "demo.json").write_text(json.dumps(ready))

    def admin(self, act: str, **body: Any) -> Any:
        status, found = get(f"{self._exchange}/admin/{act}", body)
        assert status == 200, found
        return found["data"]

    def open_positions(self) -> list[int]:
        """Of each account, as the exchange has it."""
        books = self.admin("books")
        return [sum(p["quantity"] != 0 for p in b["positions"]) for b in books]

    def kill(self, *arguments: str) -> tuple[int, str]:
        """Exit code and what it printed."""
        command = [sys.executable, "-m", "algomirror", "kill", "--data-dir", str(self.folder)]
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment(), capture_output=True, text=True,
            timeout=110,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr[-1500:]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    arguments = [part for key in KEYS for part in ("--key", key)]
    with paper("--seed", "7", *arguments) as ready:
        yield Desk(tmp_path / "demo", ready)


@contextmanager
def headless(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """AlgoMirror without pages, with twelve open positions."""
    log = (desk.folder.parent / "headless.err").open("w+")
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.headless", str(desk.folder)],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n", (
            desk.folder.parent / "headless.err"
        ).read_text()[-3000:]
        yield child
    finally:
        child.kill()
        child.wait(5)
        assert child.stdout is not None
        child.stdout.close()
        log.close()


@pytest.mark.acceptance(22)
def test_one_unreachable_account_keeps_it_red_while_the_others_become_flat(desk: Desk) -> None:
    """No browser; the command names the account, and is done when that one answers again."""
    with headless(desk):
        assert desk.open_positions() == [4, 4, 4]
        desk.admin("faults", number=2, rules=[{"kind": "hang", "seconds": 30.0}])
        code, said = desk.kill("--wait", "20")
        print(said)
        left = desk.open_positions()
        desk.admin("faults", number=2, rules=[])
        code_after, said_after = desk.kill("--wait", "90")
        print(said_after)
        left_after = desk.open_positions()

    assert (code, left[:2]) == (1, [0, 0]), said
    assert "it is not flat" in said
    assert "Rao HUF" in said.splitlines()[-1]
    assert (code_after, left_after) == (0, [0, 0, 0]), said_after
    assert "books agree" in said_after.splitlines()[-1]
    assert list(desk.folder.glob("KILL.done-*"))
    assert not (desk.folder / "KILL").exists()


def test_one_account_only_then_touch_kill_closes_the_rest(desk: Desk) -> None:
    """By a name in any case; then the file that any hand can make."""
    with headless(desk):
        code, said = desk.kill("--account", "meera", "--wait", "60")
        left = desk.open_positions()
        (desk.folder / "KILL").touch()
        end = time.monotonic() + 60
        while desk.open_positions() != [0, 0, 0] and time.monotonic() < end:
            time.sleep(0.5)
        left_after = desk.open_positions()

    assert (code, left) == (0, [4, 0, 4]), said
    assert left_after == [0, 0, 0]


def test_without_an_owner_the_command_takes_over_and_exits_everything(desk: Desk) -> None:
    """The process died with positions open; the lease is free again afterwards."""
    with headless(desk) as child:
        child.kill()
        child.wait(5)

        code, said = desk.kill("--wait", "90")

    assert (code, desk.open_positions()) == (0, [0, 0, 0]), said
    assert "No process owns trading" in said
    assert desk.kill("--wait", "60")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--account", "Nobody"], 'There is no account "Nobody". Names: none exists.'),
        (["--strategy", "Fly"], 'There is no strategy "Fly". Names: none exists.'),
        (["--strategy", "Fly", "--everything"], "--strategy goes with neither"),
    ],
)
def test_what_is_not_understood_writes_nothing(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    """The names are listed; no KILL lies there."""
    app = App(Settings(data_dir=tmp_path, secret_key=secrets.token_hex(32)))
    app.open()
    said: list[str] = []

    code = kill([*arguments, "--data-dir", str(tmp_path)], said.append)
    app.lease.release()

    assert code == 2
    assert words in said[0]
    assert "Nothing was written." in said[0]
    assert not (tmp_path / "KILL").exists()


def test_a_folder_without_data_is_no_exit(tmp_path: Path) -> None:
    """A wrong --data-dir must not look like a kill."""
    said: list[str] = []

    code = kill(["--data-dir", str(tmp_path)], said.append)

    assert code == 2
    assert "holds no AlgoMirror data" in said[0]
    assert list(tmp_path.iterdir()) == []
