"""Freezes and the schedule in the configuration."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from console.config.environments import EnvironmentSettings

WEEKEND = {"window": "fri 16:00-mon 08:00", "timezone": "Europe/Berlin", "reason": "Nobody is here."}


class TestGivenFreezesInTheConfiguration:
    def test_when_read_then_they_are_in_order_and_emergencies_may_pass(self):
        settings = EnvironmentSettings.model_validate(
            {"freezes": [WEEKEND, {"window": "daily 22:00-06:00", "reason": "x"}]}
        )

        assert [each.timezone for each in settings.freezes] == ["Europe/Berlin", "UTC"]
        assert "freeze" in settings.emergency.skips
        assert settings.schedule.grace == timedelta(minutes=15)

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"window": "weekend"}, "is no window"),
            ({"timezone": "Europe/Atlantis"}, "is no time zone"),
            ({"reason": ""}, "at least 1 character"),
        ],
    )
    def test_when_one_is_wrong_then_it_says_why(self, wrong: dict[str, str], said: str):
        with pytest.raises(ValidationError, match=said):
            EnvironmentSettings.model_validate({"freezes": [{**WEEKEND, **wrong}]})
