"""The fallback journal: facts in a synced file while the database cannot be written."""

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import get_args

from algomirror.clock import Clock
from algomirror.engine.ports import Fact
from algomirror.engine.ports import JournalUnavailable
from algomirror.store.codec import from_json
from algomirror.store.codec import to_json

FALLBACK_NAME = "fallback-journal.jsonl"
KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Fact)}


class Line(NamedTuple):
    """One commit. Lines of an outage (`batch`) count from 1."""

    batch: str
    number: int
    facts: tuple[Fact, ...]


class Fallback:
    """One JSON line a commit, synced before `append` returns. Owned by the engine thread.

    A last line that is torn was never relied on: its effects had not run.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.clock = clock
        self._path = path
        self._lines: list[Line] = []
        self._batch = ""
        self._end = 0
        self._is_read = False

    @property
    def lines(self) -> Sequence[Line]:
        """What is in the file. JournalUnavailable when it cannot be read."""
        if not self._is_read:
            self._read()
        return self._lines

    def append(self, facts: Sequence[Fact]) -> None:
        """Durable when it returns; JournalUnavailable when it cannot be."""
        lines = self.lines
        batch = self._batch or secrets.token_hex(8)
        line = Line(batch, sum(known.batch == batch for known in lines) + 1, tuple(facts))
        raw = _encode(line)
        try:
            self._write(raw)
        except OSError as failed:
            raise JournalUnavailable(f"The fallback journal cannot be written: {failed}.") from None
        self._end += len(raw)
        self._batch = batch
        self._lines.append(line)

    def clear(self) -> None:
        """After the merge. A file that cannot be deleted is harmless: the merge left its mark."""
        self._batch = ""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return
        self._lines, self._end = [], 0

    def _write(self, raw: bytes) -> None:
        is_new = not self._path.exists()
        with self._path.open("r+b" if not is_new else "xb") as file:
            file.seek(self._end)
            file.truncate()
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _sync_folder(self._path.parent)

    def _read(self) -> None:
        """Whole lines only; the next write goes over what is torn."""
        try:
            raw = self._path.read_bytes() if self._path.exists() else b""
        except OSError as failed:
            raise JournalUnavailable(f"The fallback journal cannot be read: {failed}.") from None
        whole = raw.splitlines(keepends=True)
        for at, text in enumerate(whole):
            line = _decode(text)
            if line is None and at < len(whole) - 1:
                raise JournalUnavailable(f"Line {at + 1} of {self._path} cannot be read.")
            if line is not None:
                self._lines.append(line)
                self._end += len(text)
        self._is_read = True


def _encode(line: Line) -> bytes:
    facts = [[type(fact).__name__, to_json(fact)] for fact in line.facts]
    return json.dumps([line.batch, line.number, facts]).encode() + b"\n"


def _decode(raw: bytes) -> Line | None:
    """None for a line that was not written to its end."""
    if not raw.endswith(b"\n"):
        return None
    try:
        batch, number, facts = json.loads(raw)
    except ValueError:
        return None
    try:
        return Line(batch, number, tuple(_fact(kind, value) for kind, value in facts))
    except (KeyError, TypeError, ValueError) as odd:
        text = f"Line {number} of the fallback journal is of another version: {odd}."
        raise JournalUnavailable(text) from odd


def _fact(kind: str, value: Any) -> Fact:
    found: Fact = from_json(KINDS[kind], value)
    return found


def _sync_folder(folder: Path) -> None:
    """So that the new file's name survives a power cut too, where a folder can be opened."""
    if os.name != "posix":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
