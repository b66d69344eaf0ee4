"""The frame of every page: app bar, menu, banner, kill switch, keys; sub-pages inside."""

import functools
from asyncio import to_thread
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi import Response
from fastapi.responses import RedirectResponse
from nicegui import app as nicegui_app
from nicegui import ui

from algomirror.app import App
from algomirror.engine import messages as m
from pages import data_frame
from pages.components.live import Banner
from pages.components.live import HoldButton
from pages.components.live import KillProgress
from pages.components.live import StatusBar
from pages.guards import current_user
from pages.guards import user_of
from pages.hub import Hub
from pages.signin import login_url

STATIC = Path(__file__).parent / "static"
ICONS = (STATIC / "icons.svg").read_text(encoding="utf-8")
MENU = (
    ("Fleet", (("Dashboard", "/dashboard", "home", "d"), ("Accounts", "/accounts", "users", "a"))),
    ("Strategy", (("Strategies", "/strategies", "layers", "s"), ("Runs", "/runs", "play", "r"))),
    ("Books", (("Orders", "/orders", "list", "o"), ("Trades", "/trades", "swap", "t"),
               ("Positions", "/positions", "brief", "p"))),
    ("System", (("Activity", "/activity", "log", "l"),)),
)  # fmt: skip
HEAD = (
    '<link rel="stylesheet" href="/static/tokens.css"><link rel="stylesheet" '
    'href="/static/app.css"><script src="/static/formats.js"></script><script>'
    "document.documentElement.dataset.theme=localStorage.getItem('am-theme')||"
    "(matchMedia('(prefers-color-scheme: light)').matches?'light':'dark');"
    "document.addEventListener('DOMContentLoaded',()=>{const d=document.documentElement.dataset."
    "theme!=='light';document.body.classList.toggle('body--dark',d);"
    "document.body.classList.toggle('body--light',!d)})"
    '</script><script src="/static/keys.js"></script>'
)
Builder = Callable[..., Any]


class Frame:
    """What sub-pages get: the app, the hub, and who is signed in."""

    def __init__(self, app: App, hub: Hub, username: str) -> None:
        self.app = app
        self.hub = hub
        self.username = username

    def allowed(self) -> bool:
        """Checked at every act that sends or changes orders; a signed-out tab goes to sign-in."""
        if current_user(self.app) is not None:
            return True
        ui.navigate.to("/login")
        return False


class GuardedSubPages(ui.sub_pages):
    """Navigation inside the shell never passes HTTP: the login is checked here."""

    app: App

    def _render_page(self, match: Any) -> Any:
        if current_user(self.app) is None:
            ui.navigate.to("/login")
            return False
        return super()._render_page(match)


def register_shell(app: App, routes: dict[str, Builder]) -> None:
    """The shell page on every path of `routes`, and /kill by plain POST."""
    hub = Hub(app.view)
    nicegui_app.on_startup(hub.start)
    GuardedSubPages.app = app

    @nicegui_app.post("/kill")
    async def kill(request: Request) -> Response:
        user = await to_thread(user_of, app, request)
        if user is None:
            return Response(status_code=403)
        app.post(m.RequestKill(by=user.username))
        await to_thread(app.activity.record, user.username, "kill_switch")
        return Response(status_code=202)

    @nicegui_app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @ui.page("/{_:path}", title="AlgoMirror")
    async def shell(request: Request) -> Response | None:
        user = await to_thread(user_of, app, request)
        if user is None:
            return RedirectResponse(login_url(request.url.path), 303)
        ui.add_head_html(HEAD)
        ui.add_body_html(ICONS)
        frame = Frame(app, hub, user.username)
        _frame(frame, request.url.path)
        with ui.element("main").classes("page"):
            wrapped = {path: _with(frame, build) for path, build in routes.items()}
            GuardedSubPages(wrapped).classes("w-full")
        return None


def _with(frame: Frame, build: Builder) -> Builder:
    """The builder of a sub-page with its frame; path parameters pass through."""
    return functools.partial(build, frame)


def _frame(frame: Frame, path: str) -> None:
    app, hub = frame.app, frame.hub
    dialog = _kill_dialog(frame)
    bar = hub.show(
        StatusBar,
        frame.username,
        {"system"},
        lambda: data_frame.status_bar(app, frame.username),
    )
    bar.on("kill", dialog.open)
    hub.show(Banner, "all", {"system", "execution", "account"}, lambda: data_frame.banner(app))
    ui.html(_menu(app.settings.version), sanitize=False)
    phone = ui.html(_phone_bar(), sanitize=False)
    phone.on("click", js_handler="(e) => { if (e.target.closest('.k')) emit(); }",
             handler=dialog.open)  # fmt: skip
    ui.run_javascript(
        "const mark=()=>document.querySelectorAll('.nav a,.pnav a').forEach(a=>a.classList.toggle("
        "'on',location.pathname.startsWith(a.getAttribute('href'))));mark();"
        "setInterval(mark,400)"
    )


def _menu(version: str) -> str:
    parts = []
    for head, items in MENU:
        parts.append(f"<h6>{head}</h6>")
        for name, href, icon, key in items:
            parts.append(
                f'<a href="{href}" title="{name}"><svg class="i"><use href="#{icon}"/></svg>'
                f'<span class="t">{name}</span><span class="k">G {key.upper()}</span></a>'
            )
    footer = (
        f"<footer>v{version} · AGPL-3.0<br>Powered by OpenAlgo. Test in its sandbox first; "
        "trading futures and options can lose more than you have.</footer>"
    )
    return f'<nav class="nav" aria-label="Main">{"".join(parts)}{footer}</nav>'


def _phone_bar() -> str:
    items = (("Home", "/dashboard", "home"), ("Positions", "/positions", "brief"),
             ("Runs", "/runs", "play"))  # fmt: skip
    links = "".join(
        f'<a href="{href}"><svg class="i l"><use href="#{icon}"/></svg>{name}</a>'
        for name, href, icon in items
    )
    kill = '<button class="k" aria-label="Open the kill switch"><svg class="i"><use '
    return f'<nav class="pnav mob">{links}{kill}href="#power"/></svg>KILL</button></nav>'


def _kill_dialog(frame: Frame) -> ui.dialog:
    app, hub = frame.app, frame.hub

    async def held() -> None:
        if not frame.allowed():
            return
        app.post(m.RequestKill(by=frame.username))
        await to_thread(app.activity.record, frame.username, "kill_switch")

    with ui.dialog() as dialog, ui.element("div").classes("dlg").style("width:460px"):
        ui.html(
            '<header><svg class="i danger"><use href="#power"/></svg><h2>Kill switch</h2></header>'
            '<div class="t2" style="padding:12px 20px">Cancels every working entry and closes all '
            "positions that AlgoMirror opened, on all accounts. Nothing has been sent until the "
            "ring closes.</div>",
            sanitize=False,
        )
        button = HoldButton({"label": "Exit everything", "seconds": 2, "ring": True})
        button.on("held", held)
        hub.show(KillProgress, "all", {"account", "system", "run"}, lambda: data_frame.kill(app))
        with ui.element("footer"):
            ui.element("span").classes("sp")
            close = ui.element("button").classes("btn").on("click", dialog.close)
            with close:
                ui.html("Close", sanitize=False)
    return dialog
