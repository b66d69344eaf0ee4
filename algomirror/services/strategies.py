"""Designs: save, list, duplicate, archive; a save from an older copy is refused, not lost."""

import threading
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session
from sqlmodel import col
from sqlmodel import select

from algomirror.clock import Clock
from algomirror.domain.draft import draft_of
from algomirror.domain.draft import parse_draft
from algomirror.domain.instrument import OptionType
from algomirror.domain.instrument import Product
from algomirror.domain.order import PriceType
from algomirror.domain.order import Side
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import ExpiryRule
from algomirror.domain.strategy import HedgePolicy
from algomirror.domain.strategy import Leg
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import RiskAction
from algomirror.domain.strategy import Strategy
from algomirror.domain.strategy import StrikeRule
from algomirror.domain.strategy import UnbalancedPolicy
from algomirror.errors import AlgoMirrorError
from algomirror.errors import InvalidInput
from algomirror.services.activity import ActivityLog
from algomirror.services.users import InvalidInputs
from algomirror.store.db import Database
from algomirror.store.tables import StrategyAccount
from algomirror.store.tables import StrategyLeg
from algomirror.store.tables import StrategyRow
from algomirror.store.tables import TradingAccount


class SaveConflict(AlgoMirrorError):  # noqa: N818 - a sentence for the person
    """Someone saved a newer version meanwhile."""


class StrategyService:
    """Safe for several threads; saves are one at a time."""

    def __init__(self, db: Database, clock: Clock, activity: ActivityLog) -> None:
        self._db = db
        self._clock = clock
        self._activity = activity
        self._saving = threading.Lock()

    def all(self, *, archived: bool = False) -> list[Strategy]:
        with self._db.session() as session:
            query = select(StrategyRow).order_by(col(StrategyRow.id))
            rows = [r for r in session.exec(query) if (r.archived_at is not None) == archived]
            return [self._to_domain(session, r) for r in rows]

    def get(self, strategy_id: int) -> Strategy | None:
        with self._db.session() as session:
            row = session.get(StrategyRow, strategy_id)
            return self._to_domain(session, row) if row is not None else None

    def save(self, strategy: Strategy, *, by: str) -> Strategy:
        """Id 0 is new. InvalidInputs for what cannot be; SaveConflict when `version` is old."""
        now = self._clock.now()
        with self._saving, self._db.session() as session:
            self._refuse_bad(session, strategy)
            row = session.get(StrategyRow, strategy.id) if strategy.id else None
            _refuse_conflict(strategy, row, now)
            before = _columns(self._to_domain(session, row)) if row is not None else {}
            version = row.version + 1 if row is not None else 1
            fields = {**_columns(strategy), "version": version, "updated_at": now}
            if row is None:
                row = StrategyRow(created_at=now, **fields)
            for name, value in fields.items():
                setattr(row, name, value)
            session.add(row)
            session.flush()
            legs = self._save_parts(session, row.id or 0, strategy)
            saved = replace(strategy, id=row.id or 0, legs=legs, version=version, updated_at=now)
        self._activity.record(
            by,
            "strategy_saved",
            object_text=saved.name,
            strategy_id=saved.id,
            details=_changes(before, _columns(saved)),
        )
        return saved

    def duplicate(self, strategy_id: int, *, by: str) -> Strategy:
        original = self._needed(strategy_id)
        names = {s.name.casefold() for s in self.all()}
        number, name = 2, f"{original.name[:90]} copy"
        while name.casefold() in names:
            name, number = f"{original.name[:90]} copy {number}", number + 1
        return self.save(replace(original, id=0, name=name, version=1), by=by)

    def set_active(self, strategy_id: int, flag: bool, *, by: str) -> None:
        """Inactive blocks new runs only."""
        self._change(strategy_id, by, "activated" if flag else "deactivated", is_active=flag)

    def archive(self, strategy_id: int, *, by: str) -> None:
        self._change(strategy_id, by, "archived", archived_at=self._clock.now())

    def restore(self, strategy_id: int, *, by: str) -> None:
        """InvalidInputs when its name is in use by now."""
        with self._db.session() as session:
            row = session.get_one(StrategyRow, strategy_id)
            _refuse_taken_name(session, row.name, strategy_id)
        self._change(strategy_id, by, "restored", archived_at=None)

    def _change(self, strategy_id: int, by: str, action: str, **fields: object) -> None:
        with self._saving, self._db.session() as session:
            row = session.get_one(StrategyRow, strategy_id)
            for name, value in fields.items():
                setattr(row, name, value)
            session.add(row)
            name = row.name
        self._activity.record(by, f"strategy_{action}", object_text=name, strategy_id=strategy_id)

    def _needed(self, strategy_id: int) -> Strategy:
        found = self.get(strategy_id)
        if found is None:
            raise KeyError(strategy_id)
        return found

    def _refuse_bad(self, session: Session, strategy: Strategy) -> None:
        """The builder has checked; whoever else saves is held to the same rules."""
        query = select(TradingAccount.id).where(col(TradingAccount.archived_at).is_(None))
        known = [i for i in session.exec(query) if i is not None]
        _, problems = parse_draft(draft_of(strategy), account_ids=known)
        if problems:
            raise InvalidInputs(problems)
        _refuse_taken_name(session, strategy.name, strategy.id)

    def _save_parts(
        self, session: Session, strategy_id: int, strategy: Strategy
    ) -> tuple[Leg, ...]:
        for model in (StrategyLeg, StrategyAccount):
            for old in session.exec(select(model).where(model.strategy_id == strategy_id)):
                session.delete(old)
        session.flush()
        legs = []
        for number, leg in enumerate(strategy.legs, start=1):
            row = _leg_row(strategy_id, number, leg)
            session.add(row)
            session.flush()
            legs.append(replace(leg, id=row.id or 0, leg_number=number))
        lots = dict(strategy.custom_lots)
        for account_id in strategy.account_ids:
            session.add(
                StrategyAccount(
                    strategy_id=strategy_id,
                    account_id=account_id,
                    custom_lots=lots.get(account_id),
                )
            )
        return tuple(legs)

    def _to_domain(self, session: Session, row: StrategyRow) -> Strategy:
        legs = session.exec(
            select(StrategyLeg)
            .where(StrategyLeg.strategy_id == row.id)
            .order_by(col(StrategyLeg.leg_number))
        )
        links = list(
            session.exec(select(StrategyAccount).where(StrategyAccount.strategy_id == row.id))
        )
        return Strategy(
            id=row.id or 0,
            name=row.name,
            description=row.description,
            legs=tuple(_to_leg(r) for r in legs),
            account_ids=tuple(link.account_id for link in links),
            custom_lots=tuple((link.account_id, link.custom_lots or 1) for link in links),
            product=Product(row.product_order_type),
            max_loss=row.max_loss,
            max_loss_action=RiskAction(row.max_loss_action),
            max_profit=row.max_profit,
            max_profit_action=RiskAction(row.max_profit_action),
            hedge_timeout_s=row.hedge_timeout_s,
            hedge_timeout_policy=HedgePolicy(row.hedge_timeout_policy),
            entry_timeout_s=row.entry_timeout_s,
            entry_timeout_policy=RemainderPolicy(row.entry_timeout_policy),
            unbalanced_policy=UnbalancedPolicy(row.unbalanced_policy)
            if row.unbalanced_policy
            else None,
            entry_order_mode=EntryOrderMode(row.entry_order_mode),
            exit_order_mode=ExitOrderMode(row.exit_order_mode),
            is_active=row.is_active,
            version=row.version,
            archived_at=row.archived_at,
            updated_at=row.updated_at,
        )


