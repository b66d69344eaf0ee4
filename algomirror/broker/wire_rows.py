"""Book rows are read each second and seldom change: equal rows are parsed once. Pure."""

from collections.abc import Callable
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from typing import TypeVar

from algomirror.domain.instrument import Exchange
from algomirror.domain.instrument import Instrument

Row = Mapping[str, Any]
Found = TypeVar("Found")
ROWS_KEPT = 4096


@lru_cache(maxsize=ROWS_KEPT)
def named(symbol: str, exchange: str) -> Instrument:
    """One object for each; ValueError for an exchange that is none of ours."""
    return Instrument(symbol, Exchange(exchange.upper()))


def parsed_once(parse: Callable[[Row], Found]) -> Callable[[Row], Found]:
    """Rows with equal cells (of equal types) give the same value without parsing them again."""

    @lru_cache(maxsize=ROWS_KEPT, typed=True)
    def known(names: tuple[str, ...], *cells: Any) -> Found:
        return parse(dict(zip(names, cells, strict=True)))

    def parse_row(row: Row) -> Found:
        try:
            return known(tuple(row), *row.values())
        except TypeError:  # a cell that is itself a list or an object
            return parse(row)

    return parse_row
