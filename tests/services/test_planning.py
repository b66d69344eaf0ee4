"""Plans: contracts by rule, fresh funds of every account, reasons for all that is not sent."""

import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import date
from datetime import datetime
from decimal import Decimal
from typing import cast

import pytest

from algomirror.clock import IST
from algomirror.clock import FakeClock
from algomirror.domain.books import Funds
from algomirror.domain.chase import MarketOrders
from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.instrument import Contract
from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import option_symbol
from algomirror.domain.instrument import parse_symbol
from algomirror.domain.option_chain import ChainLeg
from algomirror.domain.option_chain import ChainRow
from algomirror.domain.option_chain import OptionChain
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.quote import Quote
from algomirror.domain.run import TradingMode
from algomirror.domain.sizing import slices
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import RunRow
from algomirror.engine.live_view import SystemRow
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Broker
from algomirror.engine.ports import MarginLeg
from algomirror.errors import BadAnswer
from algomirror.errors import BrokerError
from algomirror.errors import NotSent
from algomirror.errors import Refused
from algomirror.services.planning import NoPlan
from algomirror.services.planning import PlanningService

OPEN = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
SUNDAY = datetime(2026, 11, 22, 10, 0, tzinfo=IST)
EXPIRIES = [date(2026, 11, 23), date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 28)]
SPOT = Decimal(26_010)


@dataclass
class FakeBroker:
    """One account's OpenAlgo; every answer can be changed, broken or held back."""

    cash: Decimal = Decimal(1_000_000)
    paper: TradingMode = TradingMode.PAPER
    lot: int | None = None
    tick: Decimal = Decimal("0.05")
    freeze: int | None = None
    needs: Decimal = Decimal(200_000)
    spots: list[Decimal] = field(default_factory=lambda: [SPOT])
    funds_failures: list[BrokerError] = field(default_factory=list)
    margin_failure: BrokerError | None = None
    hangs: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)
    asked: list[Sequence[MarginLeg]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)

    def _maybe_hang(self, what: str) -> None:
        self.reads.append(what)
        if what in self.hangs:
            self.released.wait(30)

    def funds(self) -> Funds:
        self._maybe_hang("funds")
        if self.funds_failures:
            raise self.funds_failures.pop(0)
        zero = Decimal(0)
        return Funds(
            cash=self.cash,
            collateral=zero,
            debits=zero,
            m2m_realised=zero,
            m2m_unrealised=zero,
            read_at=OPEN,
        )

    def mode(self) -> TradingMode:
        return self.paper

    def expiries(self, underlying: str, exchange: Exchange, *, futures: bool) -> list[date]:
        return list(reversed(EXPIRIES))

    def contract(self, instrument: Instrument) -> Contract:
        parsed = parse_symbol(instrument.symbol)
        listed = parsed is not None and parsed.strike is not None and parsed.strike % 50 == 0
        if parsed is None or not listed:
            raise Refused("Symbol not found", status=404)
        known = UNDERLYINGS[parsed.underlying]
        return Contract(
            instrument=instrument,
            underlying=parsed.underlying,
            expiry=parsed.expiry,
            strike=parsed.strike,
            option_type=parsed.option_type,
            lot_size=self.lot or known.lot_size,
            tick_size=self.tick,
            freeze_quantity=known.freeze_quantity if self.freeze is None else self.freeze,
        )

    def option_chain(
        self, underlying: str, index_exchange: Exchange, expiry: date, *, strikes_each_side: int
    ) -> OptionChain:
        self.reads.append(f"chain {expiry}")
        spot = self.spots.pop(0) if len(self.spots) > 1 else self.spots[0]
        rows = []
        for step in range(-strikes_each_side, strikes_each_side + 1):
            strike = Decimal(26_000 + 50 * step)
            pair = [self._leg(underlying, expiry, strike, kind) for kind in OptionType]
            rows.append(ChainRow(strike=strike, ce=pair[0], pe=pair[1]))
        return OptionChain(underlying=underlying, expiry=expiry, spot=spot, rows=tuple(rows))

    def _leg(self, underlying: str, expiry: date, strike: Decimal, kind: OptionType) -> ChainLeg:
        sign = 1 if kind is OptionType.CE else -1
        price = max(sign * (SPOT - strike), Decimal(0)) + 100
        return ChainLeg(
            symbol=option_symbol(underlying, expiry, strike, kind),
            ltp=price,
            bid=price,
            ask=price,
            volume=1,
            oi=1,
            lot_size=65,
            tick_size=self.tick,
        )

    def quotes(self, instruments: Sequence[Instrument]) -> dict[Instrument, Quote]:
        return {i: Quote(i, Decimal(12), OPEN, "rest:1") for i in instruments}

    def margin(self, legs: Sequence[MarginLeg]) -> Decimal:
        self._maybe_hang("margin")
        self.asked.append(legs)
        if self.margin_failure is not None:
            raise self.margin_failure
        return self.needs


