"""Registration closes after the first, sign-in tells nothing, sessions end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from algomirror.clock import FakeClock
from algomirror.services.activity import ActivityLog
from algomirror.services.passwords import common_passwords
from algomirror.services.passwords import weaknesses
from algomirror.services.users import InvalidInputs
from algomirror.services.users import RegistrationClosed
from algomirror.services.users import SignInRefused
from algomirror.services.users import UserService
from algomirror.simulate.world import START
from algomirror.store.db import Database
from algomirror.store.db import migrate
from algomirror.store.db import open_database
from algomirror.store.tables import ActivityLog as ActivityRow
from pages.guards import safe_next

GOOD = {"username": "trader", "email": "t@example.com", "password": "Str0ng!Pass",
        "repeat": "Str0ng!Pass"}  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    engine = open_database(url)
    yield Database(engine)
    engine.dispose()


@pytest.fixture
def users(db: Database, clock: FakeClock) -> UserService:
    return UserService(db, clock, ActivityLog(db, clock))


@pytest.mark.acceptance(99)
def test_two_registrations_at_once_make_one_user(users: UserService) -> None:
    """The count is checked again inside the transaction."""

    def register(name: str) -> str:
        try:
            return users.register(**{**GOOD, "username": name}).username
        except RegistrationClosed:
            return "closed"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(register, ("first", "second")))

    assert results.count("closed") == 1


def test_registration_closes_after_the_first(users: UserService) -> None:
    """The second browser is told so."""
    users.register(**GOOD)

    assert not users.registration_open()
    with pytest.raises(RegistrationClosed):
        users.register(**{**GOOD, "username": "other"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""), ("username", "ab"), ("username", "a" * 21), ("username", "a b"),
        ("email", "no"), ("email", ""), ("email", "a@b"), ("email", "a" * 250 + "@b.co"),
        ("password", "short"), ("password", "alllower1!"), ("password", "NoDigits!!"),
        ("password", "NoSigns11"), ("password", "Password123!"), ("password", "A1!" + "x" * 200),
        ("repeat", "Different1!"),
    ],
)  # fmt: skip
def test_a_bad_field_gets_a_sentence_and_saves_nothing(
    users: UserService, field: str, value: str
) -> None:
    """Each problem names its field."""
    with pytest.raises(InvalidInputs) as caught:
        users.register(**{**GOOD, field: value})

    assert field in {p.field for p in caught.value.problems}
    assert users.registration_open()


def test_sign_in_says_the_same_for_every_wrong_pair(users: UserService) -> None:
    """Unknown name and wrong password are not told apart."""
    users.register(**GOOD)

    said = []
    for name, password in (("trader", "wrong"), ("nobody", "Str0ng!Pass")):
        with pytest.raises(SignInRefused) as caught:
            users.sign_in(username=name, password=password)
        said.append(str(caught.value))

    assert said == ["Wrong username or password."] * 2


def test_five_failures_lock_the_name_for_a_while(users: UserService, clock: FakeClock) -> None:
    """The sixth try is told to wait, even with the right password; later it works."""
    users.register(**GOOD)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            users.sign_in(username="trader", password="wrong")

    with pytest.raises(SignInRefused, match="Too many tries"):
        users.sign_in(username="trader", password=GOOD["password"])
    clock.advance(15 * 60 + 1)

    assert users.sign_in(username="trader", password=GOOD["password"]).token


def test_a_login_ends_when_idle_or_signed_out(users: UserService, clock: FakeClock) -> None:
    """Twelve hours without use, or at once."""
    users.register(**GOOD)
    first = users.sign_in(username="trader", password=GOOD["password"]).token
    second = users.sign_in(username="trader", password=GOOD["password"]).token

    users.sign_out(second)
    assert users.user_of(second) is None
    clock.advance(timedelta(hours=11).total_seconds())
    assert users.user_of(first) is not None
    clock.advance(timedelta(hours=11).total_seconds())
    assert users.user_of(first) is not None
    clock.advance(timedelta(hours=13).total_seconds())

    assert users.user_of(first) is None


def test_the_list_of_common_passwords_is_long_enough() -> None:
    """At least a thousand, compared without trailing digits and signs."""
    assert len(common_passwords()) >= 1000
    assert weaknesses("Qwerty123!", username="x", email="y") == ["not a common password"]


@pytest.mark.acceptance(99)
@pytest.mark.parametrize("path", ["//evil", "https://evil", "/\\evil", "", None, "evil"])
def test_sign_in_leads_only_to_our_own_pages(path: str | None) -> None:
    """Anything else opens the dashboard."""
    assert safe_next(path) == "/dashboard"
    assert safe_next("/runs/3") == "/runs/3"


def test_an_altered_audit_row_is_named(db: Database, clock: FakeClock) -> None:
    """The chain breaks at the first row that was touched."""
    log = ActivityLog(db, clock)
    for action in ("a", "b", "c"):
        log.record("trader", action)
    assert log.verify() is None

    with db.session() as session:
        row = session.get_one(ActivityRow, 2)
        row.actor = "somebody else"
        session.add(row)

    assert log.verify() == 2
