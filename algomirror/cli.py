"""The `algomirror` command; without a sub-command it starts main.py."""

import sys

from algomirror.errors import AlgoMirrorError
from algomirror.kill_command import kill
from algomirror.simulate.command import simulate


def main() -> int:
    """`algomirror simulate --seeds N`, `algomirror kill`, else everything main.py takes."""
    if len(sys.argv) > 1 and sys.argv[1] == "simulate":
        return simulate(sys.argv[2:], lambda line: print(line, flush=True))
    if len(sys.argv) > 1 and sys.argv[1] == "kill":
        return kill(sys.argv[2:], lambda line: print(line, flush=True))
    try:
        from main import main as serve
    except ImportError as failed:  # pragma: no cover - a broken installation
        raise AlgoMirrorError("main.py is not beside the package") from failed
    return serve()


if __name__ == "__main__":
    sys.exit(main())
