"""Confirm the settlement of expired positions: a price each, booked as fills, nothing is sent."""

import re
from asyncio import to_thread
from decimal import Decimal

from algomirror.domain.typed import number_of
from algomirror.engine import messages as m
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import PositionRow
from algomirror.errors import InvalidInput
from pages import formats as f
from pages.components.ask import Ask
from pages.components.widgets import say
from pages.layout import Frame

EXPIRED = "has expired"


def expired(frame: Frame, row: ExecutionRow) -> list[PositionRow]:
    """Open positions of the execution whose symbol its attention names as expired."""
    return [
        p
        for p in frame.app.view.rows("position")
        if isinstance(p, PositionRow)
        and p.execution_id == row.id
        and p.quantity
        and f"{p.symbol} {EXPIRED}" in row.attention
    ]


def proposed(row: ExecutionRow, symbol: str) -> str:
    """The intrinsic value that the engine named, as typed text; empty where it named none."""
    found = re.search(rf"{re.escape(symbol)} {EXPIRED}[a-z, ]* at ([0-9.]+)", row.attention)
    return found[1].rstrip(".") if found else ""


async def settle(frame: Frame, row: ExecutionRow) -> None:
    """One field a position; a wrong price gets its sentence and nothing is booked."""
    positions = expired(frame, row)
    ask = Ask("Confirm settlement", f"Settle {f.counted(len(positions), 'position')}")
    where = f"{row.account_name} ({row.mode.upper()})"
    ask.lines([f"{where} holds {p.quantity:+d} {p.symbol}" for p in positions])
    for p in positions:
        ask.input(p.key, f"Settlement price of {p.symbol}, ₹", proposed(row, p.symbol))
    ask.say("Booked as fills of source settlement: P&L counts them. Nothing is sent to the broker. "
            "The proposal is the intrinsic value at the index close.")  # fmt: skip

    async def press() -> bool:
        if not frame.allowed():
            return False
        prices = {p.key: number_of(ask.value(p.key)) for p in positions}
        wrong = [
            InvalidInput(key, "A price of 0 or more.")
            for key, price in prices.items()
            if price is None or price < 0
        ]
        ask.show_problems(wrong)
        if wrong:
            return False
        for p in positions:
            await _confirm(frame, p, prices[p.key] or Decimal(0))
        return True

    if positions and await ask.run(press):
        say("Given to the engine; each position is settled once.")


async def _confirm(frame: Frame, p: PositionRow, price: Decimal) -> None:
    frame.app.post(
        m.ConfirmSettlement(
            execution_id=p.execution_id, leg_id=p.leg_id, price=price, by=frame.username
        )
    )
    await to_thread(
        frame.app.activity.record,
        frame.username,
        "confirm_settlement",
        object_text=p.symbol,
        account_id=p.account_id,
        run_id=p.run_id,
        details={"price": f"{price:f}", "quantity": str(p.quantity)},
    )
