"""One piece of work that raises must not take the others with it, nor vanish."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

SAY_AGAIN_S = 60.0


class Mishaps:
    """Owned by the engine thread. What raises again and again is said once a minute."""

    def __init__(self, monotonic: Callable[[], float], say: Callable[[str], None]) -> None:
        self._monotonic = monotonic
        self._say = say
        self._said: dict[str, float] = {}

    def run(self, what: str, work: Callable[[], object]) -> bool:
        """Do it; False when it raised. `what` completes "The engine could not ..."."""
        try:
            work()
        except Exception:
            now = self._monotonic()
            if now - self._said.get(what, -SAY_AGAIN_S) >= SAY_AGAIN_S:
                self._said[what] = now
                log.exception("engine could not %s", what)
                self._say(f"The engine could not {what}. Trading continues; see the log.")
            return False
        return True
