"""The builder: basics, accounts, legs, risk and execution options, with a live preview."""

from asyncio import to_thread
from dataclasses import replace
from typing import Any

from nicegui import ui

from algomirror.domain.draft import MAX_LEGS
from algomirror.domain.draft import draft_of
from algomirror.domain.draft import parse_draft
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy_checks import check
from algomirror.errors import BrokerError
from algomirror.errors import InvalidInput
from algomirror.services.planning import LegPreview
from algomirror.services.planning import NoPlan
from algomirror.services.strategies import SaveConflict
from algomirror.services.users import InvalidInputs
from pages import data
from pages import formats as f
from pages.components.leg_editor import LegEditor
from pages.components.payoff import PayoffPanel
from pages.components.plan_dialog import open_plan
from pages.components.widgets import button
from pages.components.widgets import card
from pages.components.widgets import dense
from pages.components.widgets import field
from pages.components.widgets import icon
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.layout import Frame

REFRESH_S = 3.0
ABOUT_CHASE = (
    "A chase is a limit order that follows the market, up to 3 % from where it began; after 10 s "
    "it goes wider, then to market where the account allows."
)
EMPTY_LEG: dict[str, Any] = {
    "id": 0, "instrument": "NIFTY", "expiry": "current_week", "action": "SELL",
    "option_type": "CE", "strike_selection": "ATM", "strike_offset": 1, "strike_price": "",
    "lots": 1, "order_type": "MARKET", "limit_price": "", "trigger_price": "",
}  # fmt: skip


def template_iron_fly() -> dict[str, Any]:
    """The starter: a short NIFTY straddle with bought hedges six strikes out."""
    legs = [
        {**EMPTY_LEG, "action": "BUY", "option_type": kind, "strike_selection": "OTM",
         "strike_offset": 6}
        for kind in ("CE", "PE")
    ] + [{**EMPTY_LEG, "option_type": kind} for kind in ("CE", "PE")]  # fmt: skip
    return {
        "id": 0, "version": 1, "name": "NIFTY short straddle with hedges", "description": "",
        "product": "NRML", "accounts": {}, "max_loss": "5000", "max_loss_action": "close_all",
        "max_profit": "", "max_profit_action": "close_all", "hedge_timeout_s": 30,
        "hedge_timeout_policy": "abort", "entry_timeout_s": 120,
        "entry_timeout_policy": "cancel", "entry_order_mode": "as_leg",
        "exit_order_mode": "market", "legs": legs,
    }  # fmt: skip


async def build(frame: Frame, strategy_id: str) -> None:
    if strategy_id == "new":
        draft = template_iron_fly()
        draft["accounts"] = {a.id: 1 for a in data.accounts(frame.app.view) if a.is_active}
        Builder(frame, draft)
        return
    strategy = None
    if strategy_id.isdigit():
        strategy = await to_thread(frame.app.strategies.get, int(strategy_id))
    if strategy is None:
        page_head("No such strategy", crumb=("Strategies", "/strategies"))
        return
    Builder(frame, draft_of(strategy))


