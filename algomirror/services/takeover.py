"""A position of others becomes a run of ours: its one-leg plan under a strategy's stops."""

from collections.abc import Callable
from dataclasses import replace

from algomirror.clock import Clock
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import Product
from algomirror.domain.instrument import parse_symbol
from algomirror.domain.market_calendar import session_day
from algomirror.domain.order import Side
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.ports import Broker
from algomirror.errors import BrokerError
from algomirror.services.planning import NoPlan

LEG_ID = 1
"""The plan has one leg of its own; the strategy's legs are not used."""


def closed_outside(ours: int, drift: int) -> int:
    """Unsigned units of ours that the broker no longer shows: what can be adopted as closed."""
    return min(abs(ours), abs(drift)) if ours * drift < 0 else 0


def beyond_ours(ours: int, drift: int) -> int:
    """Signed units that no run of ours explains: what can be taken over."""
    rest = abs(drift) - closed_outside(ours, drift)
    return rest if drift > 0 else -rest


class Takeover:
    """Asks the account's broker for the contract. Safe for several threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        strategy_of: Callable[[int], Strategy | None],
        broker_of: Callable[[int], Broker | None],
        view: LiveView,
    ) -> None:
        self._clock = clock
        self._strategy_of = strategy_of
        self._broker_of = broker_of
        self._view = view

    def contract(self, account_id: int, symbol: str, exchange: str) -> Contract:
        """As the account's broker lists it. NoPlan with a sentence."""
        broker = self._broker_of(account_id)
        if broker is None:
            raise NoPlan("The account is not connected. Test it on Accounts, then try again.")
        try:
            return broker.contract(Instrument(symbol, Exchange(exchange)))
        except BrokerError as failed:
            raise NoPlan(
                f'The contract {symbol} could not be read at the broker: "{failed.sentence}"'
            ) from None

    def plan(
        self,
        strategy_id: int,
        account_id: int,
        *,
        symbol: str,
        exchange: str,
        product: str,
        quantity: int,
    ) -> Plan:
        """The plan for m.TakeOver of `quantity` signed units. NoPlan says why not."""
        strategy = self._strategy_of(strategy_id)
        if strategy is None or strategy.archived_at is not None:
            raise NoPlan("This strategy is no longer there. Choose another.")
        row = self._view.get("account", str(account_id))
        if not isinstance(row, AccountRow):
            raise NoPlan("This account is no longer there.")
        parsed = parse_symbol(symbol)
        if parsed is None or parsed.option_type is None:
            raise NoPlan(f"{symbol} is no option: only options can be taken over. Flatten it, or "
                         "close it at the broker.")  # fmt: skip
        contract = self.contract(account_id, symbol, exchange)
        lots = _whole_lots(contract, quantity)
        now = self._clock.now()
        leg = _leg(contract, quantity, lots)
        return Plan(
            strategy=replace(
                strategy,
                legs=(leg,),
                account_ids=(account_id,),
                custom_lots=(),
                product=Product(product),
            ),
            legs=(PlannedLeg(leg=leg, contract=contract, weight=1, last_price=None),),
            accounts=(
                PlannedAccount(
                    account_id=account_id,
                    account_name=row.name,
                    mode=row.mode,
                    sets=lots,
                    lots=((leg.id, lots),),
                    margin=None,
                    margin_basis="taken over",
                    available=row.available,
                    funds_at=row.funds_at,
                    orders=0,
                    seconds=0,
                ),
            ),
            spots=(),
            made_at=now,
            expiry_day=contract.expiry == session_day(now),
            session_day=session_day(now),
        )


def _whole_lots(contract: Contract, quantity: int) -> int:
    size = contract.lot_size
    if quantity == 0:
        raise NoPlan("There is nothing to take over.")
    if size < 1 or abs(quantity) % size:
        raise NoPlan(
            f"{abs(quantity)} units are no whole number of lots of {size}. Take over a multiple "
            f"of {size}, or flatten the difference."
        )
    return abs(quantity) // size


def _leg(contract: Contract, quantity: int, lots: int) -> Leg:
    return Leg(
        id=LEG_ID,
        leg_number=1,
        underlying=contract.underlying,
        side=Side.BUY if quantity > 0 else Side.SELL,
        option_type=contract.option_type,
        strike_rule=StrikeRule.STRIKE_PRICE,
        strike_price=contract.strike,
        lots=lots,
    )
