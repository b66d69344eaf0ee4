"""Trading accounts: add with a test, edit, delete, primary; keys encrypted, never shown."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import func
from sqlalchemy import update
from sqlmodel import Session
from sqlmodel import col
from sqlmodel import select

from algomirror.clock import Clock
from algomirror.engine.ports import AccountProfile
from algomirror.engine.ports import Broker
from algomirror.errors import AlgoMirrorError
from algomirror.errors import BrokerError
from algomirror.errors import InvalidInput
from algomirror.services import account_form as fields
from algomirror.services.account_values import PALETTE
from algomirror.services.account_values import AccountAddress
from algomirror.services.account_values import AccountForm
from algomirror.services.account_values import AccountView
from algomirror.services.account_values import ConnectionResult
from algomirror.services.account_values import FeedProbe
from algomirror.services.account_values import free_colour
from algomirror.services.account_values import profile_of
from algomirror.services.account_values import put_limits
from algomirror.services.account_values import shown
from algomirror.services.account_values import view_of
from algomirror.services.activity import ActivityLog
from algomirror.services.cipher import Cipher
from algomirror.services.cipher import Undecipherable
from algomirror.services.users import InvalidInputs
from algomirror.store.db import Database
from algomirror.store.tables import StrategyAccount
from algomirror.store.tables import TradingAccount

__all__ = ["PALETTE", "AccountAddress", "AccountForm", "AccountInUse", "AccountService",
           "AccountView", "ConnectionResult", "FeedProbe"]  # fmt: skip


class AccountInUse(AlgoMirrorError):  # noqa: N818 - a sentence for the person
    """Open positions or working orders keep an account."""


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
        return [replace(view_of(r), key_readable=self._is_readable(r)) for r in rows]

    def _is_readable(self, row: TradingAccount) -> bool:
        try:
            self._cipher.decrypt(row.api_key_encrypted)
        except Undecipherable:
            return False
        return True

    def get(self, account_id: int) -> AccountView | None:
        return next((a for a in self.all() if a.id == account_id), None)

    def profiles(self) -> list[AccountProfile]:
        with self._db.session() as session:
            return [profile_of(r) for r in self._living(session)]

    def address(self, account_id: int) -> AccountAddress:
        """With the decrypted key. Undecipherable when the encryption key is another one."""
        with self._db.session() as session:
            row = self._needed(session, account_id)
        return AccountAddress(
            host_url=row.host_url,
            websocket_url=row.websocket_url,
            api_key=self._cipher.decrypt(row.api_key_encrypted),
        )

    def _needed(self, session: Session, account_id: int) -> TradingAccount:
        row = session.get(TradingAccount, account_id)
        if row is None or row.archived_at is not None:
            raise KeyError(account_id)
        return row

    def _living(self, session: Session) -> list[TradingAccount]:
        query = select(TradingAccount).where(col(TradingAccount.archived_at).is_(None))
        rows = list(session.exec(query))
        rows.sort(key=lambda r: (not r.is_primary, r.backup_rank or 0, r.id or 0))
        return rows

    # --- checking -------------------------------------------------------------------------
    def check(self, form: AccountForm, *, editing_id: int | None = None) -> list[InvalidInput]:
        """A sentence for every field that cannot be saved."""
        found = (
            fields.check_name(form.account_name) or self._taken_name(form, editing_id),
            fields.check_url("host_url", form.host_url, ("http", "https")),
            fields.check_url("websocket_url", form.websocket_url, ("ws", "wss")),
            fields.check_key(form.api_key, editing_id),
            *fields.check_limits(form),
            fields.check_group(form.group),
            fields.check_colour(form.colour, PALETTE),
        )
        return [p for p in found if p is not None]

    def _taken_name(self, form: AccountForm, editing_id: int | None) -> InvalidInput | None:
        wanted = form.account_name.strip().casefold()
        with self._db.session() as session:
            for row in self._living(session):
                if row.account_name.casefold() == wanted and row.id != editing_id:
                    return InvalidInput("account_name", "Another account has this name.")
        return None

    def test(self, form: AccountForm, *, editing_id: int | None = None) -> ConnectionResult:
        """Ping by REST, then the WebSocket; the sentence says what is wrong and what to do."""
        wrong = fields.check_url("host_url", form.host_url, ("http", "https"))
        wrong = wrong or fields.check_url("websocket_url", form.websocket_url, ("ws", "wss"))
        if wrong is not None:
            return ConnectionResult(ok=False, sentence=wrong.message)
        try:
            address = self._address_of(form, editing_id)
        except Undecipherable:
            return ConnectionResult(
                ok=False, sentence="The stored key cannot be decrypted. Type it."
            )
        except KeyError:
            return ConnectionResult(ok=False, sentence="This account no longer exists.")
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
            of=address,
        )

    def _address_of(self, form: AccountForm, editing_id: int | None) -> AccountAddress:
        key = form.api_key.strip()
        if not key and editing_id is not None:
            key = self.address(editing_id).api_key
        return AccountAddress(
            host_url=fields.clean_url(form.host_url),
            websocket_url=fields.clean_url(form.websocket_url),
            api_key=key,
        )

    # --- changing -------------------------------------------------------------------------
    def add(self, form: AccountForm, *, by: str, tested: ConnectionResult | None) -> AccountView:
        """A new account; without a successful test it is stored inactive. InvalidInputs."""
        with self._changing:
            self._refuse(form, None)
            address = self._address_of(form, None)
            passed = tested is not None and tested.proves(address)
            now = self._clock.now()
            with self._db.session() as session:
                others = self._living(session)
                ranks = [r.backup_rank or 0 for r in others]
                row = TradingAccount(
                    account_name=form.account_name.strip(),
                    broker_name=tested.broker_name if tested and passed else "",
                    host_url=address.host_url,
                    websocket_url=address.websocket_url,
                    api_key_encrypted=self._cipher.encrypt(address.api_key),
                    key_last4=address.api_key[-4:],
                    group=(form.group or "").strip(),
                    colour=form.colour or free_colour(others),
                    is_primary=not others,
                    backup_rank=None if not others else max(ranks, default=0) + 1,
                    is_active=form.is_active and passed,
                    created_at=now,
                    updated_at=now,
                )
                put_limits(row, form)
                session.add(row)
                session.flush()
                view, profile = view_of(row), profile_of(row)
        self._record(by, "account_added", view)
        self._on_change(profile)
        return view

    def edit(
        self, account_id: int, form: AccountForm, *, by: str, tested: ConnectionResult | None
    ) -> AccountView:
        """A blank key keeps the stored one. A changed host or key needs a successful test.

        The broker's name comes from a test only; without it the account stays inactive.
        """
        with self._changing:
            self._refuse(form, account_id)
            key = form.api_key.strip()
            with self._db.session() as session:
                row = self._needed(session, account_id)
                before = view_of(row)
                host = fields.clean_url(form.host_url)
                moved = row.host_url != host or bool(key)
                passed = tested is not None and self._is_proven(tested, form, account_id)
                row.account_name = form.account_name.strip()
                row.host_url = host
                row.websocket_url = fields.clean_url(form.websocket_url)
                if key:
                    row.api_key_encrypted = self._cipher.encrypt(key)
                    row.key_last4 = key[-4:]
                row.group = (form.group or "").strip()
                row.colour = form.colour or row.colour
                put_limits(row, form)
                if tested is not None and passed:
                    row.broker_name = tested.broker_name
                elif moved:
                    row.broker_name = ""
                row.is_active = form.is_active and bool(row.broker_name)
                row.updated_at = self._clock.now()
                session.add(row)
                view, profile = view_of(row), profile_of(row)
        self._record(by, "account_edited", view, before=before, new_key=bool(key))
        self._on_change(profile)
        return view

    def _refuse(self, form: AccountForm, editing_id: int | None) -> None:
        problems = self.check(form, editing_id=editing_id)
        if problems:
            raise InvalidInputs(problems)

    def _is_proven(self, tested: ConnectionResult, form: AccountForm, account_id: int) -> bool:
        if not tested.ok:
            return False
        try:
            return tested.proves(self._address_of(form, account_id))
        except Undecipherable:
            return False

    def _record(
        self,
        by: str,
        action: str,
        view: AccountView,
        *,
        before: AccountView | None = None,
        new_key: bool = False,
    ) -> None:
        """What changed, by field; of a key only that it is another."""
        now = shown(view)
        old = shown(before) if before is not None else {}
        details: dict[str, object] = {
            name: value if before is None else {"before": old[name], "after": value}
            for name, value in now.items()
            if before is None or old[name] != value
        }
        if new_key:
            details["api_key"] = "replaced"
        self._activity.record(
            by, action, object_text=view.name, account_id=view.id, details=details
        )

    def make_primary(self, account_id: int, *, by: str) -> None:
        """One transaction: there is exactly one primary at every moment."""
        with self._changing, self._db.session() as session:
            self._needed(session, account_id)
            self._switch_primary(session, account_id)
            row = session.get_one(TradingAccount, account_id)
            profile, name = profile_of(row), row.account_name
        self._activity.record(by, "primary_changed", object_text=name, account_id=account_id)
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
        """Archive: key erased, history kept. AccountInUse while positions or orders are open.

        A deleted primary is followed by `new_primary_id`, else by the first backup, in the same
        transaction. KeyError when the account is gone already.
        """
        self._refuse_in_use(account_id)
        with self._changing, self._db.session() as session:
            row = self._needed(session, account_id)
            heirs = [r for r in self._living(session) if r.id != account_id]
            heir = self._heir(heirs, new_primary_id) if row.is_primary else None
            if heir is not None:
                self._switch_primary(session, heir.id or 0)
                row = session.get_one(TradingAccount, account_id)
            row.is_primary = False
            row.is_active = False
            row.backup_rank = None
            row.api_key_encrypted = ""
            row.key_last4 = ""
            row.archived_at = self._clock.now()
            session.add(row)
            for link in session.exec(
                select(StrategyAccount).where(StrategyAccount.account_id == account_id)
            ):
                session.delete(link)
            name = row.account_name
            profile = profile_of(heir) if heir is not None else None
        self._activity.record(by, "account_deleted", object_text=name, account_id=account_id)
        self._on_change(account_id)
        if profile is not None:
            self._on_change(profile)

    def _refuse_in_use(self, account_id: int) -> None:
        positions, orders = self._holdings(account_id)
        parts = [
            f"{count} {word}{'s' if count > 1 else ''}"
            for count, word in ((positions, "open position"), (orders, "working order"))
            if count
        ]
        if parts:
            what = " and ".join(parts)
            raise AccountInUse(
                f"{what}. Exit them first, or deactivate the account to stop new entries."
            )

    def _heir(
        self, heirs: list[TradingAccount], new_primary_id: int | None
    ) -> TradingAccount | None:
        if new_primary_id is None:
            return heirs[0] if heirs else None
        chosen = next((r for r in heirs if r.id == new_primary_id), None)
        if chosen is None:
            raise InvalidInputs([InvalidInput("new_primary", "Choose another account.")])
        return chosen

    def strategies_using(self, account_id: int) -> int:
        """How many strategies name it, for the confirmation."""
        with self._db.session() as session:
            query = select(func.count()).select_from(StrategyAccount)
            return session.exec(query.where(StrategyAccount.account_id == account_id)).one()
