"""The four answers to a difference with a broker; each says what it will do before it does it."""

from asyncio import to_thread
from decimal import Decimal

from algomirror.domain.strategy import Strategy
from algomirror.engine import messages as m
from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.live_view import AccountRow
from algomirror.errors import InvalidInput
from algomirror.services.order_prices import AVERAGE_STEP
from algomirror.services.order_prices import price as price_of
from algomirror.services.order_prices import units
from algomirror.services.planning import NoPlan
from algomirror.services.takeover import beyond_ours
from pages import formats as f
from pages.components.ask import Ask
from pages.components.widgets import say
from pages.data_drift import WAIT
from pages.data_drift import adoptable
from pages.layout import Frame


async def act(frame: Frame, name: str, key: str) -> None:
    """An act of a row: ignore, adopt, takeover, flatten."""
    row = _now(frame, key)
    if not frame.allowed():
        return
    if row is None:
        say("This difference is gone: the books agree by now.")
    elif name == "ignore":
        await _ignore(frame, row)
    elif not row.confirmed:
        say(WAIT, error=True)
    elif name == "adopt":
        await _adopt(frame, row)
    elif name == "takeover":
        await _take_over(frame, row)
    elif name == "flatten":
        await _flatten(frame, row)


def _now(frame: Frame, key: str) -> DriftRow | None:
    row = frame.app.view.get("drift", key)
    return row if isinstance(row, DriftRow) else None


def _unchanged(frame: Frame, row: DriftRow) -> bool:
    """What the dialog showed still holds; else nothing is done."""
    now = _now(frame, row.key)
    if now is not None and (now.broker_net, now.ours) == (row.broker_net, row.ours):
        return True
    say("The difference has changed meanwhile. Close this and look again.", error=True)
    return False


def _mode(frame: Frame, row: DriftRow) -> str:
    account = frame.app.view.get("account", str(row.account_id))
    return account.mode.upper() if isinstance(account, AccountRow) else "MODE ?"


def _facts(frame: Frame, row: DriftRow) -> list[str]:
    return [
        f"{row.account_name} ({_mode(frame, row)}): {row.symbol} {row.product}",
        f"broker shows {f.signed(row.broker_net)}, our runs hold {f.signed(row.ours)}, "
        f"difference {f.signed(row.drift)}",
    ]


async def _ignore(frame: Frame, row: DriftRow) -> None:
    ask = Ask("Ignore until it changes", "Ignore this difference")
    ask.lines(_facts(frame, row))
    ask.say("It no longer counts as drift. When the difference changes it counts again. Nothing "
            "is sent and our books stay as they are.")  # fmt: skip

    async def press() -> bool:
        if not frame.allowed() or not _unchanged(frame, row):
            return False
        frame.app.post(
            m.IgnoreDrift(
                account_id=row.account_id,
                symbol=row.symbol,
                exchange=row.exchange,
                product=row.product,
                by=frame.username,
            )
        )
        await _record(frame, row, "ignore_drift")
        return True

    if await ask.run(press):
        say("Ignored until it changes.")


async def _adopt(frame: Frame, row: DriftRow) -> None:
    """Our books follow what was closed outside; at most what each position holds."""
    holders = adoptable(row)
    ask = Ask("Adopt as closed outside", "Adopt as closed", danger=True)
    ask.lines(_facts(frame, row))
    ask.say(f"At most {abs(row.drift)} units together. They become fills of ours with the source "
            "external: P&L, rules and exits follow. Nothing is sent to the broker.")  # fmt: skip
    rest = abs(row.drift)
    for index, (_, _, text, quantity) in enumerate(holders):
        most = min(abs(quantity), abs(row.drift))
        first = min(most, rest)
        rest -= first
        ask.input(f"units_{index}", f"{text}: holds {f.signed(quantity)}, closed 0 to {most}",
                  str(first))  # fmt: skip
    paid_there = "" if row.average is None else f"{row.average:f}"
    ask.input("price", "Price of the outside trades, ₹", paid_there, hint="as the broker shows it")

    async def press() -> bool:
        if not frame.allowed() or not _unchanged(frame, row):
            return False
        counts, paid, problems = _adopted(ask, row, holders)
        ask.show_problems(problems)
        if problems or paid is None:
            return False
        for (execution_id, leg_id, _, _), count in zip(holders, counts, strict=True):
            if count:
                frame.app.post(
                    m.AdoptOutside(
                        execution_id=execution_id,
                        leg_id=leg_id,
                        quantity=count,
                        price=paid,
                        by=frame.username,
                    )
                )
        await _record(frame, row, "adopt_outside", units=counts, price=str(paid))
        return True

    if await ask.run(press):
        say("Adopted; the engine books it.")


