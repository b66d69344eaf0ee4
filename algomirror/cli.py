"""The `algomirror` command; without a sub-command it starts main.py."""

import argparse
import sys
from collections import Counter

from algomirror.errors import AlgoMirrorError
from algomirror.kill_command import kill
from algomirror.simulate.day import run_day


def main() -> int:
    """`algomirror simulate --seeds N`, `algomirror kill`, else everything main.py takes."""
    if len(sys.argv) > 1 and sys.argv[1] == "simulate":
        return simulate(sys.argv[2:])
    if len(sys.argv) > 1 and sys.argv[1] == "kill":
        return kill(sys.argv[2:], lambda line: print(line, flush=True))
    try:
        from main import main as serve
    except ImportError as failed:  # pragma: no cover - a broken installation
        raise AlgoMirrorError("main.py is not beside the package") from failed
    return serve()


def simulate(arguments: list[str]) -> int:
    """Seeded days against the paper exchange; prints a ledger; 1 when an invariant broke."""
    parser = argparse.ArgumentParser(prog="algomirror simulate")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args(arguments)
    injected: Counter[str] = Counter()
    states: Counter[str] = Counter()
    events = orders = checks = 0
    broken: list[tuple[int, str]] = []
    for seed in range(given.first, given.first + given.seeds):
        ledger = run_day(seed)
        injected.update(ledger.injected)
        states.update(ledger.states)
        events += ledger.events
        orders += ledger.orders
        checks += ledger.checks
        broken.extend((seed, text) for text in ledger.broken)
    print(f"seeds {given.seeds}  events {events}  orders {orders}  invariant checks {checks}")
    print("executions ended: " + ", ".join(f"{k} {v}" for k, v in sorted(states.items())))
    print("faults injected: " + ", ".join(f"{k} {v}" for k, v in sorted(injected.items())))
    for seed, text in broken:
        print(f"BROKEN seed {seed}: {text}  (algomirror simulate --first {seed} --seeds 1)")
    print(f"{len(broken)} breaches")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
