"""May an exit leave now? Why not, and when to ask again."""

from dataclasses import dataclass
from datetime import datetime

from algomirror.domain.instrument import Contract
from algomirror.domain.run import ExitPlan
from algomirror.domain.run import TradingMode
from algomirror.engine.book import ExecutionBook
from algomirror.engine.core import Core

ASK_AGAIN_S = 1.0
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an exit waits: a sentence for a person, and when to look again (seconds)."""

    why: str
    again_s: float


class Gate:
    """Owned by the engine thread. An exit is held, never dropped: its plan stays open."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def hold(self, execution: ExecutionBook, plan: ExitPlan) -> Hold | None:
        """The first reason that keeps orders of this plan back; None when they may leave."""
        now = self._core.clock.now()
        contract = execution.legs[plan.leg_id].contract
        is_open = self._core.calendar.is_open(contract.exchange, now)
        if plan.not_before is not None and now < plan.not_before and not is_open:
            return self._until(
                plan.not_before, now, f"the exit is queued for {plan.not_before:%a %d %b %H:%M}"
            )
        return (
            self._expired(contract)
            or self._closed(contract, now)
            or self._wrong_mode(execution)
            or self._semi_auto(execution)
        )

    def opens_at(self, contract: Contract) -> datetime | None:
        """When an exit that is asked for now can leave; None when that is at once."""
        calendar, now = self._core.calendar, self._core.clock.now()
        if calendar.is_open(contract.exchange, now):
            return None
        return calendar.next_open(contract.exchange, now)

    def _until(self, at: datetime, now: datetime, why: str) -> Hold:
        again = min(max((at - now).total_seconds(), 0.0) + 0.01, LONGEST_WAIT_S)
        return Hold(why, again)

    def _expired(self, contract: Contract) -> Hold | None:
        """No exit is sent in a contract past its expiry (product.md 6.6)."""
        if not self._core.is_expired(contract):
            return None
        return Hold(f"no exit is sent in the expired {contract.symbol}", LONGEST_WAIT_S)

    def _closed(self, contract: Contract, now: datetime) -> Hold | None:
        calendar, market = self._core.calendar, contract.exchange
        if calendar.is_open(market, now):
            return None
        opens = calendar.next_open(market, now)
        if opens is None:
            return Hold(f"{market} is closed, no opening is known", LONGEST_WAIT_S)
        why = f"{market} is closed: the exit goes on {opens:%a %d %b %H:%M}"
        return Hold(why, self._until(opens, now, why).again_s)

    def _wrong_mode(self, execution: ExecutionBook) -> Hold | None:
        """Known to be another mode than at entry; an unknown one parks nothing."""
        account = self._core.accounts[execution.account_id]
        wanted = execution.execution.mode
        if TradingMode.UNKNOWN in (account.mode, wanted) or account.mode is wanted:
            return None
        if wanted is TradingMode.LIVE:
            why = (
                f"{account.profile.name} switched to paper while a live position is open: exits "
                "would go to the sandbox. Switch OpenAlgo back to live"
            )
        else:
            why = (
                f"{account.profile.name} switched to live: exits of a paper run would be real "
                "orders. Switch OpenAlgo back to paper"
            )
        return Hold(why, ASK_AGAIN_S)

    def _semi_auto(self, execution: ExecutionBook) -> Hold | None:
        account = self._core.accounts[execution.account_id]
        if account.semi_auto_since is None:
            return None
        why = f"{account.profile.name} is in semi-auto mode: nothing more is sent until it is auto"
        return Hold(why, ASK_AGAIN_S)
