"""Promises of algomirror/engine/pace.py and order_queue.py, over any sequence of requests."""

from collections import Counter
from datetime import datetime
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from algomirror.clock import IST
from algomirror.domain.instrument import Exchange
from algomirror.engine.limbs import PRIORITY_CANCEL
from algomirror.engine.limbs import PRIORITY_ENTRY
from algomirror.engine.limbs import PRIORITY_EXIT
from algomirror.engine.limbs import Job
from algomirror.engine.order_queue import OrderQueue
from algomirror.engine.order_queue import Turn
from algomirror.engine.pace import Limits
from algomirror.engine.pace import Moment
from algomirror.engine.pace import Pace
from tests.engine.jobs import ACTS
from tests.engine.jobs import job

NINE_SHARP = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
STEP_S = 0.02
SEGMENTS = [Exchange.NFO, Exchange.BFO]


def moment(seconds: float, *, offset: float = 0.0) -> Moment:
    return Moment(seconds, NINE_SHARP + timedelta(seconds=seconds + offset))


class Line:
    """A queue with its clock; what left and when."""

    def __init__(self, limits: Limits | None = None, *, offset: float = 0.0, today: int = 0):
        self.queue = OrderQueue(Pace(limits or Limits(), noted_today=today))
        self.offset = offset
        self.seconds = 0.0
        self.answers = True
        self.left: list[tuple[Moment, Job]] = []
        self.refused: list[Turn] = []

    @property
    def now(self) -> Moment:
        return moment(self.seconds, offset=self.offset)

    def pump(self) -> None:
        while (turn := self.queue.take(self.now)).job is not None:
            if turn.refusal:
                self.refused.append(turn)
            else:
                self.left.append((self.now, turn.job))
                if self.answers:
                    self.queue.pace.answered(turn.job, self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.pump()
            self.seconds += STEP_S


_ARRIVALS = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=120),
        st.sampled_from(sorted(ACTS)),
        st.sampled_from(SEGMENTS),
    ),
    max_size=80,
)


@given(
    arrivals=_ARRIVALS,
    limit=st.integers(min_value=1, max_value=50),
    offset=st.floats(min_value=0.0, max_value=0.99),
)
def test_no_budget_is_ever_exceeded_and_all_leave(
    arrivals: list[tuple[int, int, Exchange]], limit: int, offset: float
) -> None:
    """Per segment and calendar second at most the limit, per endpoint and moving second ten."""
    line = Line(Limits(per_second=limit), offset=offset)
    by_step: dict[int, list[Job]] = {}
    for number, (step, priority, segment) in enumerate(arrivals):
        by_step.setdefault(step, []).append(job(priority, segment, number))
    for step in range(121):
        for one in by_step.get(step, []):
            line.queue.push(one)
        line.run(STEP_S)
    line.run(len(arrivals) * 2.0 + 2.0)

    assert len(line.left) == len(arrivals)
    seconds = Counter(
        (j.intent.instrument.exchange, int(at.wall.timestamp())) for at, j in line.left
    )
    assert max(seconds.values(), default=0) <= limit
    for act in ("place", "modify", "cancel"):
        times = [at.monotonic for at, j in line.left if j.act == act]
        assert all(late - early > 1.0 for early, late in zip(times, times[10:], strict=False))


@given(
    entries=st.integers(min_value=1, max_value=60),
    exits=st.integers(min_value=1, max_value=20),
    after=st.floats(min_value=0.0, max_value=4.0),
    limit=st.integers(min_value=1, max_value=20),
)
def test_no_entry_leaves_while_an_exit_waits_for_it(
    entries: int, exits: int, after: float, limit: int
) -> None:
    """Once exits are there they are next, and never later than they would be without entries
    that come after them."""
    line = Line(Limits(per_second=limit))
    for number in range(entries):
        line.queue.push(job(PRIORITY_ENTRY, number=number))
    line.run(after)
    before = len(line.left)
    for number in range(exits):
        line.queue.push(job(PRIORITY_EXIT, number=number))
    line.run(exits * 2.0 + 2.0)

    kinds = [j.priority for _, j in line.left[before:]]
    assert kinds[:exits] == [PRIORITY_EXIT] * exits


@given(entries=st.integers(min_value=1, max_value=60), after=st.floats(0.0, 4.0))
def test_an_exit_after_a_burst_of_entries_leaves_at_once(entries: int, after: float) -> None:
    """Two requests of every second are kept for it, from five a second on."""
    for limit in (5, 10, 50):
        line = Line(Limits(per_second=limit))
        for number in range(entries):
            line.queue.push(job(PRIORITY_ENTRY, number=number))
        line.run(after)
        line.queue.push(job(PRIORITY_EXIT))
        line.pump()

        now = line.now.monotonic
        assert PRIORITY_EXIT in [j.priority for at, j in line.left if at.monotonic == now]


def test_the_queue_goes_kill_exits_cancels_modifies_entries() -> None:
    """By urgency, then as they came."""
    line = Line()
    for priority in (4, 3, 2, 1, 1):
        line.queue.push(job(priority))

    line.pump()

    assert [j.priority for _, j in line.left] == [1, 1, 2, 3, 4]


