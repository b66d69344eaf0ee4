"""What each leg of a design means right now: contract, price, delta, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from datetime import date
from datetime import datetime
from datetime import timedelta
from decimal import Decimal

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Underlying
from algomirror.domain.instrument import option_symbol
from algomirror.domain.market_calendar import EXPIRY_TIME
from algomirror.domain.market_calendar import IST
from algomirror.domain.market_calendar import MarketCalendar
from algomirror.domain.money import grouped
from algomirror.domain.money import is_on_tick
from algomirror.domain.option_chain import ChainLeg
from algomirror.domain.option_chain import OptionChain
from algomirror.domain.option_chain import at_the_money
from algomirror.domain.option_chain import choose_expiry
from algomirror.domain.option_chain import choose_strike
from algomirror.domain.pricing import YEAR_S
from algomirror.domain.pricing import greeks
from algomirror.domain.pricing import implied_volatility
from algomirror.domain.sizing import is_freeze_known
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import StrikeRule
from algomirror.engine.ports import Broker
from algomirror.errors import BrokerError
from algomirror.errors import InvalidInput
from algomirror.errors import Refused

STRIKES_EACH_SIDE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPreview:
    """The live line under a leg; `error` instead of a contract when the rule finds none.

    `delta` is per unit bought, `iv` a fraction a year; None where the price has no volatility.
    """

    leg_id: int
    contract: Contract | None = None
    quote: ChainLeg | None = None
    at: datetime | None = None
    spot: Decimal | None = None
    error: str = ""
    quantity_per_set: int = 0
    slices: int = 0
    delta: float | None = None
    iv: float | None = None
    is_freeze_assumed: bool = False
    """The broker gives no freeze quantity (0 or 1): the default is used, and said."""


class LegReader:
    """One look at the market: one spot per underlying, one chain per expiry. For one thread."""

    def __init__(self, broker: Broker, calendar: MarketCalendar, now: datetime) -> None:
        self._broker = broker
        self._calendar = calendar
        self._now = now
        self._spots: dict[str, Decimal] = {}
        self._listed: dict[str, list[date]] = {}
        self._chains: dict[tuple[str, date], OptionChain] = {}

    def all(self, legs: Sequence[Leg]) -> list[LegPreview]:
        """A preview for each leg, in order; a leg that cannot be resolved says why."""
        found = []
        for leg in legs:
            try:
                found.append(self._one(leg))
            except InvalidInput as wrong:
                found.append(LegPreview(leg_id=leg.id, error=wrong.message))
            except BrokerError as failed:
                found.append(LegPreview(leg_id=leg.id, error=failed.sentence))
        return found

    def expiries(self, underlying: Underlying) -> list[date]:
        if underlying.name not in self._listed:
            self._listed[underlying.name] = self._broker.expiries(
                underlying.name, underlying.exchange, futures=False
            )
        return self._listed[underlying.name]

    def _one(self, leg: Leg) -> LegPreview:
        underlying = UNDERLYINGS[leg.underlying]
        kind = leg.option_type or OptionType.CE
        expiry = choose_expiry(
            self.expiries(underlying), leg.expiry, self._first_day(underlying), underlying.name
        )
        chain = self._chain(underlying, expiry)
        spot = self._spots[underlying.name]
        strike, quote, contract = self._chosen(leg, underlying, kind, chain, spot)
        _check_ticks(leg, contract)
        is_assumed = not is_freeze_known(contract.freeze_quantity)
        if is_assumed:
            contract = replace(contract, freeze_quantity=underlying.freeze_quantity)
        quantity = leg.lots * contract.lot_size
        iv, delta = self._sensitivity(chain, strike, kind, quote)
        return LegPreview(
            leg_id=leg.id,
            contract=contract,
            quote=quote,
            at=self._now,
            spot=spot,
            quantity_per_set=quantity,
            slices=len(slices(quantity, contract.lot_size, contract.freeze_quantity)),
            delta=delta,
            iv=iv,
            is_freeze_assumed=is_assumed,
        )

    def _first_day(self, underlying: Underlying) -> date:
        """Today, or tomorrow once today's session has closed (product.md 3.3)."""
        today = self._now.astimezone(IST).date()
        is_over = self._calendar.is_over(underlying.exchange, self._now)
        return today + timedelta(days=1) if is_over else today

    def _chain(self, underlying: Underlying, expiry: date) -> OptionChain:
        key = (underlying.name, expiry)
        if key not in self._chains:
            self._chains[key] = self._broker.option_chain(
                underlying.name,
                underlying.index.exchange,
                expiry,
                strikes_each_side=STRIKES_EACH_SIDE,
            )
        chain = self._chains[key]
        self._spots.setdefault(underlying.name, chain.spot)
        return chain

    def _chosen(
        self,
        leg: Leg,
        underlying: Underlying,
        kind: OptionType,
        chain: OptionChain,
        spot: Decimal,
    ) -> tuple[Decimal, ChainLeg | None, Contract]:
        """Strike, price and contract; a strike far from spot is asked for by its symbol."""
        strikes = [row.strike for row in chain.rows]
        wanted = leg.strike_price
        is_far = bool(strikes) and wanted is not None and not strikes[0] <= wanted <= strikes[-1]
        if leg.strike_rule is StrikeRule.STRIKE_PRICE and wanted is not None and is_far:
            far = self._far(underlying, kind, chain.expiry, wanted)
            if far is not None:
                return wanted, self._quote(far), far
        strike = choose_strike(
            strikes,
            spot,
            kind,
            leg.strike_rule,
            offset=leg.strike_offset,
            strike_price=leg.strike_price,
        )
        row = next(r for r in chain.rows if r.strike == strike)
        symbol = option_symbol(underlying.name, chain.expiry, strike, kind)
        contract = self._broker.contract(Instrument(symbol, underlying.exchange))
        return strike, row.ce if kind is OptionType.CE else row.pe, contract

    def _far(
        self, underlying: Underlying, kind: OptionType, expiry: date, strike: Decimal
    ) -> Contract | None:
        """A contract beyond the chain we asked for; None when the master does not list it."""
        symbol = option_symbol(underlying.name, expiry, strike, kind)
        try:
            return self._broker.contract(Instrument(symbol, underlying.exchange))
        except Refused:
            return None

    def _quote(self, contract: Contract) -> ChainLeg | None:
        quote = self._broker.quotes([contract.instrument]).get(contract.instrument)
        if quote is None:
            return None
        return ChainLeg(
            symbol=contract.symbol,
            ltp=quote.ltp,
            bid=quote.bid or Decimal(0),
            ask=quote.ask or Decimal(0),
            volume=0,
            oi=0,
            lot_size=contract.lot_size,
            tick_size=contract.tick_size,
        )

    def _sensitivity(
        self, chain: OptionChain, strike: Decimal, kind: OptionType, quote: ChainLeg | None
    ) -> tuple[float | None, float | None]:
        """Implied volatility and delta by Black-76 on the chain's own forward."""
        if quote is None or quote.ltp <= 0:
            return None, None
        end = datetime.combine(chain.expiry, EXPIRY_TIME, tzinfo=IST)
        years = (end - self._now).total_seconds() / YEAR_S
        forward = forward_of(chain)
        iv = implied_volatility(float(quote.ltp), forward, float(strike), years, kind)
        if iv is None:
            return None, None
        return iv, greeks(forward, float(strike), years, iv, kind).delta


def forward_of(chain: OptionChain) -> float:
    """Put-call parity at the money (K + CE - PE); spot where a side has no price."""
    strike = at_the_money([row.strike for row in chain.rows], chain.spot)
    row = next(r for r in chain.rows if r.strike == strike)
    if row.ce is None or row.pe is None or row.ce.ltp <= 0 or row.pe.ltp <= 0:
        return float(chain.spot)
    return float(strike + row.ce.ltp - row.pe.ltp)


def _check_ticks(leg: Leg, contract: Contract) -> None:
    """Prices of the user must lie on the contract's own tick (product.md 5.2)."""
    for field, price in (("limit_price", leg.limit_price), ("trigger_price", leg.trigger_price)):
        if price is not None and not is_on_tick(price, contract.tick_size):
            tick = contract.tick_size.normalize()
            text = f"{grouped(price, 2)} is not on the tick of {contract.symbol}, {tick:f}."
            raise InvalidInput(field, text)
