"""Answers about holidays and session times; they need a key in the body but do not check it."""

from collections.abc import Callable
from datetime import date
from datetime import datetime
from datetime import time
from typing import TYPE_CHECKING
from typing import Any

from algomirror.clock import IST
from algomirror.domain.holidays import HOLIDAYS
from algomirror.paper.answer import Answer

if TYPE_CHECKING:
    from algomirror.paper.answers import PaperServer

_CLOSED = ["NSE", "BSE", "NFO", "BFO", "CDS", "BCD"]
_HOURS = {
    "NSE": (time(9, 15), time(15, 30)),
    "BSE": (time(9, 15), time(15, 30)),
    "NFO": (time(9, 15), time(15, 40)),
    "BFO": (time(9, 15), time(15, 40)),
    "CDS": (time(9, 0), time(17, 0)),
    "BCD": (time(9, 0), time(17, 0)),
    "MCX": (time(9, 0), time(23, 55)),
    "NCO": (time(9, 0), time(23, 55)),
}
_ALL_DAY = (time(0, 0), time(23, 59, 59))


def _milliseconds(day: date, at: time) -> int:
    return int(datetime.combine(day, at, tzinfo=IST).timestamp() * 1000)


def holidays(server: "PaperServer", values: dict[str, Any], now: datetime) -> Answer:
    year = values["year"] or now.year
    data = []
    for day, name in sorted(HOLIDAYS.items()):
        if day.year != year:
            continue
        evening = {
            "exchange": "MCX",
            "start_time": _milliseconds(day, time(17, 0)),
            "end_time": _milliseconds(day, time(23, 55)),
        }
        data.append(
            {
                "date": day.isoformat(),
                "description": name,
                "holiday_type": "TRADING_HOLIDAY",
                "closed_exchanges": _CLOSED,
                "open_exchanges": [evening],
            }
        )
    body = {"status": "success", "data": data, "year": year, "timezone": "Asia/Kolkata"}
    return Answer(200, body)


def timings(server: "PaperServer", values: dict[str, Any], now: datetime) -> Answer:
    try:
        day = date.fromisoformat(values["date"])
    except ValueError:
        text = "Invalid date format. Use YYYY-MM-DD"
        return Answer(400, {"status": "error", "message": text})
    hours: dict[str, tuple[time, time]] = {}
    if day in HOLIDAYS:
        hours["MCX"] = (time(17, 0), time(23, 55))
    elif day.weekday() < 5:
        hours.update(_HOURS)
    if day.weekday() >= 5:
        hours["CRYPTO"] = _ALL_DAY
    data = [
        {
            "exchange": name,
            "start_time": _milliseconds(day, begin),
            "end_time": _milliseconds(day, end),
        }
        for name, (begin, end) in hours.items()
    ]
    return Answer(200, {"status": "success", "data": data})


ANSWERS: dict[str, Callable[["PaperServer", dict[str, Any], datetime], Answer]] = {
    "market/holidays": holidays,
    "market/timings": timings,
}