class Desk:
    """Three accounts, the first primary, on fakes and a clock that stands still."""

    def __init__(self) -> None:
        self.clock = FakeClock(OPEN)
        self.view = LiveView()
        self.brokers = {n: FakeBroker() for n in (1, 2, 3)}
        self.profiles = [
            AccountProfile(
                id=n,
                name=name,
                broker_name="paper",
                colour="sky",
                is_primary=n == 1,
                is_active=True,
            )
            for n, name in ((1, "A"), (2, "B"), (3, "C"))
        ]
        self.service = self.new_service()

    def new_service(self, *, always_open: bool = False) -> PlanningService:
        return PlanningService(
            clock=self.clock,
            profiles=lambda: self.profiles,
            broker_of=lambda n: cast("Broker | None", self.brokers.get(n)),
            always_open=always_open,
            view=self.view,
            answer_within_s=0.3,
        )

    def plan(self, strategy: Strategy) -> Plan:
        return self.service.plan(strategy)

    def account(self, strategy: Strategy, account_id: int) -> PlannedAccount:
        accounts = self.plan(strategy).accounts
        return next(a for a in accounts if a.account_id == account_id)

    def close(self) -> None:
        for broker in self.brokers.values():
            broker.released.set()
        self.service.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.close()


def leg(number: int, side: str, kind: str, **more: object) -> Leg:
    fields: dict[str, object] = {
        "strike_rule": StrikeRule.ATM if side == "SELL" else StrikeRule.OTM,
        "strike_offset": 4,
        **more,
    }
    return Leg(
        id=number,
        leg_number=number,
        underlying="NIFTY",
        side=Side(side),
        option_type=OptionType(kind),
        **fields,  # type: ignore[arg-type]
    )


def fly(*legs: Leg, sets: int = 1) -> Strategy:
    chosen = legs or (
        leg(1, "SELL", "CE"),
        leg(2, "SELL", "PE"),
        leg(3, "BUY", "CE"),
        leg(4, "BUY", "PE"),
    )
    return Strategy(
        id=7,
        name="Fly",
        legs=chosen,
        account_ids=(1, 2, 3),
        custom_lots=((1, sets), (2, sets), (3, sets)),
    )


# --- contracts --------------------------------------------------------------------------------
def test_all_accounts_trade_the_same_contracts(desk: Desk) -> None:
    """Chosen once, on the primary, by rule; the plan says spot, day and money."""
    plan = desk.plan(fly())

    assert [p.contract.symbol for p in plan.legs] == [
        "NIFTY23NOV2626000CE",
        "NIFTY23NOV2626000PE",
        "NIFTY23NOV2626200CE",
        "NIFTY23NOV2625800PE",
    ]
    assert plan.refusal is None
    assert (plan.spots, plan.expiry_day) == ((("NIFTY", SPOT),), True)
    assert [(a.sets, a.orders, a.margin, a.mode) for a in plan.accounts] == [
        (1, 4, Decimal(200_000), "paper")
    ] * 3
    assert not any(r.startswith("chain") for n in (2, 3) for r in desk.brokers[n].reads)


