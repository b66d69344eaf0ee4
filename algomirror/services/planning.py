"""From a design to a sized plan: contracts, fresh funds, margin, orders, reasons."""

import logging
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from algomirror.clock import Clock
from algomirror.domain.books import Funds
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.market_calendar import DEMO
from algomirror.domain.market_calendar import SEEDED
from algomirror.domain.market_calendar import session_day
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingMode
from algomirror.domain.sizing import MINUTE_S
from algomirror.domain.sizing import Sized
from algomirror.domain.sizing import capped
from algomirror.domain.sizing import entry_seconds
from algomirror.domain.sizing import least_exit_s
from algomirror.domain.sizing import leg_caps
from algomirror.domain.sizing import ratio
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Broker
from algomirror.engine.ports import MarginLeg
from algomirror.errors import AlgoMirrorError
from algomirror.errors import BadAnswer
from algomirror.errors import BrokerError
from algomirror.errors import NotSent
from algomirror.errors import OutcomeUnknown
from algomirror.services import plan_words as words
from algomirror.services.leg_preview import LegPreview
from algomirror.services.leg_preview import LegReader

__all__ = ["LegPreview", "NoPlan", "PlanningService"]

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 4.0
FUNDS_TRIES = 3
AT_ONCE = 128
"""Threads that wait for brokers; two an account, so that a hanging one delays no other."""