def test_a_job_of_another_segment_does_not_wait_behind_one_without_budget() -> None:
    """NFO is full for this second; BFO and a cancel of BFO go."""
    line = Line(Limits(per_second=3))
    for number in range(5):
        line.queue.push(job(PRIORITY_EXIT, number=number))
    line.queue.push(job(PRIORITY_CANCEL, Exchange.BFO))
    line.queue.push(job(PRIORITY_ENTRY, Exchange.BFO))

    line.pump()

    segments = [j.intent.instrument.exchange for _, j in line.left]
    assert segments == [Exchange.NFO] * 3 + [Exchange.BFO] * 2


def test_what_left_just_before_a_second_counts_in_it_too() -> None:
    """It may arrive in it: ten at .98 leave no room at the full second."""
    line = Line(offset=0.98)
    for number in range(10):
        line.queue.push(job(PRIORITY_EXIT, number=number))
    line.pump()
    line.seconds = 0.02
    line.queue.push(job(PRIORITY_CANCEL))
    line.pump()

    assert len(line.left) == 10


def test_a_clock_set_back_does_not_stop_orders() -> None:
    """What left in a future that was taken back is forgotten."""
    pace = Pace(Limits(per_second=2))
    for _ in range(2):
        pace.note(job(PRIORITY_EXIT), moment(1.0, offset=3600.0))

    assert pace.wait_s(job(PRIORITY_CANCEL), moment(2.0)) == 0.0


def test_the_day_budget_keeps_what_an_exit_of_everything_needs() -> None:
    """Of 20 requests with 8 orders to exit, 6 entries leave: each brings an exit of its own."""
    line = Line(Limits(per_day=20))
    line.answers = False
    line.queue.pace.exit_reserve = 8
    for number in range(9):
        line.queue.push(job(PRIORITY_ENTRY, number=number))
    line.run(5.0)

    assert len(line.left) == 6
    assert {t.refusal for t in line.refused} == {"the day's order budget of 20 is kept for exits"}
    assert len(line.refused) == 3


def test_an_exit_is_never_held_back_by_the_day() -> None:
    """Past the day's budget the broker decides; entries are refused, not kept."""
    line = Line(Limits(per_day=5), today=5)
    line.queue.push(job(PRIORITY_EXIT))
    line.queue.push(job(PRIORITY_ENTRY))

    line.pump()

    assert [j.priority for _, j in line.left] == [PRIORITY_EXIT]
    assert len(line.refused) == 1
    assert len(line.queue) == 0


def test_a_new_day_has_its_whole_budget() -> None:
    """What was counted yesterday does not bind today."""
    pace = Pace(Limits(per_day=5), noted_today=5)
    entry = job(PRIORITY_ENTRY)

    assert pace.why_refused(entry, moment(0.0)) != ""
    assert pace.why_refused(entry, moment(86_400.0)) == ""


def test_the_minute_budget_lets_entries_wait_and_exits_go() -> None:
    """12 a minute with 4 kept: 7 entries, then exits to the limit; the rest after a minute.

    The engine says that the entries opened nothing.
    """
    line = Line(Limits(per_minute=12))
    line.queue.pace.exit_reserve = 4
    for number in range(9):
        line.queue.push(job(PRIORITY_ENTRY, number=number))
    line.run(10.0)
    assert len(line.left) == 7
    for number in range(6):
        line.queue.push(job(PRIORITY_EXIT, number=number))
    line.run(40.0)
    assert len(line.left) == 12

    line.run(21.0)

    assert len(line.left) == 15
    assert line.refused == []


def test_a_minute_that_exits_need_whole_refuses_entries() -> None:
    """Waiting would never end while that much is open, so it is said."""
    line = Line(Limits(per_minute=10))
    line.queue.pace.exit_reserve = 10
    line.queue.push(job(PRIORITY_ENTRY))

    line.pump()

    assert line.refused[0].refusal == "the minute's order budget of 10 is kept for exits"


def test_a_job_taken_back_is_answered_wherever_it_stands() -> None:
    """It need not reach the head of the queue."""
    line = Line(Limits(per_second=1))
    for number in range(3):
        line.queue.push(job(PRIORITY_EXIT, number=number))
    late = job(PRIORITY_ENTRY, number=9)
    line.queue.push(late)
    late.withdrawn = True

    line.pump()

    assert [t.job for t in line.refused] == [late]


@given(arrivals=_ARRIVALS, after=st.floats(min_value=0.0, max_value=3.0))
def test_the_queue_says_when_it_has_something_to_do(
    arrivals: list[tuple[int, int, Exchange]], after: float
) -> None:
    """After the wait it names, and not before, a job leaves."""
    line = Line(Limits(per_second=7))
    for number, (_, priority, segment) in enumerate(arrivals):
        line.queue.push(job(priority, segment, number))
    line.run(after)
    line.pump()
    turn = line.queue.take(line.now)

    assert turn.job is None
    assert (turn.wait_s is None) == (len(line.queue) == 0)
    if turn.wait_s is not None:
        line.seconds += turn.wait_s / 2
        assert line.queue.take(line.now).job is None
