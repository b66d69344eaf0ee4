"""Rows of what a broker shows and our runs do not explain."""

from algomirror.domain.books import PositionKey
from algomirror.engine.accounts import AccountState
from algomirror.engine.attention_rows import DriftRow
from algomirror.engine.core import Core
from algomirror.engine.drift import DriftDesk
from algomirror.engine.live_view import LiveView


def project_drift(core: Core, desk: DriftDesk, view: LiveView, account: AccountState) -> None:
    """One row a symbol and product that differs; rows of settled ones are taken away."""
    rows = [_row(core, desk, account, key, value) for key, value in account.drift.items()]
    prefix, kept = f"{account.id}:", {row.key for row in rows}
    for known in view.rows("drift"):
        if known.key.startswith(prefix) and known.key not in kept:
            view.remove("drift", known.key)
    for row in rows:
        before = view.get("drift", row.key)
        if before is None or _is_news(before, row):
            view.put(row)


def _is_news(before: object, row: DriftRow) -> bool:
    if not isinstance(before, DriftRow):
        return True
    row.version = before.version
    return before != row


def _row(
    core: Core, desk: DriftDesk, account: AccountState, key: PositionKey, value: int
) -> DriftRow:
    look, book = account.drift_looks.get(key), account.positions.get(key)
    holders = []
    claimed = 0
    for execution in core.book.account_executions(account.id):
        run = core.book.run_of(execution.id).run
        for leg_id, position in execution.positions.items():
            if (position.instrument, position.product) == key and position.quantity:
                text = f"{run.plan.strategy.name} run {run.number}"
                holders.append((execution.id, leg_id, text, position.quantity))
                claimed += position.closed_outside
    ours = core.book.our_net(account.id).get(key, 0)
    price = account.foreign_price.get(key)
    if price is None and book is not None:
        price = book.average_price or book.ltp
    return DriftRow(
        key=f"{account.id}:{key.instrument.exchange}:{key.instrument.symbol}:{key.product}",
        account_id=account.id,
        account_name=account.profile.name,
        symbol=key.instrument.symbol,
        exchange=str(key.instrument.exchange),
        product=str(key.product),
        broker_net=ours + value,
        ours=ours,
        drift=value,
        since=look.since if look is not None else core.clock.now(),
        confirmed=look is not None and look.is_confirmed and look.value == value,
        explained=desk.explained(account, key) == value,
        claimed=claimed,
        ignored=desk.is_ignored(account, key, value),
        average=price,
        holders=tuple(holders),
    )
