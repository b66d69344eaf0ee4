"""`make bench`: figures with the peer or floor beside them, in one run."""

import json
import subprocess
import sys
from typing import Any

from tests.bench import hanging
from tests.bench import latency
from tests.bench import pages_load
from tests.bench import restart
from tests.bench import throughput
from tests.processes import ROOT
from tests.processes import environment

SWITCH_INTERVAL_S = 0.0001


def main() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    ticks, floor = throughput.decode_ceiling()
    print(f"feed into state          {ticks:>10,.0f} messages/s   goal 30,000   "
          f"floor (orjson alone) {floor:,.0f}")  # fmt: skip
    medians = throughput.fan_out()
    fastest = min(medians["http.client"], medians["aiohttp"])
    for name, seconds in medians.items():
        print(f"fan-out of 50 orders     {seconds * 1e3:>10.1f} ms   {name:12} "
              f"{seconds / fastest:.2f} x the fastest bare client")  # fmt: skip
    print(f"  goal: ours <= 2.00 x   reached: {medians['ours'] <= 2 * fastest}")
    found = served()
    print(f"load: {latency.ACCOUNTS} accounts x {4 * latency.RUNS} legs held, "
          f"{found['ticks_per_s']:,.0f} ticks/s, 5 connected pages "
          f"({found['frames']:,} frames received)")  # fmt: skip
    for name, label in (("decision", "tick -> decision"),
                        ("first", "tick -> first order bytes"),
                        ("wave", "tick -> last bytes of wave")):  # fmt: skip
        values = found[name]
        print(f"{label:26} p50 {latency.percentile(values, 0.5) * 1e3:7.2f} ms   "
              f"p99 {latency.percentile(values, 0.99) * 1e3:7.2f} ms   "
              f"({len(values)} breaches, commit included)")  # fmt: skip
    print("  goal: order bytes p99 <= 5 ms   reached: "
          f"{latency.percentile(found['first'], 0.99) <= 0.005}")  # fmt: skip
    fleet = found["fleet"]
    print(f"run-wide breach on 50 accounts: first byte {fleet[0] * 1e3:.1f} ms, last byte of the "
          f"first wave {fleet[-1] * 1e3:.1f} ms ({len(fleet)} orders)")  # fmt: skip
    opened = pages_load.page_open()
    times = opened["open_ms"]
    print(
        f"start to pages served {opened['start_s']:.1f} s   page open -> first live row: median "
        f"{times[len(times) // 2]:.0f} ms, worst {times[-1]:.0f} ms (headless Chromium)"
    )
    restart.report()
    hanging.report()


def served() -> dict[str, Any]:
    """The latency benchmark in a process of its own, with a page server beside the engine."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.served"], capture_output=True, text=True,
        env=environment(), timeout=120, cwd=ROOT,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(lines[-1])
    return found


if __name__ == "__main__":
    main()
