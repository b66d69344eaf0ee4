"""Who may use this AlgoMirror: the first to register, then nobody; sign-in and login sessions."""

import hashlib
import re
import secrets
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import func
from sqlmodel import select

from algomirror.clock import Clock
from algomirror.errors import AlgoMirrorError
from algomirror.errors import InvalidInput
from algomirror.services.activity import ActivityLog
from algomirror.services.passwords import weaknesses
from algomirror.store.db import Database
from algomirror.store.tables import LoginSession
from algomirror.store.tables import User

IDLE = timedelta(hours=12)
REMEMBERED = timedelta(days=30)
MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
TOUCH_AFTER = timedelta(minutes=1)
_NAME = re.compile(r"^[A-Za-z0-9_.-]{3,20}$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
WRONG = "Wrong username or password."
CLOSED = "Registration is closed: this AlgoMirror already has its administrator."


class RegistrationClosed(AlgoMirrorError):  # noqa: N818 - a state, said to the person
    """There is a user already."""


class SignInRefused(AlgoMirrorError):  # noqa: N818 - a state, said to the person
    """The text is for the person; it never tells which part was wrong."""


class InvalidInputs(AlgoMirrorError):  # noqa: N818 - several InvalidInput at once
    def __init__(self, problems: list[InvalidInput]) -> None:
        super().__init__("; ".join(str(p) for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    token: str
    user: User


class UserService:
    """Safe for several threads."""

    def __init__(self, db: Database, clock: Clock, activity: ActivityLog) -> None:
        self._db = db
        self._clock = clock
        self._activity = activity
        self._hasher = PasswordHasher()
        self._dummy = self._hasher.hash(secrets.token_hex(8))
        self._failures: dict[str, list[datetime]] = defaultdict(list)
        self._registering = threading.Lock()
        self._counting = threading.Lock()

    # --- registration ---------------------------------------------------------------------
    def registration_open(self) -> bool:
        with self._db.session() as session:
            return session.exec(select(func.count()).select_from(User)).one() == 0

    def register(self, *, username: str, email: str, password: str, repeat: str) -> User:
        """The administrator. InvalidInputs by field; RegistrationClosed for everyone after."""
        self._check_registration(username.strip(), email.strip(), password, repeat)
        hashed = self._hasher.hash(password)
        with self._registering, self._db.session() as session:
            if session.exec(select(func.count()).select_from(User)).one() != 0:
                raise RegistrationClosed(CLOSED)
            user = User(
                username=username.strip(),
                email=email.strip(),
                password_hash=hashed,
                created_at=self._clock.now(),
            )
            session.add(user)
        self._activity.record(user.username, "registered")
        return user

    def _check_registration(self, name: str, email: str, password: str, repeat: str) -> None:
        problems = []
        if not _NAME.match(name):
            problems.append(
                InvalidInput("username", "3 to 20 letters, digits, dots, dashes or underscores.")
            )
        if not _EMAIL.match(email) or len(email) > 254:
            problems.append(InvalidInput("email", "Type an e-mail address."))
        weak = weaknesses(password, username=name, email=email)
        if weak:
            problems.append(InvalidInput("password", "It needs " + ", ".join(weak) + "."))
        if password != repeat:
            problems.append(InvalidInput("repeat", "The two passwords differ."))
        if problems:
            raise InvalidInputs(problems)

    # --- sign in --------------------------------------------------------------------------
    def sign_in(
        self, *, username: str, password: str, address: str = "", remember: bool = False
    ) -> SignedIn:
        """A fresh login session. SignInRefused says the same for every wrong pair.

        A try counts before it is checked, so that parallel guesses are counted too.
        """
        name = username.strip().lower()
        with self._counting:
            self._refuse_if_locked(name)
            self._failures[name].append(self._clock.now())
        with self._db.session() as session:
            user = session.exec(select(User).where(func.lower(User.username) == name)).first()
        if not self._is_right(user, password) or user is None or not user.is_active:
            self._activity.record(name[:40], "sign_in", address=address, ok=False, error=WRONG)
            raise SignInRefused(WRONG)
        self._failures.pop(name, None)
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._db.session() as session:
            session.add(
                LoginSession(
                    token_hash=_hash(token),
                    user_id=user.id or 0,
                    created_at=now,
                    last_seen=now,
                    expires_at=now + (REMEMBERED if remember else IDLE),
                    remember=remember,
                    address=address,
                )
            )
        self._activity.record(user.username, "sign_in", address=address)
        return SignedIn(token=token, user=user)

    def _refuse_if_locked(self, name: str) -> None:
        now = self._clock.now()
        recent = [at for at in self._failures[name] if now - at < LOCKED_FOR]
        self._failures[name] = recent
        if len(recent) >= MAX_FAILURES:
            left = LOCKED_FOR - (now - recent[-MAX_FAILURES])
            minutes = max(1, -(-int(left.total_seconds()) // 60))
            raise SignInRefused(f"Too many tries. Wait {minutes} min.")

    def _is_right(self, user: User | None, password: str) -> bool:
        """Takes the same time for an unknown name."""
        try:
            return self._hasher.verify(user.password_hash if user else self._dummy, password)
        except VerifyMismatchError:
            return False

    def user_of(self, token: str) -> User | None:
        """The user of a valid login, whose idle time starts anew; None otherwise."""
        if not token:
            return None
        now = self._clock.now()
        with self._db.session() as session:
            row = session.exec(
                select(LoginSession).where(LoginSession.token_hash == _hash(token))
            ).first()
            if row is None or row.revoked_at is not None or row.expires_at <= now:
                return None
            if now - row.last_seen > TOUCH_AFTER:
                row.last_seen = now
                if not row.remember:
                    row.expires_at = now + IDLE
                session.add(row)
            user = session.get(User, row.user_id)
            return user if user is not None and user.is_active else None

    def sign_out(self, token: str) -> None:
        with self._db.session() as session:
            row = session.exec(
                select(LoginSession).where(LoginSession.token_hash == _hash(token))
            ).first()
            if row is not None:
                row.revoked_at = self._clock.now()
                session.add(row)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


__all__ = [
    "CLOSED",
    "InvalidInputs",
    "RegistrationClosed",
    "SignInRefused",
    "SignedIn",
    "User",
    "UserService",
]
