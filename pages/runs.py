"""All runs of today and the open ones; leaving one asks first."""

from algomirror.engine import messages as m
from pages import data
from pages.components.live import RunsTable
from pages.components.widgets import card
from pages.components.widgets import confirm
from pages.components.widgets import link_button
from pages.components.widgets import page_head
from pages.components.widgets import say
from pages.layout import Frame


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
    rows = [
        r
        for g in data.positions(frame.app, run_id, empty="")["groups"]
        if account_id is None or g["account"] == account_id
        for r in [(g["name"], row) for row in g["rows"] if row["quantity"]]
    ]
    lines = [
        f"{name}: {'BUY' if row['quantity'] < 0 else 'SELL'} {abs(row['quantity'])} "
        f"{row['symbol']} at market"
        for name, row in rows
    ]
    market, is_open = frame.app.market_text(frame.app.clock.now())
    if not is_open:
        lines.append(f"Market closed ({market}). The exit is queued and sent at the next open.")
    lines.append("Shorts first; longs when the shorts are proven flat. Working entries are "
                 "cancelled.")  # fmt: skip
    title = f"Exit run {run.number if run else run_id}"
    if await confirm(title, lines, f"Exit {len(rows)} positions"):
        frame.app.post(m.RequestExit(run_id=run_id, by=frame.username, account_id=account_id))
        say("Exit requested. It ends when the books prove it.")
