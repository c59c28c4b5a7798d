"""The API tells how variables stand, by digests; values never leave the worker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console.config.settings import Settings
from console.domain.codec import to_json
from console.domain.errors import Unreachable, UsageError
from console.domain.ids import EnvironmentName, ServiceName
from console.engine.variables import Variables
from console.server.variables import Resolver, VariableDesk
from console.storage.kept import KeptValues
from console.storage.sqlite_ledger import SqliteLedger
from console.variables.digest import Masker
from providers.contract import Capabilities
from tests.server.world import open_world

PRODUCTION, STAGING = EnvironmentName("production"), EnvironmentName("staging")
SECRET = "s3cr3t-of-the-session"


@dataclass
class Shelf:
    """A platform that only has variables, by target; one named in `down` does not answer."""

    values: dict[str, dict[str, str | None]]
    down: set[str] = field(default_factory=set)
    name: str = "render"
    kind: str = "render"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(variables=self)

    async def fetch_variables(self, target: str, environment: str = "production") -> Mapping[str, str | None]:
        if target in self.down:
            raise Unreachable("render", "Render does not answer.")
        return self.values.get(target, {})


def settings(tmp_path: Path) -> Settings:
    data: dict[str, Any] = {
        "providers": {"render": {"kind": "render"}},
        "services": {
            "api": {"provider": "render", "variables": {"LEVEL": "info", "SESSION_SECRET": f"file:{tmp_path}/session"}},
            "worker": {"provider": "render"},
        },
        "environments": {
            "production": {"services": {"api": {"blue": {"id": "b"}, "green": {"id": "g"}}, "worker": {"id": "w"}}},
            "staging": {"services": {"api": {"id": "s", "variables": {"LEVEL": "debug"}}}},
        },
    }
    return Settings.model_validate(data)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    (tmp_path / "session").write_text(SECRET)
    (tmp_path / "session").chmod(0o600)
    right = {"LEVEL": "info", "SESSION_SECRET": SECRET}
    return Shelf({"b": dict(right), "g": dict(right), "w": {"PORT": "1"}, "s": {**right, "MORE": "1"}})


@pytest.fixture
async def desk(tmp_path: Path, shelf: Shelf) -> AsyncIterator[VariableDesk]:
    ledger = SqliteLedger(tmp_path / "history.db")
    await ledger.open()
    masker = Masker(await ledger.salt())
    read = settings(tmp_path)
    kept = KeptValues(tmp_path / "kept")
    yield VariableDesk(Variables(read, {"render": shelf}, masker, kept, Resolver(read)), ledger)  # type: ignore[dict-item]
    await ledger.close()


class TestGivenAnEnvironmentAsItIsWanted:
    async def test_when_compared_then_it_is_equal(self, desk: VariableDesk) -> None:
        report = await desk.compare(PRODUCTION)

        assert report.equal
        assert {(line.service, line.place, line.state.value) for line in report.lines} == {
            ("api", "blue", "equal"),
            ("api", "green", "equal"),
            ("worker", "", "unmanaged"),
        }

    async def test_when_shown_then_no_value_appears(self, desk: VariableDesk) -> None:
        shown = json.dumps(to_json(await desk.compare(PRODUCTION)))

        assert SECRET not in shown
        assert '"info"' not in shown

    async def test_when_one_arm_differs_then_it_alone_is_told(self, desk: VariableDesk, shelf: Shelf) -> None:
        shelf.values["g"]["LEVEL"] = "debug"
        del shelf.values["g"]["SESSION_SECRET"]

        report = await desk.compare(PRODUCTION, [ServiceName("api")])

        assert not report.equal
        differing = {(line.place, line.name, line.state.value) for line in report.lines if line.differs}
        assert differing == {("green", "LEVEL", "different"), ("green", "SESSION_SECRET", "missing")}

    async def test_when_a_platform_is_silent_then_that_is_a_problem_and_no_equality(
        self, desk: VariableDesk, shelf: Shelf
    ) -> None:
        shelf.down.add("g")

        report = await desk.compare(PRODUCTION)

        assert report.problems == ("api (green) in production could not be read: Render does not answer.",)
        assert not report.equal

    async def test_when_a_secret_can_be_read_by_others_then_it_is_not_used(
        self, desk: VariableDesk, tmp_path: Path
    ) -> None:
        (tmp_path / "session").chmod(0o644)

        report = await desk.compare(PRODUCTION)

        lines = [line for line in report.lines if line.name == "SESSION_SECRET"]
        assert [line.state.value for line in lines] == ["unresolved", "unresolved"]
        assert "chmod 600" in lines[0].detail


class TestGivenTwoEnvironments:
    async def test_when_compared_then_each_arm_is_held_against_the_other_place(self, desk: VariableDesk) -> None:
        report = await desk.compare_with(PRODUCTION, STAGING)

        assert report.other == "staging"
        assert [(line.place, line.name) for line in report.lines if line.state.value == "missing"] == [
            ("blue", "MORE"),
            ("green", "MORE"),
        ]
        assert "worker: staging does not have this service." in report.notes


class TestGivenAWorker:
    async def test_when_asked_over_the_socket_then_it_answers_and_knows_its_environments(self) -> None:
        async with open_world() as world:
            await world.open()
            async with world.client() as client:
                report = await client.variables(PRODUCTION)
                with pytest.raises(UsageError, match="no environment 'nowhere'"):
                    await client.variables(PRODUCTION, EnvironmentName("nowhere"))

        assert report.equal

    async def test_when_it_starts_again_then_digests_are_the_same(self, tmp_path: Path) -> None:
        salts = []
        for _ in range(2):
            ledger = SqliteLedger(tmp_path / "history.db")
            await ledger.open()
            salts.append(await ledger.salt())
            await ledger.close()

        assert salts[0] == salts[1]
        assert len(salts[0]) == 32
