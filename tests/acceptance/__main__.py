"""`make acceptance`: run every test marked acceptance(N), list all numbers with their verdicts."""

import sys
from collections import defaultdict
from pathlib import Path

import pytest

SCENARIOS = Path(__file__).with_name("scenarios.txt")
TOTAL = 123


class Collector:
    """A pytest plugin: which scenario each test names, and how it ended."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.verdicts: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            found = [int(mark.args[0]) for mark in item.iter_markers("acceptance")]
            if found:
                self.numbers[item.nodeid] = found
        items[:] = [item for item in items if item.nodeid in self.numbers]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.verdicts[report.nodeid] = "FAILED"
        elif report.skipped:
            self.verdicts.setdefault(report.nodeid, "skipped")
        elif report.when == "call":
            self.verdicts.setdefault(report.nodeid, "passed")


def main() -> int:
    collector = Collector()
    pytest.main(["-q", "--no-header", "--no-summary", "tests"], plugins=[collector])
    if not collector.verdicts:
        print("no test ran")
        return 2
    proofs: dict[int, list[str]] = defaultdict(list)
    for test, numbers in collector.numbers.items():
        for number in numbers:
            proofs[number].append(test)
    failing = 0
    for line in SCENARIOS.read_text(encoding="utf-8").splitlines():
        number = int(line.split(".")[0])
        tests = proofs.get(number, [])
        verdicts = {collector.verdicts.get(t, "not run") for t in tests}
        word = "open" if not tests else "passed" if verdicts == {"passed"} else "FAILING"
        failing += word == "FAILING"
        print(f"{number:>3} {word:8} {line.split('. ', 1)[1][:96]}")
        for test in tests:
            print(f"             {collector.verdicts.get(test, 'not run'):8} {test}")
    covered = sum(1 for n in range(1, TOTAL + 1) if proofs.get(n))
    print(f"{covered} of {TOTAL} covered, {failing} failing")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
