"""The usual product with instances instead of arms: three of the API behind the router, two workers with one queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.domain.deployment import DeploymentStatus
from console.domain.traffic import busy_arms, is_even
from tests.engine.fake_platform import Place
from tests.engine.hostile import HostileWorld
from tests.engine.world import OLD, World

API = ("a", "b", "c")
WORKERS = ("w1", "w2")
EVEN = {"a": 34, "b": 33, "c": 33}


class WithInstances(World):
    def __init__(self, *, api: dict[str, Any] | None = None, **environment: Any) -> None:
        instances = {name: {"id": name, "url": f"http://{name}"} for name in API}
        services = {
            "database": {"id": "ref", "migrations": "migrations"},
            "api": {"instances": instances, "traffic": {"router": "fake", "route": "api"}, **(api or {})},
            "worker": {"instances": {name: {"id": name} for name in WORKERS}},
            "front": {"id": "front", "url": "http://front"},
        }
        super().__init__(services=services, **environment)

    def _furnish(self) -> None:
        super()._furnish()
        for place in (*API, *WORKERS):
            self.platform.places[place] = Place(OLD, f"{place}-1", history={f"{place}-1": OLD})
        self.platform.weights["api"] = dict(EVEN)
        self.platform.arms["api"] = API

    @property
    def running(self) -> set[str]:
        """Commits that any instance runs."""
        return {self.platform.places[name].live for name in (*API, *WORKERS)}


class HostileInstances(WithInstances, HostileWorld):
    """Every instance runs what the record says, and those that serve get the same share."""

    @property
    def others(self) -> Mapping[str, Sequence[str]]:
        return {"worker": WORKERS, "front": ("front",)}

    def check_traffic(self, commit: str, ended: Mapping[str, DeploymentStatus]) -> None:
        assert {self.platform.places[name].live for name in API} == {commit}, ended
        assert is_even(busy_arms(self.platform.weights["api"])), ended
