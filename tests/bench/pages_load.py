"""Pages beside the engine: a NiceGUI server with connected socket clients, and page open times."""

import re
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import socketio
from playwright.sync_api import sync_playwright

from tests.processes import Program
from tests.processes import free_port

CHROMIUM = "/usr/bin/chromium"
OPENS = 8
CREDENTIALS = {"username": "trader", "email": "t@example.com", "password": "Str0ng!Pass",
               "repeat": "Str0ng!Pass"}  # fmt: skip


def page_open() -> dict[str, Any]:
    """Milliseconds from the request of a page to its first live row, in headless Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder) / "demo", free_port())
        up = program.wait()
        times = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"],
            )
            page = browser.new_page()
            page.goto(f"{program.url}/register")
            for name, value in CREDENTIALS.items():
                page.fill(f"#{name}", value)
            page.click("button[type=submit]")
            page.fill("#username", CREDENTIALS["username"])
            page.fill("#password", CREDENTIALS["password"])
            page.click("button[type=submit]")
            page.wait_for_url("**/dashboard")
            for _ in range(OPENS):
                begun = time.perf_counter()
                page.goto(f"{program.url}/dashboard", wait_until="commit")
                page.locator(".card .st.ok").first.wait_for()
                times.append((time.perf_counter() - begun) * 1e3)
            browser.close()
        program.stop()
    return {"start_s": up, "open_ms": sorted(times)}


class SocketClients:
    """Pages that are open: each holds a socket to the bench's own server and acknowledges."""

    def __init__(self, url: str, page: str, count: int) -> None:
        self.received = 0
        self._clients = [self._connect(url, page) for _ in range(count)]

    def _connect(self, url: str, page: str) -> socketio.Client:
        html = urllib.request.urlopen(page, timeout=10).read().decode()
        found = re.search(r"'client_id': '([^']+)'|\"client_id\": ?\"([^\"]+)\"", html)
        client_id = next(g for g in found.groups() if g) if found else ""
        client = socketio.Client()

        def count(event: str, data: Any) -> None:
            self.received += 1

        client.on("*", count)
        query = f"client_id={client_id}&next_message_id=0&implicit_handshake=true"
        query += f"&document_id=d{client_id}&tab_id=t{client_id}&old_tab_id="
        client.connect(
            f"{url}?{query}", socketio_path="/_nicegui_ws/socket.io", transports=["websocket"]
        )
        threading.Thread(target=self._ack, args=(client, client_id), daemon=True).start()
        return client

    def _ack(self, client: socketio.Client, client_id: str) -> None:
        while client.connected:
            client.emit("ack", {"client_id": client_id, "next_message_id": self.received})
            time.sleep(3.0)

    def close(self) -> None:
        for client in self._clients:
            client.disconnect()
