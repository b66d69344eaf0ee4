"""Rows of accounts and of the header: how the fleet is."""

from decimal import Decimal

from algomirror.domain.instrument import UNDERLYINGS
from algomirror.domain.money import ZERO
from algomirror.domain.order import OrderStatus
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.live_view import AccountRow
from algomirror.engine.live_view import LiveView
from algomirror.engine.live_view import SystemRow


def project_account(core: Core, view: LiveView, account_id: int) -> None:
    view.put(_account_row(core, account_id))


def project_system(core: Core, view: LiveView) -> None:
    view.put(_system_row(core))


def _account_row(core: Core, account_id: int) -> AccountRow:
    account = core.accounts[account_id]
    executions = core.book.account_executions(account_id)
    positions = [p for e in executions for p in e.positions.values()]
    marks = core.market
    funds = account.funds
    live = [core.book.orders[i] for i in core.book.live_orders[account_id]]
    looked = account.positions_look_at is not None
    ours = core.book.our_net(account_id)
    return AccountRow(
        key=str(account_id),
        id=account_id,
        name=account.profile.name,
        broker_name=account.profile.broker_name,
        colour=account.profile.colour,
        is_primary=account.profile.is_primary,
        backup_rank=account.profile.backup_rank,
        is_active=account.profile.is_active,
        connection=account.connection,
        connection_text=account.connection_text,
        connection_since=account.connection_since,
        mode=account.mode,
        trading_state=account.trading_state,
        ping_ms=account.ping_ms,
        pinged_at=account.pinged_at,
        available=funds.available if funds else None,
        cash=funds.cash if funds else None,
        used=funds.debits if funds else None,
        m2m=funds.m2m_realised + funds.m2m_unrealised if funds else None,
        funds_at=funds.read_at if funds else None,
        books_at=account.books_at,
        books_error=account.books_error,
        drift=sum(abs(d) for k, d in account.drift.items() if k in ours) if looked else None,
        day_pnl=sum((p.pnl(marks.mark(p.instrument) or ZERO) for p in positions), ZERO),
        open_positions=sum(p.quantity != 0 for p in positions),
        working_orders=len(live),
        unknown_orders=sum(o.status is OrderStatus.UNKNOWN for o in live),
        feed_state=account.feed_state,
    )


def _system_row(core: Core) -> SystemRow:
    runs = [r for r in core.book.runs.values() if not r.is_final]
    primary = next((a for a in core.accounts.values() if a.profile.is_primary), None)
    held = {i for r in runs for i in r.open_instruments}
    pnl = sum((r.pnl for r in core.book.runs.values()), ZERO)
    unrealised = sum((r.pnl - _realised(r) for r in runs), ZERO)
    return SystemRow(
        heartbeat_at=core.clock.now(),
        fleet_state=core.fleet_state,
        fleet_reason=core.fleet_reason,
        rules_armed=sum(len(r.rules) for r in runs),
        open_runs=len(runs),
        feed_state=primary.feed_state if primary else "down",
        feed_account=primary.profile.name if primary else "",
        feed_reason=core.journal_error,
        oldest_price_at=core.market.oldest(held),
        attention=sum(bool(e.execution.attention) for e in core.book.executions.values()),
        drift=sum(len(a.drift_alarmed) for a in core.accounts.values()),
        pnl_today=pnl,
        unrealised=unrealised,
        realised_today=pnl - unrealised,
        indices=_indices(core),
        is_on_fallback=core.outbox.is_on_fallback,
        kill_active=core.kills_open > 0,
    )


def _indices(core: Core) -> tuple[tuple[str, Decimal, Decimal | None], ...]:
    found = []
    for underlying in UNDERLYINGS.values():
        mark = core.market.mark(underlying.index)
        if mark is not None:
            found.append((underlying.name, mark, None))
    return tuple(found)


def _realised(run: RunBook) -> Decimal:
    return sum((p.realised for e in run.executions.values() for p in e.positions.values()), ZERO)
