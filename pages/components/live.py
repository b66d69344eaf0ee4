"""Elements that draw themselves in the browser from data the hub patches in."""

from typing import Any

from nicegui import ui


class Live(ui.element):
    """Base: the whole data of the element is a JSON value; `patch` replaces what it names."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__()
        self._props["initial"] = data


class StatusBar(Live, component="status_bar.js"):
    """The app bar: index tickers, clock, feed, fleet state, attention. Emits `theme`."""


class Banner(Live, component="banner.js"):
    """The worst thing that is wrong, in one line; a siren emits `ack` {id}."""


class KpiStrip(Live, component="kpi_strip.js"):
    """{cells: [{label, value, kind, sub, hero}]}; kind pnl, money, short, text."""


class FleetCards(Live, component="fleet_cards.js"):
    """{accounts: [...]} as cards. Emits `act` {name, id}."""


class RunsTable(Live, component="runs_table.js"):
    """{runs: [...], empty}. Emits `act` {name, id}."""


class PositionsTable(Live, component="positions_table.js"):
    """{groups: [{account..., rows}], total}. Emits `act` {name, account}."""


class OrdersTable(Live, component="orders_table.js"):
    """{rows: [...], file}; a row opens. Emits `act` {name, id}: modify, convert, cancel."""


class DriftTable(Live, component="drift_table.js"):
    """{rows: [...], empty}: where brokers and runs differ. Emits `act` {name, key}."""


class AttentionList(Live, component="attention_list.js"):
    """{items: [...], empty}: what waits for a person. Emits `act` {name, key}."""


class RiskCards(Live, component="risk_cards.js"):
    """{rules: [...]} with Why?."""


class Rail(Live, component="rail.js"):
    """{low, high, now, peak, ...}: where the run stands between its limits."""


class Timeline(Live, component="timeline.js"):
    """{events: [...]}: newest first."""


class LegLine(Live, component="leg_line.js"):
    """The live line under a leg of the builder."""


class PlanTables(Live, component="plan_tables.js"):
    """Accounts and orders of a plan. Emits `tick` {id, on}."""


class HoldButton(Live, component="hold_button.js"):
    """{label, seconds, ring}: emits `held` once when held long enough."""


class KillPanel(Live, component="kill_panel.js"):
    """The kill switch: scope, hold ring, count-down. Opens and posts /kill without the socket."""
