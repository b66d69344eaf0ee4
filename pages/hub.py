"""The one flush: what changed goes to every element that shows it, 5 times a second."""

import json
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from nicegui import Client
from nicegui import app as nicegui_app

from algomirror.engine.live_view import LiveView
from pages.components.live import Live

HZ = 5.0
Compute = Callable[[], dict[str, Any]]


@dataclass(slots=True)
class _Show:
    """One thing to show: computed once a flush, sent to all elements that show it."""

    topics: frozenset[str]
    compute: Compute
    elements: "weakref.WeakSet[Live]" = field(default_factory=weakref.WeakSet)
    sent: str = ""


class Hub:
    """Lives on the event loop; threads never touch it."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._version = 0
        self._shows: dict[str, _Show] = {}
        self._hooked: weakref.WeakSet[Client] = weakref.WeakSet()

    def start(self) -> None:
        nicegui_app.timer(1 / HZ, self.flush)

    def show(self, kind: type[Live], key: str, topics: set[str], compute: Compute) -> Live:
        """An element of `kind` with the current data, patched whenever one of `topics` changes.

        `key` names what is shown: equal keys share one computation and one serialisation.
        """
        element = kind(compute())
        name = f"{kind.__name__}:{key}"
        show = self._shows.setdefault(name, _Show(frozenset(topics), compute))
        show.compute = compute
        show.elements.add(element)
        if element.client not in self._hooked:
            self._hooked.add(element.client)
            element.client.on_connect(self._resync)
        return element

    def flush(self) -> None:
        changes = self._view.since(self._version)
        self._version = changes.version
        topics = {row.topic for row in changes.rows} | {topic for topic, _ in changes.removed}
        if not topics:
            return
        for name in list(self._shows):
            show = self._shows[name]
            elements = [e for e in show.elements if not e.is_deleted]
            if not elements:
                del self._shows[name]
                continue
            if not show.topics & topics:
                continue
            live = [e for e in elements if e.client.has_socket_connection]
            if not live:
                continue
            payload = json.dumps(show.compute())
            if payload == show.sent:
                continue
            show.sent = payload
            for element in live:
                self._send(element, payload)

    def _resync(self, client: Client) -> None:
        """Everything anew on each (re)connect: patches sent meanwhile were missed."""
        for show in self._shows.values():
            for element in show.elements:
                if not element.is_deleted and element.client is client:
                    self._send(element, json.dumps(show.compute()))

    def _send(self, element: Live, payload: str) -> None:
        element.client.run_javascript(f'runMethod({element.id},"patch",[{payload}])')
