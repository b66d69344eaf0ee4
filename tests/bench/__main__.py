"""`make bench`: figures with the peer or floor beside them, in one run."""

import sys

from tests.bench import latency
from tests.bench import throughput

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
    found = latency.measure()
    print(f"load: {latency.ACCOUNTS} accounts x {4 * latency.RUNS} legs held, "
          f"{found['ticks_per_s']:,.0f} ticks/s, five readers of the live view")  # fmt: skip
    for name, label in (("decision", "tick -> decision"),
                        ("first", "tick -> first order bytes"),
                        ("wave", "tick -> last bytes of wave")):  # fmt: skip
        values = found[name]
        print(f"{label:26} p50 {latency.percentile(values, 0.5) * 1e3:7.2f} ms   "
              f"p99 {latency.percentile(values, 0.99) * 1e3:7.2f} ms   "
              f"({len(values)} breaches, commit included)")  # fmt: skip


if __name__ == "__main__":
    main()
