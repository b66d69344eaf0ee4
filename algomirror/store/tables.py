"""Tables of people, accounts and strategies; tables_trading.py has those the engine writes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON
from sqlalchemy import Column
from sqlalchemy import Index
from sqlalchemy import text
from sqlmodel import Field
from sqlmodel import SQLModel

from algomirror.store.columns import Instant
from algomirror.store.columns import Rupees


def instant(*, nullable: bool = False, index: bool = False) -> Any:
    default = None if nullable else ...
    return Field(default, sa_column=Column(Instant, nullable=nullable, index=index))


def rupees(*, nullable: bool = False) -> Any:
    return Field(None if nullable else ..., sa_column=Column(Rupees, nullable=nullable))


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(unique=True, max_length=20)
    email: str = Field(max_length=254)
    password_hash: str
    is_active: bool = True
    is_admin: bool = True
    session_epoch: int = 0
    created_at: datetime = instant()
    last_login: datetime | None = instant(nullable=True)


class LoginSession(SQLModel, table=True):
    __tablename__ = "login_sessions"
    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True)
    user_id: int = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    created_at: datetime = instant()
    last_seen: datetime = instant()
    expires_at: datetime = instant()
    remember: bool = False
    address: str = ""
    revoked_at: datetime | None = instant(nullable=True)


class TradingAccount(SQLModel, table=True):
    __tablename__ = "trading_accounts"
    __table_args__ = (
        Index(
            "one_primary",
            "is_primary",
            unique=True,
            sqlite_where=text("is_primary AND archived_at IS NULL"),
            postgresql_where=text("is_primary AND archived_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    account_name: str = Field(max_length=100)
    broker_name: str = ""
    host_url: str
    websocket_url: str
    api_key_encrypted: str = ""
    key_last4: str = ""
    group: str = ""
    colour: str
    is_primary: bool = False
    backup_rank: int | None = None
    is_active: bool = True
    max_orders_per_second: int = 10
    max_orders_per_minute: int | None = None
    max_orders_per_day: int | None = None
    chase_by: str = "replace"
    market_orders: str = "allowed"
    created_at: datetime = instant()
    updated_at: datetime = instant()
    archived_at: datetime | None = instant(nullable=True)


class ActivityLog(SQLModel, table=True):
    __tablename__ = "activity_logs"
    seq: int = Field(primary_key=True)
    previous_hash: str
    hash: str
    at: datetime = instant(index=True)
    actor: str
    action: str
    object_text: str = ""
    account_id: int | None = None
    strategy_id: int | None = None
    run_id: int | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    ip_address: str = ""
    status: str = "success"
    error_message: str = ""


class StrategyRow(SQLModel, table=True):
    __tablename__ = "strategies"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, index=True)
    description: str = ""
    product_order_type: str
    max_loss: Decimal | None = rupees(nullable=True)
    max_loss_action: str
    max_profit: Decimal | None = rupees(nullable=True)
    max_profit_action: str
    hedge_timeout_s: int
    hedge_timeout_policy: str
    entry_timeout_s: int
    entry_timeout_policy: str
    unbalanced_policy: str | None = None
    entry_order_mode: str = "as_leg"
    exit_order_mode: str = "market"
    is_active: bool = True
    version: int = 1
    created_at: datetime = instant()
    updated_at: datetime = instant()
    archived_at: datetime | None = instant(nullable=True)


class StrategyLeg(SQLModel, table=True):
    __tablename__ = "strategy_legs"
    id: int | None = Field(default=None, primary_key=True)
    strategy_id: int = Field(foreign_key="strategies.id", ondelete="CASCADE", index=True)
    leg_number: int
    instrument: str
    expiry: str
    action: str
    option_type: str | None = None
    strike_selection: str
    strike_offset: int
    strike_price: Decimal | None = rupees(nullable=True)
    lots: int
    order_type: str
    limit_price: Decimal | None = rupees(nullable=True)
    trigger_price: Decimal | None = rupees(nullable=True)


class StrategyAccount(SQLModel, table=True):
    __tablename__ = "strategy_accounts"
    strategy_id: int = Field(foreign_key="strategies.id", ondelete="CASCADE", primary_key=True)
    account_id: int = Field(foreign_key="trading_accounts.id", primary_key=True)
    custom_lots: int | None = None


class AppSetting(SQLModel, table=True):
    __tablename__ = "app_settings"
    key: str = Field(primary_key=True)
    value: str
    updated_at: datetime = instant()


class EngineLease(SQLModel, table=True):
    __tablename__ = "engine_leases"
    id: int = Field(default=1, primary_key=True)
    holder: str
    epoch: int
    since: datetime = instant()


class AppliedMigration(SQLModel, table=True):
    __tablename__ = "applied_migrations"
    revision: str = Field(primary_key=True)
    at: datetime = instant()
