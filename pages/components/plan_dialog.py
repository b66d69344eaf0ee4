"""What a press of Execute will send: the plan, then how each order stands."""

import uuid
from asyncio import to_thread
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nicegui import ui

from algomirror.domain.order import Side
from algomirror.domain.run import RunTrigger
from algomirror.domain.strategy import Plan
from algomirror.domain.strategy import PlannedAccount
from algomirror.domain.strategy import PlannedLeg
from algomirror.domain.strategy import Strategy
from algomirror.engine import messages as m
from algomirror.engine.live_view import OrderRow
from algomirror.engine.live_view import QuoteRow
from algomirror.errors import BrokerError
from algomirror.services.order_prices import HAS_LIMIT
from algomirror.services.order_prices import HAS_TRIGGER
from algomirror.services.planning import NoPlan
from pages import data
from pages import formats as f
from pages.components.live import PlanTables
from pages.components.widgets import button
from pages.components.widgets import say
from pages.layout import Frame

VALID_S = 28.0
ABOUT_SEND = (
    "Nothing is sent before you press Send. Rules arm with the first fill; closing this window "
    "later stops nothing."
)
MAX_MOVE = Decimal("0.003")
"""A plan is made anew when the spot has moved further (product.md 4.1)."""


async def open_plan(frame: Frame, strategy: Strategy) -> None:
    """Plan, show, and on Send give the plan to the engine. Closing stops nothing."""
    if frame.allowed():
        await _PlanDialog(frame, strategy).open()


def _type_of(p: PlannedLeg) -> str:
    """LIMIT 142.35, SL 150.00 trigger 148.00: what is sent is what is confirmed."""
    said = p.leg.price_type.value
    if p.leg.limit_price is not None and p.leg.price_type in HAS_LIMIT:
        said += f" {f.number(p.leg.limit_price)}"
    if p.leg.trigger_price is not None and p.leg.price_type in HAS_TRIGGER:
        said += f" trigger {f.number(p.leg.trigger_price)}"
    return said