def test_one_spot_reading_serves_all_legs(desk: Desk) -> None:
    """Spot moves between two chains: strikes still come from the first reading."""
    desk.brokers[1].spots = [Decimal(26_010), Decimal(26_110)]
    calendar = (leg(1, "SELL", "CE"), leg(2, "BUY", "CE", strike_rule=StrikeRule.ATM,
                                          expiry=ExpiryRule.NEXT_WEEK))  # fmt: skip

    plan = desk.plan(fly(*calendar))

    assert [p.contract.strike for p in plan.legs] == [26_000, 26_000]
    assert [p.contract.expiry for p in plan.legs] == EXPIRIES[:2]


def test_an_expired_week_is_not_traded_after_its_close(desk: Desk) -> None:
    """After 15:40 today's expiry is over, though its date is today."""
    desk.clock = FakeClock(datetime(2026, 11, 23, 15, 41, tzinfo=IST))
    desk.service = desk.new_service()

    preview = desk.service.preview([leg(1, "SELL", "CE")])[0]

    assert preview.contract is not None
    assert preview.contract.expiry == EXPIRIES[1]


def test_a_strike_beyond_the_chain_is_found_by_its_symbol(desk: Desk) -> None:
    """The chain holds 25 strikes each side; the master holds more."""
    far = leg(1, "BUY", "CE", strike_rule=StrikeRule.STRIKE_PRICE, strike_price=Decimal(29_000))

    preview = desk.service.preview([far])[0]

    assert preview.contract is not None
    assert preview.contract.symbol == "NIFTY23NOV2629000CE"
    assert preview.quote is not None
    assert preview.quote.ltp == 12


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"strike_rule": StrikeRule.STRIKE_PRICE, "strike_price": Decimal(26_025)},
         "26,025 is not a listed strike. Nearest: 26,000 and 26,050."),
        ({"strike_rule": StrikeRule.STRIKE_PRICE, "strike_price": Decimal(29_025)},
         "not a listed strike"),
        ({"price_type": PriceType.LIMIT, "limit_price": Decimal("100.05")},
         "100.05 is not on the tick of NIFTY23NOV2626000CE, 0.1."),
    ],
)  # fmt: skip
def test_a_leg_without_contract_stops_the_plan_with_its_reason(
    desk: Desk, changes: dict[str, object], part: str
) -> None:
    """Beside the leg in the builder, and before anything is sized."""
    desk.brokers[1].tick = Decimal("0.1")
    wrong = leg(1, "SELL", "CE", **changes)

    preview = desk.service.preview([wrong, leg(2, "SELL", "PE")])

    assert part in preview[0].error
    assert preview[1].contract is not None
    with pytest.raises(NoPlan, match=r"^Leg 1: "):
        desk.plan(fly(wrong))


def test_the_preview_shows_delta_and_volatility(desk: Desk) -> None:
    """A call above, a put below zero; a set's quantity and orders."""
    call, put = desk.service.preview(
        [leg(n, "SELL", k, expiry=ExpiryRule.NEXT_WEEK) for n, k in ((1, "CE"), (2, "PE"))]
    )

    assert call.iv is not None
    assert call.delta is not None
    assert put.delta is not None
    assert 0.05 < call.iv < 0.5
    assert 0.4 < call.delta < 0.6
    assert call.delta - put.delta == pytest.approx(1.0, abs=0.05)
    assert (call.quantity_per_set, call.slices) == (65, 1)


# --- sizing -----------------------------------------------------------------------------------
def test_lots_stay_in_the_ratio_of_the_legs(desk: Desk) -> None:
    """2 and 4 lots three times are six sets of 1:2, and that is what margin is asked for."""
    spread = fly(leg(1, "BUY", "CE", lots=2), leg(2, "SELL", "CE", lots=4), sets=3)

    account = desk.account(spread, 2)

    assert (account.sets, account.lots) == (6, ((1, 6), (2, 12)))
    assert [m.quantity for m in desk.brokers[2].asked[-1]] == [390, 780]


@pytest.mark.acceptance(84)
def test_a_hundred_lots_is_the_most_and_is_said(desk: Desk) -> None:
    """The cap holds for typed lots too, in whole sets."""
    desk.brokers[2].cash = Decimal(10) ** 15
    account = desk.account(fly(leg(1, "BUY", "CE", lots=3), sets=50), 2)

    assert account.lots == ((1, 100),)
    assert "cut from 150 to 100 sets by the limit of 100 lots a leg" in account.notes


