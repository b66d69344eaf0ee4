"""The demo's other half: the paper exchange as a child process, three accounts linked to it."""

import json
import logging
import secrets
import subprocess
import sys
import urllib.request
from typing import Any

from algomirror.app import App
from algomirror.domain.run import TradingMode
from algomirror.services.accounts import AccountForm
from algomirror.services.accounts import ConnectionResult

log = logging.getLogger(__name__)

ACCOUNTS = (("Arjun", "sky", "6000000"), ("Meera", "violet", "4000000"),
            ("Rao HUF", "pink", "2800000"))  # fmt: skip
KEY_FILE = "demo-keys.json"


class Demo:
    """Owns the child; it ends with us, since it watches our end of its standard input."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> dict[str, Any]:
        """Start the exchange on free ports, or use the one that still runs; point the accounts."""
        keys = self._keys()
        running = self._still_running()
        if running is not None:
            self._link(keys, running)
            return running
        command = [sys.executable, "-m", "algomirror.paper", "--port", "0", "--ws-port", "0",
                   "--seed", "7", "--child"]  # fmt: skip
        for (_, _, cash), key in zip(ACCOUNTS, keys, strict=True):
            command += ["--key", f"{key}:{cash}"]
        self._child = subprocess.Popen(  # noqa: S603 - our own module with our own arguments
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._child.stdout is not None  # noqa: S101 - PIPE above
        ready: dict[str, Any] = json.loads(self._child.stdout.readline())
        (self._app.settings.data_dir / "demo.json").write_text(json.dumps(ready))
        self._link(keys, ready)
        log.info("paper exchange at %s", ready["rest"])
        return ready

    def _still_running(self) -> dict[str, Any] | None:
        """The exchange of the last start outlives a process that started it by itself."""
        try:
            ready: dict[str, Any] = json.loads(
                (self._app.settings.data_dir / "demo.json").read_text()
            )
            with urllib.request.urlopen(f"{ready['rest']}/admin/books", b"{}", 1.0) as answer:  # noqa: S310 - our own loopback address
                return ready if answer.status == 200 else None
        except (OSError, ValueError, KeyError):
            return None

    def _keys(self) -> list[str]:
        path = self._app.settings.data_dir / KEY_FILE
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(json.dumps([secrets.token_hex(16) for _ in ACCOUNTS]))
        keys: list[str] = json.loads(path.read_text())
        return keys

    def _link(self, keys: list[str], ready: dict[str, Any]) -> None:
        """Accounts of an earlier demo follow the exchange to its new ports."""
        service = self._app.accounts
        passed = ConnectionResult(ok=True, sentence="", broker_name="paper", mode=TradingMode.PAPER)
        known = {view.name: view for view in service.all()}
        for (name, colour, _), key in zip(ACCOUNTS, keys, strict=True):
            form = AccountForm(
                account_name=name,
                host_url=ready["rest"],
                websocket_url=ready["ws"],
                api_key=key,
                colour=colour,
            )
            if name in known:
                service.edit(known[name].id, form, by="demo", tested=passed)
            elif len(known) < len(ACCOUNTS):
                service.add(form, by="demo", tested=passed)

    def stop(self) -> None:
        """Close its input, then ask, then insist."""
        if self._child is None:
            return
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child.terminate()
        try:
            self._child.wait(3.0)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(3.0)
