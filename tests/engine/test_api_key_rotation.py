"""A platform's own key is replaced through its real adapter: another key beside it, the old one deleted last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import PlanRejected
from console.domain.ids import StepId
from providers.contract import Capabilities, Desk, ProbeRequest, ProbeResult
from tests.engine.test_rotation import SHARED, VALUE, Product
from tests.providers.subjects import supabase

ROTATE = "rotation:api-key:SESSION_SECRET:db"
OLD_KEY = "6e1f7c1e-0000-4000-8000-000000000001"


@dataclass
class Database:
    """The database of the product: its migrations are the fake's, its keys are Supabase's."""

    capabilities: Capabilities
    desk: Desk
    name: str = "db"
    kind: str = "supabase"


class KeyedProduct(Product):
    def __init__(self, folder: Path, subject: Any) -> None:
        self.subject = subject
        self.connection = subject.open()
        super().__init__(folder, project=supabase.REF, worker=SHARED, front=SHARED)

    def _new_engine(self) -> Any:
        capabilities = replace(self.platform.capabilities, api_keys=self.connection.capabilities.api_keys)
        return self._engine_with(db=Database(capabilities, self.connection.desk))

    @property
    def keys(self) -> dict[str, str]:
        return {key.id: key.value for key in self.subject.project.api_keys.values()}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[KeyedProduct]:
    async with supabase.subject() as subject:
        keys = subject.project.api_keys
        keys[OLD_KEY] = replace(next(iter(keys.values())), id=OLD_KEY, kind="secret", name="worker", value=VALUE)
        made = KeyedProduct(tmp_path, subject)
        await made.start()
        yield made
        await made.connection.close()


async def rotate(world: KeyedProduct) -> Deployment:
    return await world.until_ended(await world.deploy("", strategy=ROTATE))


class TestGivenAnApiKeyInAFile:
    async def test_when_rotated_then_services_have_another_key_and_the_old_one_is_deleted(
        self, world: KeyedProduct
    ) -> None:
        others = set(world.keys) - {OLD_KEY}

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        new = set(world.keys) - others
        assert len(new) == 1
        assert OLD_KEY not in world.keys
        assert world.secret == world.keys[new.pop()]
        for target in ("worker", "front"):
            assert world.platform.variables[target]["SESSION_SECRET"] == world.secret
        assert not any(secret in world.told() for secret in (VALUE, world.secret))
        assert not any(secret in world.kept_texts() for secret in (VALUE, world.secret))

    async def test_when_a_service_is_not_well_then_the_new_key_is_deleted_and_the_old_one_stays(
        self, world: KeyedProduct
    ) -> None:
        before = world.keys

        async def probe(request: ProbeRequest) -> ProbeResult:
            return ProbeResult(False, 0.001, 500, "it cannot sign in")

        world.platform.probe = probe  # type: ignore[method-assign]  # a consumer that fails with the new key

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.keys == before
        assert world.secret == world.platform.variables["worker"]["SESSION_SECRET"] == VALUE
        unmade, restored = (ended.steps[StepId(f"undo:{step}")] for step in ("secret.make", "worker.configure"))
        assert unmade.started_at is not None
        assert restored.ended_at is not None
        assert restored.ended_at <= unmade.started_at

    @pytest.mark.parametrize("point", ["intended", "called", "referenced", "operation-ended", "step-ended"])
    @pytest.mark.parametrize("number", [1, 2])
    async def test_when_the_worker_dies_then_there_is_one_new_key(
        self, world: KeyedProduct, point: str, number: int
    ) -> None:
        count = len(world.keys)
        world.crash_at = (point, number)

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert len(world.keys) == count
        assert world.secret in world.keys.values()
        assert OLD_KEY not in world.keys


class TestGivenWhatIsNoKeyOfThePlatform:
    async def test_when_the_file_holds_another_secret_then_it_is_refused(self, world: KeyedProduct) -> None:
        del world.subject.project.api_keys[OLD_KEY]

        with pytest.raises(PlanRejected, match="is no API key of"):
            await world.deploy("", strategy=ROTATE)

    @pytest.mark.parametrize(
        ("strategy", "words"),
        [
            ("rotation:api-key:SESSION_SECRET", "--provider"),
            ("rotation:api-key:SESSION_SECRET:nobody", "no places"),
            ("rotation:api-key:SESSION_SECRET:vercel", "does not offer"),
        ],
    )
    async def test_when_the_provider_issues_none_then_it_is_refused(
        self, world: KeyedProduct, strategy: str, words: str
    ) -> None:
        with pytest.raises(PlanRejected, match=words):
            await world.deploy("", strategy=strategy)
