"""One request in, one answer out: checks, faults and dispatch, without any network."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from datetime import date
from datetime import datetime
from datetime import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

from algomirror.clock import IST
from algomirror.paper import answers_books
from algomirror.paper import answers_calendar
from algomirror.paper import answers_data
from algomirror.paper import answers_options
from algomirror.paper import answers_orders
from algomirror.paper.answer import Answer
from algomirror.paper.exchange import PaperAccount
from algomirror.paper.exchange import Profile
from algomirror.paper.faults import FaultPlan
from algomirror.paper.market import Market
from algomirror.paper.night import begin_day
from algomirror.paper.schema import LIMITS
from algomirror.paper.schema import SCHEMAS
from algomirror.paper.schema import validate

BAD_KEY = {"status": "error", "message": "Invalid openalgo apikey"}
NOT_JSON = {
    "message": "The browser (or proxy) sent a request that this server could not understand."
}
_KEY_ONLY = frozenset({"search", "expiry", "instruments"})
_KEY_FREE = frozenset({"market/holidays", "market/timings"})
_SEMI_AUTO = {
    "modifyorder": ("Modify order", "modify orders"),
    "cancelorder": ("Cancel order", "cancel orders"),
    "cancelallorder": ("Cancel all orders", "cancel orders"),
    "closeposition": ("Close position", "close positions"),
}
_PLACING = frozenset({"placeorder", "placesmartorder", "basketorder", "splitorder"})
_NO_MODE = frozenset({"placeorder", "margin", "analyzer", "analyzer/toggle"})


@dataclass(slots=True)
class _Window:
    times: dict[str, deque[datetime]] = field(default_factory=dict)

    def is_full(self, endpoint: str, now: datetime) -> str | None:
        """The limit's text when one more request is too many (it counts all the same)."""
        limit, seconds = LIMITS[endpoint]
        times = self.times.setdefault(endpoint, deque())
        edge = now - timedelta(seconds=seconds)
        while times and times[0] <= edge:
            times.popleft()
        if len(times) >= limit:
            return f"{limit} per 1 {'second' if seconds == 1.0 else 'minute'}"
        times.append(now)
        return None


class PaperServer:
    """All keys of one paper exchange. Pure: no clock, no network; `now` is an argument."""

    def __init__(
        self,
        market: Market,
        *,
        limits: bool = True,
        always_open: bool = True,
        day_change: time | None = None,
    ) -> None:
        """`day_change`: the time of day (IST) when books start empty; None: only by `new_day`."""
        self.market = market
        self.accounts: dict[str, PaperAccount] = {}
        self.always_open = always_open
        self._limits = limits
        self._windows: dict[str, _Window] = {}
        self._day_change = day_change
        self._day = self._broker_day(market.now)

    def add_account(
        self,
        key: str,
        *,
        cash: Decimal,
        profile: Profile,
        faults: FaultPlan | None = None,
        seed: int = 0,
        broker: str = "paper",
    ) -> PaperAccount:
        account = PaperAccount(
            self.market,
            key=key,
            cash=cash,
            profile=profile,
            faults=faults or FaultPlan(),
            seed=seed,
            broker=broker,
        )
        self.accounts[key] = account
        self._windows[key] = _Window()
        return account

    def step(self, now: datetime) -> None:
        """Move the market and everything that waits for time or price."""
        if self._day_change is not None and self._broker_day(now) != self._day:
            self.new_day(now)
        self.market.step(now)
        for account in self.accounts.values():
            account.step(now)

    def new_day(self, now: datetime) -> None:
        """Order and trade books start empty; net positions that carry over stay."""
        self._day = self._broker_day(now)
        for account in self.accounts.values():
            begin_day(account, now)

    def _broker_day(self, now: datetime) -> date:
        at = self._day_change or time()
        shift = timedelta(hours=at.hour, minutes=at.minute)
        return (now.astimezone(IST) - shift).date()

    def handle(self, endpoint: str, body: Any, now: datetime) -> Answer:
        """`endpoint` without /api/v1/ and slashes; `body` the parsed JSON (or query) object."""
        if endpoint == "instruments":
            return answers_data.instruments(self, body)
        if endpoint not in SCHEMAS:
            return Answer(404, _not_found(endpoint))
        style, rules = SCHEMAS[endpoint]
        account = self.accounts.get(body.get("apikey", "")) if isinstance(body, dict) else None
        if account is not None and self._limits:
            full = self._windows[account.key].is_full(endpoint, now)
            if full is not None:
                return Answer(429, {"message": full})
        values, errors = validate(rules, body)
        if errors:
            return Answer(400, _schema_error(endpoint, style, errors, account))
        if endpoint not in _KEY_FREE:
            if account is None:
                return Answer(*_bad_key(endpoint, values))
            died = account.faults.draw("token_death", endpoint)
            if died is not None:
                account.session_alive = False
        if account is None:
            return answers_calendar.ANSWERS[endpoint](self, values, now)
        return self._answer(account, endpoint, values, now)

    def _answer(
        self, account: PaperAccount, endpoint: str, values: dict[str, Any], now: datetime
    ) -> Answer:
        if endpoint in _KEY_FREE:
            return answers_calendar.ANSWERS[endpoint](self, values, now)
        if account.order_mode == "semi_auto" and endpoint in _PLACING:
            return answers_orders.queued(account, values)
        if not account.session_alive and endpoint not in _KEY_ONLY:
            return Answer(*_bad_key(endpoint, values))
        if account.order_mode == "semi_auto" and endpoint in _SEMI_AUTO and not account.analyze:
            name, goal = _SEMI_AUTO[endpoint]
            message = f"{name} operation is not allowed in Semi-Auto mode. Please switch to "
            return Answer(403, {"status": "error", "message": f"{message}Auto mode to {goal}."})
        delay = account.faults.draw("delay", endpoint)
        answer = _ANSWERS[endpoint](account, values, now)
        if delay is not None:
            answer.delay_s += delay.seconds
        return answer


def _not_found(endpoint: str) -> dict[str, Any]:
    return {"status": "error", "message": "Not found", "path": f"/api/v1/{endpoint}"}


def _schema_error(
    endpoint: str, style: str, errors: dict[str, Any], account: PaperAccount | None
) -> dict[str, Any]:
    if style == "object":
        return {"status": "error", "message": errors}
    if style == "errors":
        message = "Validation failed" if endpoint == "optiongreeks" else "Validation error"
        return {"status": "error", "message": message, "errors": errors}
    body = {"status": "error", "message": str(errors)}
    if account is not None and account.analyze and endpoint not in _NO_MODE:
        body["mode"] = "analyze"
    return body


def _bad_key(endpoint: str, values: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    name = values.get("underlying")
    if endpoint == "optionchain":
        text = f"Failed to fetch LTP for {name}: Invalid openalgo apikey"
        return 403, {"status": "error", "message": text}
    if endpoint in ("optionsymbol", "syntheticfuture"):
        text = f"Failed to fetch LTP for {name}. Invalid openalgo apikey"
        return 403, {"status": "error", "message": text}
    return (401 if endpoint == "optiongreeks" else 403), dict(BAD_KEY)


Handler = Callable[[PaperAccount, dict[str, Any], datetime], Answer]
_ANSWERS: dict[str, Handler] = {
    **answers_orders.ANSWERS,
    **answers_books.ANSWERS,
    **answers_data.ANSWERS,
    **answers_options.ANSWERS,
}
