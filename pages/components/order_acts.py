"""What a person may do with an order: other prices, market, cancel, or say how it ended."""

from asyncio import to_thread
from decimal import Decimal

from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.engine import messages as m
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import QuoteRow
from algomirror.services.order_prices import DEFAULT_TICK
from algomirror.services.order_prices import HAS_LIMIT
from algomirror.services.order_prices import HAS_TRIGGER
from algomirror.services.order_prices import NewPrices
from algomirror.services.order_prices import new_prices
from algomirror.services.order_prices import settled
from algomirror.services.planning import NoPlan
from algomirror.services.users import InvalidInputs
from pages import formats as f
from pages.components.ask import Ask
from pages.components.widgets import confirm
from pages.components.widgets import say
from pages.layout import Frame


async def act(frame: Frame, name: str, client_order_id: str) -> None:
    """An act of a row: modify, convert, cancel, rejected, filled, look."""
    row = frame.app.view.get("order", client_order_id)
    if not frame.allowed():
        return
    if not isinstance(row, OrderRow):
        say("This order is no longer shown.", error=True)
        return
    if name == "modify":
        await _modify(frame, row)
    elif name == "convert":
        await _convert(frame, row)
    elif name == "cancel":
        await _cancel(frame, row)
    elif name == "rejected":
        await _settle(frame, row, filled=False)
    elif name == "filled":
        await _settle(frame, row, filled=True)
    elif name == "look":
        await _look(frame, row)


def what(frame: Frame, row: OrderRow) -> str:
    """Arjun (PAPER): SELL 65 NIFTY24NOV2625000CE, limit 142.35, 0 filled"""
    account = frame.app.view.get("account", str(row.account_id))
    mode = account.mode.upper() if isinstance(account, AccountRow) else "MODE ?"
    prices = ""
    if row.limit_price is not None:
        prices += f", limit {f.number(row.limit_price)}"
    if row.trigger_price is not None:
        prices += f", trigger {f.number(row.trigger_price)}"
    return (
        f"{row.account_name} ({mode}): {row.side} {f.number_of_units(row.quantity)} {row.symbol} "
        f"{row.product}, {row.price_type}{prices}, {f.number_of_units(row.filled)} filled"
    )


def _is_open(frame: Frame, row: OrderRow) -> bool:
    """Still working now; else the dialog says so and stays."""
    now = frame.app.view.get("order", row.key)
    if isinstance(now, OrderRow) and now.status in ("ACCEPTED", "PARTIALLY_FILLED"):
        return True
    status = now.status if isinstance(now, OrderRow) else "gone"
    say(f"This order is {status.replace('_', ' ')} by now. Nothing was sent.", error=True)
    return False


async def _modify(frame: Frame, row: OrderRow) -> None:
    kind, side = PriceType(row.price_type), Side(row.side)
    was = NewPrices(limit_price=row.limit_price, trigger_price=row.trigger_price)
    ask = Ask("Modify price", "Modify 1 order")
    ask.lines([what(frame, row), *_last(frame, row)])
    tick = await _tick(frame, row)
    if kind in HAS_LIMIT:
        steps = f"steps of {tick.normalize():f}"
        ask.input("limit_price", f"Limit, ₹ ({steps})", _plain(was.limit_price))
    if kind in HAS_TRIGGER:
        ask.input("trigger_price", "Trigger, ₹", _plain(was.trigger_price))
    ask.say("A fill that wins the race counts. The order book decides which price stands.")

    async def press() -> bool:
        if not frame.allowed() or not _is_open(frame, row):
            return False
        try:
            prices = new_prices(kind, side, ask.values(), was=was, tick=tick)
        except InvalidInputs as wrong:
            ask.show_problems(wrong.problems)
            return False
        frame.app.post(
            m.ModifyOrder(
                client_order_id=row.key,
                by=frame.username,
                limit_price=prices.limit_price,
                trigger_price=prices.trigger_price,
            )
        )
        limit, trigger = _plain(prices.limit_price), _plain(prices.trigger_price)
        await _record(frame, row, "modify_order", limit=limit, trigger=trigger)
        return True

    if await ask.run(press):
        say("Modify requested; the order book decides.")