class _PlanDialog:
    """One opening of the dialog; its token makes a double press one run."""

    def __init__(self, frame: Frame, strategy: Strategy) -> None:
        self._frame = frame
        self._strategy = strategy
        self._token = uuid.uuid4().hex
        self._off: set[int] = set()
        self._plan: Plan | None = None
        self._sent = False
        self._run_id: int | None = None
        self._tables: PlanTables | None = None

    async def open(self) -> None:
        with ui.dialog().props("persistent") as self._dialog, ui.element("div").classes("dlg"
                                                        ).style("width:1080px"):  # fmt: skip
            with ui.element("header"):
                ui.html(f"<h2>Send {self._strategy.name}</h2>", sanitize=True)
                ui.html(f'<span class="bd acc">Manual</span> <span class="bd o">'
                        f"{self._strategy.product}</span>", sanitize=False)  # fmt: skip
                ui.element("span").classes("sp")
                self._refresh = button("Refresh", self.plan, symbol="refresh", kind="bs")
            self._body = ui.element("div").style("max-height:70vh;overflow:auto")
            with ui.element("footer"):
                self._about = ui.label(ABOUT_SEND).classes("t2")
                ui.element("span").classes("sp")
                button("Close", self.close, kind="bl")
                self._send = ui.element("button").classes("btn p bl dis").on("click", self.send)
                with self._send:
                    self._label = ui.label("Planning…")
        self._dialog.open()
        self._timer = ui.timer(0.5, self._tick)
        await self.plan()

    def close(self) -> None:
        self._timer.deactivate()
        self._dialog.close()

    # --- planning -------------------------------------------------------------------------
    async def plan(self) -> None:
        self._send.classes(add="dis")
        if self._plan is None:
            with self._body:
                ui.element("div").classes("skel").style("height:200px")
        try:
            plan = await to_thread(self._frame.app.planning.plan, self._strategy)
        except (NoPlan, BrokerError) as refused:
            self._body.clear()
            with self._body:
                ui.html(f'<div class="empty danger">{refused}</div>', sanitize=True)
            self._label.set_text("Nothing to send")
            return
        self._plan = plan
        self._show()

    def _show(self) -> None:
        plan = self._plan
        if plan is None:
            return
        if self._tables is None:
            self._body.clear()
            with self._body:
                self._tables = PlanTables(self._data(plan))
                self._tables.on("tick", lambda e: self._toggle(e.args["id"], e.args["on"]))
        else:
            self._tables.run_method("patch", self._data(plan))
        chosen = self._chosen(plan)
        orders = sum(a.orders for a in chosen)
        if plan.refusal or not chosen:
            self._label.set_text(plan.refusal or "No account is ticked")
            self._send.classes(add="dis")
            return
        self._label.set_text(
            f"Send {f.counted(orders, 'order')} to {f.counted(len(chosen), 'account')}"
        )
        self._send.classes(remove="dis")

    def _toggle(self, account_id: int, on: bool) -> None:
        self._off.discard(account_id) if on else self._off.add(account_id)
        self._show()

    def _chosen(self, plan: Plan) -> list[PlannedAccount]:
        return [a for a in plan.accounts if not a.skip and a.account_id not in self._off]

    # --- sending --------------------------------------------------------------------------
    async def send(self) -> None:
        plan = self._plan
        if self._run_id is not None:
            ui.navigate.to(f"/runs/{self._run_id}")
            return
        if plan is None or self._sent or not self._frame.allowed():
            return
        if self._is_old(plan):
            say("The plan is older than 30 s or the spot has moved. Refreshed: look again.")
            await self.plan()
            return
        self._sent = True
        self._send.classes(add="dis")
        self._refresh.set_visibility(False)
        accounts = tuple(
            replace(a, skip="not ticked", sets=0) if a.account_id in self._off else a
            for a in plan.accounts
        )
        self._frame.app.post(
            m.StartRun(
                plan=replace(plan, accounts=accounts),
                trigger=RunTrigger.MANUAL,
                by=self._frame.username,
                token=self._token,
            )
        )
        await to_thread(
            self._frame.app.activity.record,
            self._frame.username,
            "execute",
            object_text=self._strategy.name,
            strategy_id=self._strategy.id,
        )
        self._label.set_text("Sent")
        self._about.set_text("Sent. Closing this window stops nothing.")

    def _is_old(self, plan: Plan) -> bool:
        age = (self._frame.app.clock.now() - plan.made_at).total_seconds()
        if age > VALID_S:
            return True
        for name, spot in plan.spots:
            for row in self._frame.app.view.rows("quote"):
                if isinstance(row, QuoteRow) and row.symbol == name:
                    return abs(row.ltp - spot) > spot * MAX_MOVE
        return False

    async def _tick(self) -> None:
        """Before sending: a new plan when the old one runs out. After: how the orders stand."""
        plan = self._plan
        if plan is None or self._tables is None:
            return
        if not self._sent:
            age = (self._frame.app.clock.now() - plan.made_at).total_seconds()
            if age > VALID_S:
                await self.plan()
            return
        newest = next(
            (r for r in data.runs(self._frame.app.view) if r.strategy_id == self._strategy.id),
            None,
        )
        if newest is None or newest.started_at < plan.made_at:
            return
        self._tables.run_method("patch", {"orders": self._orders(plan, newest.id)})
        if self._run_id is None:
            self._run_id = newest.id
            self._tables.run_method("patch", {"sent": True})
            self._label.set_text(f"Open run {newest.number}")
            self._send.classes(remove="dis")
        if newest.state not in ("planned", "entering"):
            self._timer.deactivate()

    # --- what the tables show -------------------------------------------------------------
    def _data(self, plan: Plan) -> dict[str, Any]:
        view = self._frame.app.view
        colours = {a.id: a.colour for a in data.accounts(view)}
        chosen = self._chosen(plan)
        margins = [a.margin for a in chosen]
        return {
            "madeAt": f.milliseconds(plan.made_at), "sent": self._sent,
            "spots": [[name, str(spot)] for name, spot in plan.spots],
            "expiry": ", ".join(sorted({f"{p.contract.expiry:%a %d %b}" for p in plan.legs})),
            "credit": str(self._credit(plan, chosen)),
            "accounts": [
                {"id": a.account_id, "name": a.account_name, "mode": str(a.mode),
                 "colour": colours.get(a.account_id, "slate"),
                 "initials": f.initials(a.account_name), "on": a in chosen,
                 "available": data.text(a.available), "sets": a.sets,
                 "margin": data.text(a.margin), "slices": self._slices(a), "skip": a.skip or "",
                 "state": f.sentence("; ".join(a.notes)) if a.notes else "Ready"}
                for a in plan.accounts
            ],
            "chosen": len(chosen), "totalSets": sum(a.sets for a in chosen),
            "totalOrders": sum(a.orders for a in chosen),
            "totalMargin": None if None in margins else str(sum(
                (x for x in margins if x is not None), Decimal(0))),
            "pace": self._pace(chosen),
            "orders": self._orders(plan, None), "warnings": list(plan.warnings),
        }  # fmt: skip

    def _slices(self, account: PlannedAccount) -> str:
        """ "6 slices, about 1 s": orders and the time the account's budget gives them."""
        if not account.orders:
            return "–"
        plural = "" if account.orders == 1 else "s"
        return f"{account.orders} slice{plural}, about {account.seconds} s"

    def _pace(self, chosen: list[PlannedAccount]) -> str:
        """The slowest account's time to enter, and to leave again."""
        seconds = max((a.seconds for a in chosen), default=0)
        least = max((a.exit_seconds for a in chosen), default=0)
        leave = f"at least {least} s" if least else "under 1 s"
        return f"In: about {seconds} s. Out again: {leave} plus the broker's time."

    def _credit(self, plan: Plan, chosen: list[PlannedAccount]) -> Decimal:
        total = Decimal(0)
        for p in plan.legs:
            units = sum(a.lots_of(p.leg.id) for a in chosen) * p.contract.lot_size
            total -= p.leg.side.sign * units * (p.last_price or Decimal(0))
        return total

    def _orders(self, plan: Plan, run_id: int | None) -> list[dict[str, Any]]:
        legs = sorted(plan.legs, key=lambda p: p.leg.side is Side.SELL)
        return [self._order_row(plan, p, run_id) for p in legs]

    def _order_row(self, plan: Plan, p: PlannedLeg, run_id: int | None) -> dict[str, Any]:
        rule = p.leg.strike_rule.value
        return {
            "leg": p.leg.id, "wave": 1 if p.leg.side is Side.BUY else 2,
            "side": p.leg.side.value, "symbol": p.contract.symbol,
            "rule": f"{rule} {p.leg.strike_offset}" if rule in ("ITM", "OTM") else rule,
            "type": _type_of(p), "last": data.text(p.last_price),
            "quantities": {
                a.account_id: 0 if a.account_id in self._off
                else a.lots_of(p.leg.id) * p.contract.lot_size
                for a in plan.accounts
            },
            "states": self._states(p, run_id) if run_id is not None else {},
        }  # fmt: skip

    def _states(self, p: PlannedLeg, run_id: int) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        for row in self._frame.app.view.rows("order"):
            if not isinstance(row, OrderRow) or row.purpose != "ENTRY":
                continue
            if row.run_id == run_id and row.leg_id == p.leg.id:
                tone = data.ORDER_TONES.get(row.status, "")
                text = f"{row.filled}/{row.quantity}" if row.filled else row.status.lower()
                found[row.account_id] = {"t": text, "c": f"bd {tone}"}
        return found
