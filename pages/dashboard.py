"""Is everything fine, and what is open."""

from nicegui import ui

from pages import data
from pages import data_drift
from pages.components.live import FleetCards
from pages.components.live import KpiStrip
from pages.components.live import RunsTable
from pages.components.live import Timeline
from pages.components.widgets import card
from pages.components.widgets import link_button
from pages.components.widgets import page_head
from pages.layout import Frame
from pages.runs import confirm_exit


def build(frame: Frame) -> None:
    app, hub = frame.app, frame.hub
    with page_head("Dashboard", f"{app.clock.now():%a %d %b %Y}"):
        link_button("New strategy", "/strategies/new", kind="p", symbol="plus")
    hub.show(
        KpiStrip,
        "dashboard",
        {"system", "account", "run", "drift"},
        lambda: data.dashboard_kpis(app, data_drift.counter(app)),
    )
    if not data.accounts(app.view):
        _first_steps()
    with ui.element("div").style("margin-bottom:14px"):
        hub.show(FleetCards, "dashboard", {"account"}, lambda: data.fleet_cards(app))
    with ui.element("div").classes("grid"):
        with card("Runs", "open and of today", classes="c8"):
            table = hub.show(
                RunsTable,
                "dashboard",
                {"run"},
                lambda: data.runs_table(
                    app,
                    only_live=False,
                    empty="Nothing is open. New strategy builds one.",
                ),
            )
            table.on("act", lambda e: confirm_exit(frame, int(e.args["id"])))
        with card("Today", f"{app.clock.now():%a %d %b}", classes="c4"):
            hub.show(Timeline, "dashboard", {"event"}, lambda: data.timeline(app, limit=14))


def _first_steps() -> None:
    ui.html(
        '<div class="card empty">Add your first OpenAlgo account.<br>'
        '<a class="btn p" href="/accounts/new">Add account</a></div>',
        sanitize=False,
    )
