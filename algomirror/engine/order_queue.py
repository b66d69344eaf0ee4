"""Which request of an account leaves next: kill, exits, cancels, modifies, entries."""

from bisect import insort
from collections import Counter
from dataclasses import dataclass
from itertools import count

from algomirror.domain.instrument import Exchange
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import Act
from algomirror.engine.limbs import Job
from algomirror.engine.pace import Ahead
from algomirror.engine.pace import Moment
from algomirror.engine.pace import Pace


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do now: send `job`; or answer it NotSent with `refusal`; or wait `wait_s`.

    Without a job, `wait_s` None means that nothing can leave until something else happens.
    """

    job: Job | None = None
    refusal: str = ""
    wait_s: float | None = None


class OrderQueue:
    """Jobs by priority, then as they came. One that must wait holds back only its own kind:
    same endpoint, same segment. Not thread-safe; its owner locks.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._jobs: list[tuple[int, int, Job]] = []
        self._number = count()

    def __len__(self) -> int:
        return len(self._jobs)

    def push(self, job: Job) -> None:
        insort(self._jobs, (job.priority, next(self._number), job))

    def take(self, now: Moment, *, entries: bool = True) -> Turn:
        """The most urgent job whose budget allows it, noted as leaving now."""
        waits: list[float] = []
        blocked: set[tuple[Act, Exchange, bool]] = set()
        waiting = _Waiting()
        for place, (priority, _, job) in enumerate(self._jobs):
            if reason := self._why_not(job, now):
                return Turn(self._jobs.pop(place)[2], refusal=reason)
            is_entry = priority >= PRIORITY_ENTRY
            if is_entry and not entries:
                continue
            kind = (job.act, job.intent.instrument.exchange, is_entry)
            if kind not in blocked:
                wait = self.pace.wait_s(job, now, waiting.before(job))
                if wait <= 0.0:
                    del self._jobs[place]
                    self.pace.note(job, now)
                    return Turn(job)
                waits.append(wait)
                blocked.add(kind)
            if not is_entry:
                waiting.add(job)
        return Turn(wait_s=min(waits, default=None))

    def wait_s(self, now: Moment) -> float | None:
        """Seconds until `take` may have something to do, without taking it; None when empty."""
        waits: list[float] = []
        waiting = _Waiting()
        for priority, _, job in self._jobs:
            if self._why_not(job, now):
                return 0.0
            waits.append(self.pace.wait_s(job, now, waiting.before(job)))
            if priority < PRIORITY_ENTRY:
                waiting.add(job)
        return min(waits, default=None)

    def _why_not(self, job: Job, now: Moment) -> str:
        return "taken back" if job.withdrawn else self.pace.why_refused(job, now)

    def drain(self) -> list[Job]:
        """All that has not left, in order; the queue is empty then."""
        jobs = [job for _, _, job in self._jobs]
        self._jobs.clear()
        return jobs


class _Waiting:
    """How many urgent jobs wait, by segment and by endpoint."""

    def __init__(self) -> None:
        self._segments: Counter[Exchange] = Counter()
        self._endpoints: Counter[Act] = Counter()

    def add(self, job: Job) -> None:
        self._segments[job.intent.instrument.exchange] += 1
        self._endpoints[job.act] += 1

    def before(self, job: Job) -> Ahead:
        return Ahead(self._segments[job.intent.instrument.exchange], self._endpoints[job.act])
