"""One owner: a second process is told who, a killed one frees the lease at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from algomirror.clock import FakeClock
from algomirror.errors import LeaseHeld
from algomirror.simulate.world import START
from algomirror.store.lease import Lease

HOLD = """
import sys, time
from pathlib import Path
from algomirror.clock import SystemClock
from algomirror.store.lease import Lease
lease = Lease(Path(sys.argv[1]))
lease.take(SystemClock())
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.acceptance(94)
def test_a_second_process_is_told_who_and_a_killed_one_frees_it_at_once(tmp_path: Path) -> None:
    """The lock dies with its process."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"

    with pytest.raises(LeaseHeld, match=f"pid {child.pid}"):
        Lease(tmp_path).take(FakeClock(START))
    child.kill()
    child.wait()
    child.stdout.close()
    again = Lease(tmp_path)
    again.take(FakeClock(START))

    again.release()
