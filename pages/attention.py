"""Everything that waits for a person, each with its age, its consequence and its choices."""

import re
from asyncio import to_thread
from typing import Any

from nicegui import ui

from algomirror.engine import messages as m
from algomirror.engine.live_view import ExecutionRow
from algomirror.engine.live_view import OrderRow
from pages import data_attention
from pages import formats as f
from pages.components import order_acts
from pages.components.ask import Ask
from pages.components.live import AttentionList
from pages.components.settle import settle
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.data import positions
from pages.layout import Frame
from pages.layout import acknowledge
from pages.runs import confirm_exit
from pages.runs import refusing_market
from pages.runs import way_out

NO_FILL = re.compile(r"\b0 of \d")
ORDER_ACTS = ("look", "rejected", "filled")


def build(frame: Frame) -> None:
    app = frame.app
    page_head("Attention", "what waits for a person; everything else runs by itself")
    found = frame.hub.show(
        AttentionList, "all", data_attention.TOPICS, lambda: data_attention.listed(app)
    )
    found.on("act", lambda e: act(frame, str(e.args["name"]), str(e.args["key"])))


async def act(frame: Frame, name: str, key: str) -> None:
    """An act of an item; its key says what it is about."""
    kind, _, object_key = key.partition(":")
    if not frame.allowed():
        return
    if kind == "drift":
        ui.navigate.to("/positions")
    elif kind == "order":
        await _order(frame, name, object_key)
    elif kind == "execution":
        row = frame.app.view.get("execution", object_key)
        if isinstance(row, ExecutionRow):
            await _execution(frame, name, row)
        else:
            say("This is over.")


async def _order(frame: Frame, name: str, order_id: str) -> None:
    row = frame.app.view.get("order", order_id)
    if name == "exit" and isinstance(row, OrderRow) and row.run_id is not None:
        await confirm_exit(frame, row.run_id, row.account_id)
    elif name in ORDER_ACTS:
        await order_acts.act(frame, name, order_id)


async def _execution(frame: Frame, name: str, row: ExecutionRow) -> None:
    if name == "acknowledge":
        await acknowledge(frame, row.id)
        say("Acknowledged. What caused it is worked on as before.")
    elif name == "exit":
        await confirm_exit(frame, row.run_id, row.account_id)
    elif name == "release":
        await _release(frame, row)
    elif name == "trim":
        await _trim(frame, row)
    elif name == "settle":
        await settle(frame, row)
    elif name in ORDER_ACTS:
        order = data_attention.named(frame.app.view, row.attention)
        if order is not None:
            await order_acts.act(frame, name, order.key)


def _held(frame: Frame, row: ExecutionRow) -> list[dict[str, Any]]:
    groups = positions(frame.app, row.run_id, empty="")["groups"]
    return [p for g in groups if g["account"] == row.account_id for p in g["rows"] if p["quantity"]]


async def _release(frame: Frame, row: ExecutionRow) -> None:
    """The longs go although the short is not proven flat: the protection goes with them."""
    longs = [p for p in _held(frame, row) if p["quantity"] > 0]
    ask = Ask("Release longs", f"Sell {len(longs)} long positions", danger=True)
    where = f"{row.account_name} ({row.mode.upper()})"
    way = way_out(row.account_id, await refusing_market(frame), otherwise=" at market")
    ask.lines([f"{where}: SELL {p['quantity']} {p['symbol']}{way}" for p in longs])
    ask.warn(f"{row.attention[:1].upper()}{row.attention[1:]}. Without the longs that short has no "
             "protection.")  # fmt: skip

    async def press() -> bool:
        return await _post(frame, row, m.ReleaseLongs(execution_id=row.id, by=frame.username),
                           "release_longs")  # fmt: skip

    if await ask.run(press):
        say("Released; the longs are sold.")


async def _trim(frame: Frame, row: ExecutionRow) -> None:
    held = _held(frame, row)
    none_whole = NO_FILL.search(row.attention) is not None
    act = (
        f"Close {f.counted(len(held), 'position')}"
        if none_whole
        else "Close what exceeds complete sets"
    )
    ask = Ask("Trim to complete sets", act, danger=True)
    where = f"{row.account_name} ({row.mode.upper()})"
    ask.lines([f"{where} holds {f.signed(p['quantity'])} {p['symbol']}" for p in held])
    if none_whole:
        ask.warn("A leg has no fill, so no set is complete: everything above is closed, shorts "
                 "first.")  # fmt: skip
    else:
        ask.say("Each leg is closed down to the lowest number of complete sets, shorts first.")

    async def press() -> bool:
        return await _post(frame, row, m.TrimExecution(execution_id=row.id, by=frame.username),
                           "trim_execution")  # fmt: skip

    if await ask.run(press):
        say("Trim requested. It ends when the books prove it.")


async def _post(frame: Frame, row: ExecutionRow, message: m.Message, action: str) -> bool:
    if not frame.allowed():
        return False
    frame.app.post(message)
    await to_thread(
        frame.app.activity.record,
        frame.username,
        action,
        object_text=f"execution {row.id}",
        account_id=row.account_id,
        run_id=row.run_id,
    )
    return True
