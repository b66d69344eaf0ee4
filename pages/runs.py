"""All runs of today and the open ones; leaving one asks first."""

from asyncio import to_thread

from algomirror.domain.chase import MarketOrders
from algomirror.engine import messages as m
from pages import data
from pages import formats as f
from pages.components.live import RunsTable
from pages.components.widgets import card
from pages.components.widgets import confirm
from pages.components.widgets import link_button
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.layout import Frame

FOLLOWS = ", with limit orders that follow the market"


def build(frame: Frame) -> None:
    app = frame.app
    with page_head("Runs", "each press of Execute is one"):
        link_button("Strategies", "/strategies", symbol="layers")
    with card("Runs", "newest first"):
        table = frame.hub.show(
            RunsTable,
            "runs",
            {"run"},
            lambda: data.runs_table(
                app, only_live=False, empty="No run yet. Execute a strategy to start one."
            ),
        )
        table.on("act", lambda e: confirm_exit(frame, int(e.args["id"])))


async def confirm_exit(frame: Frame, run_id: int, account_id: int | None = None) -> None:
    """List what will be sent, then ask the engine; the result shows on the run."""
    if not frame.allowed():
        return
    run = data.run(frame.app.view, run_id)
    groups = [
        g
        for g in data.positions(frame.app, run_id, empty="")["groups"]
        if account_id is None or g["account"] == account_id
    ]
    chasing = await refusing_market(frame)
    rows = sorted(
        ((g, row) for g in groups for row in g["rows"] if row["quantity"]),
        key=lambda found: (found[0]["name"], found[1]["quantity"]),
    )
    lines = [
        f"{g['name']} ({g['mode'].upper()}): {'BUY' if row['quantity'] < 0 else 'SELL'} "
        f"{abs(row['quantity'])} {row['symbol']}{way_out(g['account'], chasing)}"
        for g, row in rows
    ]
    if not rows:
        lines.append("Nothing is held there now; working entries are cancelled.")
    market, is_open = frame.app.market_text(frame.app.clock.now())
    if not is_open:
        lines.append(f"Market closed ({market}). The exit is queued and sent at the next open.")
    lines.append("Shorts first; longs when the shorts are proven flat. Working entries are "
                 "cancelled.")  # fmt: skip
    name = f"run {run.number} · {run.name}" if run else f"run {run_id}"
    title = f"Exit {name}"
    if account_id is not None and groups:
        title = f"Exit {groups[0]['name']} from {name}"
    if await confirm(title, lines, f"Exit {f.counted(len(rows), 'position')}"):
        frame.app.post(m.RequestExit(run_id=run_id, by=frame.username, account_id=account_id))
        say("Exit requested. It ends when the books prove it.")


async def refusing_market(frame: Frame) -> frozenset[int]:
    """Accounts whose exits leave as limit orders that follow the market."""
    profiles = await to_thread(frame.app.accounts.profiles)
    return frozenset(p.id for p in profiles if p.market_orders is MarketOrders.REFUSED)


def way_out(account_id: int, chasing: frozenset[int], *, otherwise: str = "") -> str:
    return FOLLOWS if account_id in chasing else otherwise
