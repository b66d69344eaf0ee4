"""Child processes for tests: the paper exchange, AlgoMirror itself."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_LEAVE_OUT = ("PYTEST_CURRENT_TEST", "NICEGUI_SCREEN_TEST_PORT", "NICEGUI_USER_SIMULATION")


def environment() -> dict[str, str]:
    """Without what would make NiceGUI think that it runs under pytest."""
    return {k: v for k, v in os.environ.items() if k not in _LEAVE_OUT}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(url: str, body: Any = None, *, timeout: float = 5.0) -> tuple[int, Any]:
    """Status and parsed JSON (or text) of a GET, or of a POST when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, raw = refused.code, refused.read()
        refused.close()
    try:
        return status, json.loads(raw)
    except ValueError:
        return status, raw.decode()


@contextmanager
def paper(*arguments: str) -> Iterator[dict[str, Any]]:
    """The paper exchange on free ports; its ready line."""
    command = [sys.executable, "-m", "algomirror.paper", "--port", "0", "--ws-port", "0"]
    child = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
    )
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(5)
        child.stdout.close()


class Program:
    """AlgoMirror in demo mode as its own process."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "main.py", "--demo", "--no-browser", "--port", str(port)]
        self.log = (folder.parent / f"{folder.name}.out").open("w+")
        self.begun = time.monotonic()
        self.child = subprocess.Popen(
            [*command, "--data-dir", str(folder)],
            cwd=ROOT,
            env=environment(),
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def wait(self, seconds: float = 20.0) -> float:
        """Until pages are served; seconds it took."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.child.poll() is None, self.said()
            try:
                if get(f"{self.url}/healthz", timeout=1.0)[0] == 200:
                    return time.monotonic() - self.begun
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not up in {seconds} s: {self.said()}")

    @property
    def exchange(self) -> str:
        ready = json.loads((self.folder / "demo.json").read_text())
        return str(ready["rest"])

    def admin(self, act: str, **body: Any) -> Any:
        """An act on the demo's paper exchange."""
        status, found = get(f"{self.exchange}/admin/{act}", body)
        assert status == 200, found
        return found

    def said(self) -> str:
        self.log.flush()
        return (self.folder.parent / f"{self.folder.name}.out").read_text()[-3000:]

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.child.poll() is None:
            self.child.send_signal(number)
            self.child.wait(10)
        self.log.close()
        return int(self.child.returncode)
