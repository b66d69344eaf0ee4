"""Times of the day: APScheduler jobs that only post messages."""

from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

from algomirror.clock import IST
from algomirror.engine import messages as m


class Schedule:
    """One thread `scheduler`; a job that raises is logged by APScheduler and runs again."""

    def __init__(self, post: Callable[[m.Message], None]) -> None:
        self._post = post
        self._scheduler = BackgroundScheduler(
            timezone=IST,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60},
        )

    def start(self) -> None:
        """Polling of health and funds, at fixed seconds for all accounts."""
        self._scheduler.add_job(self._poll, "interval", seconds=30, id="poll")
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def _poll(self) -> None:
        self._post(m.PollDue())
