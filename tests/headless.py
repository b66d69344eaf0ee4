"""AlgoMirror without a page: opens one run in a demo folder, says so, trades until it is ended."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from algomirror.app import App
from algomirror.demo import Demo
from algomirror.domain.instrument import OptionType
from algomirror.domain.order import Side
from algomirror.domain.run import RunTrigger
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.engine import messages as m
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import PositionRow
from algomirror.logs import begin_logging
from algomirror.settings import claim_folder
from algomirror.settings import read_settings

PATIENCE_S = 30.0


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > end:
            raise SystemExit("did not happen in time")
        time.sleep(0.1)


def iron_fly(account_ids: tuple[int, ...]) -> Strategy:
    def leg(number: int, side: Side, kind: OptionType, rule: StrikeRule) -> Leg:
        return Leg(id=0, leg_number=number, underlying="NIFTY", side=side, option_type=kind,
                   strike_rule=rule, strike_offset=6)  # fmt: skip

    return Strategy(
        id=0,
        name="Iron fly",
        account_ids=account_ids,
        legs=(
            leg(1, Side.BUY, OptionType.CE, StrikeRule.OTM),
            leg(2, Side.BUY, OptionType.PE, StrikeRule.OTM),
            leg(3, Side.SELL, OptionType.CE, StrikeRule.ATM),
            leg(4, Side.SELL, OptionType.PE, StrikeRule.ATM),
        ),
    )


def main(folder: Path) -> None:
    settings = read_settings({}, data_dir=str(folder), is_demo=True, opens_browser=False)
    claim_folder(settings)
    begin_logging(folder, "INFO")
    app = App(settings)
    app.open()
    Demo(app).start()
    app.start()
    rows = app.view.rows
    wait_for(
        lambda: (
            [r.connection for r in rows("account") if isinstance(r, AccountRow)]
            == ["connected"] * 3
        )
    )
    accounts = tuple(p.id for p in app.accounts.profiles())
    strategy = app.strategies.save(iron_fly(accounts), by="test")
    plan = app.planning.plan(strategy)
    app.post(m.StartRun(plan=plan, trigger=RunTrigger.MANUAL, by="test", token="t"))
    wait_for(
        lambda: sum(r.quantity != 0 for r in rows("position") if isinstance(r, PositionRow)) == 12
    )
    print("open", flush=True)
    while True:
        time.sleep(1.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
