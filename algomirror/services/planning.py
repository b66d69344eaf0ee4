"""From a design to a sized plan: contracts, fresh funds, margin, orders, reasons."""

import logging
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass
from dataclasses import replace
from datetime import date
from datetime import datetime
from decimal import Decimal
from functools import reduce
from math import ceil
from math import gcd

from algomirror.clock import Clock
from algomirror.domain.hedges import hedges_of
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import option_symbol
from algomirror.domain.option_chain import ChainLeg
from algomirror.domain.option_chain import OptionChain
from algomirror.domain.option_chain import choose_expiry
from algomirror.domain.option_chain import choose_strike
from algomirror.domain.order import Side
from algomirror.domain.run import TradingMode
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Broker
from algomirror.engine.ports import MarginLeg
from algomirror.errors import AlgoMirrorError
from algomirror.errors import BrokerError
from algomirror.errors import InvalidInput

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 4.0
PACE = 10
MAX_SLICES = 10
STRIKES_EACH_SIDE = 25


class NoPlan(AlgoMirrorError):  # noqa: N818 - a sentence for the person
    """Nothing can be planned; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPreview:
    """The live line under a leg; `error` instead of a contract when the rule finds none."""

    leg_id: int
    contract: Contract | None = None
    quote: ChainLeg | None = None
    at: datetime | None = None
    spot: Decimal | None = None
    error: str = ""


class PlanningService:
    """Reads brokers in parallel, each with its own deadline. Safe for several threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        profiles: Callable[[], list[AccountProfile]],
        broker_of: Callable[[int], Broker | None],
        always_open: bool,
    ) -> None:
        self._clock = clock
        self._profiles = profiles
        self._broker_of = broker_of
        self._always_open = always_open
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="plan")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    # --- legs -----------------------------------------------------------------------------
    def preview(self, legs: Sequence[Leg]) -> list[LegPreview]:
        """What each leg means right now; a leg that cannot be resolved says why."""
        broker = self._data_broker()
        chains: dict[tuple[str, date], OptionChain] = {}
        found = []
        for leg in legs:
            try:
                found.append(self._preview(broker, leg, chains))
            except InvalidInput as wrong:
                found.append(LegPreview(leg_id=leg.id, error=wrong.message))
            except BrokerError as failed:
                found.append(LegPreview(leg_id=leg.id, error=failed.sentence))
        return found

    def _preview(
        self, broker: Broker, leg: Leg, chains: dict[tuple[str, date], OptionChain]
    ) -> LegPreview:
        underlying = UNDERLYINGS[leg.underlying]
        listed = broker.expiries(leg.underlying, underlying.exchange, futures=False)
        today = self._clock.now().date()
        expiry = choose_expiry(listed, leg.expiry, today, leg.underlying)
        key = (leg.underlying, expiry)
        if key not in chains:
            chains[key] = broker.option_chain(
                leg.underlying,
                underlying.index.exchange,
                expiry,
                strikes_each_side=STRIKES_EACH_SIDE,
            )
        chain = chains[key]
        kind = leg.option_type or OptionType.CE
        strike = choose_strike(
            [row.strike for row in chain.rows],
            chain.spot,
            kind,
            leg.strike_rule,
            offset=leg.strike_offset,
            strike_price=leg.strike_price,
        )
        row = next(r for r in chain.rows if r.strike == strike)
        quote = row.ce if kind is OptionType.CE else row.pe
        symbol = option_symbol(leg.underlying, expiry, strike, kind)
        contract = broker.contract(Instrument(symbol, underlying.exchange))
        return LegPreview(
            leg_id=leg.id,
            contract=_with_freeze(contract),
            quote=quote,
            at=self._clock.now(),
            spot=chain.spot,
        )

    def _data_broker(self) -> Broker:
        for profile in self._profiles():
            broker = self._broker_of(profile.id)
            if broker is not None and profile.is_active:
                return broker
        raise NoPlan("No connected account supplies market data. Add one on Accounts.")

    # --- plan -----------------------------------------------------------------------------
    def plan(self, strategy: Strategy) -> Plan:
        """The sized plan. NoPlan when nothing can be planned at all."""
        if not strategy.is_active:
            raise NoPlan(f"{strategy.name} is inactive. Activate it first.")
        if not strategy.account_ids:
            raise NoPlan("No account is chosen.")
        previews = self.preview(strategy.legs)
        for leg, preview in zip(strategy.legs, previews, strict=True):
            if preview.error:
                raise NoPlan(f"Leg {leg.leg_number}: {preview.error}")
        lots = [leg.lots for leg in strategy.legs]
        divisor = reduce(gcd, lots)
        legs = tuple(
            _planned(leg, p, divisor) for leg, p in zip(strategy.legs, previews, strict=True)
        )
        accounts = self._accounts(strategy, legs)
        spots = {leg.underlying: p.spot for leg, p in zip(strategy.legs, previews, strict=True)}
        now = self._clock.now()
        return Plan(
            strategy=strategy,
            legs=legs,
            accounts=accounts,
            spots=tuple((name, spot) for name, spot in spots.items() if spot is not None),
            made_at=now,
            expiry_day=any(p.contract.expiry == now.date() for p in legs),
            session_day=now.date(),
            warnings=tuple(_warnings(strategy, legs, accounts)),
            refusal=None if any(not a.skip for a in accounts) else _why_none(accounts),
        )

    def _accounts(
        self, strategy: Strategy, legs: tuple[PlannedLeg, ...]
    ) -> tuple[PlannedAccount, ...]:
        profiles = {p.id: p for p in self._profiles()}
        chosen = [profiles[i] for i in strategy.account_ids if i in profiles]
        waiting: list[tuple[AccountProfile, Future[PlannedAccount]]] = [
            (p, self._pool.submit(self._sized, strategy, legs, p)) for p in chosen
        ]
        found = []
        for profile, future in waiting:
            try:
                found.append(future.result(timeout=ANSWER_WITHIN_S))
            except LateError:
                text = f"no answer in {ANSWER_WITHIN_S:.0f} s"
                found.append(_skipped(profile, strategy, legs, text))
        return tuple(found)

    def _sized(
        self, strategy: Strategy, legs: tuple[PlannedLeg, ...], profile: AccountProfile
    ) -> PlannedAccount:
        broker = self._broker_of(profile.id)
        if broker is None or not profile.is_active:
            why = "not connected" if broker is None else "the account is inactive"
            return _skipped(profile, strategy, legs, why)
        sets = _sets(strategy, profile.id)
        try:
            funds, mode = broker.funds(), broker.mode()
            problem = self._disagreement(broker, profile, legs)
        except BrokerError as failed:
            return _skipped(profile, strategy, legs, failed.sentence)
        if problem or mode is TradingMode.UNKNOWN:
            return _skipped(profile, strategy, legs, problem or "its mode is unknown")
        margin, basis, notes = self._margin(broker, strategy, legs, sets)
        if margin is not None and margin > funds.available:
            notes.append(
                f"margin ₹{margin:,.0f} is more than the available ₹{funds.available:,.0f}"
            )
        orders = _count_orders(legs, sets)
        return PlannedAccount(
            account_id=profile.id,
            account_name=profile.name,
            mode=mode,
            sets=sets,
            lots=tuple((p.leg.id, p.leg.lots * sets) for p in legs),
            margin=margin,
            margin_basis=basis,
            available=funds.available,
            funds_at=funds.read_at,
            orders=orders,
            seconds=max(ceil(orders / PACE), 1),
            notes=tuple(notes),
        )

    def _disagreement(
        self, broker: Broker, profile: AccountProfile, legs: tuple[PlannedLeg, ...]
    ) -> str:
        """Lot sizes must agree over accounts (product.md 10.5)."""
        for planned in legs:
            theirs = broker.contract(planned.contract.instrument)
            if theirs.lot_size != planned.contract.lot_size:
                return (
                    f"{planned.contract.symbol} lot: {profile.name} says {theirs.lot_size}, "
                    f"the data account {planned.contract.lot_size}"
                )
        return ""

    def _margin(
        self, broker: Broker, strategy: Strategy, legs: tuple[PlannedLeg, ...], sets: int
    ) -> tuple[Decimal | None, str, list[str]]:
        wanted = [
            MarginLeg(
                instrument=p.contract.instrument,
                side=p.leg.side,
                quantity=p.leg.lots * sets * p.contract.lot_size,
                product=strategy.product,
            )
            for p in legs
        ]
        try:
            return broker.margin(wanted), "broker", []
        except BrokerError as failed:
            return None, "unknown", [f"margin unknown: {failed.sentence}"]


