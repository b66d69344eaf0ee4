"""Accounts: one primary, keys encrypted, a sentence beside every bad field, nothing lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from algomirror.clock import FakeClock
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import AccountProfile
from algomirror.services.accounts import AccountAddress
from algomirror.services.accounts import AccountForm
from algomirror.services.accounts import AccountInUse
from algomirror.services.accounts import AccountService
from algomirror.services.accounts import ConnectionResult
from algomirror.services.accounts import FeedProbe
from algomirror.services.activity import ActivityLog
from algomirror.services.cipher import Cipher
from algomirror.services.cipher import Undecipherable
from algomirror.services.users import InvalidInputs
from algomirror.simulate.limbs import SimLimbs
from algomirror.simulate.world import START
from algomirror.simulate.world import World
from algomirror.store.db import Database
from algomirror.store.db import migrate
from algomirror.store.db import open_database

FORM = AccountForm(account_name="Arjun", api_key="k" * 32)
PASSED = ConnectionResult(
    ok=True, sentence="", broker_name="paper", mode=TradingMode.PAPER, feed_ok=True
)


class House:
    """A service on a real database, with the paper exchange behind its test button."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'a.db'}"
        migrate(url)
        self.engine = open_database(url)
        self.folder = folder
        self.db = Database(self.engine)
        self.clock = FakeClock(START)
        self.world = World()
        self.heard: list[AccountProfile | int] = []
        self.held = (0, 0)
        self.service = self.new_service()

    def new_service(self) -> AccountService:
        return AccountService(
            db=self.db,
            cipher=Cipher.from_folder(self.folder),
            clock=self.clock,
            activity=ActivityLog(self.db, self.clock),
            connect=self.connect,
            probe_feed=lambda address: FeedProbe(ok=True, sentence=""),
            on_change=self.heard.append,
            holdings=lambda account_id: self.held,
        )

    def connect(self, address: AccountAddress):  # type: ignore[no-untyped-def]
        limb = SimLimbs(1, self.world.exchange, self.world.clock, key=address.api_key,
                        post=lambda m: None, put_quote=lambda q: None)  # fmt: skip
        return limb.broker


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.engine.dispose()


BAD_FIELDS = [
    *[("account_name", v) for v in ("", " ", "ab", "x" * 101, "a\x00bc")],
    *[("host_url", v) for v in ("", "127.0.0.1", "ftp://x", "http://", "http://a b",
                                "http://x:99999", "http://" + "x" * 300)],
    *[("websocket_url", v) for v in ("", "http://x", "ws://", "ws://x:0x", "-1")],
    *[("api_key", v) for v in ("", "short", "k" * 300, "ключключключ", "k" * 10 + "\n" + "k")],
    *[("max_orders_per_second", v) for v in ("", "0", "-1", "51", "1e3", "ten", "1.5", "٣",
                                             "9" * 40)],
    ("group", "g" * 41),
    ("colour", "#ff0000"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_gets_a_sentence_and_nothing_is_saved(
    house: House, field: str, value: str
) -> None:
    """Empty, huge, negative, wrong type: each names its field."""
    values = {name: getattr(FORM, name) for name in AccountForm.__slots__}
    form = AccountForm(**{**values, field: value})

    with pytest.raises(InvalidInputs) as caught:
        house.service.add(form, by="t", tested=PASSED)

    assert field in {p.field for p in caught.value.problems}
    assert all(p.message for p in caught.value.problems)
    assert house.service.all() == []


def test_a_key_is_stored_encrypted_and_shown_by_its_end(house: House) -> None:
    """The database holds no plain key; the file of the encryption key is for its owner only."""
    view = house.service.add(FORM, by="t", tested=PASSED)

    raw = b"".join(p.read_bytes() for p in house.folder.glob("a.db*"))
    assert FORM.api_key.encode() not in raw
    assert view.key_last4 == "kkkk"
    assert house.service.address(view.id).api_key == FORM.api_key
    assert (house.folder / "encryption.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.acceptance(98)
def test_a_lost_encryption_key_is_said_and_loses_nothing(house: House) -> None:
    """The account stays; its key cannot be read until the file is back."""
    view = house.service.add(FORM, by="t", tested=PASSED)
    (house.folder / "encryption.key").rename(house.folder / "elsewhere")
    other = house.new_service()

    with pytest.raises(Undecipherable, match="cannot be decrypted"):
        other.address(view.id)

    assert [a.name for a in other.all()] == ["Arjun"]


def test_an_untested_account_is_stored_inactive(house: House) -> None:
    """Save anyway is allowed and visible."""
    view = house.service.add(FORM, by="t", tested=None)

    assert not view.is_active


@pytest.mark.acceptance(61)
def test_there_is_one_primary_at_every_moment(house: House) -> None:
    """Racing switches and the deletion of the primary leave exactly one."""
    ids = [
        house.service.add(
            AccountForm(account_name=f"Account {n}", api_key="k" * 20), by="t", tested=PASSED
        ).id
        for n in range(4)
    ]

    def switch(account_id: int) -> None:
        house.service.make_primary(account_id, by="t")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(switch, ids[1:3]))
    primaries = [a.id for a in house.service.all() if a.is_primary]
    house.service.delete(primaries[0], by="t")

    assert len(primaries) == 1
    assert len([a for a in house.service.all() if a.is_primary]) == 1
    assert len(house.service.all()) == 3


def test_an_account_with_positions_is_not_deleted(house: House) -> None:
    """The sentence says what to do."""
    view = house.service.add(FORM, by="t", tested=PASSED)
    house.held = (2, 0)

    with pytest.raises(AccountInUse, match=r"2 open positions\. Exit them first"):
        house.service.delete(view.id, by="t")

    assert len(house.service.all()) == 1


def test_the_connection_test_tells_a_wrong_key_from_an_ended_login(house: House) -> None:
    """403 has two meanings; /expiry decides."""
    good = AccountForm(account_name="x", api_key="key-1")
    wrong = AccountForm(account_name="x", api_key="key-2")

    passed = house.service.test(good)
    refused = house.service.test(wrong)
    house.world.papers[1].session_alive = False
    ended = house.service.test(good)

    assert passed.ok
    assert passed.mode is TradingMode.PAPER
    assert refused.sentence == "OpenAlgo did not accept this API key."
    assert ended.sentence.startswith("OpenAlgo is up but its broker login has expired.")


def test_two_accounts_do_not_share_a_name(house: House) -> None:
    """Compared without case."""
    house.service.add(FORM, by="t", tested=PASSED)

    problems = house.service.check(AccountForm(account_name="ARJUN", api_key="k" * 20))

    assert [p.field for p in problems] == ["account_name"]