def _last(frame: Frame, row: OrderRow) -> list[str]:
    """Where the market is: a price is chosen against it."""
    quote = next(
        (q for q in frame.app.view.rows("quote")
         if isinstance(q, QuoteRow) and q.symbol == row.symbol), None
    )  # fmt: skip
    return [] if quote is None else [f"last price {f.number(quote.ltp)}"]


async def _tick(frame: Frame, row: OrderRow) -> Decimal:
    try:
        contract = await to_thread(
            frame.app.takeover.contract, row.account_id, row.symbol, row.exchange
        )
    except NoPlan:
        return DEFAULT_TICK
    return contract.tick_size if contract.tick_size > 0 else DEFAULT_TICK


async def _convert(frame: Frame, row: OrderRow) -> None:
    ask = Ask("Convert to market", "Convert 1 order to market", danger=True)
    rest = row.quantity - row.filled
    ask.lines([what(frame, row), f"then {row.side} what is unfilled, now "
               f"{f.number_of_units(rest)}, at market"])  # fmt: skip
    ask.say("The cancel is proven before the market order leaves. If the cancel finds the order "
            "filled, nothing more is sent.")  # fmt: skip
    ask.warn("A market order takes the price it gets.")

    async def press() -> bool:
        if not frame.allowed() or not _is_open(frame, row):
            return False
        frame.app.post(m.ConvertToMarket(client_order_id=row.key, by=frame.username))
        await _record(frame, row, "convert_to_market", unfilled=str(rest))
        return True

    if await ask.run(press):
        say("Cancel requested; the market order leaves when it is proven.")


async def _cancel(frame: Frame, row: OrderRow) -> None:
    lines = [what(frame, row), "Cancels what is unfilled. A fill that wins the race counts."]
    if await confirm("Cancel order", lines, "Cancel 1 order") and _is_open(frame, row):
        frame.app.post(m.CancelOrder(client_order_id=row.key, by=frame.username))
        await _record(frame, row, "cancel_order")
        say("Cancel requested; the order book decides.")


async def _look(frame: Frame, row: OrderRow) -> None:
    frame.app.post(m.LookAgain(account_id=row.account_id, by=frame.username))
    await _record(frame, row, "look_again")
    say(f"The books of {row.account_name} are read again.")


async def _settle(frame: Frame, row: OrderRow, *, filled: bool) -> None:
    """A person's word for an order that no book settles; it becomes a fill of our books."""
    title = "It did fill" if filled else "It never traded"
    ask = Ask(title, "Book this fill" if filled else "Settle as not traded", danger=True)
    ask.lines([what(frame, row)])
    if filled:
        least = max(1, row.filled)
        ask.input("quantity", f"Filled units ({least} to {row.quantity})", str(row.quantity))
        ask.input("price", "Average price, ₹", _plain(row.average or row.reference))
        ask.say("Our books take this as proven: P&L, rules and exits count it from now on. "
                "Nothing is sent to the broker.")  # fmt: skip
    else:
        ask.say("Our books count it as rejected: its quantity is no longer on its way, and exits "
                "may send it anew.")  # fmt: skip
    ask.warn("Look at the broker's own order book first. A wrong word here leaves a position that "
             "nobody guards, or closes one twice.")  # fmt: skip

    async def press() -> bool:
        if not frame.allowed():
            return False
        quantity, price = 0, None
        if filled:
            try:
                quantity, price = settled(
                    ask.values(), at_most=row.quantity, at_least=max(1, row.filled)
                )
            except InvalidInputs as wrong:
                ask.show_problems(wrong.problems)
                return False
        frame.app.post(
            m.SettleOrder(
                client_order_id=row.key, by=frame.username, filled_quantity=quantity, price=price
            )
        )
        await _record(frame, row, "settle_order", filled=str(quantity), price=_plain(price))
        return True

    if await ask.run(press):
        say("Given to the engine. It refuses when a book can still settle the order.")


async def _record(frame: Frame, row: OrderRow, action: str, **details: str) -> None:
    await to_thread(
        frame.app.activity.record,
        frame.username,
        action,
        object_text=row.key,
        account_id=row.account_id,
        run_id=row.run_id,
        details=details,
    )


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"
