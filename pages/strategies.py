"""Strategies: the list, with what each is doing."""

from asyncio import to_thread
from html import escape

from nicegui import ui

from algomirror.domain.strategy import Strategy
from pages import data
from pages import formats as f
from pages.components.plan_dialog import open_plan
from pages.components.widgets import button
from pages.components.widgets import card
from pages.components.widgets import confirm
from pages.components.widgets import link_button
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.layout import Frame


async def build(frame: Frame) -> None:
    with page_head("Strategies", "designs; editing one never changes a run that exists"):
        link_button("New strategy", "/strategies/new", kind="p", symbol="plus")
    body = ui.element("div")
    with body:
        ui.element("div").classes("card skel").style("height:120px")
    await _fill(frame, body)


async def _fill(frame: Frame, body: ui.element) -> None:
    rows = await to_thread(frame.app.strategies.all) or []
    archived = await to_thread(frame.app.strategies.all, archived=True) or []
    body.clear()
    with body:
        if not rows:
            ui.html(
                '<div class="card empty">No strategy yet. New strategy opens one to change.'
                '<br><a class="btn p" href="/strategies/new">Short straddle with hedges</a></div>',
                sanitize=False,
            )
        for strategy in rows:
            _card(frame, body, strategy)
        for strategy in archived:
            with card(strategy.name, "archived"):
                button("Restore", lambda s=strategy: _do(frame, body, "restore", s), kind="bs q")


def _card(frame: Frame, body: ui.element, strategy: Strategy) -> None:
    runs = [r for r in data.runs(frame.app.view) if r.strategy_id == strategy.id]
    live = next((r for r in runs if r.state in data.LIVE_STATES), None)
    names = {a.id: a.name for a in data.accounts(frame.app.view)}
    chosen = ", ".join(names.get(i, f"#{i}") for i in strategy.account_ids) or "no account"
    with card(strategy.name, f"{strategy.product} · {chosen}") as header:
        with header:
            if not strategy.is_active:
                ui.html('<span class="bd warn">Inactive</span>', sanitize=False)
            if live is not None:
                word = f.RUN_WORDS.get(live.state, live.state)
                ui.html(
                    f'<a class="bd acc" href="/runs/{live.id}">{word} · run {live.number}</a>',
                    sanitize=False,
                )
        legs = " ".join(
            f'<span class="bd {"buy" if leg.side == "BUY" else "sell"}">{leg.side}</span> '
            f"{leg.underlying} {leg.option_type} {_rule(leg.strike_rule, leg.strike_offset)} "
            f"x{leg.lots} &nbsp;"
            for leg in strategy.legs
        )
        stop = "no max loss" if strategy.max_loss is None else \
            f"max loss {f.money(strategy.max_loss, 0)}"  # fmt: skip
        ui.html(
            f'<div class="body" style="white-space:normal">{legs}<span class="t3">{escape(stop)}'
            "</span></div>",
            sanitize=False,
        )
        with ui.element("footer"):
            button("Execute", lambda: open_plan(frame, strategy), kind="bs p", symbol="play")
            link_button("Edit", f"/strategies/{strategy.id}", kind="bs", symbol="edit")
            button("Duplicate", lambda: _do(frame, body, "duplicate", strategy), kind="bs q")
            word = "Deactivate" if strategy.is_active else "Activate"
            button(word, lambda: _do(frame, body, "toggle", strategy), kind="bs q")
            ui.element("span").classes("sp")
            button("Archive", lambda: _do(frame, body, "archive", strategy), kind="bs q")


def _rule(rule: str, offset: int) -> str:
    return f"{rule} {offset}" if rule in ("ITM", "OTM") else rule.replace("_", " ")


async def _do(frame: Frame, body: ui.element, act: str, strategy: Strategy) -> None:
    if not frame.allowed():
        return
    service, by = frame.app.strategies, frame.username
    if act == "archive":
        live = [r for r in data.runs(frame.app.view)
                if r.strategy_id == strategy.id and r.state in data.LIVE_STATES]  # fmt: skip
        if live:
            say(f"Run {live[0].number} is open. Exit it first.", error=True)
            return
        if not await confirm(f"Archive {strategy.name}", ["It can be restored later."],
                             "Archive", danger=False):  # fmt: skip
            return
        await to_thread(service.archive, strategy.id, by=by)
    elif act == "duplicate":
        await to_thread(service.duplicate, strategy.id, by=by)
    elif act == "restore":
        await to_thread(service.restore, strategy.id, by=by)
    else:
        await to_thread(service.set_active, strategy.id, not strategy.is_active, by=by)
    await _fill(frame, body)
