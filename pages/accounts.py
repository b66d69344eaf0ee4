"""Accounts: cards, and the form with its connection test."""

from asyncio import to_thread
from typing import Any

from nicegui import ui

from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import MarketOrders
from algomirror.domain.run import TradingState
from algomirror.engine import messages as m
from algomirror.errors import InvalidInput
from algomirror.services.accounts import PALETTE
from algomirror.services.accounts import AccountForm
from algomirror.services.accounts import AccountInUse
from algomirror.services.accounts import ConnectionResult
from algomirror.services.users import InvalidInputs
from pages import data
from pages.components.live import FleetCards
from pages.components.widgets import button
from pages.components.widgets import card
from pages.components.widgets import confirm
from pages.components.widgets import dense
from pages.components.widgets import field
from pages.components.widgets import link_button
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.layout import Frame

CONNECTION = ("account_name", "host_url", "websocket_url", "api_key", "group")
BUDGET = ("max_orders_per_second", "max_orders_per_minute", "max_orders_per_day")
FIELDS = (*CONNECTION, *BUDGET)
LABELS = {
    "account_name": "Name",
    "host_url": "OpenAlgo address",
    "websocket_url": "WebSocket address",
    "api_key": "API key",
    "group": "Group (optional)",
    "max_orders_per_second": "Orders a second",
    "max_orders_per_minute": "Orders a minute",
    "max_orders_per_day": "Orders a day",
    "market_orders": "Market orders",
    "chase_by": "A chase moves its limit by",
}
CHOICES = {
    "market_orders": {
        MarketOrders.ALLOWED.value: "Allowed",
        MarketOrders.PROTECTED.value: "Protected: the broker adds a limit",
        MarketOrders.REFUSED.value: "Refused: always chase",
    },
    "chase_by": {
        ChaseBy.REPLACE.value: "Replace: cancel, prove, place the rest",
        ChaseBy.MODIFY.value: "Modify the order",
    },
}
ABOUT_BUDGET = (
    "Counted per exchange segment and second; OpenAlgo itself lets ten a second through. Empty = "
    "no limit. Entries stop while what is left of a minute or a day would not cover the exit of "
    "all that is open; exits go first."
)
ABOUT_WAYS = (
    "Where market orders are refused, exits follow the market with limit orders, up to 3 %, and "
    "SL-M is sent as SL. Choose Modify only for a broker whose modify quantity means the whole "
    "order: elsewhere an exit could close too much. Replace is right everywhere."
)

UNTESTED = "Not tested yet. Saving without a successful test stores the account inactive."
UNTESTED_EDIT = (
    "Not tested yet. A changed address or key needs a successful test: saved without one, the "
    "account is inactive. Limits need none."
)


def build(frame: Frame) -> None:
    app = frame.app
    with page_head("Accounts", "one card an OpenAlgo server"):
        if data.system(app.view).fleet_state != "ACTIVE":
            button("Resume entries", lambda: _resume(frame), symbol="play")
        link_button("Add account", "/accounts/new", kind="p", symbol="plus")
    cards = frame.hub.show(
        FleetCards, "manage", {"account"}, lambda: data.fleet_cards(app, manage=True)
    )
    cards.on("act", lambda e: _act(frame, e.args["name"], int(e.args["id"])))
    if not data.accounts(app.view):
        ui.html('<div class="card empty">No account yet. Add your first OpenAlgo account.</div>',
                sanitize=False)  # fmt: skip


async def _resume(frame: Frame) -> None:
    """Back to ACTIVE after a kill switch: a person's act, with its reason in the books."""
    row = data.system(frame.app.view)
    lines = [
        f"The fleet is {row.fleet_state}: {row.fleet_reason}.",
        "After it new entries are allowed again.",
    ]
    if not frame.allowed() or not await confirm(
        "Resume entries", lines, "Set the fleet ACTIVE", danger=False
    ):
        return
    frame.app.post(
        m.SetTradingState(
            account_id=None, state=TradingState.ACTIVE, reason="resumed", by=frame.username
        )
    )
    say("The fleet is ACTIVE.")


async def _act(frame: Frame, name: str, account_id: int) -> None:
    if not frame.allowed():
        return
    service = frame.app.accounts
    view = await to_thread(service.get, account_id)
    if view is None:
        return
    if name == "test":
        form = AccountForm(account_name=view.name, host_url=view.host_url,
                           websocket_url=view.websocket_url)  # fmt: skip
        result = await to_thread(service.test, form, editing_id=account_id)
        say(f"{view.name}: {result.sentence}", error=not result.ok)
    elif name == "primary":
        text = f"{view.name} will supply the live prices. Subscriptions move to its feed."
        if await confirm("Make primary", [text], "Make primary", danger=False):
            await to_thread(service.make_primary, account_id, by=frame.username)
            say(f"{view.name} is primary.")
    elif name == "delete":
        await _delete(frame, account_id, view.name, is_primary=view.is_primary)


async def _delete(frame: Frame, account_id: int, name: str, *, is_primary: bool) -> None:
    service = frame.app.accounts
    used = await to_thread(service.strategies_using, account_id)
    others = [a for a in await to_thread(service.all) if a.id != account_id]
    lines = ["The API key is erased; history is kept.",
             f"It is removed from {used} strategies."]  # fmt: skip
    if is_primary and others:
        lines.append(f"{others[0].name} becomes primary.")
    elif is_primary:
        lines.append("No other account: monitoring stops.")
    if not await confirm(f"Delete {name}", lines, f"Delete {name}"):
        return
    try:
        await to_thread(service.delete, account_id, by=frame.username)
    except AccountInUse as refused:
        say(str(refused), error=True)
        return
    say(f"{name} deleted.")


