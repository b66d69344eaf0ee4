"""Domain values to JSON and back, without loss: amounts as text, dates as ISO."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import date
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any
from typing import TypeVar

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """JSON-ready form of a frozen dataclass, tuple, enum, amount or instant."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], raw: Any) -> T:
    """The value of type `kind` that `to_json` wrote. Raises TypeError for a type it can't build."""
    found: T = _build(kind, raw)
    return found


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, raw: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if raw is None:
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
        return _build(kind, raw)
    if origin is tuple:
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_build(inner[0], item) for item in raw)
        return tuple(_build(k, item) for k, item in zip(inner, raw, strict=True))
    return _build_plain(kind, raw)


def _build_plain(kind: Any, raw: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], item) for name, item in raw.items()})
    if hasattr(kind, "_fields"):  # a NamedTuple such as Instrument
        hints = _hints(kind)
        return kind(*(_build(hints[n], item) for n, item in zip(kind._fields, raw, strict=True)))
    if kind is Decimal:
        return Decimal(raw)
    if kind in (datetime, date):
        return kind.fromisoformat(raw)
    if kind in (int, str, bool) or typing.get_origin(kind) is typing.Literal:
        return raw
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(raw)
    raise TypeError(f"cannot read a {kind}")
