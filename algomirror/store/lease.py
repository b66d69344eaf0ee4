"""Exactly one process owns trading: an operating-system lock, and a row that tells who."""

import os
import socket
import sys
from pathlib import Path
from typing import IO

from sqlalchemy import Engine
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select

from algomirror.clock import Clock
from algomirror.errors import LeaseHeld
from algomirror.store.tables import EngineLease

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Lease:
    """The lock dies with its process, so a restart waits for nothing. Keep the object alive."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "engine.lock"
        self._file: IO[str] | None = None

    def take(self, clock: Clock) -> None:
        """LeaseHeld(who) when another process has it."""
        file = self._path.open("a+", encoding="utf-8")
        try:
            _lock(file)
        except OSError:
            file.close()
            raise LeaseHeld(self._holder()) from None
        self._file = file
        who = f"pid {os.getpid()} on {socket.gethostname()} since {clock.now():%d %b %H:%M:%S}"
        self._note().write_text(who, encoding="utf-8")

    def record(self, engine: Engine, clock: Clock) -> int:
        """Raise the epoch; every save of orders checks it."""
        table = EngineLease.__table__  # type: ignore[attr-defined]
        with engine.begin() as connection:
            epoch = (connection.execute(select(table.c.epoch)).scalar() or 0) + 1
            connection.execute(delete(table))
            connection.execute(
                insert(table).values(id=1, holder=self._holder(), epoch=epoch, since=clock.now())
            )
        return epoch

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _note(self) -> Path:
        return self._path.with_suffix(".holder")

    def _holder(self) -> str:
        try:
            return self._note().read_text(encoding="utf-8") or "another process"
        except OSError:
            return "another process"


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
