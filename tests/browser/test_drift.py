"""The answers to differences with a broker, in a real browser against the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import expect

from tests.browser.test_journey import CHROMIUM
from tests.browser.test_journey import browser
from tests.browser.test_kill import open_run
from tests.browser.test_kill import signed_in
from tests.processes import Program
from tests.processes import free_port

__all__ = ["browser"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    found = Program(tmp_path_factory.mktemp("drift") / "demo", free_port())
    found.wait()
    yield found
    found.stop()


def rows(page: Page) -> list[str]:
    return page.locator(".dr tbody tr:first-child").all_inner_texts()


def press(page: Page, row: str, act: str, confirm: str) -> None:
    """Open an act of the row of that account, then press its button."""
    line = page.locator(".dr tr.nob", has_text=row)
    expect(line).to_contain_text("confirmed", timeout=PATIENCE_MS)
    line.locator("xpath=following-sibling::tr[1]").get_by_role("button", name=act).click()
    page.locator(".q-dialog .btn", has_text=confirm).click()
    expect(page.locator(".q-dialog .dlg")).to_have_count(0)


def drift_cell(page: Page, url: str) -> str:
    page.goto(f"{url}/dashboard")
    cell = page.locator("a.kpi", has_text="Drift")
    expect(cell).to_be_visible()
    return cell.inner_text()


def test_adopting_taking_over_and_flattening_bring_the_counter_back_to_0(
    program: Program, browser: Browser, artefacts: Path
) -> None:
    """What others did on three accounts is answered in three ways; the exchange's books agree."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(20_000)
    signed_in(page, program.url)
    open_run(page)
    books = program.admin("books")["data"]
    short = next(p["symbol"] for p in books[0]["positions"] if p["quantity"] < 0)
    hand = {"symbol": short, "exchange": "NFO", "quantity": 65}
    program.admin("trade", number=0, action="BUY", product="NRML", **hand)
    program.admin("trade", number=1, action="SELL", product="MIS", **hand)
    program.admin("trade", number=2, action="BUY", product="MIS", **hand)
    page.goto(f"{program.url}/positions")
    expect(page.locator(".dr tr.nob")).to_have_count(3, timeout=PATIENCE_MS)
    expect(page.locator(".dr .bd.warn", has_text="confirmed")).to_have_count(3, timeout=PATIENCE_MS)
    page.screenshot(path=artefacts / "drift-1-three.png", full_page=True)
    assert "3" in drift_cell(page, program.url)

    page.goto(f"{program.url}/positions")
    press(page, "Arjun", "Adopt as closed outside", "Adopt as closed")
    expect(page.locator(".dr tr.nob", has_text="Arjun")).to_have_count(0, timeout=PATIENCE_MS)
    press(page, "Meera", "Take over", "Take over 65 units")
    expect(page.locator(".dr tr.nob", has_text="Meera")).to_have_count(0, timeout=PATIENCE_MS)
    press(page, "Rao HUF", "Flatten the difference", "Send 1 order")
    expect(page.get_by_text("No difference: every broker's book agrees")).to_be_visible(
        timeout=PATIENCE_MS
    )
    cell = drift_cell(page, program.url)
    page.goto(f"{program.url}/runs")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.screenshot(path=artefacts / "drift-2-answered.png", full_page=True)
    page.goto(f"{program.url}/activity")
    said = page.locator("tbody").inner_text()
    books = program.admin("books")["data"]

    assert "0" in cell
    assert "books agree" in cell
    assert all(act in said for act in ("adopt outside", "take over", "flatten drift"))
    by_hand = [b for b in books[2]["orders"] if b["quantity"] == 65 and b["symbol"] == short]
    assert [o["action"] for o in by_hand] == ["SELL", "BUY", "SELL"]
