"""The kill switch in a real browser: option tick, hold by keyboard, count-down to FLAT."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import expect

from tests.browser.test_journey import CHROMIUM
from tests.browser.test_journey import PASSWORD
from tests.browser.test_journey import browser
from tests.processes import Program
from tests.processes import free_port

__all__ = ["browser"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]
OUTSIDE = "BANKNIFTY"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    found = Program(tmp_path_factory.mktemp("kill") / "demo", free_port())
    found.wait()
    yield found
    found.stop()


def signed_in(page: Page, url: str) -> None:
    """The first to come registers."""
    page.goto(url)
    page.click("text=Get started")
    for field, text in (("username", "trader"), ("email", "trader@example.com"),
                        ("password", PASSWORD), ("repeat", PASSWORD)):  # fmt: skip
        page.fill(f"#{field}", text)
    page.click("button[type=submit]")
    page.fill("#username", "trader")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/dashboard")


def open_run(page: Page) -> None:
    page.click('.nav a[href="/strategies"]')
    page.click("a:has-text('New strategy')")
    expect(page.locator(".leg")).to_have_count(4)
    for line in page.locator(".leg .live b:first-child").all()[:4]:
        expect(line).to_contain_text("NIFTY")
    page.click("text=Save & Execute")
    page.click("button:has-text('Send 12 orders to 3 accounts')")
    page.click("button:has-text('Open run 1')")
    expect(page.locator("tr.tot").first).to_contain_text("12 positions")


def test_the_kill_switch_with_its_option_ends_flat_in_every_book(
    program: Program, browser: Browser, artefacts: Path
) -> None:
    """Ours and what another program opened; FLAT is said when the books agree, by keyboard only."""
    errors: list[str] = []
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda e: errors.append(str(e)))
    signed_in(page, program.url)
    open_run(page)
    symbol = program.admin("books")["data"][0]["positions"][0]["symbol"]
    program.admin("trade", number=1, symbol=symbol, exchange="NFO", action="BUY", quantity=65,
                  product="MIS")  # fmt: skip
    page.goto(f"{program.url}/positions")
    expect(page.locator(".dr tbody tr").first).to_contain_text("Meera", timeout=60_000)
    expect(page.locator(".dr")).to_contain_text("65 units long are there that no run of ours")
    page.screenshot(path=artefacts / "kill-1-drift.png", full_page=True)

    page.keyboard.press("Control+Shift+X")
    box = page.locator(".killbox")
    expect(box).to_contain_text("exits 12 positions in 3 accounts")
    page.get_by_label("What to close").select_option(
        label="Strategy NIFTY short straddle with hedges"
    )
    expect(box.get_by_role("switch")).to_have_count(0)
    page.get_by_label("What to close").select_option(label="Everything")
    box.get_by_role("switch").check()
    expect(box).to_contain_text("whoever opened it")
    ring = box.locator(".holdring")
    ring.focus()
    page.keyboard.down("Space")
    page.wait_for_timeout(700)
    expect(box).to_contain_text("Keep holding")
    page.screenshot(path=artefacts / "kill-2-hold.png")
    page.keyboard.up("Space")
    page.wait_for_timeout(300)
    expect(box).to_contain_text("Nothing has been sent until the ring closes.")
    assert sum(len(b["orders"]) for b in program.admin("books")["data"]) == 13
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert sum(len(b["orders"]) for b in program.admin("books")["data"]) == 13

    ring.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(box.get_by_role("button", name="Second step: Exit everything")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert sum(len(b["orders"]) for b in program.admin("books")["data"]) == 13

    ring.focus()
    page.keyboard.down("Space")
    expect(box).to_contain_text("Closing this window stops nothing.")
    page.keyboard.up("Space")
    page.screenshot(path=artefacts / "kill-3-counting.png")
    expect(box.locator(".kend")).to_contain_text("FLAT", timeout=60_000)
    expect(box.locator(".kend")).to_contain_text("books agree")
    page.screenshot(path=artefacts / "kill-4-flat.png")
    books = program.admin("books")["data"]
    page.keyboard.press("Escape")
    expect(box).not_to_be_visible()
    page.goto(f"{program.url}/activity")
    expect(page.locator("tbody")).to_contain_text("kill switch")

    assert [p for b in books for p in b["positions"] if p["quantity"]] == []
    assert errors == []


def test_it_opens_sends_and_says_so_without_the_live_socket(
    program: Program, browser: Browser
) -> None:
    """The socket is cut: the button still opens, the ring still sends, by plain HTTP."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{program.url}/login")
    page.fill("#username", "trader")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/dashboard")
    page.locator(".pnav .k").wait_for()
    page.wait_for_timeout(800)
    page.evaluate("window.socket.disconnect()")
    page.locator(".pnav .k").click()
    box = page.locator(".killbox")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.post_data or "") if r.method == "POST" else None)

    page.mouse.move(*_middle(page))
    page.mouse.down()
    expect(box).to_contain_text("Closing this window stops nothing.")
    page.mouse.up()
    expect(box.locator(".kend")).to_contain_text("FLAT", timeout=30_000)

    assert [json.loads(body) for body in sent if "with_foreign" in body] == [
        {"account": None, "strategy": None, "with_foreign": False}
    ]
    context.close()


def _middle(page: Page) -> tuple[float, float]:
    box = page.locator(".holdring").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
