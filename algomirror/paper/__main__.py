"""`python -m algomirror.paper`: run the paper exchange as a server of its own."""

import argparse
import asyncio
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

from algomirror.clock import SystemClock
from algomirror.domain.holidays import HOLIDAYS
from algomirror.paper.answers import PaperServer
from algomirror.paper.faults import FaultPlan
from algomirror.paper.faults import load_faults
from algomirror.paper.market import Market
from algomirror.paper.master import default_master
from algomirror.paper.master import load_master
from algomirror.paper.server import PaperProcess

DEFAULT_CASH = "10000000"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m algomirror.paper", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000, help="0 takes a free one")
    parser.add_argument("--ws-port", type=int, default=8765, help="0 takes a free one")
    parser.add_argument("--key", action="append", required=True, metavar="KEY[:CASH]")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=float, default=1.0, help="market seconds a second")
    parser.add_argument("--profile", choices=("analyze", "live"), default="analyze")
    parser.add_argument("--faults", type=Path, help="JSON list of fault rules")
    parser.add_argument("--master", type=Path, help="JSON list of contracts")
    parser.add_argument("--tick", type=float, default=0.25, help="seconds between ticks")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits (benchmarks)")
    parser.add_argument("--child", action="store_true", help="end when standard input ends")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    clock = SystemClock()
    now = clock.now()
    master = default_master(now.date(), frozenset(HOLIDAYS))
    if options.master is not None:
        master = load_master(options.master)
    market = Market(master, seed=options.seed, start=now)
    server = PaperServer(market, limits=not options.no_limits)
    for number, given in enumerate(options.key):
        key, _, cash = given.partition(":")
        faults = FaultPlan(seed=options.seed + number)
        if options.faults is not None:
            faults = load_faults(options.faults, seed=options.seed + number)
        server.add_account(
            key,
            cash=Decimal(cash or DEFAULT_CASH),
            profile=options.profile,
            faults=faults,
            seed=options.seed + number,
        )
    process = PaperProcess(server, clock, speed=options.speed)
    process.step_s = options.tick
    rest, stream = await process.start(options.host, options.port, options.ws_port)
    process.stop_on_signals(with_parent=options.child)
    ready = {
        "ready": True,
        "rest": f"http://{options.host}:{rest}",
        "ws": f"ws://{options.host}:{stream}",
        "keys": len(server.accounts),
        "profile": options.profile,
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await process.run()


if __name__ == "__main__":
    asyncio.new_event_loop().run_until_complete(serve(arguments()))
    os._exit(0)  # a thread may still wait for standard input to end
