"""The house: who may import whom, how long a file may be, where time and threads come from."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 400
ALLOWED: dict[str, set[str]] = {
    "domain": {"domain", "errors"},
    "engine": {"domain", "engine", "errors", "clock"},
    "broker": {"domain", "broker", "engine.ports", "errors", "clock"},
    "store": {"domain", "store", "engine.ports", "engine.limbs", "errors", "clock"},
    "paper": {"domain", "paper", "errors", "clock"},
    "services": {"domain", "engine", "store", "services", "errors", "clock"},
    "simulate": {"domain", "engine", "store", "paper", "broker", "simulate", "errors", "clock"},
}
PAGES = {
    "app",
    "services",
    "engine.live_view",
    "engine.attention_rows",
    "engine.messages",
    "domain",
    "errors",
    "clock",
}
"""clock: pages show times in IST and never ask for them except through app.clock."""
FORBIDDEN_IN_PAGES = {"threading", "httpx", "websocket", "sqlalchemy", "sqlmodel"}
MONEY = ("domain/money.py", "domain/position.py", "domain/order.py", "domain/sizing.py",
         "domain/risk/rules.py", "domain/risk/max_loss.py", "domain/risk/max_profit.py",
         "engine/book.py", "engine/exit.py", "engine/entry.py")  # fmt: skip
CLOCK_IN_PAGES = {"pages/components/leg_editor.py"}
"""Years to expiry for display; the engine's clock is not needed for a picture."""


def sources(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> str | None:
    return name.removeprefix("algomirror.") if name.startswith("algomirror.") else None


def is_within(name: str, allowed: set[str]) -> bool:
    return any(name == a or name.startswith(a + ".") for a in allowed)


def is_ok(name: str, allowed: set[str]) -> bool:
    """A module, or a name imported from one; the package above an allowed module is a prefix."""
    return is_within(name, allowed) or any(a.startswith(name + ".") for a in allowed)


def wrong_imports(tree: ast.Module, allowed: set[str]) -> list[str]:
    return [n for n in imported(tree) if (own := ours(n)) and not is_ok(own, allowed)]


def calls_of(tree: ast.Module, owner: str, names: set[str]) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == owner
    ]


def floats_in(tree: ast.Module) -> list[int]:
    """Float calls and float literals that are not seconds (a name or constant ending in _s)."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
    ]


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_dependencies_point_one_way(package: str) -> None:
    """No package imports what stands above it."""
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in sources(f"algomirror/{package}")
        for name in wrong_imports(tree, ALLOWED[package])
    ]

    assert wrong == []


def test_pages_reach_only_app_services_and_live_rows() -> None:
    """Pages never touch broker, store, threads or HTTP."""
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in sources("pages")
        for name in imported(tree)
        if name.split(".")[0] in FORBIDDEN_IN_PAGES
        or ((own := ours(name)) and not is_ok(own, PAGES))
    ]

    assert wrong == []


def test_nicegui_stays_with_the_pages() -> None:
    """Only pages and main.py know NiceGUI."""
    wrong = [
        str(path.relative_to(ROOT))
        for path, tree in sources("algomirror")
        if any(name.split(".")[0] == "nicegui" for name in imported(tree))
    ]

    assert wrong == []


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    """datetime.now stands in clock.py alone."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("algomirror", "pages")
        for path, tree in sources(folder)
        if path.name != "clock.py"
        for line in calls_of(tree, "datetime", {"now", "utcnow", "today"})
        + calls_of(tree, "date", {"today"})
    ]

    assert wrong == []


def test_pages_make_no_clock_but_for_a_picture() -> None:
    """A page asks app.clock; one display helper is listed with its reason."""
    wrong = [
        str(path.relative_to(ROOT))
        for path, tree in sources("pages")
        if any(n == "algomirror.clock.SystemClock" for n in imported(tree))
    ]

    assert set(wrong) <= CLOCK_IN_PAGES


def test_money_is_never_a_float() -> None:
    """No float() where rupees are summed or compared."""
    wrong = [
        f"{name}:{line}"
        for name in MONEY
        for line in floats_in(ast.parse((ROOT / "algomirror" / name).read_text()))
    ]

    assert wrong == []


def test_threads_are_made_only_where_the_list_says() -> None:
    """threading.Thread in app.py, engine and broker."""
    wrong = [
        str(path.relative_to(ROOT))
        for path, tree in sources("algomirror")
        if calls_of(tree, "threading", {"Thread"})
        and path.parent.name not in ("engine", "broker")
        and path.name != "app.py"
    ]

    assert wrong == []


def test_files_stay_short() -> None:
    """No source file above the limit but those listed with a plan."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("algomirror", "pages")
        for path, _ in sources(folder)
    }
    ordered = sorted(lengths.values())
    print(f"files {len(ordered)}, median {ordered[len(ordered) // 2]}, "
          f"p90 {ordered[len(ordered) * 9 // 10]}")  # fmt: skip

    assert {name: n for name, n in lengths.items() if n > LIMIT} == {}


def test_the_checks_can_fail() -> None:
    """Each check finds what it is for in a bad source."""
    bad = ast.parse(
        "import threading\nfrom datetime import datetime\nfrom algomirror.store import db\n"
        "datetime.now()\nthreading.Thread()\nfloat('1.5')\n"
    )

    assert wrong_imports(bad, ALLOWED["domain"]) != []
    assert calls_of(bad, "datetime", {"now"}) == [4]
    assert calls_of(bad, "threading", {"Thread"}) == [5]
    assert floats_in(bad) == [6]