class NoPlan(AlgoMirrorError):  # noqa: N818 - a sentence for the person
    """Nothing can be planned; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What one account said in time."""

    funds: Funds
    mode: TradingMode
    contracts: tuple[Contract, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Questions under way to one account; `skip` when it was not even asked."""

    profile: AccountProfile
    sized: Sized
    skip: str = ""
    facts: Future[_Facts] | None = None
    margin: Future[Decimal] | None = None


class PlanningService:
    """Reads brokers in parallel under one deadline. Safe for several threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        profiles: Callable[[], list[AccountProfile]],
        broker_of: Callable[[int], Broker | None],
        always_open: bool,
        view: LiveView | None = None,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._clock = clock
        self._profiles = profiles
        self._broker_of = broker_of
        self._calendar = DEMO if always_open else SEEDED
        self._view = view
        self._answer_within_s = answer_within_s
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="plan")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    # --- market data ----------------------------------------------------------------------
    def preview(self, legs: Sequence[Leg]) -> list[LegPreview]:
        """What each leg means right now; a leg that cannot be resolved says why."""
        return self._reader().all(legs)

    def expiries(self, underlying: str) -> list[date]:
        """As the data account's broker lists them, ascending. BrokerError."""
        return sorted(self._reader().expiries(UNDERLYINGS[underlying]))

    def spot(self, underlying: str) -> Quote | None:
        """The index as the data account's broker quotes it. BrokerError."""
        _, broker = self._data_account()
        index = UNDERLYINGS[underlying].index
        return broker.quotes([index]).get(index)

    def _reader(self) -> LegReader:
        return LegReader(self._data_account()[1], self._calendar, self._clock.now())

    def _data_account(self) -> tuple[AccountProfile, Broker]:
        """The primary; else the first backup that is connected. NoPlan without any."""
        usable = [
            (profile, broker)
            for profile in self._profiles()
            if profile.is_active and (broker := self._broker_of(profile.id)) is not None
        ]
        if not usable:
            raise NoPlan("No connected account supplies market data. Add one on Accounts.")
        healthy = (pair for pair in usable if not self._why_unconnected(pair[0]))
        return next(healthy, usable[0])

    # --- plan -----------------------------------------------------------------------------
    def plan(self, strategy: Strategy) -> Plan:
        """The sized plan. NoPlan when nothing can be planned at all."""
        if not strategy.is_active:
            raise NoPlan(f"{strategy.name} is inactive. Activate it first.")
        if not strategy.account_ids:
            raise NoPlan("No account is chosen.")
        if not strategy.legs:
            raise NoPlan("There is no leg.")
        source, broker = self._data_account()
        now = self._clock.now()
        previews = LegReader(broker, self._calendar, now).all(strategy.legs)
        for leg, preview in zip(strategy.legs, previews, strict=True):
            if preview.error:
                raise NoPlan(f"Leg {leg.leg_number}: {preview.error}")
        legs = _planned(strategy.legs, previews)
        accounts = self._accounts(strategy, legs, source)
        spots = {leg.underlying: p.spot for leg, p in zip(strategy.legs, previews, strict=True)}
        return Plan(
            strategy=strategy,
            legs=legs,
            accounts=accounts,
            spots=tuple((name, spot) for name, spot in spots.items() if spot is not None),
            made_at=now,
            expiry_day=any(p.contract.expiry == session_day(now) for p in legs),
            session_day=session_day(now),
            warnings=(
                *words.source_warnings(source),
                *words.freeze_warnings(legs, previews),
                *words.warnings(strategy, legs, accounts),
                *words.calendar_warnings(self._calendar, now),
            ),
            refusal=words.why_refused(strategy, legs, accounts, self._calendar, now, self._view),
        )

    # --- accounts -------------------------------------------------------------------------
    def _accounts(
        self, strategy: Strategy, legs: tuple[PlannedLeg, ...], source: AccountProfile
    ) -> tuple[PlannedAccount, ...]:
        """All are asked at once and share one deadline: a slow one costs the others nothing."""
        profiles = {p.id: p for p in self._profiles()}
        asked = [
            self._ask(strategy, legs, profiles[i]) for i in strategy.account_ids if i in profiles
        ]
        pending: list[Future[Any]] = [
            f for a in asked for f in (a.facts, a.margin) if f is not None
        ]
        wait(pending, timeout=self._answer_within_s)
        return tuple(self._answered(one, legs, source) for one in asked)

    def _ask(
        self, strategy: Strategy, legs: tuple[PlannedLeg, ...], profile: AccountProfile
    ) -> _Asked:
        sized = _sized(strategy, legs, profile.id)
        broker = self._broker_of(profile.id)
        skip = "the account is inactive" if not profile.is_active else self._why_unfit(profile)
        if broker is None or skip:
            return _Asked(profile=profile, sized=sized, skip=skip or "not connected")
        if sized.sets == 0:
            return _Asked(profile=profile, sized=sized, skip=f"0 lots: {sized.note}")
        wanted = [
            MarginLeg(
                instrument=p.contract.instrument,
                side=p.leg.side,
                quantity=p.weight * sized.sets * p.contract.lot_size,
                product=strategy.product,
            )
            for p in legs
        ]
        return _Asked(
            profile=profile,
            sized=sized,
            facts=self._pool.submit(self._facts, broker, legs),
            margin=self._pool.submit(broker.margin, wanted),
        )

    def _row(self, profile: AccountProfile) -> AccountRow | None:
        row = self._view.get("account", str(profile.id)) if self._view is not None else None
        return row if isinstance(row, AccountRow) else None

    def _why_unconnected(self, profile: AccountProfile) -> str:
        """What the engine knows against reaching an account; empty when nothing is known."""
        row = self._row(profile)
        if row is None or row.connection not in ("failed", "auth_error"):
            return ""
        return f"the account is {row.connection}: {row.connection_text}".rstrip(": ")

    def _why_unfit(self, profile: AccountProfile) -> str:
        row = self._row(profile)
        if row is not None and row.trading_state != "ACTIVE":
            return f"the account is {row.trading_state}"
        return self._why_unconnected(profile)

    def _facts(self, broker: Broker, legs: tuple[PlannedLeg, ...]) -> _Facts:
        return _Facts(
            funds=self._funds(broker),
            mode=broker.mode(),
            contracts=tuple(broker.contract(p.contract.instrument) for p in legs),
        )

    def _funds(self, broker: Broker) -> Funds:
        """Read again when it failed, within the deadline; a refusal is an answer."""
        begun = self._clock.monotonic()
        tries = 1
        while True:
            try:
                return broker.funds()
            except (BadAnswer, NotSent, OutcomeUnknown) as failed:
                is_late = self._clock.monotonic() - begun >= self._answer_within_s
                if tries == FUNDS_TRIES or is_late:
                    raise
                tries += 1
                log.info("funds are read again: %s", failed.sentence)

    def _answered(
        self, asked: _Asked, legs: tuple[PlannedLeg, ...], source: AccountProfile
    ) -> PlannedAccount:
        if asked.facts is None:
            return _skipped(asked, legs, asked.skip)
        if not asked.facts.done():
            return _skipped(asked, legs, f"no answer in {self._answer_within_s:g} s")
        failed = asked.facts.exception()
        if isinstance(failed, BrokerError):
            return _skipped(asked, legs, failed.sentence)
        facts = asked.facts.result()
        problem = words.disagreement(asked.profile, facts.contracts, legs, source)
        if problem:
            return _skipped(asked, legs, problem)
        if facts.mode is TradingMode.UNKNOWN:
            return _skipped(asked, legs, "its mode is unknown")
        margin, notes = self._margin(asked, facts.funds)
        profile, orders = asked.profile, _count_orders(legs, asked.sized.sets)
        minute = profile.max_orders_per_minute
        seconds = entry_seconds(orders, profile.max_orders_per_second, minute)
        notes += words.account_notes(profile, legs, orders)
        return PlannedAccount(
            account_id=profile.id,
            account_name=profile.name,
            mode=facts.mode,
            sets=asked.sized.sets,
            lots=tuple((p.leg.id, p.weight * asked.sized.sets) for p in legs),
            margin=margin,
            margin_basis="unknown" if margin is None else "broker",
            available=facts.funds.available,
            funds_at=facts.funds.read_at,
            orders=orders,
            seconds=seconds if seconds is not None else MINUTE_S,
            notes=tuple(notes),
            exit_seconds=least_exit_s(orders, profile.max_orders_per_second, minute),
        )

    def _margin(self, asked: _Asked, funds: Funds) -> tuple[Decimal | None, list[str]]:
        """The broker's figure with what is to be said about it; short of it warns, never blocks."""
        notes = [asked.sized.note] if asked.sized.note else []
        if asked.margin is None or not asked.margin.done():
            return None, [*notes, f"margin unknown: no answer in {self._answer_within_s:g} s"]
        failed = asked.margin.exception()
        if isinstance(failed, BrokerError):
            return None, [*notes, f"margin unknown: {failed.sentence}"]
        margin = asked.margin.result()
        if margin > funds.available:
            notes.append(words.short_of_margin(margin, funds.available))
        return margin, notes


