"""`algomirror kill`: the kill switch without a browser, beside a running AlgoMirror or without one.

Beside one it writes <data>/KILL and prints <data>/KILL.status as it changes. Where no process owns
trading it takes the lease, recovers and exits everything itself. 0 when FLAT, 1 when something is
left after the wait, 2 when it was not understood: then nothing was written.
"""

import argparse
import getpass
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy import create_engine
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from algomirror.app import App
from algomirror.demo import Demo
from algomirror.engine import messages as m
from algomirror.engine.attention_rows import KillRow
from algomirror.engine.live_view import EventRow
from algomirror.engine.live_view import LiveView
from algomirror.errors import LeaseHeld
from algomirror.logs import begin_logging
from algomirror.settings import BadSetting
from algomirror.settings import Settings
from algomirror.settings import read_settings
from algomirror.store.kill_file import NAME
from algomirror.store.kill_file import STATUS
from algomirror.store.kill_file import order_text
from algomirror.store.kill_file import replace_text
from algomirror.store.tables import StrategyRow
from algomirror.store.tables import TradingAccount

FLAT, NOT_FLAT, REFUSED = 0, 1, 2
WAIT_S = 300.0
LOOK_EVERY_S = 0.2
SILENT_S = 5.0
"""Without a word of the engine for so long, the lease is tried again: its owner may have died."""
Say = Callable[[str], None]
Named = tuple[int, str]


