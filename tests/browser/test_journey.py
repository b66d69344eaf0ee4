"""The whole way of a new trader in a real browser, against a real exchange and socket."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import expect
from playwright.sync_api import sync_playwright

from tests.processes import ROOT
from tests.processes import Program
from tests.processes import environment
from tests.processes import free_port
from tests.processes import get

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             "--disable-sync"]  # fmt: skip
PASSWORD = "Str0ng!Pass"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    found = Program(tmp_path_factory.mktemp("journey") / "demo", free_port())
    print(f"pages served after {found.wait():.1f} s")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    found = context.new_page()
    found.set_default_timeout(20_000)
    yield found
    context.close()


def rupees(text: str) -> Decimal:
    """An amount as a page shows it."""
    plain = re.sub(r"[₹,+▲▼\s]", "", text).replace("\u2212", "-")
    return Decimal(plain)


@pytest.mark.acceptance(4)
def test_the_main_job(program: Program, page: Page, artefacts: Path) -> None:
    """Register, build, execute, watch, max loss closes all; P&L equals the exchange's books."""
    errors: list[str] = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(program.url)
    page.click("text=Get started")
    page.fill("#username", "trader")
    page.fill("#email", "trader@example.com")
    page.fill("#password", PASSWORD)
    page.fill("#repeat", PASSWORD)
    page.click("button[type=submit]")
    page.fill("#username", "trader")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")

    page.wait_for_url("**/dashboard")
    for name in ("Arjun", "Meera", "Rao HUF"):
        expect(page.locator(".card", has_text=name).first).to_contain_text("Connected")
    page.screenshot(path=artefacts / "1-dashboard.png")

    page.click('.nav a[href="/strategies"]')
    page.click("a:has-text('New strategy')")
    expect(page.locator(".leg")).to_have_count(4)
    page.get_by_label("Max loss, ₹ (empty = none)").fill("900")
    for line in page.locator(".leg .live b:first-child").all()[:4]:
        expect(line).to_contain_text("NIFTY")
    page.screenshot(path=artefacts / "2-builder.png", full_page=True)
    page.click("text=Save & Execute")
    page.click("button:has-text('Send 12 orders to 3 accounts')")
    page.screenshot(path=artefacts / "3-plan.png")
    page.click("button:has-text('Open run 1')")

    expect(page.locator("tr.tot").first).to_contain_text("12 positions")
    before = page.locator("#run-total").inner_text()
    expect(page.locator("#run-total")).not_to_have_text(before)
    page.screenshot(path=artefacts / "4-run-live.png", full_page=True)

    books = program.admin("books")["data"]
    assert all(len([p for p in b["positions"] if p["quantity"]]) == 4 for b in books)
    spot = rupees(page.locator(".tick b").first.inner_text())
    program.admin("index", name="NIFTY", price=float(spot) * 1.02)
    expect(page.locator(".risk")).to_contain_text("Max loss: P&L")
    expect(page.locator("tr.tot").first).to_contain_text("0 positions", timeout=30_000)
    expect(page.locator(".tl")).to_contain_text("Run 1 exited")
    page.screenshot(path=artefacts / "5-run-closed.png", full_page=True)

    books = program.admin("books")["data"]
    assert [p for b in books for p in b["positions"] if p["quantity"]] == []
    exact = sum(Decimal(b["cash_flow"]) for b in books)
    assert rupees(page.locator("#run-total").inner_text()) == exact
    assert rupees(page.locator(".kpi.hero .v").inner_text()) == exact
    for book in books:
        assert len(book["orders"]) == 8

    page.click('.nav a[href="/orders"]')
    expect(page.locator("tbody tr", has_text="EXIT")).to_have_count(12)
    page.screenshot(path=artefacts / "6-orders.png")
    assert errors == []