def _planned(legs: Sequence[Leg], previews: Sequence[LegPreview]) -> tuple[PlannedLeg, ...]:
    weights, _ = ratio([leg.lots for leg in legs])
    found = []
    for leg, preview, weight in zip(legs, previews, weights, strict=True):
        if preview.contract is None:
            raise NoPlan(f"Leg {leg.leg_number} has no contract.")
        last = preview.quote.ltp if preview.quote and preview.quote.ltp > 0 else None
        found.append(PlannedLeg(leg=leg, contract=preview.contract, weight=weight, last_price=last))
    return tuple(found)


def _sized(strategy: Strategy, legs: Sequence[PlannedLeg], account_id: int) -> Sized:
    """Whole sets of the ratio: the account's multiple of the legs' lots, under the caps."""
    _, sets_per_multiple = ratio([p.leg.lots for p in legs])
    wanted = dict(strategy.custom_lots).get(account_id, 1) * sets_per_multiple
    caps = [
        cap
        for p in legs
        for cap in leg_caps(p.weight, p.contract.lot_size, p.contract.freeze_quantity)
    ]
    return capped(wanted, caps)


def _count_orders(legs: Sequence[PlannedLeg], sets: int) -> int:
    return sum(
        len(
            slices(
                p.weight * sets * p.contract.lot_size,
                p.contract.lot_size,
                p.contract.freeze_quantity,
            )
        )
        for p in legs
    )


def _skipped(asked: _Asked, legs: Sequence[PlannedLeg], why: str) -> PlannedAccount:
    return PlannedAccount(
        account_id=asked.profile.id,
        account_name=asked.profile.name,
        mode=TradingMode.UNKNOWN,
        sets=asked.sized.sets,
        lots=tuple((p.leg.id, 0) for p in legs),
        margin=None,
        margin_basis="unknown",
        available=None,
        funds_at=None,
        orders=0,
        seconds=0,
        skip=why,
    )
