"""The kill switch as pages have it: its scopes, its count-down, and POST /kill."""

from dataclasses import replace
from datetime import timedelta

import pytest

from algomirror.engine import messages as m
from pages import data_kill
from pages.components.live import Banner
from pages.components.live import KillPanel
from tests.pages import rows
from tests.pages.conftest import NOW
from tests.pages.conftest import Desk


async def test_the_dialog_offers_everything_each_account_and_strategies_with_open_runs(
    desk: Desk,
) -> None:
    """With positions and P&L per account of each scope."""
    desk.put(rows.account(1), rows.account(3, connection="degraded"), rows.run())
    desk.put(rows.run(key="9", id=9, strategy_id=8, name="Old one", state="exited"))
    desk.put(
        rows.execution(1, open_positions=2), rows.position(1, -130), rows.position(1, 130, leg_id=2)
    )

    await desk.user.open("/dashboard")
    scopes = {s["label"]: s["rows"] for s in desk.shown(KillPanel)["scopes"]}

    assert list(scopes) == [
        "Everything", "Account Arjun", "Account Rao HUF", "Strategy NIFTY short iron fly",
    ]  # fmt: skip
    assert [(r["name"], r["text"]) for r in scopes["Everything"]] == [
        ("Arjun", "4 positions"), ("Rao HUF", "4 positions"),
    ]  # fmt: skip
    assert scopes["Everything"][1]["state"] == "degraded, keeps trying"
    strategy = scopes["Strategy NIFTY short iron fly"]
    assert [(r["name"], r["positions"], r["pnl"]) for r in strategy] == [("Arjun", 2, "1677.00")]


async def test_a_kill_in_progress_counts_down_and_is_red_everywhere(desk: Desk) -> None:
    """Names and reasons of those that are not flat; FLAT only when every row is."""
    desk.put(rows.account(1), rows.account(3))
    flat = NOW + timedelta(seconds=12)
    desk.put(rows.kill(1, is_flat=True, flat_at=flat, positions_left=0, orders_filled=8))
    desk.put(rows.kill(3, text="Rao HUF does not answer, trying again"))

    await desk.user.open("/dashboard")
    kills = desk.shown(KillPanel)["kills"]
    banner = desk.shown(Banner)

    assert [(k["name"], k["flat"], k["count"]) for k in kills] == [
        ("Rao HUF", False, "3 of 8 orders filled, 2 positions left"), ("Arjun", True, "FLAT"),
    ]  # fmt: skip
    assert banner["level"] == "danger"
    assert banner["text"] == "Kill switch, not flat: Rao HUF."
    assert "does not answer" in banner["detail"]


async def test_an_old_flat_kill_is_not_shown_beside_a_new_one(desk: Desk) -> None:
    """But one that never became flat is."""
    desk.put(rows.kill(1, is_flat=True))
    desk.put(rows.kill(2, key="4-2", kill_id=4))
    desk.put(replace(rows.kill(3), key="6-3", kill_id=6, is_flat=True))

    shown = [r.key for r in data_kill.current(desk.app.view)]

    assert shown == ["4-2", "6-3"]


@pytest.mark.parametrize(
    ("body", "account", "strategy", "foreign"),
    [
        ({}, None, None, False),
        ({"account": 1}, 1, None, False),
        ({"account": 1, "with_foreign": True}, 1, None, True),
        ({"strategy": 7, "with_foreign": False}, None, 7, False),
        ({"with_foreign": True}, None, None, True),
    ],
)
async def test_post_kill_posts_its_scope_and_leaves_an_audit_row(
    desk: Desk, body: dict[str, object], account: int | None, strategy: int | None, foreign: bool
) -> None:
    """202, one message, who did it."""
    desk.put(rows.account(1), rows.run())
    await desk.user.open("/dashboard")

    answer = await desk.user.http_client.post("/kill", json=body)

    assert answer.status_code == 202
    assert desk.posted == [
        m.RequestKill(by="trader", account_id=account, strategy_id=strategy, with_foreign=foreign)
    ]
    scope = "account Arjun" if account else "strategy NIFTY short iron fly" if strategy else ""
    assert await desk.recorded() == [("trader", "kill_switch", scope or "everything")]


async def test_a_plain_post_without_a_body_and_a_form_work(desk: Desk) -> None:
    """curl -X POST, or a form of an old page."""
    desk.put(rows.account(1))

    plain = await desk.user.http_client.post("/kill")
    form = await desk.user.http_client.post("/kill", data={"account": "1", "with_foreign": "on"})

    assert (plain.status_code, form.status_code) == (202, 202)
    assert desk.posted == [
        m.RequestKill(by="trader"),
        m.RequestKill(by="trader", account_id=1, with_foreign=True),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"account": 9}, "There is no account 9: Arjun (1)."),
        ({"account": "Arjun"}, "named by its number"),
        ({"account": True}, "named by its number"),
        ({"strategy": 8}, "Strategy 8 has no open run."),
        ({"strategy": 7, "with_foreign": True}, "A strategy is a scope of its own."),
        ({"strategy": 7, "account": 1}, "A strategy is a scope of its own."),
    ],
)
async def test_a_scope_that_is_not_understood_sends_nothing_and_says_so(
    desk: Desk, body: dict[str, object], words: str
) -> None:
    """Neither a smaller nor a larger exit than was asked."""
    desk.put(rows.account(1), rows.run())

    answer = await desk.user.http_client.post("/kill", json=body)

    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert "Nothing was sent." in answer.json()["error"]
    assert desk.posted == []


async def test_a_stranger_neither_pulls_it_nor_sees_it(desk: Desk) -> None:
    """403 without a login."""
    desk.user.http_client.cookies.clear()

    pulled = await desk.user.http_client.post("/kill", json={})
    looked = await desk.user.http_client.get("/kill")

    assert (pulled.status_code, looked.status_code) == (403, 403)
    assert desk.posted == []


async def test_the_count_down_is_read_without_the_socket(desk: Desk) -> None:
    """GET /kill gives what the panel shows."""
    desk.put(rows.kill(3))

    found = (await desk.user.http_client.get("/kill")).json()

    assert [k["name"] for k in found["kills"]] == ["Rao HUF"]