@pytest.mark.acceptance(105)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_no_page_scrolls_sideways_on_a_phone(
    program: Program, browser: Browser, artefacts: Path, scheme: str
) -> None:
    """390 px: every screen fits and KILL is one tap away."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{program.url}/login")
    page.fill("#username", "trader")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/dashboard")
    wide = {}
    paths = ("dashboard", "accounts", "accounts/new", "strategies", "strategies/new", "runs",
             "runs/1", "orders", "trades", "positions", "activity", "attention")  # fmt: skip
    for path in paths:
        page.goto(f"{program.url}/{path}")
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(300)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            wide[path] = over
        page.screenshot(path=artefacts / f"phone-{scheme}-{path.replace('/', '-')}.png")
    page.locator(".pnav .k").click()
    expect(page.get_by_text("Nothing has been sent until the ring closes.")).to_be_visible()
    page.wait_for_timeout(400)
    page.screenshot(path=artefacts / f"phone-{scheme}-kill.png")
    context.close()

    assert wide == {}


def test_a_second_copy_says_who_holds_the_data_and_stops(program: Program) -> None:
    """Exit code 3, nothing sent."""
    second = subprocess.run(
        [sys.executable, "main.py", "--demo", "--no-browser", "--data-dir", str(program.folder)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=30,
    )  # fmt: skip

    assert second.returncode == 3
    assert f"pid {program.child.pid}" in second.stderr


def test_sigterm_stops_cleanly_and_a_restart_has_everything(tmp_path: Path) -> None:
    """Stopped in two seconds or so; SIGKILL frees the lease at once; the accounts are there."""
    first = Program(tmp_path / "demo", free_port())
    first.wait()
    code = first.stop()
    assert code in (0, -15, 143), first.said()
    second = Program(tmp_path / "demo", free_port())
    second.wait()
    second.stop(9)

    third = Program(tmp_path / "demo", free_port())
    third.wait()
    books = third.admin("books")["data"]
    third.stop()

    assert len(books) == 3
    assert json.loads((tmp_path / "demo" / "demo.json").read_text())["keys"] == 3


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.fill("#username", "trader")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/dashboard")


BUILDER_FIELDS = {
    "Name": ("", "1 to 100 characters"),
    "Max loss, ₹ (empty = none)": ("-5", "0"),
    "Max profit, ₹ (empty = none)": ("1e309", "rupees"),
    "Wait for hedges, s": ("abc", "whole number"),
    "Wait for entry, s": ("99999999", "whole number"),
    "Sets of Arjun": ("0", "whole number"),
}


def test_bad_input_gets_a_sentence_beside_its_field_and_saves_nothing(
    program: Program, browser: Browser, artefacts: Path
) -> None:
    """Builder and account form: what was typed stays, nothing is stored, nothing is sent."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, program.url)
    page.goto(f"{program.url}/strategies")
    page.get_by_role("heading", name="Strategies", exact=True).wait_for()
    page.wait_for_timeout(800)
    before = page.locator(".card:has(footer)").count()
    page.goto(f"{program.url}/strategies/new")
    expect(page.locator(".leg")).to_have_count(4)
    for label, (typed, _) in BUILDER_FIELDS.items():
        page.get_by_label(label, exact=True).fill(typed)
    page.get_by_label("Lots", exact=True).first.fill("1.5")
    page.get_by_label("Strikes away", exact=True).first.fill("-3")
    page.click("button:has-text('Save & Execute')")
    expect(page.locator(".q-field--error")).to_have_count(len(BUILDER_FIELDS) + 2)
    said = " ".join(page.locator(".q-field__messages").all_inner_texts())
    page.screenshot(path=artefacts / "bad-builder.png", full_page=True)
    kept = page.get_by_label("Wait for hedges, s", exact=True).input_value()
    page.goto(f"{program.url}/strategies")
    page.wait_for_timeout(1500)
    after = page.locator(".card:has(footer)").count()

    assert all(words in said for _, words in BUILDER_FIELDS.values()), said
    assert kept == "abc"
    assert after == before


def test_a_dead_host_and_a_wrong_key_are_told_apart(
    program: Program, browser: Browser, artefacts: Path
) -> None:
    """The sentence says which and what to do."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, program.url)
    page.goto(f"{program.url}/accounts/new")
    page.get_by_label("Name", exact=True).fill("Fourth")
    page.get_by_label("OpenAlgo address", exact=True).fill(f"http://127.0.0.1:{free_port()}")
    page.get_by_label("API key", exact=True).fill("a-wrong-key-of-some-length")
    page.click("button:has-text('Test connection')")
    expect(page.get_by_text("Is OpenAlgo running?")).to_be_visible()
    page.get_by_label("OpenAlgo address", exact=True).fill(program.exchange)
    page.click("button:has-text('Test connection')")
    expect(page.get_by_text("OpenAlgo did not accept this API key.")).to_be_visible()
    page.get_by_label("OpenAlgo address", exact=True).fill("not an address")
    page.click("button:has-text('Test connection')")
    expect(page.get_by_text("Type an address like")).to_be_visible()
    page.screenshot(path=artefacts / "bad-account.png")


def test_pages_stay_within_their_budget_of_elements(program: Program, browser: Browser) -> None:
    """At most 300 NiceGUI elements a page (nicegui.md 11); the kill dialog opens by its keys."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, program.url)
    counts = {}
    for path in (
        "dashboard",
        "accounts",
        "strategies/new",
        "runs/1",
        "orders",
        "positions",
        "attention",
    ):
        page.goto(f"{program.url}/{path}")
        page.locator("h1").first.wait_for()
        page.wait_for_timeout(800)
        counts[path] = page.evaluate("Object.keys(mounted_app.elements).length")
    print(counts)
    page.keyboard.press("Control+Shift+X")
    expect(page.get_by_text("Nothing has been sent until the ring closes.")).to_be_visible()

    assert max(counts.values()) <= 300
    assert min(counts.values()) > 5


def test_the_kill_switch_by_plain_post_needs_a_login_and_our_own_origin(
    program: Program, browser: Browser
) -> None:
    """It works when the live socket is dead; a stranger and a foreign page are refused."""
    status, _ = get(f"{program.url}/kill", {})
    context = browser.new_context()
    sign_in(context.new_page(), program.url)

    foreign = context.request.post(
        f"{program.url}/kill", headers={"Origin": "https://evil.example"}
    )

    assert status == 403
    assert foreign.status == 403
    assert context.request.post(f"{program.url}/kill").status == 202
    page = context.new_page()
    page.goto(f"{program.url}/dashboard")
    expect(page.get_by_text("Fleet is REDUCING.")).to_be_visible()
    page.goto(f"{program.url}/accounts")
    page.click("button:has-text('Resume entries')")
    page.click("button:has-text('Set the fleet ACTIVE')")
    expect(page.locator(".bar .chip.ok")).to_contain_text("ACTIVE")


def test_keys_lead_everywhere_and_send_nothing(
    program: Program, browser: Browser, artefacts: Path
) -> None:
    """g and a letter, and the palette, open pages."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    sign_in(page, program.url)
    page.locator("h1").first.wait_for()
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/orders")
    page.keyboard.press("Control+k")
    page.locator("#palette input").fill("strateg")
    page.screenshot(path=artefacts / "palette.png")
    page.keyboard.press("Enter")

    page.wait_for_url("**/strategies")