class Builder:
    """Holds the draft as typed; nothing is stored before Save."""

    def __init__(self, frame: Frame, draft: dict[str, Any]) -> None:
        self._frame = frame
        self._draft = draft
        self._inputs: dict[str, Any] = {}
        self._legs: list[LegEditor] = []
        self._changed = False
        self._dirty = True
        self._previews: dict[int, LegPreview] = {}
        self._draw()
        ui.timer(0.6, self._refresh_if_dirty)
        ui.timer(REFRESH_S, self._mark_dirty)

    # --- drawing --------------------------------------------------------------------------
    def _draw(self) -> None:
        title = self._draft["name"] if self._draft["id"] else "New strategy"
        with page_head(str(title)[:60], crumb=("Strategies", "/strategies")):
            self._badge = ui.html('<span class="bd warn">Unsaved</span>', sanitize=False)
            self._badge.set_visibility(not self._draft["id"])
            button("Save", self.save, symbol="save")
            button("Save & Execute", self.save_and_execute, kind="p", symbol="play")
        ui.keyboard(on_key=self._on_key, ignore=[])
        with ui.element("div").classes("grid"):
            with ui.element("div").classes("c8 cl").style("gap:14px"):
                self._draw_basics()
                self._draw_legs()
                self._draw_risk()
                self._draw_execution()
            with ui.element("div").classes("c4 cl side").style("gap:14px"):
                self._payoff = PayoffPanel()
                with card("Checks"):
                    self._checks = ui.html("", sanitize=False).style("padding:8px")

    def _draw_basics(self) -> None:
        with card("Basics"):
            with ui.element("div").classes("fldgrid"):
                self._text("name", "Name")
                self._choice("product", "Product", {"MIS": "MIS", "NRML": "NRML"})
                self._text("description", "Description")
            self._draw_accounts()

    def _draw_accounts(self) -> None:
        known = data.accounts(self._frame.app.view)
        if not known:
            ui.html('<div class="empty">No account yet. <a class="lnk" href="/accounts/new">Add '
                    "one</a></div>", sanitize=False)  # fmt: skip
        self._sets: dict[int, tuple[Any, Any]] = {}
        for account in known:
            with (
                ui.element("div")
                .classes("rw wr")
                .style("padding:4px 14px;border-top:1px solid var(--line);gap:14px")
            ):
                chosen = account.id in self._draft["accounts"]
                tick = ui.checkbox(value=chosen, on_change=self._touched).props(
                    f'aria-label="Trade {account.name}"'
                )
                ui.html(
                    f'<span class="ac"><span class="sq" style="background:var(--acc-'
                    f'{account.colour})">{f.initials(account.name)}</span></span>',
                    sanitize=False,
                )
                ui.label(account.name).classes("b5").style("min-width:90px")
                ui.label(data.STATE_WORDS.get(account.connection, "")).classes(
                    "st ok" if account.connection == "connected" else "st warn"
                )
                ui.label(f"free {f.short(account.available)}").classes("t3 f12")
                ui.element("span").classes("sp")
                with ui.element("div").style("width:110px"):
                    sets = dense(ui.input(value=str(self._draft["accounts"].get(account.id, 1)),
                                          on_change=self._touched))  # fmt: skip
                    sets.props(f'suffix="sets" aria-label="Sets of {account.name}"')
                self._sets[account.id] = (tick, sets)

    def _draw_legs(self) -> None:
        with card("Legs", "hedges fill before shorts enter") as header:
            with header:
                button("Add leg", self._add_leg, kind="bs", symbol="plus")
            self._legs_error = ui.label("").classes("err").style("padding:0 14px")
            self._legs_box = ui.element("div").classes("ovh")
        self._draw_leg_rows()

    def _draw_leg_rows(self) -> None:
        self._legs_box.clear()
        with self._legs_box:
            self._legs = [
                LegEditor(number, leg, on_change=self._touched, act=self._leg_act)
                for number, leg in enumerate(self._draft["legs"])
            ]

    def _draw_risk(self) -> None:
        actions = {"close_all": "Close all", "alert_only": "Alert only"}
        with (
            card("Risk", "runs on the server, also with no browser open"),
            ui.element("div").classes("fldgrid"),
        ):
            self._text("max_loss", "Max loss, ₹ (empty = none)")
            self._choice("max_loss_action", "At max loss", actions)
            self._text("max_profit", "Max profit, ₹ (empty = none)")
            self._choice("max_profit_action", "At max profit", actions)

    def _draw_execution(self) -> None:
        with (
            card("Execution", "what happens when the market does not oblige"),
            ui.element("div").classes("fldgrid"),
        ):
            self._text("hedge_timeout_s", "Wait for hedges, s")
            self._choice("hedge_timeout_policy", "Hedge not filled",
                         {"abort": "Leave that account", "continue": "Sell anyway"})  # fmt: skip
            self._text("entry_timeout_s", "Wait for entry, s")
            self._choice("entry_timeout_policy", "Unfilled rest",
                         {"cancel": "Cancel", "chase": "Chase", "market": "To market",
                          "keep": "Keep"})  # fmt: skip
            self._choice("entry_order_mode", "Entry orders",
                         {"as_leg": "As the leg says", "chase": "Chase"})  # fmt: skip
            self._choice("exit_order_mode", "Exit orders",
                         {"market": "Market", "chase": "Chase"})  # fmt: skip
            ui.label(ABOUT_CHASE).classes("t3 f12").style("grid-column:1/-1")

    def _text(self, name: str, label: str) -> None:
        with field(label):
            value = str(self._draft.get(name) or "")
            element = dense(ui.input(value=value, on_change=self._touched))
            self._inputs[name] = element.props(f'aria-label="{label}"')

    def _choice(self, name: str, label: str, options: dict[str, str]) -> None:
        with field(label):
            value = self._draft.get(name)
            element = dense(
                ui.select(options, value=value if value in options else next(iter(options)),
                          on_change=self._touched)
            )  # fmt: skip
            self._inputs[name] = element.props(f'aria-label="{label}"')

    # --- typing ---------------------------------------------------------------------------
    def _touched(self) -> None:
        self._changed = True
        self._dirty = True
        self._badge.set_visibility(True)

    def _mark_dirty(self) -> None:
        self._dirty = True

    def raw(self) -> dict[str, Any]:
        """Everything as typed."""
        values = {name: element.value for name, element in self._inputs.items()}
        return {
            **self._draft,
            **values,
            "accounts": {i: sets.value for i, (tick, sets) in self._sets.items() if tick.value},
            "legs": [leg.raw() for leg in self._legs],
        }

    def _add_leg(self) -> None:
        self._take_legs()
        if len(self._draft["legs"]) < MAX_LEGS:
            self._draft["legs"].append(dict(EMPTY_LEG))
        self._draw_leg_rows()
        self._touched()

    def _leg_act(self, number: int, act: str) -> None:
        self._take_legs()
        legs = self._draft["legs"]
        if act == "remove":
            legs.pop(number)
        elif act == "duplicate" and len(legs) < MAX_LEGS:
            legs.insert(number + 1, {**legs[number], "id": 0})
        elif act == "up" and number > 0:
            legs[number - 1], legs[number] = legs[number], legs[number - 1]
        self._draw_leg_rows()
        self._touched()

    def _take_legs(self) -> None:
        self._draft["legs"] = [leg.raw() for leg in self._legs]

    async def _on_key(self, event: Any) -> None:
        if not event.action.keydown or not (event.modifiers.ctrl or event.modifiers.meta):
            return
        if event.key == "s":
            await self.save()
        elif event.key == "Enter":
            await self.save_and_execute()

    # --- preview --------------------------------------------------------------------------
    async def _refresh_if_dirty(self) -> None:
        if not self._dirty:
            return
        self._dirty = False
        strategy, problems = self._parsed()
        self._show_checks(strategy, problems)
        if strategy is None:
            return
        numbered = [replace(leg, id=n) for n, leg in enumerate(strategy.legs)]
        try:
            previews = await to_thread(self._frame.app.planning.preview, numbered)
        except (NoPlan, BrokerError) as failed:
            for leg in self._legs:
                leg.show_error(str(failed))
            return
        for leg, preview in zip(self._legs, previews or [], strict=False):
            leg.show(preview, dict(strategy.custom_lots))
        self._payoff.show(strategy, previews or [], self._frame.app.clock.now())

    def _parsed(self) -> tuple[Strategy | None, list[InvalidInput]]:
        known = [a.id for a in data.accounts(self._frame.app.view)]
        return parse_draft(self.raw(), account_ids=known)

    def _show_checks(self, strategy: Strategy | None, problems: list[InvalidInput]) -> None:
        lines = []
        if strategy is None:
            count = len(problems)
            lines.append(f'<div class="note"><span class="danger">{icon("alert", "i")}</span>'
                         f"<span>{count} field{'s' if count > 1 else ''} to mend before it can be "
                         "saved.</span></div>")  # fmt: skip
        else:
            tones = {"error": ("danger", "alert"), "warning": ("warn", "alert"),
                     "ok": ("pos", "check")}  # fmt: skip
            for found in check(strategy):
                tone, mark = tones[found.level]
                ground = "warn" if found.level == "warning" else ""
                lines.append(f'<div class="note {ground}" style="margin-bottom:4px"><span class="'
                             f'{tone}">{icon(mark, "i")}</span><span>{found.sentence}</span></div>'
                             )  # fmt: skip
        self._checks.set_content("".join(lines))

    # --- saving ---------------------------------------------------------------------------
    def show_problems(self, problems: list[InvalidInput]) -> None:
        """A sentence beside each field; what was typed stays."""
        by_field = {p.field: p.message for p in problems}
        for name, element in self._inputs.items():
            _mark(element, by_field.get(name))
        for account_id, (_, sets) in self._sets.items():
            _mark(sets, by_field.get(f"accounts.{account_id}"))
        for number, leg in enumerate(self._legs):
            leg.show_problems(
                {k.split(".", 2)[2]: v for k, v in by_field.items()
                 if k.startswith(f"legs.{number}.")}
            )  # fmt: skip
        self._legs_error.set_text(by_field.get("legs", ""))

    async def save(self) -> Strategy | None:
        if not self._frame.allowed():
            return None
        strategy, problems = self._parsed()
        self.show_problems(problems)
        if strategy is None:
            say(f"Not saved: {len(problems)} fields to mend.", error=False)
            return None
        try:
            saved = await to_thread(
                self._frame.app.strategies.save, strategy, by=self._frame.username
            )
        except InvalidInputs as wrong:
            self.show_problems(wrong.problems)
            return None
        except SaveConflict as conflict:
            say(str(conflict), error=True)
            return None
        self._draft.update(id=saved.id, version=saved.version)
        self._changed = False
        self._badge.set_visibility(False)
        say(f"Saved {saved.name}.")
        return saved

    async def save_and_execute(self) -> None:
        saved = await self.save()
        if saved is not None:
            await open_plan(self._frame, saved)


def _mark(element: Any, message: str | None) -> None:
    element.props(remove="error error-message")
    if message:
        element.props["error"] = True
        element.props["error-message"] = message
    element.update()
