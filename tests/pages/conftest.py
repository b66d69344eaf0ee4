"""A signed-in person before the pages of an App on a fresh data folder; its engine does not run.

Tests put rows into `desk.app.view` themselves and read what pages gave the engine: `desk.posted`.
No thread, no network, no browser: what happens in JavaScript is proven in tests/browser.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from collections.abc import Iterator
from contextlib import asynccontextmanager
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from nicegui import Client
from nicegui import core
from nicegui import ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing import User
from nicegui.testing.general import nicegui_reset_globals
from nicegui.testing.general import prepare_simulation

import pages
from algomirror.app import App
from algomirror.clock import IST
from algomirror.clock import FakeClock
from algomirror.engine import messages as m
from algomirror.engine.live_view import Row
from algomirror.settings import Settings
from pages.components.live import Live
from pages.guards import COOKIE

NOW = datetime(2026, 11, 24, 11, 42, 7, tzinfo=IST)
PASSWORD = "Str0ng!Pass"


class SilentApp(App):
    """The real App; what pages post is kept instead of being handled."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Settings(data_dir=folder), clock=FakeClock(NOW))
        self.posted: list[m.Message] = []

    def post(self, message: m.Message) -> None:
        self.posted.append(message)


@dataclass(slots=True)
class Desk:
    app: SilentApp
    user: User

    @property
    def posted(self) -> list[m.Message]:
        return self.app.posted

    def put(self, *rows: Row) -> None:
        self.app.view.put_all(rows)

    async def live(self, path: str, kind: type[Live]) -> Live:
        """Open a page; its element of that kind (several pages have one only)."""
        await self.user.open(path)
        await self.user.should_see(kind=kind)
        return next(iter(self.user.find(kind=kind).elements))

    def shown(self, kind: type[Live]) -> dict[str, Any]:
        """What the element was drawn with when the page was built."""
        element = next(iter(self.user.find(kind=kind).elements))
        found: dict[str, Any] = element.props["initial"]
        return found

    def act(self, kind: type[Live], **args: Any) -> None:
        """What the browser emits when a row's button is pressed."""
        self.user.find(kind=kind).trigger("act", args)

    def fill(self, marker: str, text: str) -> None:
        for element in self.user.find(marker=marker).elements:
            element.value = text  # type: ignore[attr-defined]

    async def press(self, marker: str = "act") -> None:
        """The button of the dialog that is open; its handler has run when this returns."""
        before = len(self.posted), len(self.app.activity.recent())
        self.user.find(marker=marker).trigger("click")
        for _ in range(25):
            await asyncio.sleep(0.01)
            if (len(self.posted), len(self.app.activity.recent())) != before or self.problems():
                await asyncio.sleep(0.05)
                return

    def problems(self) -> dict[str, str]:
        """Sentences beside fields, by the label of the field."""
        with self.user:
            return {
                str(e.props.get("aria-label")): str(e.props["error-message"])
                for e in self.user.client.elements.values()  # type: ignore[union-attr]
                if "error-message" in e.props
            }

    async def recorded(self) -> list[tuple[str, str, str]]:
        """(actor, action, object) of the audit trail, oldest first; written soon after the act."""
        for _ in range(100):
            rows = [r for r in reversed(self.app.activity.recent()) if r.action not in QUIET]
            if rows:
                return [(r.actor, r.action, r.object_text) for r in rows]
            await asyncio.sleep(0.02)
        return []


QUIET = ("registered", "sign_in")


@contextmanager
def opened(folder: Path) -> Iterator[SilentApp]:
    app = SilentApp(folder)
    app.open()
    try:
        yield app
    finally:
        app.planning.close()
        app.store.close()
        app.db.engine.dispose()
        app.lease.release()


@asynccontextmanager
async def served(app: App) -> AsyncIterator[User]:
    """NiceGUI's user_simulation with our pages registered before it starts."""
    with nicegui_reset_globals():
        os.environ["NICEGUI_USER_SIMULATION"] = "true"
        try:
            prepare_simulation()
            pages.register(app)
            ui.run(storage_secret="a secret of the tests only")
            async with (
                core.app.router.lifespan_context(core.app),
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(core.app), base_url="http://test"
                ) as client,
            ):
                yield User(client)
        finally:
            Client.page_routes.clear()  # else NiceGUI forgets our modules, and theirs differ
            os.environ.pop("NICEGUI_USER_SIMULATION", None)
            ui.navigate = Navigate()
            ui.notify = notify
            ui.download = download


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder in which a trader has signed in, and the cookie; tests work on copies."""
    folder = tmp_path_factory.mktemp("signed-in")
    with opened(folder) as app:
        app.users.register(
            username="trader", email="t@example.com", password=PASSWORD, repeat=PASSWORD
        )
        return folder, app.users.sign_in(username="trader", password=PASSWORD).token


@pytest.fixture
async def desk(signed_in: tuple[Path, str], tmp_path: Path) -> AsyncIterator[Desk]:
    """A trader who has signed in."""
    folder, token = signed_in
    with opened(shutil.copytree(folder, tmp_path / "data")) as app:
        async with served(app) as user:
            user.http_client.cookies.set(COOKIE, token)
            yield Desk(app, user)