class NotUnderstood(Exception):  # noqa: N818 - a sentence for the person; nothing was written
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What to close: all of ours unless an account or a strategy is named."""

    by: str
    account: Named | None
    strategy: Named | None
    everything: bool

    @property
    def text(self) -> str:
        scope = "everything AlgoMirror opened"
        if self.account is not None:
            scope = f"what AlgoMirror opened on {self.account[1]}"
        elif self.strategy is not None:
            scope = f"the runs of {self.strategy[1]}"
        return scope + (" and what it did not open (NFO, BFO)" if self.everything else "")


def kill(arguments: list[str], say: Say = print) -> int:
    given = _flags().parse_args(arguments)
    try:
        settings = _settings(given.data_dir, is_demo=given.demo)
        wish = _wish(settings, given)
    except (BadSetting, NotUnderstood) as refused:
        say(f"{refused} Nothing was written.")
        return REFUSED
    end = time.monotonic() + given.wait
    app = App(settings)
    try:
        app.open()
    except LeaseHeld as held:
        say(f"{held.holder} owns trading. Asking it to exit {wish.text}.")
        return _by_file(settings, wish, end, say)
    return _by_ourselves(app, wish, end, say)


def _flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="algomirror kill", description=__doc__.splitlines()[0])
    parser.add_argument("--account", metavar="NAME", help="only what is open on this account")
    parser.add_argument("--strategy", metavar="NAME", help="only the runs of this strategy")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="also close what AlgoMirror did not open there (NFO, BFO)",
    )
    parser.add_argument("--data-dir", metavar="DIR")
    parser.add_argument("--demo", action="store_true", help="the demo's data folder")
    parser.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS")
    return parser


def _settings(data_dir: str | None, *, is_demo: bool) -> Settings:
    """Of a folder that holds data; a wrong folder must not look like an exit."""
    found = read_settings(data_dir=data_dir, is_demo=is_demo)
    folder = found.data_dir
    if not (folder / "algomirror.db").exists() and not (folder / "engine.lock").exists():
        raise NotUnderstood(f"{folder} holds no AlgoMirror data. Name its folder by --data-dir.")
    is_really_demo = (folder / "DEMO").exists()
    return read_settings(data_dir=str(folder), is_demo=is_really_demo, opens_browser=False)


def _wish(settings: Settings, given: argparse.Namespace) -> _Wish:
    if given.strategy is not None and (given.account is not None or given.everything):
        raise NotUnderstood("--strategy goes with neither --account nor --everything.")
    account = strategy = None
    if given.account is not None or given.strategy is not None:
        accounts, strategies = _names(settings.url)
        account = _chosen("account", given.account, accounts)
        strategy = _chosen("strategy", given.strategy, strategies)
    return _Wish(
        by=f"{_user()} by algomirror kill",
        account=account,
        strategy=strategy,
        everything=given.everything,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _names(url: str) -> tuple[list[Named], list[Named]]:
    """Accounts and strategies, read without a single write."""
    engine = _reader(url)
    accounts = TradingAccount.__table__  # type: ignore[attr-defined]
    strategies = StrategyRow.__table__  # type: ignore[attr-defined]
    try:
        with engine.connect() as connection:
            known = connection.execute(
                select(accounts.c.id, accounts.c.account_name).where(
                    accounts.c.archived_at.is_(None)
                )
            ).all()
            designs = connection.execute(select(strategies.c.id, strategies.c.name)).all()
    except SQLAlchemyError as failed:
        raise NotUnderstood(
            f"The names cannot be read from the database ({type(failed).__name__}). Without "
            "--account and --strategy everything AlgoMirror opened is exited."
        ) from None
    finally:
        engine.dispose()
    return [(row[0], row[1]) for row in known], [(row[0], row[1]) for row in designs]


def _reader(url: str) -> Engine:
    if not url.startswith("sqlite:///"):
        return create_engine(url)
    path = Path(url.removeprefix("sqlite:///"))
    return create_engine(f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true")


def _chosen(noun: str, name: str | None, known: list[Named]) -> Named | None:
    if name is None:
        return None
    wanted = name.strip().casefold()
    found = [one for one in known if one[1].casefold() == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(one[1] for one in known)) or "none exists"
    problem = "more than one" if found else "no"
    raise NotUnderstood(f'There is {problem} {noun} "{name}". Names: {names}.')


# --- beside a running AlgoMirror -----------------------------------------------------------------
def _by_file(settings: Settings, wish: _Wish, end: float, say: Say) -> int:
    order, status = settings.data_dir / NAME, settings.data_dir / STATUS
    if not order.exists():
        status.unlink(missing_ok=True)  # it tells of a kill that ended; else of one that goes on
    trouble = replace_text(
        order,
        order_text(
            by=wish.by, account=wish.account, strategy=wish.strategy, everything=wish.everything
        ),
    )
    if trouble:
        say(f"{trouble}. Nothing was asked.")
        return NOT_FLAT
    shown = ""
    silent_until = time.monotonic() + SILENT_S
    while time.monotonic() < end:
        shown = _new_lines(status, shown, say)
        if not order.exists():
            return _ended(status, shown, say)
        if not shown and time.monotonic() > silent_until:
            silent_until = time.monotonic() + SILENT_S
            app = App(settings)
            try:
                app.open()
            except LeaseHeld:
                say("No word from the engine yet; KILL lies there for it.")
            else:
                order.unlink(missing_ok=True)
                say("The process that owned trading is gone.")
                return _by_ourselves(app, wish, end, say)
        time.sleep(LOOK_EVERY_S)
    left = shown.strip().replace("\n", "; ") or "unknown, the engine has said nothing"
    say(f"The wait is over and it is not flat. AlgoMirror goes on: KILL stays. Left: {left}")
    return NOT_FLAT


def _ended(status: Path, shown: str, say: Say) -> int:
    """KILL was put aside: the last status says how it ended."""
    for _ in range(10):
        shown = _new_lines(status, shown, say)
        if any(line.startswith("FLAT") for line in shown.splitlines()):
            return FLAT
        time.sleep(LOOK_EVERY_S)
    say("KILL was put aside, but no status says FLAT. Look at the brokers.")
    return NOT_FLAT


def _new_lines(status: Path, shown: str, say: Say) -> str:
    """Print what the status says now where it differs; a status that is not there yet is empty."""
    try:
        text = status.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return shown
    if text != shown:
        before = set(shown.splitlines())
        for line in text.splitlines():
            if line and line not in before:
                say(line)
    return text


# --- without one -------------------------------------------------------------------------------
def _by_ourselves(app: App, wish: _Wish, end: float, say: Say) -> int:
    begin_logging(app.settings.data_dir, "WARNING")
    say(f"No process owns trading: this command takes over and exits {wish.text}.")
    demo = Demo(app) if app.settings.is_demo else None
    if demo is not None:
        demo.start()
    app.start()
    try:
        return _exit_all(app, wish, end, say)
    finally:
        app.stop()
        if demo is not None:
            demo.stop()


def _exit_all(app: App, wish: _Wish, end: float, say: Say) -> int:
    if not app.accounts.profiles():
        say("FLAT: no account is set up, nothing was opened.")
        return FLAT
    app.post(
        m.RequestKill(
            by=wish.by,
            account_id=wish.account[0] if wish.account else None,
            strategy_id=wish.strategy[0] if wish.strategy else None,
            with_foreign=wish.everything,
        )
    )
    app.activity.record(wish.by, "kill_switch", object_text=wish.text)
    shown: list[str] = []
    while time.monotonic() < end:
        rows = [r for r in app.view.rows("kill") if isinstance(r, KillRow)]
        lines = _lines(rows)
        for line in lines:
            if line not in shown:
                say(line)
        shown = lines
        if _has_ended(app.view) and all(r.is_flat for r in rows):
            at = max((r.flat_at for r in rows if r.flat_at is not None), default=app.clock.now())
            say(f"FLAT {at:%H:%M:%S}, books agree")
            return FLAT
        time.sleep(LOOK_EVERY_S)
    left = "; ".join(shown) or "unknown, no book was read"
    say(f"The wait is over and it is not flat. Left: {left}. Start AlgoMirror: it goes on.")
    return NOT_FLAT


def _has_ended(view: LiveView) -> bool:
    """The engine says FLAT once for a kill, also where a scope held nothing."""
    events = (r for r in view.rows("event") if isinstance(r, EventRow))
    return any(r.kind == "flat" for r in events)


def _lines(rows: Iterable[KillRow]) -> list[str]:
    """A: 3 of 8 orders filled, 2 positions left"""
    return [
        f"{r.account_name}: {r.orders_filled} of {r.orders} orders filled, "
        f"{r.positions_left} positions left" + (f": {r.text}" if r.text and not r.is_flat else "")
        for r in sorted(rows, key=lambda r: r.account_name)
    ]
