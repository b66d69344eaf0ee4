"""Small pieces of every page: head line, card, button, field, confirmation."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from nicegui import ui

Handler = Callable[..., Any]


def icon(name: str, kind: str = "i s") -> str:
    return f'<svg class="{kind}"><use href="#{name}"/></svg>'


def page_head(title: str, sub: str = "", *, crumb: tuple[str, str] | None = None) -> ui.element:
    """The title line; further buttons go into the returned row."""
    row = ui.element("div").classes("ph")
    back = ""
    if crumb is not None:
        back = (
            f'<a class="t3" style="font-weight:400" href="{crumb[1]}">{escape(crumb[0])}</a> '
            f"{icon('right')} "
        )
    with row:
        ui.html(
            f'<h1 class="rw" style="gap:6px">{back}{escape(title)}</h1>'
            f'<span class="sub">{escape(sub)}</span>',
            sanitize=False,
        ).classes("rw")
        ui.element("span").classes("sp")
    return row


@contextmanager
def card(title: str, sub: str = "", *, classes: str = "") -> Iterator[ui.element]:
    """A card whose header row is yielded for buttons; the body follows inside the with-block."""
    with ui.element("section").classes(f"card {classes}"):
        header = ui.element("header")
        with header:
            ui.html(
                f'<h2>{escape(title)}</h2> <span class="sub">{escape(sub)}</span>', sanitize=False
            ).classes("rw")
            ui.element("span").classes("sp")
        yield header


def button(text: str, on_click: Handler, *, kind: str = "", symbol: str = "") -> ui.element:
    """A plain button in the look of the design; `kind` p, q, d, sm."""
    element = ui.element("button").classes(f"btn {kind}").props('type="button"')
    element.on("click", on_click)
    with element:
        ui.html((icon(symbol) if symbol else "") + f"<span>{escape(text)}</span>", sanitize=False
                ).classes("rw g6")  # fmt: skip
    return element


def link_button(text: str, href: str, *, kind: str = "", symbol: str = "") -> None:
    mark = icon(symbol) if symbol else ""
    ui.html(f'<a class="btn {kind}" href="{href}">{mark}{escape(text)}</a>', sanitize=False)


def dense(element: Any) -> Any:
    """A Quasar field in the look of the design."""
    element.props("outlined dense hide-bottom-space").classes("fq w-full")
    return element


@contextmanager
def field(label: str) -> Iterator[ui.element]:
    with ui.element("div").classes("fld") as box:
        ui.html(f"<label>{escape(label)}</label>", sanitize=False)
        yield box


def say(text: str, *, error: bool = False) -> None:
    """A toast: success for five seconds, errors until closed."""
    if error:
        ui.notify(text, type="negative", timeout=0, close_button="Close", position="bottom-right")
    else:
        ui.notify(text, timeout=5000, position="bottom-right")


async def confirm(title: str, lines: list[str], act: str, *, danger: bool = True) -> bool:
    """Lists what will be done; no act is confirmed by Enter alone."""
    with ui.dialog() as dialog, ui.element("div").classes("dlg").style("width:520px"):
        ui.html(f"<header><h2>{escape(title)}</h2></header>", sanitize=False)
        body = "".join(f'<div style="padding:3px 20px">{escape(line)}</div>' for line in lines)
        ui.html(f'<div class="t2" style="padding:12px 0">{body}</div>', sanitize=False)
        with ui.element("footer"):
            ui.element("span").classes("sp")
            button("Close", lambda: dialog.submit(False), kind="bl")
            yes = button(act, lambda: dialog.submit(True), kind="bl df" if danger else "bl p")
            yes.mark("act")
            yes.on("keydown.enter", js_handler="(e) => e.preventDefault()")
    answer = await dialog
    dialog.delete()
    return bool(answer)