def new(frame: Frame) -> None:
    page_head("Add account", crumb=("Accounts", "/accounts"))
    _Form(frame, None, AccountForm())


async def edit(frame: Frame, account_id: str) -> None:
    view = None
    if account_id.isdigit():
        view = await to_thread(frame.app.accounts.get, int(account_id))
    if view is None:
        page_head("No such account", crumb=("Accounts", "/accounts"))
        return
    page_head(view.name, f"key ends in {view.key_last4}", crumb=("Accounts", "/accounts"))
    _Form(
        frame,
        view.id,
        AccountForm(
            account_name=view.name,
            host_url=view.host_url,
            websocket_url=view.websocket_url,
            group=view.group,
            colour=view.colour,
            is_active=view.is_active,
            max_orders_per_second=str(view.max_orders_per_second),
            max_orders_per_minute=str(view.max_orders_per_minute or ""),
            max_orders_per_day=str(view.max_orders_per_day or ""),
            chase_by=view.chase_by.value,
            market_orders=view.market_orders.value,
        ),
    )


def _columns(count: int) -> ui.element:
    """Fields side by side; the phone stacks them."""
    style = f"grid-template-columns:repeat({count},minmax(0,1fr))"
    return ui.element("div").classes("fldgrid").style(style)


class _Form:
    """Fields, test, save. What was typed stays until it is saved."""

    def __init__(self, frame: Frame, account_id: int | None, values: AccountForm) -> None:
        self._frame = frame
        self._id = account_id
        self._tested: ConnectionResult | None = None
        self._inputs: dict[str, Any] = {}
        with ui.element("div").classes("grid"):
            with ui.element("div").classes("c8 cl").style("gap:14px"):
                with card("Connection"), _columns(2):
                    for name in CONNECTION:
                        self._input(name, getattr(values, name))
                    with field("Colour"):
                        self._inputs["colour"] = dense(
                            ui.select(list(PALETTE), value=values.colour or PALETTE[0])
                        )
                    with field("Use for entries and as a feed source"):
                        self._inputs["is_active"] = ui.switch("Active", value=values.is_active)
                self._limits(values)
                with ui.element("div").classes("rw"):
                    button("Test connection", self.test, symbol="bolt")
                    ui.element("span").classes("sp")
                    link_button("Cancel", "/accounts", kind="q")
                    button("Save", self.save, kind="p", symbol="save")
            with card("Test", classes="c4"):
                self._panel = ui.element("div").classes("body")
                self._show(UNTESTED if account_id is None else UNTESTED_EDIT)

    def _limits(self, values: AccountForm) -> None:
        """The order budget, and what the broker does with an order."""
        with card("Limits", "how fast, how many, and in which way orders leave"):
            with _columns(3):
                for name in BUDGET:
                    self._input(name, getattr(values, name))
            ui.label(ABOUT_BUDGET).classes("t3 f12").style("padding:0 14px 10px")
            with _columns(2):
                for name, options in CHOICES.items():
                    with field(LABELS[name]):
                        element = dense(ui.select(options, value=getattr(values, name)))
                        self._inputs[name] = element.props(f'aria-label="{LABELS[name]}"')
            ui.label(ABOUT_WAYS).classes("t3 f12").style("padding:0 14px 12px")

    def _input(self, name: str, value: str) -> None:
        with field(LABELS[name]):
            element = dense(ui.input(value=value))
            element.props(f'aria-label="{LABELS[name]}"')
            if name == "api_key":
                element.props('type=password autocomplete="new-password"')
                if self._id is not None:
                    element.props('placeholder="blank keeps the stored key"')
            self._inputs[name] = element

    def form(self) -> AccountForm:
        values = {n: str(self._inputs[n].value or "") for n in FIELDS}
        return AccountForm(
            **values,
            **{name: str(self._inputs[name].value or "") for name in CHOICES},
            colour=str(self._inputs["colour"].value or ""),
            is_active=bool(self._inputs["is_active"].value),
        )

    def show_problems(self, problems: list[InvalidInput]) -> None:
        """A sentence beside each field; the others are cleared."""
        by_field = {p.field: p.message for p in problems}
        for name in (*FIELDS, *CHOICES):
            message = by_field.get(name)
            element = self._inputs[name]
            element.props(remove="error error-message")
            if message:
                element.props["error"] = True
                element.props["error-message"] = message
            element.update()

    async def test(self) -> None:
        if not self._frame.allowed():
            return
        form = self.form()
        problems = await to_thread(self._frame.app.accounts.check, form, editing_id=self._id)
        self.show_problems(problems or [])
        if problems:
            self._show("Mend the fields first.", tone="danger")
            return
        self._show("Testing…")
        self._tested = await to_thread(self._frame.app.accounts.test, form, editing_id=self._id)
        result = self._tested
        tone = "danger" if not result.ok else "pos" if result.feed_ok else "warn"
        mode = f" Mode: {result.mode.upper()}." if result.ok else ""
        self._show(result.sentence + mode, tone=tone)

    async def save(self) -> None:
        if not self._frame.allowed():
            return
        service, form, by = self._frame.app.accounts, self.form(), self._frame.username
        tested = self._tested
        try:
            if self._id is None:
                saved = await to_thread(service.add, form, by=by, tested=tested)
            else:
                saved = await to_thread(service.edit, self._id, form, by=by, tested=tested)
        except InvalidInputs as wrong:
            self.show_problems(wrong.problems)
            return
        waits = form.is_active and not saved.is_active
        say("Saved, inactive until a test succeeds." if waits else "Saved.")
        ui.navigate.to("/accounts")

    def _show(self, text: str, *, tone: str = "t2") -> None:
        self._panel.clear()
        with self._panel:
            ui.label(text).classes(tone)
