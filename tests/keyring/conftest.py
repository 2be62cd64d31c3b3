"""The unprivileged user of these tests, with an empty home for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keyring.installed import find_installation
from tests.keyring.people import Person, person_at


@pytest.fixture(scope="session")
def installation() -> Path:
    """Where `.ci/test-user` has installed this checkout, world-readable."""
    return find_installation()


@pytest.fixture
def person(installation: Path) -> Iterator[Person]:
    """The unprivileged user with an empty home: no bus, no keyring."""
    with person_at(installation) as person:
        yield person
