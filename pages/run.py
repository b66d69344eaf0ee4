"""One run: where it stands, positions, orders, fills, rules, timeline."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from nicegui import ui

from algomirror.engine import messages as m
from pages import data
from pages import data_orders
from pages import formats as f
from pages.components import order_acts
from pages.components.live import HoldButton
from pages.components.live import KpiStrip
from pages.components.live import OrdersTable
from pages.components.live import PositionsTable
from pages.components.live import Rail
from pages.components.live import RiskCards
from pages.components.live import Timeline
from pages.components.widgets import card
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.layout import Frame
from pages.runs import confirm_exit

CURVE_EVERY_S = 1.0
CURVE_POINTS = 300
TOPICS = {"run", "execution", "position", "drift"}


def build(frame: Frame, run_id: str) -> None:
    app, hub = frame.app, frame.hub
    row = data.run(app.view, int(run_id)) if run_id.isdigit() else None
    if row is None:
        page_head("No such run", crumb=("Runs", "/runs"))
        ui.html('<div class="card empty">This run is not open and not of today.</div>',
                sanitize=False)  # fmt: skip
        return
    number = row.id
    started = f"since {f.clock_time(row.started_at, app.clock.now())} · {row.trigger}"
    with page_head(f"{row.number} · {row.name}", started, crumb=("Runs", "/runs")):
        hold = hub.show(HoldButton, f"exit-{number}", {"run"}, lambda: _exit_button(frame, number))
        hold.on("held", lambda: _exit_now(frame, number))
    hub.show(KpiStrip, f"run-{number}", {"run"}, lambda: data.run_kpis(app, number))
    hub.show(Rail, f"run-{number}", {"run"}, lambda: data.rail(app, number))
    hub.show(RiskCards, f"run-{number}", {"rule"}, lambda: data.risk_cards(app, number))
    with ui.element("div").classes("grid"):
        with ui.element("div").classes("c8 cl").style("gap:14px"):
            with card("P&L of this run", "all accounts"):
                _curve(frame, number)
            with card("Positions", "by account"):
                table = hub.show(
                    PositionsTable,
                    f"run-{number}",
                    TOPICS,
                    lambda: data.positions(app, number, empty="No fill yet."),
                )
                table.on("act", lambda e: confirm_exit(frame, number, int(e.args["account"])))
            with card("Orders", "each saved before it left"):
                orders = hub.show(
                    OrdersTable, f"run-{number}", {"order"}, lambda: data_orders.orders(app, number)
                )
                orders.on(
                    "act",
                    lambda e: order_acts.act(frame, str(e.args["name"]), str(e.args["id"])),
                )
            with card("Fills", "proven by the books"):
                hub.show(
                    OrdersTable, f"fills-{number}", {"fill"}, lambda: data_orders.fills(app, number)
                )
        with ui.element("div").classes("c4"), card("Timeline", "newest first"):
            hub.show(Timeline, f"run-{number}", {"event"}, lambda: data.timeline(app, number))


def _exit_button(frame: Frame, run_id: int) -> dict[str, Any]:
    """Gone when the run is over."""
    row = data.run(frame.app.view, run_id)
    live = row is not None and row.state in data.LIVE_STATES
    return {"label": "Exit run", "seconds": 2, "doneLabel": "Exit requested", "hidden": not live}


def _exit_now(frame: Frame, run_id: int) -> None:
    """Held for two seconds: the hold is the confirmation."""
    if not frame.allowed():
        return
    frame.app.post(m.RequestExit(run_id=run_id, by=frame.username))
    market, is_open = frame.app.market_text(frame.app.clock.now())
    queued = "" if is_open else f" Market closed ({market}): it is sent at the next open."
    say(f"Exit requested. It ends when the books prove it.{queued}")


def _curve(frame: Frame, run_id: int) -> None:
    """P&L split at zero, the limits as dashes; redrawn at most once a second."""
    plot = ui.plotly(_figure(frame, run_id)).classes("w-full").style("height:230px")

    def redraw() -> None:
        row = data.run(frame.app.view, run_id)
        plot.update_figure(_figure(frame, run_id))
        if row is not None and row.state not in data.LIVE_STATES:
            timer.deactivate()

    timer = ui.timer(CURVE_EVERY_S, redraw)


def _figure(frame: Frame, run_id: int) -> dict[str, Any]:
    points: list[tuple[datetime, Decimal]] = list(frame.app.view.pnl_history.get(run_id, ()))
    step = max(1, len(points) // CURVE_POINTS)
    points = points[::step]
    times = [at.isoformat() for at, _ in points]
    values = [float(value) for _, value in points]
    row = data.run(frame.app.view, run_id)
    shapes = [_line(0.0, "rgba(138,148,168,.5)", "solid")]
    if row is not None and row.max_loss is not None:
        shapes.append(_line(-float(row.max_loss), "#F2B84B", "dash"))
    grid = "rgba(138,148,168,.16)"
    axis = {"gridcolor": grid, "zeroline": False, "tickfont": {"size": 11}, "color": "#8A94A8"}
    return {
        "data": [
            {"x": times, "y": [max(v, 0.0) for v in values], "fill": "tozeroy", "mode": "lines",
             "line": {"color": "#3CCFB4", "width": 1.6}, "fillcolor": "rgba(60,207,180,.13)",
             "hoverinfo": "y"},
            {"x": times, "y": [min(v, 0.0) for v in values], "fill": "tozeroy", "mode": "lines",
             "line": {"color": "#FF8672", "width": 1.6}, "fillcolor": "rgba(255,134,114,.13)",
             "hoverinfo": "y"},
        ],
        "layout": {
            "margin": {"l": 56, "r": 14, "t": 10, "b": 28}, "showlegend": False,
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": {**axis, "type": "date"}, "yaxis": {**axis, "tickprefix": "₹"},
            "shapes": shapes, "uirevision": "run", "hovermode": "x",
        },
        "config": {"displayModeBar": False, "responsive": True},
    }  # fmt: skip


def _line(y: float, colour: str, dash: str) -> dict[str, Any]:
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
            "line": {"color": colour, "width": 1, "dash": dash}}  # fmt: skip