def test_orders_and_seconds_count_the_slices(desk: Desk) -> None:
    """60 lots are three slices; four legs are twelve orders. Of 5 a second entries use 3."""
    desk.profiles = [replace(p, max_orders_per_second=5) for p in desk.profiles]

    account = desk.account(fly(sets=60), 1)

    assert (account.orders, account.seconds, account.exit_seconds) == (12, 3, 2)


def test_openalgo_s_limit_holds_whatever_the_account_allows(desk: Desk) -> None:
    """50 a second are ten at the server, eight of them for entries."""
    desk.profiles = [replace(p, max_orders_per_second=50) for p in desk.profiles]

    account = desk.account(fly(sets=100), 1)

    assert (account.orders, account.seconds, account.exit_seconds) == (16, 1, 1)


def test_a_small_day_budget_is_said_before_anything_is_sent(desk: Desk) -> None:
    """12 entries need 12 exits: 20 a day are too few, 24 are enough."""
    desk.profiles = [replace(p, max_orders_per_day=20 if p.id == 2 else 24) for p in desk.profiles]

    plan = desk.plan(fly(sets=60))

    text = "B: its day budget of 20 orders is short of entry and exit (24): the last entries "
    assert [w for w in plan.warnings if "budget" in w] == [
        text + "are not sent, their budget is kept for exits"
    ]


def test_a_small_minute_budget_takes_minutes(desk: Desk) -> None:
    """Of 12 orders 10 leave in the first minute of 20, the rest in the next."""
    desk.profiles = [replace(p, max_orders_per_minute=20) for p in desk.profiles]

    account = desk.account(fly(sets=60), 1)

    assert (account.seconds, account.exit_seconds) == (61, 1)


def test_an_account_without_market_orders_says_what_it_does_instead(desk: Desk) -> None:
    """The chase is named, and the limit that stands for an SL-M."""
    desk.profiles = [
        replace(p, market_orders=MarketOrders.REFUSED) if p.id == 2 else p for p in desk.profiles
    ]
    stop = leg(1, "BUY", "CE", price_type=PriceType.SL_M, trigger_price=Decimal("100.05"))

    plan = desk.plan(fly(stop))
    market = desk.plan(fly())

    assert "B refuses market orders: exits chase with limit orders up to 3 %" in plan.warnings
    text = "B: leg 1 is sent as SL with limit 103.10, because SL-M ends in a market order"
    assert text in plan.warnings
    text = "B refuses market orders: entries and exits chase with limit orders up to 3 %"
    assert text in market.warnings
    assert not any(w.startswith("A ") for w in plan.warnings)


@pytest.mark.acceptance(39)
@pytest.mark.parametrize("freeze", [0, 1])
def test_an_unknown_freeze_quantity_is_replaced_and_said(desk: Desk, freeze: int) -> None:
    """60 lots of NIFTY are sliced at the setting's 1,800."""
    for broker in desk.brokers.values():
        broker.freeze = freeze

    plan = desk.plan(fly(sets=60))

    assert {p.contract.freeze_quantity for p in plan.legs} == {1800}
    assert {a.orders for a in plan.accounts} == {12}
    for planned in plan.legs:
        frozen = planned.contract
        sizes = slices(60 * frozen.lot_size, frozen.lot_size, frozen.freeze_quantity)
        assert sizes == [1755, 1755, 390]
    text = "NIFTY: the broker gives no freeze quantity, the setting of 1,800 is used."
    assert plan.warnings.count(text) == 1


# --- reasons of one account -------------------------------------------------------------------
def hang(desk: Desk) -> None:
    desk.brokers[2].hangs = {"funds"}


def refuse(desk: Desk) -> None:
    desk.brokers[2].funds_failures = [Refused("OpenAlgo did not accept this API key.")]


def garble(desk: Desk) -> None:
    desk.brokers[2].funds_failures = [BadAnswer("funds without collateral")] * 3


def lose_mode(desk: Desk) -> None:
    desk.brokers[2].paper = TradingMode.UNKNOWN


def deactivate(desk: Desk) -> None:
    desk.profiles[1] = replace(desk.profiles[1], is_active=False)


def disconnect(desk: Desk) -> None:
    del desk.brokers[2]


def fail(desk: Desk) -> None:
    desk.view.put(account_row(2, connection="failed", connection_text="no ping for 90 s"))


def halt(desk: Desk) -> None:
    desk.view.put(account_row(2, trading_state="HALTED"))


def other_lot(desk: Desk) -> None:
    desk.brokers[2].lot = 75


def other_tick(desk: Desk) -> None:
    desk.brokers[2].tick = Decimal("0.10")


def smaller_freeze(desk: Desk) -> None:
    desk.brokers[2].freeze = 900


def account_row(account_id: int, **more: object) -> AccountRow:
    return AccountRow(
        key=str(account_id),
        id=account_id,
        name="x",
        broker_name="paper",
        colour="sky",
        is_primary=False,
        backup_rank=1,
        is_active=True,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (hang, "no answer in 0.3 s"),
        (refuse, "OpenAlgo did not accept this API key."),
        (garble, "funds without collateral"),
        (lose_mode, "its mode is unknown"),
        (deactivate, "the account is inactive"),
        (disconnect, "not connected"),
        (fail, "the account is failed: no ping for 90 s"),
        (halt, "the account is HALTED"),
        (other_lot, "NIFTY 23 Nov lot: B says 75, settings 65"),
        (other_tick, "NIFTY 23 Nov tick: B says 0.1, A 0.05"),
        (smaller_freeze, "NIFTY 23 Nov freeze quantity: B says 900, A 1,800"),
    ],
)
def test_a_sick_account_is_skipped_with_its_reason_and_the_others_trade(
    desk: Desk, spoil: Callable[[Desk], None], reason: str
) -> None:
    """Nothing is sized on a guess, and nobody else waits for it."""
    spoil(desk)

    plan = desk.plan(fly())

    assert plan.refusal is None
    assert [a.skip for a in plan.accounts] == [None, reason, None]
    skipped = plan.accounts[1]
    assert (skipped.orders, skipped.margin, skipped.available) == (0, None, None)
    assert {lots for _, lots in skipped.lots} == {0}


def test_all_accounts_are_asked_at_once(desk: Desk) -> None:
    """The last is asked although the ones before it have not answered; it is planned."""
    desk.brokers[1].hangs = desk.brokers[2].hangs = {"funds", "margin"}

    plan = desk.plan(fly())

    assert [a.skip for a in plan.accounts] == [*["no answer in 0.3 s"] * 2, None]
    assert all({"funds", "margin"} <= set(b.reads) for b in desk.brokers.values())


@pytest.mark.acceptance(81)
def test_funds_that_cannot_be_read_are_asked_for_twice_more(desk: Desk) -> None:
    """A passing failure costs nothing; a lasting one is unknown, never 0."""
    desk.brokers[2].funds_failures = [BadAnswer("short"), NotSent("no connection")]

    account = desk.account(fly(), 2)

    assert (account.skip, account.available) == (None, Decimal(1_000_000))
    assert desk.brokers[2].reads.count("funds") == 3


def test_margin_that_does_not_answer_is_a_note(desk: Desk) -> None:
    """Lots are typed by hand: the account trades, the figure is unknown."""
    desk.brokers[2].margin_failure = Refused("margin API not supported")
    desk.brokers[3].hangs = {"margin"}

    plan = desk.plan(fly())

    assert [a.skip for a in plan.accounts] == [None, None, None]
    assert [a.margin_basis for a in plan.accounts] == ["broker", "unknown", "unknown"]
    assert "B: margin unknown: margin API not supported" in plan.warnings
    assert "C: margin unknown: no answer in 0.3 s" in plan.warnings


def test_too_little_margin_warns_and_does_not_block(desk: Desk) -> None:
    """Both figures, in Indian grouping (product.md 10.4, fixed lots)."""
    desk.brokers[2].needs = Decimal(1_245_000)

    plan = desk.plan(fly())

    assert plan.accounts[1].skip is None
    text = "B: margin ₹12,45,000 is more than the available ₹10,00,000"
    assert text in plan.warnings


# --- refusals of the whole run ----------------------------------------------------------------
def test_a_closed_market_refuses_the_run(desk: Desk) -> None:
    """The plan is shown, with when it could be sent; the demo is always open."""
    desk.clock = FakeClock(SUNDAY)
    desk.service = desk.new_service()
    demo = desk.new_service(always_open=True)

    closed, open_ = desk.plan(fly()), demo.plan(fly())
    demo.close()

    assert closed.refusal == "NFO is closed until Mon 23 Nov 09:15."
    assert closed.legs
    assert open_.refusal is None


@pytest.mark.parametrize(("state", "refusal"), [("entered", "Fly already has an open run."),
                                                ("exiting", "Fly already has an open run."),
                                                ("exited", None)])  # fmt: skip
def test_an_open_run_refuses_another(desk: Desk, state: str, refusal: str | None) -> None:
    """A closed one does not."""
    desk.view.put(
        RunRow(
            key="1",
            id=1,
            strategy_id=7,
            number=1,
            name="Fly",
            trigger="manual",
            state=state,
            started_at=OPEN,
        )
    )

    assert desk.plan(fly()).refusal == refusal


def test_a_fleet_that_is_not_active_refuses_the_run(desk: Desk) -> None:
    """With its state and reason."""
    desk.view.put(SystemRow(fleet_state="REDUCING", fleet_reason="kill switch by t"))

    wanted = "Fleet is REDUCING: kill switch by t. Entries blocked."
    assert desk.plan(fly()).refusal == wanted


def test_when_no_account_is_left_each_reason_is_named(desk: Desk) -> None:
    """A run on nobody is no run."""
    for broker in desk.brokers.values():
        broker.lot = 75

    refusal = desk.plan(fly()).refusal

    assert refusal is not None
    assert refusal.startswith("No account is left: A: NIFTY 23 Nov lot: A says 75, settings 65; B:")


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (replace(fly(), is_active=False), "Fly is inactive"),
        (replace(fly(), account_ids=()), "No account is chosen"),
        (replace(fly(), legs=()), "There is no leg"),
    ],
)
def test_what_cannot_be_planned_says_so(desk: Desk, strategy: Strategy, text: str) -> None:
    """Before any broker is asked."""
    with pytest.raises(NoPlan, match=text):
        desk.plan(strategy)

    assert desk.brokers[1].reads == []


def test_without_any_account_there_is_no_market_data(desk: Desk) -> None:
    """The sentence says where to add one."""
    desk.brokers.clear()

    with pytest.raises(NoPlan, match="Add one on Accounts"):
        desk.service.preview([leg(1, "SELL", "CE")])


# --- warnings ---------------------------------------------------------------------------------
def test_a_backup_that_stands_in_for_the_primary_is_said(desk: Desk) -> None:
    """The primary is down: contracts come from the next account, visibly."""
    desk.view.put(account_row(1, connection="failed"))

    plan = desk.plan(fly())

    assert plan.accounts[0].skip == "the account is failed"
    text = "Contracts and prices of this plan come from B, not from the primary."
    assert text in plan.warnings


def test_a_naked_short_is_said(desk: Desk) -> None:
    """And a hedged one tells how it enters."""
    naked = desk.plan(fly(leg(1, "SELL", "CE"))).warnings
    hedged = desk.plan(fly()).warnings

    assert "A short has no bought hedge: its loss has no floor." in naked
    assert any(text.startswith("Shorts enter an account only as far") for text in hedged)


def test_expiries_and_spot_come_from_the_data_account(desk: Desk) -> None:
    """Ascending, whatever order the broker lists them in."""
    spot = desk.service.spot("NIFTY")

    assert desk.service.expiries("NIFTY") == EXPIRIES
    assert spot is not None
    assert spot.instrument == UNDERLYINGS["NIFTY"].index
