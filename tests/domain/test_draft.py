"""Promises of algomirror/domain/draft.py: every builder field, every bad input, a sentence."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from algomirror.domain.draft import draft_of
from algomirror.domain.draft import parse_draft
from algomirror.domain.strategy import EntryOrderMode
from algomirror.domain.strategy import ExitOrderMode
from algomirror.domain.strategy import RemainderPolicy
from algomirror.domain.strategy import Strategy

ACCOUNTS = (1, 2)


def good() -> dict[str, Any]:
    """A four-leg draft as the builder's fields hold it."""

    def leg(action: str, kind: str, rule: str, **more: Any) -> dict[str, Any]:
        return {
            "instrument": "NIFTY",
            "expiry": "current_week",
            "action": action,
            "option_type": kind,
            "strike_selection": rule,
            "strike_offset": 4,
            "strike_price": "26,000",
            "lots": 1,
            "order_type": "MARKET",
            "limit_price": "100.50",
            "trigger_price": "100",
            **more,
        }

    return {
        "name": "Iron fly",
        "description": "",
        "product": "NRML",
        "max_loss": "5,000",
        "max_loss_action": "close_all",
        "max_profit": "",
        "max_profit_action": "alert_only",
        "hedge_timeout_s": 30,
        "hedge_timeout_policy": "abort",
        "entry_timeout_s": "120",
        "entry_timeout_policy": "chase",
        "entry_order_mode": "chase",
        "exit_order_mode": "chase",
        "accounts": {1: 1, 2: "2"},
        "legs": [
            leg("SELL", "CE", "ATM"),
            leg("BUY", "CE", "OTM"),
            leg("SELL", "PE", "strike_price", order_type="LIMIT"),
            leg("BUY", "PE", "ITM", order_type="SL", limit_price="100.50", trigger_price="100"),
        ],
    }


def with_value(field: str, value: Any) -> dict[str, Any]:
    draft = deepcopy(good())
    target: Any = draft
    *path, last = field.split(".")
    for step in path:
        target = target[int(step)] if step.isdigit() and isinstance(target, list) else target[step]
    target[int(last) if last.isdigit() else last] = value
    return draft


EMPTY = ["", "   ", None]
ODD = [[], {}, ["5"], True, False, object(), b"5"]
NOT_A_NUMBER = ["abc", "NaN", "nan", "inf", "-inf", "1e309", "1e5", "٣", "५", "１", "5 0", "0x5",
                "1,2", "--1", float("nan"), float("inf"), float("-inf"), *ODD]  # fmt: skip
HUGE = ["9" * 300, 10**300, 1e300, "999999999999999"]
WHOLE = [*EMPTY, *NOT_A_NUMBER, *HUGE, 0, -1, "-5", "1.5", 1.5, "0", 101 * 100]
AMOUNT = [*NOT_A_NUMBER, *HUGE, 0, "0", "0.00", -1, "-5,000", "0.001", "10,00,00,001"]
PRICE = [*EMPTY, *NOT_A_NUMBER, *HUGE, 0, "0", "-1", -0.05, "100.03", "10,00,001"]
WORD = [*EMPTY, *ODD, "sell", "nonsense", "9" * 5000, 5, -1, float("nan"), "ＣＥ"]
NAME = [*EMPTY, *ODD, 5, float("nan"), "x" * 101, "a\x00b", "a\nb", "\ud800", "\u202ex", "\u200b"]
TEXT = [*ODD, 5, float("inf"), "x" * 2001, "a\x00b", "\udfff"]

BAD: dict[str, list[Any]] = {
    "name": NAME,
    "description": TEXT,
    "product": [*WORD, "CNC"],
    "max_loss": AMOUNT,
    "max_loss_action": [*WORD, "close_partial"],
    "max_profit": AMOUNT,
    "max_profit_action": [*WORD, "close_partial"],
    "hedge_timeout_s": [*WHOLE, 601],
    "hedge_timeout_policy": WORD,
    "entry_timeout_s": [*WHOLE, 4, 3601],
    "entry_timeout_policy": WORD,
    "entry_order_mode": [*WORD, "market"],
    "exit_order_mode": [*WORD, "as_leg"],
    "accounts": ["", "1", 5, True, [1, 2], object()],
    "accounts.1": [*WHOLE, 101],
    "legs": [*EMPTY, *ODD, "legs", 5],
    "legs.0": [*EMPTY, "leg", 5, [], True],
    "legs.0.instrument": [*WORD, "nifty", "RELIANCE"],
    "legs.0.expiry": WORD,
    "legs.0.action": WORD,
    "legs.0.option_type": WORD,
    "legs.0.strike_selection": WORD,
    "legs.1.strike_offset": [*WHOLE, 21],
    "legs.2.strike_price": PRICE,
    "legs.0.lots": [*WHOLE, 101],
    "legs.0.order_type": [*WORD, "market"],
    "legs.2.limit_price": PRICE,
    "legs.3.limit_price": [*PRICE, "99.95"],
    "legs.3.trigger_price": [*PRICE],
}
CASES = [(field, value) for field, values in BAD.items() for value in values]


def test_a_good_draft_becomes_a_strategy() -> None:
    """Indian numbers, numbers as text and as floats are understood; sets stay per account."""
    strategy, problems = parse_draft(good(), account_ids=ACCOUNTS)
    assert strategy is not None

    assert problems == []
    assert (strategy.max_loss, strategy.max_profit) == (5000, None)
    assert strategy.entry_timeout_policy is RemainderPolicy.CHASE
    assert strategy.entry_order_mode is EntryOrderMode.CHASE
    assert strategy.exit_order_mode is ExitOrderMode.CHASE
    assert strategy.custom_lots == ((1, 1), (2, 2))
    assert [leg.leg_number for leg in strategy.legs] == [1, 2, 3, 4]
    assert strategy.legs[2].strike_price == 26_000


