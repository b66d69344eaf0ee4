"""Trading accounts: add with a test, edit, delete, primary; keys encrypted, never shown."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import update
from sqlmodel import Session
from sqlmodel import col
from sqlmodel import select

from algomirror.clock import Clock
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Broker
from algomirror.errors import AlgoMirrorError
from algomirror.errors import BrokerError
from algomirror.errors import InvalidInput
from algomirror.services.account_form import CONTROL
from algomirror.services.account_form import check_key
from algomirror.services.account_form import check_pace
from algomirror.services.account_form import check_url
from algomirror.services.activity import ActivityLog
from algomirror.services.cipher import Cipher
from algomirror.services.cipher import Undecipherable
from algomirror.services.users import InvalidInputs
from algomirror.store.db import Database
from algomirror.store.tables import StrategyAccount
from algomirror.store.tables import TradingAccount

PALETTE = ("sky", "violet", "pink", "steel", "periwinkle", "orchid", "ice", "lavender", "slate",
           "rose-grey", "denim", "sand")  # fmt: skip


class AccountInUse(AlgoMirrorError):  # noqa: N818 - a sentence for the person
    """Open positions or working orders keep an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAddress:
    host_url: str
    websocket_url: str
    api_key: str


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
    api_key: str = ""
    group: str = ""
    colour: str = ""
    is_active: bool = True
    max_orders_per_second: str = "10"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionResult:
    ok: bool
    sentence: str
    broker_name: str = ""
    milliseconds: int = 0
    mode: TradingMode = TradingMode.UNKNOWN
    feed_ok: bool = False
    feed_sentence: str = ""


