"""Strategies: saved whole or not at all, conflicts said, names unique, the log complete."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from algomirror.clock import FakeClock
from algomirror.domain.instrument import OptionType
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.services.activity import ActivityLog
from algomirror.services.strategies import SaveConflict
from algomirror.services.strategies import StrategyService
from algomirror.services.users import InvalidInputs
from algomirror.simulate.world import START
from algomirror.store.db import Database
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.tables import TradingAccount


class Shelf:
    """The service on a real database with one account."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 's.db'}"
        migrate(url)
        self.engine = open_database(url)
        self.db = Database(self.engine)
        self.clock = FakeClock(START)
        self.log = ActivityLog(self.db, self.clock)
        self.service = StrategyService(self.db, self.clock, self.log)
        with self.db.session() as session:
            account = TradingAccount(
                account_name="Arjun",
                host_url="http://127.0.0.1:5000",
                websocket_url="ws://127.0.0.1:8765",
                colour="sky",
                is_primary=True,
                created_at=START,
                updated_at=START,
            )
            session.add(account)
            session.flush()
            self.account_id = account.id or 0

    def strategy(self, name: str = "Straddle") -> Strategy:
        legs = tuple(
            Leg(
                id=number,
                leg_number=number,
                underlying="NIFTY",
                side=Side.SELL,
                option_type=kind,
                strike_rule=StrikeRule.ATM,
                strike_offset=0,
                price_type=PriceType.LIMIT,
                limit_price=Decimal("100.50"),
            )
            for number, kind in enumerate(OptionType, start=1)
        )
        return Strategy(
            id=0,
            name=name,
            legs=legs,
            max_loss=Decimal("5000.25"),
            account_ids=(self.account_id,),
            custom_lots=((self.account_id, 2),),
        )

    def save(self, strategy: Strategy) -> Strategy:
        return self.service.save(strategy, by="t")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    found = Shelf(tmp_path)
    yield found
    found.engine.dispose()


def test_a_strategy_comes_back_as_it_was_saved(shelf: Shelf) -> None:
    """Legs, prices to the paisa, sets per account; ids are given by the database."""
    saved = shelf.save(shelf.strategy())

    assert saved.id > 0
    assert shelf.service.get(saved.id) == saved
    assert shelf.service.all() == [saved]
    assert saved.max_loss == Decimal("5000.25")


def test_how_orders_are_sent_is_kept_and_logged(shelf: Shelf) -> None:
    """Chase for entries, exits and the unfilled rest."""
    first = shelf.save(shelf.strategy())
    chasing = replace(
        first,
        entry_order_mode=EntryOrderMode.CHASE,
        exit_order_mode=ExitOrderMode.CHASE,
        entry_timeout_policy=RemainderPolicy.CHASE,
    )

    saved = shelf.save(chasing)

    assert shelf.service.get(saved.id) == saved
    assert (saved.entry_order_mode, saved.exit_order_mode) == ("chase", "chase")
    details = shelf.log.recent(1)[0].details
    assert details["exit_order_mode"] == {"before": "market", "after": "chase"}


def test_a_save_from_an_older_copy_is_refused(shelf: Shelf) -> None:
    """Two windows: the second says when the first saved, and nothing is overwritten."""
    first = shelf.save(shelf.strategy())
    newer = shelf.save(replace(first, max_loss=Decimal(7000)))

    with pytest.raises(SaveConflict, match=r"was changed at \d\d:\d\d in another window"):
        shelf.save(replace(first, max_loss=Decimal(1)))

    assert shelf.service.get(first.id) == newer
    assert newer.version == first.version + 1


def test_an_archived_or_missing_strategy_is_not_saved_over(shelf: Shelf) -> None:
    """The sentence says how to keep what was typed."""
    saved = shelf.save(shelf.strategy())
    shelf.service.archive(saved.id, by="t")

    with pytest.raises(SaveConflict, match="was archived"):
        shelf.save(saved)
    with pytest.raises(SaveConflict, match="no longer exists"):
        shelf.save(replace(saved, id=99))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"max_loss": Decimal(-1)}, "max_loss"),
        ({"legs": ()}, "legs"),
        ({"account_ids": (99,), "custom_lots": ((99, 1),)}, "accounts.99"),
        ({"hedge_timeout_s": 0}, "hedge_timeout_s"),
    ],
)
def test_what_cannot_be_is_not_saved(shelf: Shelf, changes: dict[str, object], field: str) -> None:
    """The rules of the builder hold for whoever saves."""
    with pytest.raises(InvalidInputs) as refused:
        shelf.save(replace(shelf.strategy(), **changes))  # type: ignore[arg-type]

    assert [p.field for p in refused.value.problems] == [field]
    assert shelf.service.all() == []


@pytest.mark.acceptance(33)
@pytest.mark.parametrize("price", ["0", "100.03"])
def test_a_limit_of_zero_or_off_tick_is_not_saved(shelf: Shelf, price: str) -> None:
    """No stored strategy can make such an order."""
    strategy = shelf.strategy()
    bad = replace(strategy.legs[0], limit_price=Decimal(price))

    with pytest.raises(InvalidInputs, match=r"legs\.0\.limit_price"):
        shelf.save(replace(strategy, legs=(bad, strategy.legs[1])))

    assert shelf.service.all() == []


def test_names_are_unique_while_not_archived(shelf: Shelf) -> None:
    """Compared without case; an archived one gives its name back and may have lost it."""
    saved = shelf.save(shelf.strategy("Straddle"))
    with pytest.raises(InvalidInputs, match="Another strategy has this name"):
        shelf.save(shelf.strategy("STRADDLE"))
    shelf.service.archive(saved.id, by="t")
    shelf.save(shelf.strategy("STRADDLE"))

    with pytest.raises(InvalidInputs, match="Another strategy has this name"):
        shelf.service.restore(saved.id, by="t")

    assert [s.name for s in shelf.service.all()] == ["STRADDLE"]
    assert [s.name for s in shelf.service.all(archived=True)] == ["Straddle"]


def test_a_copy_has_a_name_of_its_own(shelf: Shelf) -> None:
    """Again and again."""
    saved = shelf.save(shelf.strategy())

    copies = [shelf.service.duplicate(saved.id, by="t").name for _ in range(3)]

    assert copies == ["Straddle copy", "Straddle copy 2", "Straddle copy 3"]


def test_inactive_is_kept_over_a_save(shelf: Shelf) -> None:
    """Editing a strategy does not switch it on again."""
    saved = shelf.save(shelf.strategy())
    shelf.service.set_active(saved.id, False, by="t")

    again = shelf.save(replace(saved, max_loss=Decimal(7000)))

    found = shelf.service.get(again.id)
    assert found is not None
    assert not found.is_active


def test_the_log_names_old_and_new_values(shelf: Shelf) -> None:
    """Who changed the max loss, from what to what."""
    saved = shelf.save(shelf.strategy())
    shelf.service.save(replace(saved, max_loss=Decimal(7000)), by="meera")

    newest = shelf.log.recent(1)[0]

    assert (newest.actor, newest.action) == ("meera", "strategy_saved")
    assert newest.details == {"max_loss": {"before": "5000.25", "after": "7000"}}
