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
from pages import data_kill
from pages.components.live import Banner
from pages.components.live import KillPanel
from pages.components.live import StatusBar
from pages.guards import current_user
from pages.guards import user_of
from pages.hub import Hub
from pages.signin import login_url

STATIC = Path(__file__).parent / "static"
ICONS = (STATIC / "icons.svg").read_text(encoding="utf-8")
MENU = (
    ("Fleet", (("Dashboard", "/dashboard", "home", "d"), ("Accounts", "/accounts", "users", "a"),
               ("Attention", "/attention", "alert", "n"))),
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
    """The shell page on every path of `routes`."""
    hub = Hub(app.view)
    nicegui_app.on_startup(hub.start)
    GuardedSubPages.app = app

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
            ui.html(_all_pages(), sanitize=False)
        return None


async def acknowledge(frame: Frame, execution_id: int) -> None:
    """A person has seen it: the flag goes, the cause is worked on as before."""
    if not frame.allowed():
        return
    frame.app.post(m.Acknowledge(execution_id=execution_id, by=frame.username))
    await to_thread(
        frame.app.activity.record,
        frame.username,
        "acknowledge",
        object_text=f"execution {execution_id}",
    )


def _with(frame: Frame, build: Builder) -> Builder:
    """The builder of a sub-page with its frame; path parameters pass through."""
    return functools.partial(build, frame)


def _frame(frame: Frame, path: str) -> None:
    app, hub = frame.app, frame.hub
    hub.show(
        StatusBar,
        frame.username,
        {"system", "execution", "order", "drift", "kill"},
        lambda: data_frame.status_bar(app, frame.username),
    )
    banner = hub.show(Banner, "all", data_frame.BANNER_TOPICS, lambda: data_frame.banner(app))
    banner.on("ack", lambda e: acknowledge(frame, int(e.args["id"])))
    hub.show(KillPanel, "all", data_kill.TOPICS, lambda: data_kill.panel(app))
    ui.html(_menu(app.settings.version), sanitize=False)
    ui.html(_phone_bar(), sanitize=False)
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


def _all_pages() -> str:
    """On a phone the menu stands below the page: nothing is out of reach there."""
    links = "".join(
        f'<a href="{href}">{name}</a>' for _, items in MENU for name, href, _, _ in items
    )
    return f'<nav class="allp mob" aria-label="All pages">{links}</nav>'


def _phone_bar() -> str:
    items = (("Home", "/dashboard", "home"), ("Positions", "/positions", "brief"),
             ("Runs", "/runs", "play"))  # fmt: skip
    links = "".join(
        f'<a href="{href}"><svg class="i l"><use href="#{icon}"/></svg>{name}</a>'
        for name, href, icon in items
    )
    kill = '<button class="k" aria-label="Open the kill switch"><svg class="i"><use '
    return f'<nav class="pnav mob">{links}{kill}href="#power"/></svg>KILL</button></nav>'