class AccountService:
    """Safe for several threads. `on_change` hears of a profile, or of an id that is gone."""

    def __init__(
        self,
        *,
        db: Database,
        cipher: Cipher,
        clock: Clock,
        activity: ActivityLog,
        connect: Callable[[AccountAddress], Broker],
        probe_feed: Callable[[AccountAddress], FeedProbe],
        on_change: Callable[[AccountProfile | int], None],
        holdings: Callable[[int], tuple[int, int]],
    ) -> None:
        self._db = db
        self._cipher = cipher
        self._clock = clock
        self._activity = activity
        self._connect = connect
        self._probe_feed = probe_feed
        self._on_change = on_change
        self._holdings = holdings
        self._changing = threading.Lock()

    # --- reading --------------------------------------------------------------------------
    def all(self) -> list[AccountView]:
        """Accounts that are not archived; the primary first, then by rank."""
        with self._db.session() as session:
            rows = self._living(session)
        return [_view(r) for r in rows]

    def get(self, account_id: int) -> AccountView | None:
        return next((a for a in self.all() if a.id == account_id), None)

    def profiles(self) -> list[AccountProfile]:
        with self._db.session() as session:
            return [_profile(r) for r in self._living(session)]

    def address(self, account_id: int) -> AccountAddress:
        """With the decrypted key. Undecipherable when the encryption key is another one."""
        with self._db.session() as session:
            row = session.get(TradingAccount, account_id)
        if row is None:
            raise KeyError(account_id)
        return AccountAddress(
            host_url=row.host_url,
            websocket_url=row.websocket_url,
            api_key=self._cipher.decrypt(row.api_key_encrypted),
        )

    def _living(self, session: Session) -> list[TradingAccount]:
        query = select(TradingAccount).where(col(TradingAccount.archived_at).is_(None))
        rows = list(session.exec(query))
        rows.sort(key=lambda r: (not r.is_primary, r.backup_rank or 0, r.id or 0))
        return rows

    # --- checking -------------------------------------------------------------------------
    def check(self, form: AccountForm, *, editing_id: int | None = None) -> list[InvalidInput]:
        """A sentence for every field that cannot be saved."""
        problems = [
            p
            for p in (
                self._check_name(form.account_name, editing_id),
                check_url("host_url", form.host_url, ("http", "https")),
                check_url("websocket_url", form.websocket_url, ("ws", "wss")),
                check_key(form.api_key, editing_id),
                check_pace(form.max_orders_per_second),
            )
            if p is not None
        ]
        if len(form.group) > 40:
            problems.append(InvalidInput("group", "At most 40 characters."))
        if form.colour and form.colour not in PALETTE:
            problems.append(InvalidInput("colour", "Choose a colour of the list."))
        return problems

    def _check_name(self, name: str, editing_id: int | None) -> InvalidInput | None:
        plain = name.strip()
        if not 3 <= len(plain) <= 100 or CONTROL.search(plain):
            return InvalidInput("account_name", "3 to 100 characters.")
        with self._db.session() as session:
            for row in self._living(session):
                if row.account_name.lower() == plain.lower() and row.id != editing_id:
                    return InvalidInput("account_name", "Another account has this name.")
        return None

    def test(self, form: AccountForm, *, editing_id: int | None = None) -> ConnectionResult:
        """Ping by REST, then the WebSocket; the sentence says what is wrong and what to do."""
        try:
            address = self._address_of(form, editing_id)
        except Undecipherable:
            return ConnectionResult(
                ok=False, sentence="The stored key cannot be decrypted. Type it."
            )
        begun = time.monotonic()
        broker = self._connect(address)
        try:
            name = broker.ping()
            took = round((time.monotonic() - begun) * 1000)
            mode = broker.mode()
        except BrokerError as failed:
            return ConnectionResult(ok=False, sentence=failed.sentence)
        finally:
            broker.close()
        feed = self._probe_feed(address)
        sentence = f"Connected to {name} in {took} ms."
        if not feed.ok:
            sentence = f"Orders will work, live data will not: {feed.sentence}"
        return ConnectionResult(
            ok=True,
            sentence=sentence,
            broker_name=name,
            milliseconds=took,
            mode=mode,
            feed_ok=feed.ok,
            feed_sentence=feed.sentence,
        )

    def _address_of(self, form: AccountForm, editing_id: int | None) -> AccountAddress:
        key = form.api_key.strip()
        if not key and editing_id is not None:
            key = self.address(editing_id).api_key
        return AccountAddress(
            host_url=form.host_url.strip().rstrip("/"),
            websocket_url=form.websocket_url.strip(),
            api_key=key,
        )

    # --- changing -------------------------------------------------------------------------
    def add(self, form: AccountForm, *, by: str, tested: ConnectionResult | None) -> AccountView:
        """A new account; without a successful test it is stored inactive. InvalidInputs."""
        problems = self.check(form)
        if problems:
            raise InvalidInputs(problems)
        passed = tested is not None and tested.ok
        now = self._clock.now()
        with self._changing, self._db.session() as session:
            others = self._living(session)
            ranks = [r.backup_rank or 0 for r in others]
            row = TradingAccount(
                account_name=form.account_name.strip(),
                broker_name=tested.broker_name if tested else "",
                host_url=form.host_url.strip().rstrip("/"),
                websocket_url=form.websocket_url.strip(),
                api_key_encrypted=self._cipher.encrypt(form.api_key.strip()),
                key_last4=form.api_key.strip()[-4:],
                group=form.group.strip(),
                colour=form.colour or PALETTE[len(others) % len(PALETTE)],
                is_primary=not others,
                backup_rank=None if not others else max(ranks, default=0) + 1,
                is_active=form.is_active and passed,
                max_orders_per_second=int(form.max_orders_per_second),
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            session.flush()
            view, profile = _view(row), _profile(row)
        self._activity.record(by, "account_added", object_text=view.name, account_id=view.id)
        self._on_change(profile)
        return view

    def edit(
        self, account_id: int, form: AccountForm, *, by: str, tested: ConnectionResult | None
    ) -> AccountView:
        """A blank key keeps the stored one. A changed host or key needs a successful test."""
        problems = self.check(form, editing_id=account_id)
        if problems:
            raise InvalidInputs(problems)
        with self._db.session() as session:
            row = session.get(TradingAccount, account_id)
            if row is None or row.archived_at is not None:
                raise KeyError(account_id)
            moved = row.host_url != form.host_url.strip().rstrip("/") or bool(form.api_key.strip())
            row.account_name = form.account_name.strip()
            row.host_url = form.host_url.strip().rstrip("/")
            row.websocket_url = form.websocket_url.strip()
            if form.api_key.strip():
                row.api_key_encrypted = self._cipher.encrypt(form.api_key.strip())
                row.key_last4 = form.api_key.strip()[-4:]
            row.group = form.group.strip()
            row.colour = form.colour or row.colour
            row.max_orders_per_second = int(form.max_orders_per_second)
            passed = tested is not None and tested.ok
            row.is_active = form.is_active and (passed or not moved)
            if tested is not None and tested.ok:
                row.broker_name = tested.broker_name
            row.updated_at = self._clock.now()
            session.add(row)
            view, profile = _view(row), _profile(row)
        self._activity.record(by, "account_edited", object_text=view.name, account_id=view.id)
        self._on_change(profile)
        return view

    def make_primary(self, account_id: int, *, by: str) -> None:
        """One transaction: there is exactly one primary at every moment."""
        with self._changing, self._db.session() as session:
            self._switch_primary(session, account_id)
            profile = _profile(session.get_one(TradingAccount, account_id))
        self._activity.record(by, "primary_changed", account_id=account_id)
        self._on_change(profile)

    def _switch_primary(self, session: Session, account_id: int) -> None:
        rows = self._living(session)
        new = next(r for r in rows if r.id == account_id)
        if new.is_primary:
            return
        session.execute(
            update(TradingAccount)
            .where(col(TradingAccount.is_primary))
            .values(is_primary=False, backup_rank=new.backup_rank)
        )
        session.execute(
            update(TradingAccount)
            .where(col(TradingAccount.id) == account_id)
            .values(is_primary=True, backup_rank=None)
        )
        session.flush()
        session.expire_all()

    def delete(self, account_id: int, *, by: str, new_primary_id: int | None = None) -> None:
        """Archive: key erased, history kept. AccountInUse while positions or orders are open."""
        positions, orders = self._holdings(account_id)
        if positions or orders:
            what = f"{positions} open positions" if positions else f"{orders} working orders"
            raise AccountInUse(
                f"{what}. Exit them first, or deactivate the account to stop new entries."
            )
        with self._changing, self._db.session() as session:
            row = session.get_one(TradingAccount, account_id)
            heirs = [r for r in self._living(session) if r.id != account_id]
            if row.is_primary and heirs:
                heir = next((r for r in heirs if r.id == new_primary_id), heirs[0])
                self._switch_primary(session, heir.id or 0)
                row = session.get_one(TradingAccount, account_id)
            row.is_primary = False
            row.is_active = False
            row.api_key_encrypted = ""
            row.key_last4 = ""
            row.archived_at = self._clock.now()
            session.add(row)
            for link in session.exec(
                select(StrategyAccount).where(StrategyAccount.account_id == account_id)
            ):
                session.delete(link)
            profiles = [_profile(r) for r in heirs]
            name = row.account_name
        self._activity.record(by, "account_deleted", object_text=name, account_id=account_id)
        self._on_change(account_id)
        with self._db.session() as session:
            profiles = [_profile(r) for r in self._living(session)]
        for profile in profiles:
            self._on_change(profile)

    def strategies_using(self, account_id: int) -> int:
        """How many strategies name it, for the confirmation."""
        with self._db.session() as session:
            query = select(func.count()).select_from(StrategyAccount)
            return session.exec(query.where(StrategyAccount.account_id == account_id)).one()


def _view(row: TradingAccount) -> AccountView:
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
        created_at=row.created_at,
    )


def _profile(row: TradingAccount) -> AccountProfile:
    return AccountProfile(
        id=row.id or 0,
        name=row.account_name,
        broker_name=row.broker_name,
        colour=row.colour,
        is_primary=row.is_primary,
        is_active=row.is_active,
        backup_rank=row.backup_rank,
        max_orders_per_second=row.max_orders_per_second,
    )