def _adopted(
    ask: Ask, row: DriftRow, holders: list[tuple[int, int, str, int]]
) -> tuple[list[int], Decimal | None, list[InvalidInput]]:
    """Units of each holder and the price, or what is wrong beside its field."""
    counts, problems = [], []
    for index, (_, _, _, quantity) in enumerate(holders):
        most = min(abs(quantity), abs(row.drift))
        wrong, count = units(ask.value(f"units_{index}"), at_most=most, at_least=0)
        if wrong:
            problems.append(InvalidInput(f"units_{index}", wrong))
        counts.append(count)
    if not problems and not 0 < sum(counts) <= abs(row.drift):
        text = f"Together 1 to {abs(row.drift)} units."
        problems.append(InvalidInput(f"units_{len(holders) - 1}", text))
    wrong, paid = price_of(ask.value("price"), AVERAGE_STEP)
    if wrong:
        problems.append(InvalidInput("price", wrong))
    return counts, paid, problems


async def _take_over(frame: Frame, row: DriftRow) -> None:
    """A run of its own, guarded by the stops of a strategy that the person chooses."""
    quantity = beyond_ours(row.ours, row.drift)
    known = {s.id: s for s in await to_thread(frame.app.strategies.all)}
    if not known:
        say("There is no strategy whose stops could apply. Build one first.", error=True)
        return
    ask = Ask("Take over", f"Take over {abs(quantity)} units")
    side = "long" if quantity > 0 else "short"
    ask.lines([*_facts(frame, row), f"takes over {abs(quantity)} units {side}"])
    names = {i: s.name for i, s in known.items()}
    chosen = ask.choose("strategy", "Strategy whose stops apply", names)
    stops = ask.say(_stops(next(iter(known.values()))))
    chosen.on_value_change(lambda e: stops.set_text(_stops(known[int(e.value)])))
    ask.input("price", "Entry price, ₹", "" if row.average is None else f"{row.average:f}",
              hint="what was paid or received")  # fmt: skip
    ask.say("It becomes a run of its own at this price: its P&L, rules and exits start now. "
            "Nothing is sent to the broker.")  # fmt: skip

    async def press() -> bool:
        if not frame.allowed() or not _unchanged(frame, row):
            return False
        wrong, paid = price_of(ask.value("price"), AVERAGE_STEP)
        ask.show_problems([InvalidInput("price", wrong)] if wrong else [])
        if paid is None:
            return False
        strategy_id = int(ask.value("strategy"))
        try:
            plan = await to_thread(
                frame.app.takeover.plan,
                strategy_id,
                row.account_id,
                symbol=row.symbol,
                exchange=row.exchange,
                product=row.product,
                quantity=quantity,
            )
        except NoPlan as refused:
            ask.show_problems([InvalidInput("strategy", str(refused))])
            return False
        frame.app.post(m.TakeOver(plan=plan, quantity=quantity, price=paid, by=frame.username))
        await _record(frame, row, "take_over", strategy=plan.strategy.name, price=str(paid),
                      quantity=quantity)  # fmt: skip
        return True

    if await ask.run(press):
        say("Taken over; it shows among the runs.")


def _stops(strategy: Strategy) -> str:
    """Max loss ₹1,500.00, max profit none."""
    loss = f.money(strategy.max_loss) if strategy.max_loss is not None else "none"
    profit = f.money(strategy.max_profit) if strategy.max_profit is not None else "none"
    unguarded = " Nothing stops it by itself." if strategy.max_loss is None else ""
    return f"Max loss {loss}, max profit {profit}.{unguarded}"


async def _flatten(frame: Frame, row: DriftRow) -> None:
    side = "SELL" if row.drift > 0 else "BUY"
    ask = Ask("Flatten the difference", "Send 1 order", danger=True)
    ask.lines([
        *_facts(frame, row),
        f"{side} {f.number_of_units(row.drift)} {row.symbol} {row.product} at market",
    ])  # fmt: skip
    ask.say("It brings the broker's net back to what our runs hold. It is sliced where the "
            "exchange demands it.")  # fmt: skip
    ask.warn("Whoever opened this position loses it. Where it was closed outside by mistake, this "
             "opens it again.")  # fmt: skip

    async def press() -> bool:
        if not frame.allowed() or not _unchanged(frame, row):
            return False
        frame.app.post(
            m.FlattenDrift(
                account_id=row.account_id,
                symbol=row.symbol,
                exchange=row.exchange,
                product=row.product,
                by=frame.username,
            )
        )
        await _record(frame, row, "flatten_drift", side=side)
        return True

    if await ask.run(press):
        say("Order requested. It ends when the books agree.")


async def _record(frame: Frame, row: DriftRow, action: str, **details: object) -> None:
    await to_thread(
        frame.app.activity.record,
        frame.username,
        action,
        object_text=f"{row.symbol} {row.product}",
        account_id=row.account_id,
        details={"broker": row.broker_net, "ours": row.ours, **details},
    )