def _refuse_taken_name(session: Session, name: str, strategy_id: int) -> None:
    query = select(StrategyRow).where(col(StrategyRow.archived_at).is_(None))
    for row in session.exec(query):
        if row.name.casefold() == name.casefold() and row.id != strategy_id:
            raise InvalidInputs([InvalidInput("name", "Another strategy has this name.")])


def _refuse_conflict(strategy: Strategy, row: StrategyRow | None, now: datetime) -> None:
    if row is None and strategy.id:
        raise SaveConflict("This strategy no longer exists. Save as copy.")
    if row is None:
        return
    if row.archived_at is not None:
        raise SaveConflict("This strategy was archived. Restore it or save as copy.")
    if row.version != strategy.version:
        raise SaveConflict(
            f"This strategy was changed at {row.updated_at.astimezone(now.tzinfo):%H:%M} "
            "in another window. Reload or save as copy."
        )


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What an audit row tells: old and new value of each field that differs."""
    return {
        name: {"before": _plain(before[name]), "after": _plain(value)}
        for name, value in after.items()
        if before and before[name] != value
    }


def _plain(value: object) -> object:
    return format(value, "f") if isinstance(value, Decimal) else value


def _columns(strategy: Strategy) -> dict[str, Any]:
    policy = strategy.unbalanced_policy
    return {
        "name": strategy.name,
        "description": strategy.description,
        "product_order_type": strategy.product.value,
        "max_loss": strategy.max_loss,
        "max_loss_action": strategy.max_loss_action.value,
        "max_profit": strategy.max_profit,
        "max_profit_action": strategy.max_profit_action.value,
        "hedge_timeout_s": strategy.hedge_timeout_s,
        "hedge_timeout_policy": strategy.hedge_timeout_policy.value,
        "entry_timeout_s": strategy.entry_timeout_s,
        "entry_timeout_policy": strategy.entry_timeout_policy.value,
        "unbalanced_policy": policy.value if policy else None,
        "entry_order_mode": strategy.entry_order_mode.value,
        "exit_order_mode": strategy.exit_order_mode.value,
    }


def _leg_row(strategy_id: int, number: int, leg: Leg) -> StrategyLeg:
    return StrategyLeg(
        strategy_id=strategy_id,
        leg_number=number,
        instrument=leg.underlying,
        expiry=leg.expiry.value,
        action=leg.side.value,
        option_type=leg.option_type.value if leg.option_type else None,
        strike_selection=leg.strike_rule.value,
        strike_offset=leg.strike_offset,
        strike_price=leg.strike_price,
        lots=leg.lots,
        order_type=leg.price_type.value,
        limit_price=leg.limit_price,
        trigger_price=leg.trigger_price,
    )


def _to_leg(row: StrategyLeg) -> Leg:
    return Leg(
        id=row.id or 0,
        leg_number=row.leg_number,
        underlying=row.instrument,
        expiry=ExpiryRule(row.expiry),
        side=Side(row.action),
        option_type=OptionType(row.option_type) if row.option_type else None,
        strike_rule=StrikeRule(row.strike_selection),
        strike_offset=row.strike_offset,
        strike_price=row.strike_price,
        lots=row.lots,
        price_type=PriceType(row.order_type),
        limit_price=row.limit_price,
        trigger_price=row.trigger_price,
    )
