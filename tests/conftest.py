"""What all tests share: nothing but the place where pictures are kept."""

from pathlib import Path

import pytest

ARTEFACTS = Path(__file__).parents[1] / "artefacts"


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """A folder for screenshots, kept after the run."""
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS
