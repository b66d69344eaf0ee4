"""What goes wrong on purpose: seeded, by probability or by count, and counted."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Literal

FaultKind = Literal[
    "delay", "drop_reply", "http_429", "http_500_after_accept", "reject_late", "partial_fill",
    "duplicate_update", "reorder_update", "mute_feed", "disconnect", "zero_ltp", "stale_ltp",
    "token_death", "semi_auto", "success_without_id", "orderbook_empty", "orderbook_short",
    "positionbook_lag", "hang", "market_as_limit", "cancel_loses_race",
]  # fmt: skip
"""Transport kinds (delay, drop_reply, http_429, http_500_after_accept, hang, disconnect,
mute_feed) are carried out by whoever speaks to the client; the others by the exchange.
drop_reply and http_500_after_accept strike placeorder, modifyorder and cancelorder alike: a rule
without an endpoint means all three. cancel_loses_race: the order fills, then its cancel is refused.
"""


@dataclass(slots=True, kw_only=True)
class FaultRule:
    """`count` uses are left (None = no limit); each use happens with `probability`."""

    kind: FaultKind
    probability: float = 1.0
    count: int | None = None
    endpoint: str | None = None
    seconds: float = 1.0
    part: float = 0.5


@dataclass(slots=True)
class FaultPlan:
    """All rules of one key. The same seed and calls give the same faults."""

    rules: list[FaultRule] = field(default_factory=list)
    seed: int = 0
    injected: Counter[str] = field(default_factory=Counter)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"faults-{self.seed}")

    def draw(self, kind: FaultKind, endpoint: str = "") -> FaultRule | None:
        """The rule that strikes now, or None; a rule with a count uses one up."""
        for rule in self.rules:
            if rule.kind != kind or rule.count == 0:
                continue
            if rule.endpoint is not None and rule.endpoint != endpoint:
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            if rule.count is not None:
                rule.count -= 1
            self.injected[kind] += 1
            return rule
        return None


def plan_from(raw: Sequence[Mapping[str, object]], *, seed: int = 0) -> FaultPlan:
    """A plan from JSON objects with the fields of FaultRule; TypeError names an unknown field."""
    return FaultPlan(rules=[FaultRule(**rule) for rule in raw], seed=seed)  # type: ignore[arg-type]


def load_faults(path: Path, *, seed: int = 0) -> FaultPlan:
    return plan_from(json.loads(path.read_text()), seed=seed)
