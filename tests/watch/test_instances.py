"""Every instance is watched as an arm is, whether a router divides requests between them or not."""

from __future__ import annotations

from console.watch.arms import watched_arms
from tests.planning.test_rolling import settings_of


class TestGivenInstances:
    def test_when_watched_then_each_has_its_own_health_and_its_counter(self):
        settings = settings_of(3)

        arms = [arm for arm in watched_arms(settings, settings.environments["production"]) if arm.service == "backend"]

        assert [(arm.arm, arm.target, arm.health_url, arm.counter) for arm in arms] == [
            (name, f"srv-{name}", f"http://{name}/health", name) for name in "abc"
        ]

    def test_when_they_share_a_queue_then_each_is_watched_without_a_route(self):
        settings = settings_of(2)

        arms = [arm for arm in watched_arms(settings, settings.environments["production"]) if arm.service == "worker"]

        assert [(arm.arm, arm.target, arm.router) for arm in arms] == [("a", "w-a", ""), ("b", "w-b", "")]
