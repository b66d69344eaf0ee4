"""How many lots an account gets, in how many orders, and how long those take."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR
from decimal import Decimal
from functools import reduce
from math import ceil
from math import gcd

from algomirror.domain.money import grouped

FAT_FINGER_LOTS = 100
"""Most lots of one leg on one account, whatever the sum says (product.md 10.4)."""
MAX_SLICES = 10
"""Most entry orders of one leg on one account; an exit is never capped (product.md 5.3)."""
SERVER_PER_SECOND = 10
"""What OpenAlgo's own limiter lets through at each order endpoint, whatever the broker allows."""
KEPT_PER_SECOND = 2
RESERVE_FROM = 5
MINUTE_S = 60


# --- orders -----------------------------------------------------------------------------------
def slices(quantity: int, lot_size: int, freeze_quantity: int) -> list[int]:
    """Order sizes in units that sum to `quantity`, each at most the freeze limit in whole lots.

    A freeze quantity of 0 or 1 means "unknown" (product.md 5.3): one order; the caller decides
    on a limit of its own before. NIFTY 3,900 with lot 65 and freeze 1,800 -> 1755, 1755, 390.
    """
    if quantity <= 0:
        return []
    if freeze_quantity <= 1:
        return [quantity]
    largest = max(freeze_quantity // lot_size, 1) * lot_size
    whole, rest = divmod(quantity, largest)
    return [largest] * whole + ([rest] if rest else [])


def is_freeze_known(freeze_quantity: int) -> bool:
    """0 and 1 of a broker's list mean that it does not know."""
    return freeze_quantity > 1


def kept_for_exits(per_second: int) -> int:
    """Requests of a second that entries leave free, so that an exit leaves at once (5.4)."""
    return KEPT_PER_SECOND if per_second >= RESERVE_FROM else 0


def exits_per_second(max_orders_per_second: int) -> int:
    """The orders of a second that really leave: the account's limit or OpenAlgo's."""
    return min(max_orders_per_second, SERVER_PER_SECOND)


def entries_per_second(max_orders_per_second: int) -> int:
    """As exits, less what is kept for them in both windows."""
    server = SERVER_PER_SECOND - kept_for_exits(SERVER_PER_SECOND)
    return min(max_orders_per_second - kept_for_exits(max_orders_per_second), server)


def seconds_to_send(orders: int, per_second: int) -> int:
    """The least time the pace allows, without the broker's own; at least 1 where orders leave."""
    return max(ceil(orders / per_second) - 1, 1) if orders > 0 else 0


def entry_seconds(orders: int, per_second: int, per_minute: int | None = None) -> int | None:
    """About how long entries take to leave; None when the minute's budget never has room for all.

    What has filled keeps its own exit free, so each further minute lets half of the rest go.
    """
    seconds = seconds_to_send(orders, entries_per_second(per_second))
    if per_minute is None:
        return seconds
    sent = minutes = 0
    while sent < orders:
        room = (per_minute - sent) // 2
        if room <= 0:
            return None
        sent += room
        minutes += 1
    return seconds + MINUTE_S * max(minutes - 1, 0)


def least_exit_s(orders: int, per_second: int, per_minute: int | None = None) -> int:
    """What an exit of so many orders takes at least, without the broker's own time (5.4)."""
    if orders <= 0:
        return 0
    seconds = ceil(orders / exits_per_second(per_second)) - 1
    if per_minute is None:
        return seconds
    return max(seconds, MINUTE_S * (ceil(orders / per_minute) - 1))


# --- sets -------------------------------------------------------------------------------------
def ratio(lots: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Weights of the legs and the number of sets they make: 2/4 lots are 2 sets of 1:2."""
    if not lots:
        return (), 0
    sets = reduce(gcd, lots)
    return tuple(one // sets for one in lots), sets


@dataclass(frozen=True, slots=True, kw_only=True)
class LotCap:
    """Most lots of one leg; `name` says whose limit it is. `weight` is the leg's lots a set."""

    name: str
    lots: int
    weight: int = 1

    @property
    def sets(self) -> int:
        return max(self.lots, 0) // self.weight


def leg_caps(weight: int, lot_size: int, freeze_quantity: int) -> list[LotCap]:
    """What limits every leg: the global lot limit and its number of slices."""
    caps = [LotCap(name=f"limit of {FAT_FINGER_LOTS} lots a leg", lots=FAT_FINGER_LOTS,
                   weight=weight)]  # fmt: skip
    if is_freeze_known(freeze_quantity):
        most = max(freeze_quantity // lot_size, 1) * MAX_SLICES
        caps.append(LotCap(name=f"limit of {MAX_SLICES} slices a leg", lots=most, weight=weight))
    return caps


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """Sets of one account; `note` names what cut or stopped them, empty if nothing did."""

    sets: int
    note: str = ""


def capped(sets: int, caps: Sequence[LotCap]) -> Sized:
    """The smallest cap wins and is named; caps act on whole sets."""
    tightest = min(caps, key=lambda cap: cap.sets, default=None)
    if tightest is None or tightest.sets >= sets:
        return Sized(sets=sets)
    cut = f"cut from {sets} to {tightest.sets} sets by the {tightest.name}"
    return Sized(sets=tightest.sets, note=cut)


# --- margin -----------------------------------------------------------------------------------
def usable(base: Decimal, percent: Decimal) -> Decimal:
    """The part of an account's funds that a profile may use."""
    return base * percent / 100


def margin_base(*, cash: Decimal, collateral: Decimal, debits: Decimal, cash_only: bool) -> Decimal:
    """Sellers use all that is available; buyers pay with cash (product.md 10.1)."""
    net = cash + collateral - debits
    return min(cash, net) if cash_only else net


def sized_by_margin(money: Decimal, requirement: Decimal, caps: Sequence[LotCap] = ()) -> Sized:
    """Whole sets that `money` (usable) pays for at `requirement` a set, under the caps.

    Zero names both numbers, so that nobody has to guess why an account does not trade.
    """
    if requirement <= 0:
        return Sized(sets=0, note="the margin of one lot is unknown")
    sets = int((money / requirement).to_integral_value(rounding=ROUND_FLOOR))
    if sets <= 0:
        return Sized(
            sets=0,
            note=f"needs {grouped(requirement)} for 1 lot, usable {grouped(money)}",
        )
    return capped(sets, caps)


def smaller(first: Sized, second: Sized) -> Sized:
    """Of two answers (margin, cash for bought legs) the smaller wins, with its reason."""
    return second if second.sets < first.sets else first
