"""How each rule of a run stands, for its card."""

from algomirror.domain.money import ZERO
from algomirror.domain.risk.rules import RuleState
from algomirror.engine.book import RunBook
from algomirror.engine.core import Core
from algomirror.engine.live_view import RuleRow


def rule_rows(core: Core, run: RunBook) -> list[RuleRow]:
    """A row for each rule of a run, with its level, distance and inputs."""
    rows = []
    blind = [i for i in run.open_instruments if not core.market.is_fresh(i)]
    for rule in run.rules:
        state = run.states.get(rule.kind, RuleState())
        status = "armed"
        if run.is_final:
            status = "off"
        elif blind:
            status = "blind"
        elif not run.net:
            status = "waiting"
        if state.triggered_at is not None:
            status = "triggered"
        way = run.pnl / rule.level if rule.level else ZERO
        rows.append(
            RuleRow(
                key=f"{run.id}:{rule.kind}",
                run_id=run.id,
                execution_id=None,
                kind=rule.kind,
                action=rule.action,
                status=status,  # type: ignore[arg-type]
                level=rule.level,
                current=run.pnl,
                distance=rule.distance(run.pnl),
                progress=min(max(float(way), 0.0), 1.0),
                text=run.run.max_loss_exit_reason
                if rule.kind == "max_loss"
                else run.run.max_profit_exit_reason,
                why=_why(core, run),
                evaluated_at=core.clock.now(),
                triggered_at=state.triggered_at,
            )
        )
    return rows


def _why(core: Core, run: RunBook) -> tuple[str, ...]:
    lines = []
    for instrument, net in run.net.items():
        quote = core.market.last.get(instrument)
        age = core.market.age(instrument)
        if quote is None or age is None:
            lines.append(f"{instrument.symbol} {net:+d}: no price")
        else:
            lines.append(
                f"{instrument.symbol} {net:+d} x {quote.ltp:,.2f}, {age:.1f} s, {quote.source}"
            )
    return tuple(lines)
