"""What all tests share: where pictures are kept, and patience for slow machines."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
"""Machines are shared: a property must hold, how fast it is shown is no property."""

ARTEFACTS = Path(__file__).parents[1] / "artefacts"


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """A folder for screenshots, kept after the run."""
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS
