"""What engine scenarios share: a one-leg strategy, trades by hand, faults, what left for whom."""

from dataclasses import replace
from decimal import Decimal

from algomirror.domain.instrument import Instrument
from algomirror.domain.instrument import OptionType
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.engine.book import ExecutionBook
from algomirror.engine.book import RunBook
from algomirror.engine.limbs import Job
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import FaultRule
from algomirror.simulate.world import World


def strike(world: World, *rules: FaultRule, account_id: int = 1) -> None:
    """These faults from now on, and no others."""
    world.papers[account_id].faults = FaultPlan(rules=list(rules))


def one_leg(
    side: Side = Side.SELL,
    kind: PriceType = PriceType.MARKET,
    *,
    limit: Decimal | None = None,
    trigger: Decimal | None = None,
    **changes: object,
) -> Strategy:
    """A single NIFTY call at the money."""
    leg = Leg(
        id=1,
        leg_number=1,
        underlying="NIFTY",
        side=side,
        option_type=OptionType.CE,
        strike_rule=StrikeRule.ATM,
        strike_offset=0,
        price_type=kind,
        limit_price=limit,
        trigger_price=trigger,
    )
    fields: dict[str, object] = {"id": 1, "name": "One leg", "legs": (leg,), **changes}
    return Strategy(**fields)  # type: ignore[arg-type]


def by_hand(
    world: World, symbol: str, side: str, quantity: int, *, account_id: int = 1,
    product: str = "NRML",
) -> str:  # fmt: skip
    """A person trades at the broker; the broker's order id."""
    paper = world.papers[account_id]
    faults, paper.faults = paper.faults, FaultPlan()
    body = {
        "apikey": paper.key, "strategy": "by hand", "symbol": symbol, "exchange": "NFO",
        "action": side, "quantity": quantity, "product": product, "pricetype": "MARKET",
    }  # fmt: skip
    answer = world.exchange.handle("placeorder", body, world.clock.now())
    paper.faults = faults
    return str(answer.body["orderid"])


def sent(world: World, purpose: OrderPurpose, account_id: int = 1) -> list[Job]:
    """Orders that were placed, in the order in which they left."""
    return [
        job
        for job in world.limbs[account_id].sent
        if job.act == "place" and job.intent.purpose is purpose
    ]


def exits(world: World, account_id: int = 1) -> list[Job]:
    return sent(world, OrderPurpose.EXIT, account_id)


def entries(world: World, account_id: int = 1) -> list[Job]:
    return sent(world, OrderPurpose.ENTRY, account_id)


def only(run: RunBook) -> ExecutionBook:
    """The execution of a run on one account."""
    (execution,) = run.executions.values()
    return execution


def set_profile(world: World, account_id: int = 1, **fields: object) -> None:
    """Other settings of an account, as if it had been edited."""
    account = world.engine.core.accounts[account_id]
    account.profile = replace(account.profile, **fields)  # type: ignore[arg-type]


def price(world: World, instrument: Instrument, rupees: str | None) -> None:
    """Nail an instrument's price; None lets the market move it again."""
    world.market.fix_price(
        instrument.symbol,
        str(instrument.exchange),
        None if rupees is None else Decimal(rupees),
    )


def event_kinds(world: World) -> list[str]:
    return [row.kind for row in world.engine.view.rows("event")]  # type: ignore[union-attr]
