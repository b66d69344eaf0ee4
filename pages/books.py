"""Orders, trades, positions and activity over all accounts."""

from asyncio import to_thread
from html import escape

from nicegui import ui

from pages import data
from pages import data_drift
from pages import data_orders
from pages import formats as f
from pages.components import drift_acts
from pages.components import order_acts
from pages.components.live import DriftTable
from pages.components.live import KpiStrip
from pages.components.live import OrdersTable
from pages.components.live import PositionsTable
from pages.components.widgets import card
from pages.components.widgets import page_head
from pages.layout import Frame
from pages.runs import confirm_exit


def orders(frame: Frame) -> None:
    app = frame.app
    page_head("Orders", "ours, joined with what the brokers' books say")
    frame.hub.show(KpiStrip, "orders", {"order"}, lambda: data_orders.tiles(app))
    with card("Orders", "newest first"):
        table = frame.hub.show(OrdersTable, "all", {"order"}, lambda: data_orders.orders(app, None))
        table.on("act", lambda e: order_acts.act(frame, str(e.args["name"]), str(e.args["id"])))


def trades(frame: Frame) -> None:
    app = frame.app
    page_head("Trades", "fills proven by order book or trade book")
    with card("Fills", "newest first"):
        frame.hub.show(OrdersTable, "fills", {"fill"}, lambda: data_orders.fills(app, None))


def positions(frame: Frame) -> None:
    app = frame.app
    page_head("Positions", "what AlgoMirror opened and has not closed")
    with card("Open positions", "by account and run"):
        table = frame.hub.show(
            PositionsTable,
            "all",
            {"run", "execution", "position", "drift"},
            lambda: data.positions(app, None, empty="No open AlgoMirror positions."),
        )
        table.on("act", lambda e: confirm_exit(frame, int(e.args["run"]), int(e.args["account"])))
    ui.element("div").style("height:14px")
    with card("Differences with the broker", "broker's net against our runs"):
        drift = frame.hub.show(
            DriftTable, "all", {"drift", "account"}, lambda: data_drift.table(app)
        )
        drift.on("act", lambda e: drift_acts.act(frame, str(e.args["name"]), str(e.args["key"])))


async def activity(frame: Frame) -> None:
    page_head("Activity", "who did what; rows are chained and never edited")
    with card("Activity", "newest first"):
        skeleton = ui.element("div").classes("skel")
        rows = await to_thread(frame.app.activity.recent, 200)
        skeleton.delete()
        body = "".join(
            f"<tr><td>{f.clock_time(r.at, frame.app.clock.now())}</td><td>{escape(r.actor)}</td>"
            f"<td>{escape(r.action.replace('_', ' '))}</td><td>{escape(r.object_text)}</td>"
            f'<td><span class="bd {"ok" if r.status == "success" else "dng"}">{r.status}</span>'
            f"</td><td>{escape(r.error_message)}</td><td>{escape(r.ip_address)}</td></tr>"
            for r in rows or []
        )
        head = "".join(
            f"<th>{h}</th>"
            for h in ("Time", "Actor", "Action", "Object", "Status", "Error", "Address")
        )
        table = (
            f'<table class="lt cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        )
        empty = '<div class="empty">Nothing yet.</div>'
        ui.html(f'<div class="scrollx">{table if rows else empty}</div>', sanitize=False)
