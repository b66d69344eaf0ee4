"""The kill switch as a file: `touch <data>/KILL` works while no page and no socket does."""

import json
import logging
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

from algomirror.engine.limbs import KillOrder

log = logging.getLogger(__name__)

NAME = "KILL"
STATUS = "KILL.status"
MAX_BYTES = 64_000
"""More is no order of ours; it is not parsed."""


class KillFile:
    """engine.limbs.KillFile over a data folder. Owned by the engine thread; never raises."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._status = folder / STATUS
        self._said = ""
        self._seen = ""
        """Token of the last look: an empty file counts from the second look, for it may be half
        written."""
        self._done = ""
        """Token of the order that ended: where it cannot be renamed it is not begun anew."""

    def look(self) -> KillOrder | None:
        token = _token(self._path)
        again, self._seen = token == self._seen, token
        if not token or token == self._done:
            return None
        order = parse(_read(self._path), token=token)
        if order is not None:
            return order
        if not again:
            log.warning("%s is empty or unreadable: it means everything ours", self._path)
            return None
        return KillOrder(token=token)

    def write_status(self, text: str) -> str:
        if text == self._said:
            return ""
        trouble = replace_text(self._status, text + "\n")
        if not trouble:
            self._said = text
        return trouble

    def finish(self, now: datetime) -> str:
        """The file that was looked at is put aside; its name tells when."""
        if not self._seen or _token(self._path) != self._seen:
            return ""
        self._done = self._seen
        self._said = ""
        done = self._path.with_name(f"{NAME}.done-{now:%Y%m%dT%H%M%S}")
        try:
            self._path.replace(done)
        except OSError as failed:
            log.error("%s cannot be renamed: %s", self._path, failed)
            return f"KILL cannot be renamed: {failed.strerror or failed}"
        self._seen = ""
        return ""


def order_text(
    *,
    by: str,
    account: tuple[int, str] | None = None,
    strategy: tuple[int, str] | None = None,
    everything: bool = False,
) -> str:
    """What the file holds: who asks, and the scope by id and name."""
    return json.dumps({
        "by": by,
        "account": account[1] if account else None,
        "account_id": account[0] if account else None,
        "strategy": strategy[1] if strategy else None,
        "strategy_id": strategy[0] if strategy else None,
        "everything": everything,
    })  # fmt: skip


def parse(raw: bytes, *, token: str) -> KillOrder | None:
    """None when it is no order: empty, no JSON, no object, or a scope of the wrong type."""
    try:
        found = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    account, strategy = _scope(found, "account"), _scope(found, "strategy")
    if account is None or strategy is None:
        return None
    by = found.get("by")
    return KillOrder(
        token=token,
        by=by.strip()[:60] if isinstance(by, str) and by.strip() else "KILL file",
        account=account[0],
        account_id=account[1],
        strategy=strategy[0],
        strategy_id=strategy[1],
        with_foreign=found.get("everything") is True,
    )


def replace_text(path: Path, text: str) -> str:
    """A reader sees the old text or the new one, never a part. The sentence of a failure."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as failed:
        log.error("%s cannot be written: %s", path, failed)
        return f"{path.name} cannot be written: {failed.strerror or failed}"
    return ""


def _scope(found: dict[str, Any], noun: str) -> tuple[str, int | None] | None:
    """(name, id) of a noun; blank and None for "all"; None when it is of no use."""
    name, number = found.get(noun), found.get(f"{noun}_id")
    if isinstance(name, int) and not isinstance(name, bool):
        name, number = "", name
    if name is not None and not isinstance(name, str):
        return None
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        return None
    return (name or "").strip(), number


def _token(path: Path) -> str:
    """What lies there now; empty when nothing does."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ""
    except OSError as failed:
        log.error("%s cannot be looked at: %s", path, failed)
        return ""
    return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}-{stat.S_IFMT(found.st_mode)}"


def _read(path: Path) -> bytes:
    """Its bytes; nothing when it cannot be read, is no plain file or too large to be an order."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as failed:
        log.error("%s cannot be read: %s", path, failed)
        return b""
    return raw if len(raw) <= MAX_BYTES else b""
