"""Accounts: one primary, keys encrypted, a sentence beside every bad field, nothing lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from algomirror.clock import FakeClock
from algomirror.domain.chase import ChaseBy
from algomirror.domain.chase import MarketOrders
from algomirror.domain.run import TradingMode
from algomirror.engine.ports import AccountProfile
from algomirror.services.accounts import PALETTE
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
from algomirror.store.tables import TradingAccount

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


@pytest.fixture(scope="module")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Shared by tests that prove that nothing is saved."""
    found = House(tmp_path_factory.mktemp("house"))
    yield found
    found.engine.dispose()


BAD_FIELDS = [
    *[("account_name", v) for v in ("", " ", "ab", "x" * 101, "a\x00bc", "a\nbc", "\ud800xx")],
    *[("host_url", v) for v in ("", "127.0.0.1", "ftp://x", "http://", "http://a b",
                                "http://x:99999", "http://" + "x" * 300, "http://[::1", "http://x:0",
                                "http://user:word@x", "http://x?apikey=1", "http://x\ny",
                                "http://१२७.0.0.1", "javascript://x", "http://-")],
    *[("websocket_url", v) for v in ("", "http://x", "ws://", "ws://x:0x", "-1")],
    *[("api_key", v) for v in ("", "short", "k" * 300, "ключключключ", "k" * 10 + "\n" + "k")],
    *[("max_orders_per_second", v) for v in ("", "0", "-1", "51", "1e3", "ten", "1.5", "٣",
                                             "9" * 40)],
    *[(f, v) for f in ("max_orders_per_minute", "max_orders_per_day")
      for v in ("0", "-1", "100001", "1e3", "ten", "1.5", "٣", "9" * 40)],
    *[(f, v) for f in ("chase_by", "market_orders") for v in ("", "Replace", "none", "x" * 500)],
    *[("group", v) for v in ("g" * 41, "a\x00", "\u202ex")],
    ("colour", "#ff0000"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_gets_a_sentence_and_nothing_is_saved(
    empty_house: House, field: str, value: str
) -> None:
    """Empty, huge, negative, wrong type: each names its field."""
    values = {name: getattr(FORM, name) for name in AccountForm.__slots__}
    form = AccountForm(**{**values, field: value})

    with pytest.raises(InvalidInputs) as caught:
        empty_house.service.add(form, by="t", tested=PASSED)

    assert field in {p.field for p in caught.value.problems}
    assert all(p.message for p in caught.value.problems)
    assert empty_house.service.all() == []


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


WRONG_TYPES = [None, 5, 1.5, True, [], {}, float("nan"), b"http://x"]


@pytest.mark.parametrize("field", ["account_name", "host_url", "websocket_url", "api_key"])
@pytest.mark.parametrize("value", WRONG_TYPES, ids=repr)
def test_a_field_of_another_type_gets_a_sentence_too(
    empty_house: House, field: str, value: object
) -> None:
    """A page may hand over what a widget holds: never an exception, never a saved account."""
    form = replace(FORM, **{field: value})  # type: ignore[arg-type]

    assert field in {p.field for p in empty_house.service.check(form)}


def test_addresses_lose_their_trailing_slash(house: House) -> None:
    """Blanks around them too."""
    form = replace(FORM, host_url=" https://algo.example:5000/ ", websocket_url="ws://[::1]:8765/")

    view = house.service.add(form, by="t", tested=PASSED)

    assert view.host_url == "https://algo.example:5000"
    assert view.websocket_url == "ws://[::1]:8765"


def test_a_blank_key_keeps_the_stored_one(house: House) -> None:
    """Editing a colour needs neither the key nor a test."""
    added = house.service.add(FORM, by="t", tested=PASSED)

    view = house.service.edit(
        added.id, replace(FORM, api_key="", colour="ice"), by="t", tested=None
    )

    assert (view.colour, view.is_active, view.key_last4) == ("ice", True, "kkkk")
    assert house.service.address(view.id).api_key == FORM.api_key


@pytest.mark.parametrize("change", [{"api_key": "n" * 32}, {"host_url": "http://10.0.0.9:5000"}])
def test_a_moved_account_is_inactive_until_it_is_tested(
    house: House, change: dict[str, str]
) -> None:
    """Another host or key may be another broker: nothing trades there unproven."""
    added = house.service.add(FORM, by="t", tested=PASSED)
    moved = replace(FORM, api_key="", **{k: v for k, v in change.items() if k != "api_key"})
    moved = replace(moved, api_key=change.get("api_key", ""))

    untested = house.service.edit(added.id, moved, by="t", tested=None)
    reopened = house.service.edit(added.id, replace(moved, api_key=""), by="t", tested=None)
    tested = house.service.edit(added.id, moved, by="t", tested=PASSED)

    assert (untested.is_active, untested.broker_name) == (False, "")
    assert not reopened.is_active
    assert (tested.is_active, tested.broker_name) == (True, "paper")


def test_a_test_of_another_address_proves_nothing(house: House) -> None:
    """Test, then change the key, then save: the account is stored inactive."""
    form = replace(FORM, api_key="key-1")
    tested = house.service.test(form)

    view = house.service.add(FORM, by="t", tested=tested)

    assert tested.ok
    assert not view.is_active


def test_a_bad_address_is_not_called(house: House) -> None:
    """The test button says what is wrong with the address instead of trying it."""
    result = house.service.test(replace(FORM, host_url="ftp://x"))

    assert (result.ok, result.sentence) == (False, "Type an address like http://127.0.0.1:5000.")


def test_no_value_prints_its_key(house: House) -> None:
    """Not the form, not the address, not a test's result: logs stay clean."""
    view = house.service.add(FORM, by="t", tested=PASSED)
    address = house.service.address(view.id)

    printed = repr((FORM, address, view, house.service.test(FORM)))

    assert FORM.api_key not in printed


def test_the_log_says_what_changed_and_no_key(house: House) -> None:
    """Old and new value by field; of a key only that it was replaced."""
    added = house.service.add(FORM, by="t", tested=PASSED)
    changed = replace(FORM, account_name="Arjun K", api_key="n" * 32)
    house.service.edit(added.id, changed, by="t", tested=PASSED)

    edited, created = ActivityLog(house.db, house.clock).recent()

    assert (created.action, created.details["name"]) == ("account_added", "Arjun")
    assert edited.details == {
        "name": {"before": "Arjun", "after": "Arjun K"},
        "api_key": "replaced",
    }


def add_three(house: House) -> list[int]:
    return [
        house.service.add(replace(FORM, account_name=f"Account {n}"), by="t", tested=PASSED).id
        for n in range(3)
    ]


def test_the_chosen_account_follows_a_deleted_primary(house: House) -> None:
    """Key erased, history kept, and the engine hears who is gone and who leads."""
    first, second, third = add_three(house)
    house.heard.clear()

    house.service.delete(first, by="t", new_primary_id=third)

    assert [(a.id, a.is_primary) for a in house.service.all()] == [(third, True), (second, False)]
    assert house.heard[0] == first
    assert [p.id for p in house.heard[1:] if isinstance(p, AccountProfile)] == [third]
    with house.db.session() as session:
        row = session.get_one(TradingAccount, first)
        assert (row.api_key_encrypted, row.key_last4, row.backup_rank) == ("", "", None)
        assert row.archived_at == house.clock.now()
    with pytest.raises(KeyError):
        house.service.address(first)


def test_an_unknown_new_primary_changes_nothing(house: House) -> None:
    """The sentence stands beside the choice; the account is still there."""
    first, *_ = add_three(house)

    with pytest.raises(InvalidInputs, match="Choose another account"):
        house.service.delete(first, by="t", new_primary_id=99)

    assert house.service.all()[0].id == first


def test_the_last_account_can_be_deleted(house: House) -> None:
    """Nobody follows; a new first account is primary again, under the same name."""
    view = house.service.add(FORM, by="t", tested=PASSED)

    house.service.delete(view.id, by="t")
    again = house.service.add(FORM, by="t", tested=PASSED)

    assert again.is_primary
    with pytest.raises(KeyError):
        house.service.delete(view.id, by="t")


def test_working_orders_keep_an_account_too(house: House) -> None:
    """Both counts are named, in the right number."""
    view = house.service.add(FORM, by="t", tested=PASSED)
    house.held = (1, 2)

    with pytest.raises(AccountInUse, match=r"^1 open position and 2 working orders\. Exit"):
        house.service.delete(view.id, by="t")


def test_accounts_get_colours_of_their_own(house: House) -> None:
    """The first that is free; a chosen one stays."""
    add_three(house)

    assert [a.colour for a in house.service.all()] == list(PALETTE[:3])


def test_an_account_whose_key_cannot_be_read_is_marked(house: House) -> None:
    """Another encryption key: listed, and said to need its key anew."""
    house.service.add(FORM, by="t", tested=PASSED)
    (house.folder / "encryption.key").unlink()

    assert [a.key_readable for a in house.new_service().all()] == [False]


def test_limits_and_ways_come_back_as_saved_and_reach_the_engine(house: House) -> None:
    """Second, minute, day, chase and market orders; empty again means no limit again."""
    form = replace(FORM, max_orders_per_second="5", max_orders_per_minute="120",
                   max_orders_per_day="2,000", chase_by="modify",
                   market_orders="refused")  # fmt: skip
    added = house.service.add(form, by="t", tested=PASSED)
    profile = house.heard[-1]

    assert isinstance(profile, AccountProfile)
    assert (profile.max_orders_per_minute, profile.max_orders_per_day) == (120, 2000)
    assert (profile.chase_by, profile.market_orders) == (ChaseBy.MODIFY, MarketOrders.REFUSED)
    assert house.service.get(added.id) == added

    back = house.service.edit(added.id, replace(FORM, api_key=""), by="t", tested=None)

    assert (back.max_orders_per_minute, back.max_orders_per_day) == (None, None)
    assert (back.chase_by, back.market_orders) == (ChaseBy.REPLACE, MarketOrders.ALLOWED)
    details = ActivityLog(house.db, house.clock).recent(1)[0].details
    assert details["max_orders_per_day"] == {"before": 2000, "after": None}
    assert details["market_orders"] == {"before": "refused", "after": "allowed"}


def test_a_day_holds_at_least_a_minute(house: House) -> None:
    """100 a minute and 50 a day is a slip, said beside the day."""
    form = replace(FORM, max_orders_per_minute="100", max_orders_per_day="50")

    problems = house.service.check(form)

    assert [(p.field, p.message) for p in problems] == [
        ("max_orders_per_day", "At least as many as a minute has.")
    ]
