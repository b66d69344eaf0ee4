"""When one more request of an account may leave, and whether an entry may leave at all."""

from collections import defaultdict
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from datetime import datetime
from typing import NamedTuple

from algomirror.domain.instrument import Exchange
from algomirror.domain.order import IN_FLIGHT
from algomirror.domain.order import OrderPurpose
from algomirror.domain.order import OrderStatus
from algomirror.domain.sizing import SERVER_PER_SECOND
from algomirror.domain.sizing import kept_for_exits
from algomirror.domain.sizing import slices
from algomirror.engine.book import ExecutionBook
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import Act
from algomirror.engine.limbs import Job
from algomirror.engine.ports import AccountProfile

ARRIVAL_S = 0.05
"""Requests do not travel equally fast: a window that another machine counts is this much longer."""
SECOND_S = 1.0
MINUTE_S = 60.0
NOTICED_S = 1.0
"""By then the engine's exit reserve counts what an answered entry opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests an account may make. Minute and day count all its segments together."""

    per_second: int = SERVER_PER_SECOND
    per_minute: int | None = None
    per_day: int | None = None


class Moment(NamedTuple):
    """Now, by both clocks: seconds that never jump, and the wall's aware time."""

    monotonic: float
    wall: datetime


class Ahead(NamedTuple):
    """Urgent jobs that wait before an entry: of its segment, and for its endpoint."""

    in_segment: int = 0
    at_endpoint: int = 0


NOBODY = Ahead()


class Pace:
    """The order budget of one account (product.md 5.4). Pure: it never asks what time it is.

    A segment has `per_second` requests in a calendar second; each of OpenAlgo's three order
    endpoints has ten in any moving second, whatever the segment. Entries leave room in every
    window: two requests a second, one for each urgent job that waits, and in the minute and day
    windows all that an exit of what is open would need. An exit, cancel or modify is never held
    back by the day window: past it the broker decides.
    """

    def __init__(self, limits: Limits, *, noted_today: int = 0) -> None:
        self.limits = limits
        self.exit_reserve = 0
        self._segments: dict[Exchange, deque[float]] = defaultdict(deque)
        self._endpoints: dict[Act, deque[float]] = defaultdict(deque)
        self._minute: deque[float] = deque()
        self._entries_away = 0
        self._entries_answered: deque[float] = deque()
        self._today = noted_today
        self._day: date | None = None

    def why_refused(self, job: Job, now: Moment) -> str:
        """Why an entry must not leave today, or not while so much is open; empty if it may."""
        if not _is_entry(job):
            return ""
        self._roll(now)
        day, minute = self.limits.per_day, self.limits.per_minute
        if day is not None and self._today >= self._left_to_entries(day, now):
            return f"the day's order budget of {day} is kept for exits"
        if minute is not None and minute <= self.exit_reserve + 1:
            return f"the minute's order budget of {minute} is kept for exits"
        return ""

    def wait_s(self, job: Job, now: Moment, ahead: Ahead = NOBODY) -> float:
        """Seconds until it may leave; 0.0 means now. An entry leaves room for those `ahead`."""
        is_entry = _is_entry(job)
        segment = job.intent.instrument.exchange
        limit = self.limits.per_second
        in_second, at_server = limit, SERVER_PER_SECOND
        if is_entry:
            in_second -= max(kept_for_exits(limit), ahead.in_segment)
            at_server -= max(kept_for_exits(SERVER_PER_SECOND), ahead.at_endpoint)
        return max(
            self._segment_wait(segment, in_second, now),
            _window_wait(self._endpoints[job.act], at_server, now, SECOND_S + ARRIVAL_S),
            self._minute_wait(now, is_entry=is_entry),
        )

    def note(self, job: Job, now: Moment) -> None:
        """It leaves now."""
        self._roll(now)
        self._today += 1
        self._segments[job.intent.instrument.exchange].append(now.wall.timestamp())
        self._endpoints[job.act].append(now.monotonic)
        if self.limits.per_minute is not None:
            self._minute.append(now.monotonic)
        self._entries_away += _is_entry(job)

    def answered(self, job: Job, now: Moment) -> None:
        """Its answer has come; the engine will soon count what it opened."""
        if _is_entry(job):
            self._entries_away -= 1
            self._entries_answered.append(now.monotonic)

    # --- windows --------------------------------------------------------------------------
    def _segment_wait(self, segment: Exchange, most: int, now: Moment) -> float:
        """Until the next calendar second; what left just before it may arrive in it."""
        times, wall = self._segments[segment], now.wall.timestamp()
        begin = float(int(wall))
        while times and times[0] < begin - ARRIVAL_S:
            times.popleft()
        while times and times[-1] > wall:
            times.pop()
        return 0.0 if len(times) < most else begin + SECOND_S - wall

    def _minute_wait(self, now: Moment, *, is_entry: bool) -> float:
        limit = self.limits.per_minute
        if limit is None:
            return 0.0
        most = self._left_to_entries(limit, now) if is_entry else limit
        return _window_wait(self._minute, most, now, MINUTE_S + ARRIVAL_S)

    def _left_to_entries(self, limit: int, now: Moment) -> int:
        """What is left must cover the exit of all that is open, of entries the engine does not
        know the fate of yet, and of this one."""
        known = now.monotonic - NOTICED_S
        while self._entries_answered and self._entries_answered[0] < known:
            self._entries_answered.popleft()
        unknown = self._entries_away + len(self._entries_answered)
        return limit - self.exit_reserve - unknown - 1

    def _roll(self, now: Moment) -> None:
        today = now.wall.date()
        if self._day is not None and self._day != today:
            self._today = 0
        self._day = today


def _window_wait(times: deque[float], most: int, now: Moment, length: float) -> float:
    """Until fewer than `most` of the times lie in the moving window."""
    while times and now.monotonic - times[0] >= length:
        times.popleft()
    if len(times) < most:
        return 0.0
    if not times:
        return length
    last_to_go = times[min(len(times) - max(most, 1), len(times) - 1)]
    return length - (now.monotonic - last_to_go)


def _is_entry(job: Job) -> bool:
    return job.priority >= PRIORITY_ENTRY


def limits_of(profile: AccountProfile) -> Limits:
    return Limits(
        per_second=profile.max_orders_per_second,
        per_minute=profile.max_orders_per_minute,
        per_day=profile.max_orders_per_day,
    )


def orders_to_exit(executions: Iterable[ExecutionBook]) -> int:
    """How many orders an exit of all that is open, or may fill at the broker, would take."""
    return sum(_orders_of(execution) for execution in executions)


def _orders_of(execution: ExecutionBook) -> int:
    count = 0
    for leg_id, planned in execution.legs.items():
        position = execution.positions.get(leg_id)
        units = abs(position.quantity) if position is not None else 0
        for order in execution.leg_orders(leg_id, OrderPurpose.ENTRY):
            if order.status in IN_FLIGHT and order.status is not OrderStatus.SUBMITTED:
                units += order.open_quantity
        contract = planned.contract
        count += len(slices(units, contract.lot_size, contract.freeze_quantity))
    return count
