"""What an account looks like: as typed, as shown, as tested, as an address with its key."""

from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from urllib.parse import urlsplit

from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import MarketOrders
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import AccountProfile
from algomirror.services.account_form import pace_of
from algomirror.services.account_form import window_of
from algomirror.store.tables import TradingAccount

PALETTE = ("sky", "violet", "pink", "steel", "periwinkle", "orchid", "ice", "lavender", "slate",
           "rose-grey", "denim", "sand")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAddress:
    """Where an account's OpenAlgo is; never printed with its key."""

    host_url: str
    websocket_url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedProbe:
    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountForm:
    """As typed."""

    account_name: str = ""
    host_url: str = "http://127.0.0.1:5000"
    websocket_url: str = "ws://127.0.0.1:8765"
    api_key: str = field(default="", repr=False)
    group: str = ""
    colour: str = ""
    is_active: bool = True
    max_orders_per_second: str = "10"
    max_orders_per_minute: str = ""
    max_orders_per_day: str = ""
    chase_by: str = ChaseBy.REPLACE
    market_orders: str = MarketOrders.ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """What pages may see; the key only by its last four characters."""

    id: int
    name: str
    broker_name: str
    host_url: str
    websocket_url: str
    key_last4: str
    is_primary: bool
    backup_rank: int | None
    is_active: bool
    colour: str
    group: str
    max_orders_per_second: int
    created_at: datetime
    max_orders_per_minute: int | None = None
    max_orders_per_day: int | None = None
    chase_by: ChaseBy = ChaseBy.REPLACE
    market_orders: MarketOrders = MarketOrders.ALLOWED
    key_readable: bool = True
    """False when the stored key was written with another encryption key: it must be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionResult:
    """What a test found. `of` is the address that was tested: it proves no other."""

    ok: bool
    sentence: str
    broker_name: str = ""
    milliseconds: int = 0
    mode: TradingMode = TradingMode.UNKNOWN
    feed_ok: bool = False
    feed_sentence: str = ""
    of: AccountAddress | None = None

    def proves(self, address: AccountAddress) -> bool:
        if not self.ok or self.of is None:
            return self.ok
        return (self.of.host_url, self.of.api_key) == (address.host_url, address.api_key)


def free_colour(others: list[TradingAccount]) -> str:
    """The first colour nobody has, else round the palette again."""
    used = {row.colour for row in others}
    free = [c for c in PALETTE if c not in used]
    return free[0] if free else PALETTE[len(others) % len(PALETTE)]


def shown(view: AccountView) -> dict[str, object]:
    """The fields of an account that an audit row names."""
    return {
        "name": view.name,
        "host_url": view.host_url,
        "websocket_url": view.websocket_url,
        "group": view.group,
        "colour": view.colour,
        "is_active": view.is_active,
        "max_orders_per_second": view.max_orders_per_second,
        "max_orders_per_minute": view.max_orders_per_minute,
        "max_orders_per_day": view.max_orders_per_day,
        "chase_by": view.chase_by.value,
        "market_orders": view.market_orders.value,
    }


def put_limits(row: TradingAccount, form: AccountForm) -> None:
    """The checked form's budget and ways into the row."""
    row.max_orders_per_second = pace_of(form.max_orders_per_second)
    row.max_orders_per_minute = window_of(form.max_orders_per_minute)
    row.max_orders_per_day = window_of(form.max_orders_per_day)
    row.chase_by = ChaseBy(form.chase_by).value
    row.market_orders = MarketOrders(form.market_orders).value


def view_of(row: TradingAccount) -> AccountView:
    return AccountView(
        id=row.id or 0,
        name=row.account_name,
        broker_name=row.broker_name,
        host_url=row.host_url,
        websocket_url=row.websocket_url,
        key_last4=row.key_last4,
        is_primary=row.is_primary,
        backup_rank=row.backup_rank,
        is_active=row.is_active,
        colour=row.colour,
        group=row.group,
        max_orders_per_second=row.max_orders_per_second,
        max_orders_per_minute=row.max_orders_per_minute,
        max_orders_per_day=row.max_orders_per_day,
        chase_by=ChaseBy(row.chase_by),
        market_orders=MarketOrders(row.market_orders),
        created_at=row.created_at,
    )


def is_loopback(host_url: str) -> bool:
    """Whether OpenAlgo runs on this very machine."""
    host = urlsplit(host_url).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def profile_of(row: TradingAccount) -> AccountProfile:
    return AccountProfile(
        id=row.id or 0,
        name=row.account_name,
        broker_name=row.broker_name,
        colour=row.colour,
        is_primary=row.is_primary,
        is_active=row.is_active,
        backup_rank=row.backup_rank,
        max_orders_per_second=row.max_orders_per_second,
        is_loopback=is_loopback(row.host_url),
        max_orders_per_minute=row.max_orders_per_minute,
        max_orders_per_day=row.max_orders_per_day,
        chase_by=ChaseBy(row.chase_by),
        market_orders=MarketOrders(row.market_orders),
    )
