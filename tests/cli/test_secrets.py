"""`secrets check` shows where secrets are and what is wrong, and ends with a code for scripts."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from console.domain.secrets import SecretFinding, SecretProblem, SecretReport, SecretUse
from tests.cli.conftest import START, FakeService

USE = SecretUse("providers.render.token", "", "file:secrets/render", "abcd", START - timedelta(days=100))
OLD = SecretFinding(SecretProblem.OLD, (USE.name,), f"{USE.name} is at least 100 days old.", "Make a new one.")


class Service(FakeService):
    report = SecretReport(START, True, (USE,))
    asked = 0

    async def secrets(self, max_age_days: int) -> SecretReport:
        self.asked = max_age_days
        return self.report


@pytest.fixture
def service() -> Service:
    return Service()


class TestGivenSecrets:
    def test_when_nothing_is_wrong_then_it_ends_with_0(self, shell, service) -> None:
        ran = shell("secrets", "check", "--max-age", "200")

        assert (ran.code, service.asked) == (0, 200)
        assert "providers.render.token  file:secrets/render  abcd    2026-08-14, 100 days" in ran.out
        assert "1 secrets, no findings." in ran.out

    def test_when_something_is_wrong_then_it_is_told_with_its_cure_and_ends_with_1(self, shell, service) -> None:
        service.report = SecretReport(START, False, (USE,), (OLD,), ("api in staging could not be read.",))

        ran = shell("secrets", "check")
        told = json.loads(shell("secrets", "check", "--format", "json").out)

        assert ran.code == 1
        assert "old         providers.render.token is at least 100 days old." in ran.out
        assert "Make a new one." in ran.out
        assert "api in staging could not be read." in ran.err
        assert told["findings"][0]["problem"] == "old"
