"""The latency benchmark inside a NiceGUI process whose pages are open in five socket clients."""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nicegui import app as nicegui_app
from nicegui import core
from nicegui import ui

import pages
from tests.bench import latency
from tests.bench.pages_load import SocketClients
from tests.processes import free_port

CLIENTS = 5
SWITCH_INTERVAL_S = 0.0001


def fake_app(bench: latency.Bench) -> Any:
    """What pages ask of an App, over the bench's live view; everybody is signed in."""
    user = SimpleNamespace(username="bench")
    return SimpleNamespace(
        view=bench.view,
        clock=bench.clock,
        settings=SimpleNamespace(
            is_demo=True, version="bench", environment="bench", data_dir=bench.folder
        ),
        users=SimpleNamespace(user_of=lambda token: user, registration_open=lambda: False),
        market_text=lambda now: ("DEMO MARKET", True),
        post=bench.engine.post,
    )


def main() -> None:
    """Prints one JSON line with the figures, then ends."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    port = free_port()
    folder = tempfile.TemporaryDirectory()
    bench = latency.Bench(Path(folder.name))
    pages.register(fake_app(bench))

    def work() -> None:
        time.sleep(2.0)
        url = f"http://127.0.0.1:{port}"
        clients = SocketClients(url, f"{url}/runs/1", CLIENTS)
        figures = latency.measure(bench)
        figures["frames"] = clients.received
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()
        clients.close()
        if core.loop is not None:
            core.loop.call_soon_threadsafe(nicegui_app.shutdown)

    nicegui_app.on_startup(lambda: threading.Thread(target=work, daemon=True).start())
    ui.run(host="127.0.0.1", port=port, reload=False, show=False, show_welcome_message=False,
           storage_secret="b" * 32, binding_refresh_interval=0.5, reconnect_timeout=30)  # fmt: skip


if __name__ in {"__main__", "__mp_main__"}:
    main()