@pytest.mark.parametrize(
    ("field", "value"), CASES, ids=[f"{f}-{i}" for i, (f, _) in enumerate(CASES)]
)
def test_every_bad_value_gets_a_sentence_beside_its_field(field: str, value: Any) -> None:
    """Nothing is saved from it, nothing typed is lost, no other field is blamed."""
    draft = with_value(field, value)

    strategy, problems = parse_draft(draft, account_ids=ACCOUNTS)

    assert strategy is None
    assert all(p.field.startswith(field) for p in problems), problems
    assert problems
    for problem in problems:
        assert problem.message.endswith(".")
        assert problem.message[0].isupper()
    kept = draft
    for step in field.split("."):
        kept = kept[int(step)] if step.isdigit() else kept[step]
    assert kept is value


@pytest.mark.acceptance(33)
@pytest.mark.parametrize("price", ["0", "0.00", "100.03", "0.07"])
def test_a_limit_of_zero_or_off_tick_is_an_error_at_the_field(price: str) -> None:
    """No strategy, therefore no order, can be made of it."""
    strategy, problems = parse_draft(with_value("legs.2.limit_price", price), account_ids=ACCOUNTS)

    assert strategy is None
    assert [p.field for p in problems] == ["legs.2.limit_price"]


def test_a_draft_from_before_these_options_reads_as_it_was() -> None:
    """As the leg says in, market out."""
    draft = good()
    del draft["entry_order_mode"], draft["exit_order_mode"]

    strategy, problems = parse_draft(draft, account_ids=ACCOUNTS)

    assert problems == []
    assert strategy is not None
    assert (strategy.entry_order_mode, strategy.exit_order_mode) == ("as_leg", "market")


def test_all_problems_are_said_at_once() -> None:
    """A trader corrects everything in one go."""
    draft = good()
    draft["name"] = ""
    draft["max_loss"] = "-5"
    draft["legs"][0]["lots"] = 0
    draft["legs"][2]["limit_price"] = ""

    _, problems = parse_draft(draft, account_ids=ACCOUNTS)

    wanted = ["legs.0.lots", "legs.2.limit_price", "max_loss", "name"]
    assert sorted(p.field for p in problems) == wanted


def test_fields_that_do_not_count_are_not_judged() -> None:
    """A market order's limit and an ATM leg's strike may hold anything: they are hidden."""
    draft = good()
    draft["legs"][0] |= {"limit_price": "abc", "strike_price": -1, "strike_offset": ""}

    strategy, problems = parse_draft(draft, account_ids=ACCOUNTS)
    assert strategy is not None

    assert problems == []
    assert (strategy.legs[0].limit_price, strategy.legs[0].strike_price) == (None, None)


def test_the_limit_of_a_sold_stop_lies_at_or_below_its_trigger() -> None:
    """And of a bought one at or above (product.md 3.2)."""
    draft = good()
    draft["legs"][0] |= {"order_type": "SL", "limit_price": "100.50", "trigger_price": "100"}

    _, problems = parse_draft(draft, account_ids=ACCOUNTS)

    wanted = [("legs.0.limit_price", "For a SELL the limit lies at or below the trigger.")]
    assert [(p.field, p.message) for p in problems] == wanted


def test_an_account_that_is_gone_is_said() -> None:
    """Another window may have deleted it."""
    _, problems = parse_draft(good(), account_ids=(1,))

    assert [(p.field, p.message) for p in problems] == [
        ("accounts.2", "This account no longer exists.")
    ]


def test_a_strategy_without_accounts_can_be_kept() -> None:
    """Accounts are needed to execute, not to save."""
    strategy, problems = parse_draft({**good(), "accounts": {}}, account_ids=ACCOUNTS)
    assert strategy is not None

    assert (strategy.account_ids, problems) == ((), [])


def test_more_than_twenty_legs_are_refused() -> None:
    """The limit of product.md 3.2."""
    draft = good()
    draft["legs"] = [draft["legs"][0]] * 21

    strategy, problems = parse_draft(draft, account_ids=ACCOUNTS)

    assert strategy is None
    assert [p.field for p in problems] == ["legs"]


def test_new_and_copied_legs_get_ids_of_their_own() -> None:
    """A duplicated leg carries its original's id until the draft is read."""
    draft = good()
    draft["legs"][0]["id"] = 7
    draft["legs"][1]["id"] = 7

    strategy, _ = parse_draft(draft, account_ids=ACCOUNTS)
    assert strategy is not None

    ids = [leg.id for leg in strategy.legs]
    assert ids[0] == 7
    assert len(set(ids)) == 4


def test_a_stored_strategy_fills_the_builder_and_reads_back() -> None:
    """What is shown for editing and saved unchanged is the same strategy."""
    strategy, _ = parse_draft({**good(), "id": 5, "version": 3}, account_ids=ACCOUNTS)
    assert strategy is not None

    again, problems = parse_draft(draft_of(strategy), account_ids=ACCOUNTS)

    assert problems == []
    assert again == strategy


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    raw=st.dictionaries(st.sampled_from([*good(), "id", "version"]), anything),
    leg=st.dictionaries(st.sampled_from(list(good()["legs"][0])), anything),
)
def test_no_input_whatever_breaks_the_reader(raw: dict[str, Any], leg: dict[str, Any]) -> None:
    """Either a strategy or sentences; never an exception, never both."""
    draft = {**good(), **raw}
    if isinstance(draft["legs"], list):
        draft["legs"] = [*draft["legs"], {**good()["legs"][0], **leg}]

    strategy, problems = parse_draft(draft, account_ids=ACCOUNTS)

    assert isinstance(strategy, Strategy) != bool(problems)