def _with_freeze(contract: Contract) -> Contract:
    """0 or 1 from a broker list means unknown: the settings' value is used."""
    if contract.freeze_quantity > 1:
        return contract
    known = UNDERLYINGS.get(contract.underlying)
    return replace(contract, freeze_quantity=known.freeze_quantity if known else 0)


def _planned(leg: Leg, preview: LegPreview, divisor: int) -> PlannedLeg:
    if preview.contract is None:
        raise NoPlan(f"Leg {leg.leg_number} has no contract.")
    last = preview.quote.ltp if preview.quote and preview.quote.ltp > 0 else None
    return PlannedLeg(
        leg=leg, contract=preview.contract, weight=leg.lots // divisor, last_price=last
    )


def _sets(strategy: Strategy, account_id: int) -> int:
    return dict(strategy.custom_lots).get(account_id, 1)


def _count_orders(legs: Sequence[PlannedLeg], sets: int) -> int:
    return sum(
        len(
            slices(
                p.leg.lots * sets * p.contract.lot_size,
                p.contract.lot_size,
                p.contract.freeze_quantity,
            )
        )
        for p in legs
    )


def _skipped(
    profile: AccountProfile, strategy: Strategy, legs: Sequence[PlannedLeg], why: str
) -> PlannedAccount:
    return PlannedAccount(
        account_id=profile.id,
        account_name=profile.name,
        mode=TradingMode.UNKNOWN,
        sets=_sets(strategy, profile.id),
        lots=tuple((p.leg.id, 0) for p in legs),
        margin=None,
        margin_basis="unknown",
        available=None,
        funds_at=None,
        orders=0,
        seconds=0,
        skip=why,
    )


def _why_none(accounts: Sequence[PlannedAccount]) -> str:
    return "No account is left: " + "; ".join(f"{a.account_name}: {a.skip}" for a in accounts)


def _warnings(
    strategy: Strategy, legs: Sequence[PlannedLeg], accounts: Sequence[PlannedAccount]
) -> list[str]:
    found = []
    shorts = [p.leg for p in legs if p.leg.side is Side.SELL]
    if shorts and all(hedges_of(leg, strategy.legs) for leg in shorts):
        found.append(
            "Shorts enter an account only as far as its hedges are filled; not filled in "
            f"{strategy.hedge_timeout_s} s: {strategy.hedge_timeout_policy} that account."
        )
    elif shorts:
        found.append("A short has no bought hedge: its loss has no floor.")
    for account in accounts:
        found.extend(f"{account.account_name}: {note}" for note in account.notes)
        largest = max((account.lots_of(p.leg.id) for p in legs), default=0)
        for p in legs:
            quantity = largest * p.contract.lot_size
            count = len(slices(quantity, p.contract.lot_size, p.contract.freeze_quantity))
            if count > MAX_SLICES:
                found.append(f"{account.account_name}: {count} slices in leg {p.leg.leg_number}.")
                break
    return found
