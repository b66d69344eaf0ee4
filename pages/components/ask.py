"""A dialog that asks before an act: says what will happen, takes values, shows what is wrong."""

from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from html import escape
from typing import Any

from nicegui import ui

from algomirror.errors import InvalidInput
from pages.components.widgets import button
from pages.components.widgets import dense
from pages.components.widgets import field


class Ask:
    """Build it, add lines and fields inside `with ask.body`, then `await ask.run(press)`.

    `press` gets one call for each press of the act's button; True closes the dialog. Enter alone
    never presses it.
    """

    def __init__(self, title: str, act: str, *, danger: bool = False) -> None:
        self._inputs: dict[str, Any] = {}
        self._press: Callable[[], Awaitable[bool]] | None = None
        with ui.dialog() as self._dialog, ui.element("div").classes("dlg").style("width:520px"):
            ui.html(f"<header><h2>{escape(title)}</h2></header>", sanitize=False)
            self.body = ui.element("div").classes("body")
            with ui.element("footer"):
                ui.element("span").classes("sp")
                button("Close", lambda: self._dialog.submit(False), kind="bl").mark("close")
                self._button = button(act, self._pressed, kind="bl df" if danger else "bl p")
                self._button.mark("act")
                self._button.on("keydown.enter", js_handler="(e) => e.preventDefault()")

    def say(self, text: str, *, kind: str = "say") -> ui.label:
        """A sentence; it may be changed later."""
        with self.body:
            return ui.label(text).classes(kind)

    def warn(self, text: str) -> None:
        with self.body:
            ui.html(
                '<div class="note warn"><svg class="i warn"><use href="#alert"/></svg>'
                f"<span>{escape(text)}</span></div>",
                sanitize=False,
            )

    def lines(self, texts: Sequence[str]) -> None:
        """What is sent or changed, one line each."""
        with self.body, ui.element("div").classes("lines"):
            for text in texts:
                ui.label(text)

    def input(self, name: str, label: str, value: str = "", *, hint: str = "") -> Any:
        with self.body, field(label):
            element = dense(ui.input(value=value)).mark(name)
            element.props["aria-label"] = label
            element.props("inputmode=decimal")
            if hint:
                element.props["placeholder"] = hint
        self._inputs[name] = element
        return element

    def choose(self, name: str, label: str, options: dict[int, str]) -> Any:
        with self.body, field(label):
            element = dense(ui.select(options, value=next(iter(options)))).mark(name)
            element.props["aria-label"] = label
        self._inputs[name] = element
        return element

    def value(self, name: str) -> Any:
        return self._inputs[name].value

    def values(self) -> dict[str, Any]:
        return {name: element.value for name, element in self._inputs.items()}

    def show_problems(self, problems: Sequence[InvalidInput]) -> None:
        """A sentence beside each field; the others are cleared."""
        by_field = {p.field: p.message for p in problems}
        for name, element in self._inputs.items():
            element.props(remove="error error-message")
            if name in by_field:
                element.props["error"] = True
                element.props["error-message"] = by_field[name]
            element.update()

    async def run(self, press: Callable[[], Awaitable[bool]]) -> bool:
        """True when the act was done."""
        self._press = press
        answer = await self._dialog
        self._dialog.delete()
        return bool(answer)

    async def _pressed(self) -> None:
        """One press at a time; a wrong field lets it be pressed again."""
        if self._press is None or "dis" in self._button.classes:
            return
        self._button.classes(add="dis")
        try:
            if await self._press():
                self._dialog.submit(True)
                return
        finally:
            self._button.classes(remove="dis")
