"""The kill switch as a file: what a look finds, and that nothing ever raises."""

import json
from datetime import UTC
from datetime import datetime
from pathlib import Path

import pytest

from algomirror.engine.limbs import KillFile as Port
from algomirror.store.kill_file import KillFile
from algomirror.store.kill_file import order_text
from algomirror.store.kill_file import replace_text

NOW = datetime(2026, 11, 24, 11, 42, 19, tzinfo=UTC)


def test_without_a_file_there_is_no_order(tmp_path: Path) -> None:
    """The usual look, each second of the day."""
    file: Port = KillFile(tmp_path)

    assert file.look() is None
    assert file.finish(NOW) == ""
    assert list(tmp_path.iterdir()) == []


def test_touch_means_everything_ours_at_the_second_look(tmp_path: Path) -> None:
    """The first look may see a file that is still being written."""
    (tmp_path / "KILL").touch()
    file = KillFile(tmp_path)

    first, second = file.look(), file.look()

    assert first is None
    assert second is not None
    assert (second.by, second.account, second.account_id) == ("KILL file", "", None)
    assert (second.strategy, second.strategy_id, second.with_foreign) == ("", None, False)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"now!", b"[]", b"7", b'"KILL"', b'{"account": ["Arjun"]}', b"\xff\xfe\x00",
     b"[" * 60_000, b" " * 70_000, b'{"strategy_id": "seven"}', b'{"account": "Ar'],
)  # fmt: skip
def test_what_cannot_be_read_as_an_order_means_everything_ours(
    tmp_path: Path, content: bytes
) -> None:
    """A hand that wrote KILL in haste gets out, never a question."""
    (tmp_path / "KILL").write_bytes(content)
    file = KillFile(tmp_path)
    file.look()

    order = file.look()

    assert order is not None
    assert (order.account, order.account_id, order.strategy, order.strategy_id) == (
        "", None, "", None,
    )  # fmt: skip
    assert not order.with_foreign


def test_a_folder_in_its_place_is_an_order_too(tmp_path: Path) -> None:
    """Whatever carries the name."""
    (tmp_path / "KILL").mkdir()
    file = KillFile(tmp_path)
    file.look()

    assert file.look() is not None
    assert file.finish(NOW) == ""
    assert (tmp_path / "KILL.done-20261124T114219").exists()


def test_the_command_s_order_is_read_whole_at_the_first_look(tmp_path: Path) -> None:
    """Names and ids, and the tick."""
    text = order_text(by="root", account=(3, "Rao HUF"), everything=True)
    replace_text(tmp_path / "KILL", text)

    order = KillFile(tmp_path).look()

    assert order is not None
    assert (order.by, order.account, order.account_id) == ("root", "Rao HUF", 3)
    assert order.with_foreign


@pytest.mark.parametrize("value", [1, "true", "yes", [True], None])
def test_only_true_means_true(tmp_path: Path, value: object) -> None:
    """What others opened is touched on a clear word only."""
    replace_text(tmp_path / "KILL", json.dumps({"everything": value}))

    order = KillFile(tmp_path).look()

    assert order is not None
    assert not order.with_foreign


def test_a_number_for_a_name_is_an_id(tmp_path: Path) -> None:
    """{"account": 2} by hand."""
    replace_text(tmp_path / "KILL", '{"account": 2, "strategy": null}')

    order = KillFile(tmp_path).look()

    assert order is not None
    assert (order.account, order.account_id) == ("", 2)


def test_the_order_stays_until_it_is_finished(tmp_path: Path) -> None:
    """The same token until then; the name of the file put aside tells when."""
    replace_text(tmp_path / "KILL", order_text(by="root"))
    file = KillFile(tmp_path)

    first, second = file.look(), file.look()
    assert first == second
    assert file.finish(NOW) == ""

    assert file.look() is None
    assert (tmp_path / "KILL.done-20261124T114219").exists()


def test_a_newer_order_is_not_put_aside_with_the_old_one(tmp_path: Path) -> None:
    """What was written while the first counted down is seen by the next look."""
    replace_text(tmp_path / "KILL", order_text(by="first"))
    file = KillFile(tmp_path)
    first = file.look()
    replace_text(tmp_path / "KILL", order_text(by="second"))

    file.finish(NOW)
    second = file.look()

    assert first is not None
    assert second is not None
    assert (second.by, second.token != first.token) == ("second", True)


def test_the_status_is_replaced_and_never_seen_in_part(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    file = KillFile(tmp_path)

    assert file.write_status("A: 3 of 8 orders filled, 2 positions left") == ""
    assert file.write_status("FLAT 11:42:19, books agree") == ""

    assert [p.name for p in tmp_path.iterdir()] == ["KILL.status"]
    assert (tmp_path / "KILL.status").read_text() == "FLAT 11:42:19, books agree\n"


def test_a_folder_that_cannot_be_written_gives_a_sentence(tmp_path: Path) -> None:
    """The engine goes on; the log and the returned text say what failed."""
    (tmp_path / "KILL.status").mkdir()
    (tmp_path / "KILL.status" / "x").touch()
    (tmp_path / "KILL").touch()
    (tmp_path / "KILL.done-20261124T114219").mkdir()
    file = KillFile(tmp_path)
    file.look()
    file.look()

    assert "KILL.status cannot be written" in file.write_status("going")
    assert "KILL cannot be renamed" in file.finish(NOW)
    assert file.look() is None
