"""Shared parts of the emulators' tests."""

import pytest

from console.playground.releases import Catalogue, build_catalogue
from tests.playground.emulators.world import FakeHosting, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def hosting(clock: ManualClock) -> FakeHosting:
    return FakeHosting(clock)


@pytest.fixture
def catalogue() -> Catalogue:
    return build_catalogue()
