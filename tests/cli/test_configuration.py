"""`config diff` shows digests, says what differs, and ends with a code for scripts."""

from __future__ import annotations

import json

import pytest

from console.domain.ids import EnvironmentName, ServiceName
from console.domain.variables import VariableLine, VariableReport, VariableState
from tests.cli.conftest import PRODUCTION, FakeService

API = ServiceName("api")
EQUAL = VariableLine(API, "blue", "LEVEL", VariableState.EQUAL, "aaaa", "aaaa", "aaaa")
DRIFTED = VariableLine(API, "blue", "URL", VariableState.EQUAL, "bbbb", "bbbb", "cccc", drifted=True)
MISSING = VariableLine(API, "green", "KEY", VariableState.MISSING, "dddd")


class Service(FakeService):
    report = VariableReport(PRODUCTION, lines=(EQUAL,))
    asked: tuple[object, ...] = ()

    async def variables(self, environment, other=None, services=()) -> VariableReport:
        self.asked = (environment, other, services)
        return self.report


@pytest.fixture
def service() -> Service:
    return Service()


class TestGivenNothingThatDiffers:
    def test_when_compared_then_it_ends_with_0(self, shell) -> None:
        ran = shell("config", "diff", "production")

        assert (ran.code, ran.out) == (0, "production: nothing differs (1 variables).\n")

    def test_when_everything_is_wanted_then_it_is_listed(self, shell) -> None:
        assert "LEVEL" in shell("config", "diff", "production", "--all").out


class TestGivenDifferences:
    def test_when_compared_then_only_they_are_listed_and_it_ends_with_1(self, shell, service) -> None:
        service.report = VariableReport(PRODUCTION, "", False, (EQUAL, DRIFTED, MISSING), (), ("api: a note",))

        ran = shell("config", "diff", "production")

        assert ran.code == 1
        assert "LEVEL" not in ran.out
        assert "drifted since the last deployment" in ran.out
        assert "api (green)" in ran.out
        assert "2 of 3 variables differ." in ran.out
        assert "api: a note" in ran.err

    def test_when_asked_for_json_then_it_is_all_there(self, shell, service) -> None:
        service.report = VariableReport(PRODUCTION, "staging", False, (MISSING,))

        ran = shell("config", "diff", "production", "--with", "staging", "--service", "api", "--format", "json")

        told = json.loads(ran.out)
        assert service.asked == (PRODUCTION, EnvironmentName("staging"), (API,))
        assert (told["equal"], told["other"], told["lines"][0]["state"]) == (False, "staging", "missing")
        assert ran.code == 1
