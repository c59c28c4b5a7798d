"""A secret is replaced as a rollout: new beside old, consumers moved and well, the old given up last."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from console.config.secrets import resolve
from console.domain.codec import to_json
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import PlanRejected, Refused
from console.domain.events import Control, event_to_json
from console.domain.ids import StepId
from console.domain.plan import Wish
from console.domain.release import Release
from console.engine.variables import WantedValues
from console.storage.kept import KeptValues
from console.storage.secret_files import replace_secret
from console.variables.digest import Masker
from providers.contract import ProbeRequest, ProbeResult
from tests.engine.world import OLD, PRODUCTION, World

VALUE = "session-secret-0001"
ROTATE = "rotation:variable:SESSION_SECRET"
digest = Masker(b"salt").mask


class Product(World):
    """The usual product; one secret in a file, kept values in files."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str = "",
        project: str = "ref",
        value: str = VALUE,
        environment: dict[str, Any] | None = None,
        **variables: dict[str, str],
    ) -> None:
        usual: Any = World().settings.environments["production"].services
        services = {name: place.model_dump(exclude_unset=True) for name, place in usual.items()}
        for name, wanted in variables.items():
            services[name]["variables"] = wanted
        services["database"].update(id=project, database_url=database_url)
        self.folder = folder
        self.file = folder / "session"
        self.file.write_text(f"{value}\n")
        self.file.chmod(0o600)
        super().__init__(services=services, **(environment or {}))
        self.settings = self.settings.located_at(folder / "config.toml")
        self.kept = KeptValues(folder / "kept")  # type: ignore[assignment]  # the real one in the fake's place
        self.engine = self._new_engine()
        self.platform.releases[OLD] = Release(OLD, "v1")
        for target in ("worker", "front", "blue"):
            self.platform.variables[target] = {"SESSION_SECRET": value, "PORT": "10000"}

    def _resolve(self, environment: str, service: str) -> WantedValues:
        written = self.settings.variables_of(environment, service)
        folder = self.folder
        return WantedValues(
            {
                name: resolve(text, folder).reveal() if text.startswith("file:") else text
                for name, text in written.items()
            }
        )

    @property
    def secret(self) -> str:
        return self.file.read_text().strip()

    def told(self) -> str:
        events = [event_to_json(event) for event in self.ledger.events]
        return json.dumps([*events, *(to_json(deployment) for deployment in self.ledger.deployments())])

    def kept_texts(self) -> str:
        return "".join(path.read_text() for path in (self.folder / "kept").glob("*"))


def ids(deployment: Deployment) -> list[str]:
    return [step.id for step in deployment.plan.steps]


SHARED = {"SESSION_SECRET": "file:session"}


@pytest.fixture
async def world(tmp_path: Path) -> Product:
    made = Product(tmp_path, worker=SHARED, front=SHARED)
    await made.start()
    return made


async def rotate(world: Product) -> Deployment:
    return await world.until_ended(await world.deploy("", strategy=ROTATE))


class TestGivenASecretInAFile:
    async def test_when_rotated_then_consumers_have_the_new_one_and_the_old_is_nowhere(self, world: Product) -> None:
        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        new = world.secret
        assert new != VALUE
        assert len(new) == 43
        assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
        for target in ("worker", "front"):
            assert world.platform.variables[target] == {"SESSION_SECRET": new, "PORT": "10000"}
        assert world.platform.changes["deploy"] == 2
        assert world.platform.places["worker"].live == world.platform.places["front"].live == OLD
        assert VALUE not in world.kept_texts()
        assert new not in world.kept_texts()
        assert not any(secret in world.told() for secret in (VALUE, new))

    async def test_when_rotated_then_the_old_is_given_up_after_every_other_step(self, world: Product) -> None:
        ended = await rotate(world)

        assert ids(ended)[0] == "secret.make"
        assert ids(ended)[-1] == "secret.revoke"
        steps: Any = ended.steps
        begun = steps["secret.revoke"].started_at
        others = [state.ended_at for key, state in steps.items() if key != "secret.revoke"]
        assert all(at <= begun for at in others)
        assert steps["front.configure"].ended_at <= steps["front.deploy"].started_at <= steps["front.health"].started_at

    async def test_when_it_has_ended_then_going_back_is_refused_with_the_way(self, world: Product) -> None:
        ended = await rotate(world)

        with pytest.raises(Refused, match="rotate again"):
            await world.ask(ended.id, Control.ROLLBACK)
        again = await rotate(world)
        assert again.status is DeploymentStatus.SUCCEEDED

    async def test_when_a_service_with_two_arms_uses_it_then_it_moves_by_stages(self, tmp_path: Path) -> None:
        world = Product(tmp_path, api=SHARED)
        await world.start()

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}
        assert world.platform.variables["green"]["SESSION_SECRET"] == world.secret

    async def test_when_its_source_has_no_name_for_what_runs_then_steps_name_it_in_short(self, world: Product) -> None:
        world.platform.releases[OLD] = Release(OLD, OLD)

        plan = await world.engine.preview(Wish(PRODUCTION, strategy=ROTATE))

        assert not any(OLD in step.name for step in plan.steps)
        assert any(OLD[:8] in step.name for step in plan.steps)

    async def test_when_only_previewed_then_nothing_is_made(self, world: Product) -> None:
        plan = await world.engine.preview(Wish(PRODUCTION, strategy=ROTATE))

        assert world.secret == VALUE
        assert not (world.folder / "kept").exists()
        assert any("gone for good" in note for note in plan.notes)
        assert any("Give up the old SESSION_SECRET cannot be taken back" in reason for reason in plan.risk.reasons)


class TestGivenARotationThatFails:
    async def test_when_a_consumer_is_not_well_then_all_is_as_before(self, world: Product) -> None:
        async def probe(request: ProbeRequest) -> ProbeResult:
            return ProbeResult(False, 0.001, 500, "it cannot sign in")

        world.platform.probe = probe  # type: ignore[method-assign]  # a consumer that fails with the new value

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.secret == VALUE
        for target in ("worker", "front"):
            assert world.platform.variables[target] == {"SESSION_SECRET": VALUE, "PORT": "10000"}
        assert not ended.steps[StepId("secret.revoke")].was_begun
        assert VALUE not in world.told()

    async def test_when_a_platform_refuses_the_variable_then_the_file_is_as_before(self, world: Product) -> None:
        world.platform.refused_variables.add("SESSION_SECRET")

        ended = await rotate(world)

        assert ended.status is not DeploymentStatus.SUCCEEDED
        assert world.secret == VALUE

    async def test_when_somebody_changed_the_file_meanwhile_then_nothing_is_set(self, world: Product) -> None:
        deployment = await world.deploy("", strategy=ROTATE)
        world.file.write_text("by-hand-0001\n")

        ended = await world.until_ended(deployment)

        assert ended.status is not DeploymentStatus.SUCCEEDED
        assert world.secret == "by-hand-0001"
        assert world.platform.variables["worker"]["SESSION_SECRET"] == VALUE


class TestGivenACrash:
    @pytest.mark.parametrize("point", ["decided", "step-begun", "intended", "called", "operation-ended", "step-ended"])
    @pytest.mark.parametrize("number", [1, 2, 5])
    async def test_when_it_falls_anywhere_then_there_is_one_new_value(
        self, world: Product, point: str, number: int
    ) -> None:
        world.crash_at = (point, number)

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        assert world.secret == world.platform.variables["worker"]["SESSION_SECRET"] != VALUE
        assert world.secret == world.platform.variables["front"]["SESSION_SECRET"]
        assert VALUE not in world.kept_texts()

    async def test_when_it_falls_between_the_file_and_its_record_then_the_same_value_goes_on(
        self, world: Product, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written: list[str] = []
        real = replace_secret

        def dying(path: Path, value: str) -> None:
            real(path, value)
            written.append(value)
            world.crash_at = ("step-ended", world.crash_counts.get("step-ended", 0) + 1)

        monkeypatch.setattr("console.engine.executors.rotation.replace_secret", dying)

        ended = await rotate(world)

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert written == [world.secret]


class TestGivenWhatCannotBeReplaced:
    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("env:SESSION", "Put the secret into a file"),
            ("command:pass show session", "nothing can be written"),
            ("in-the-open", "it is no secret"),
        ],
    )
    async def test_when_no_file_holds_it_then_it_is_refused_with_the_way(
        self, tmp_path: Path, written: str, words: str
    ) -> None:
        world = Product(tmp_path, worker={"SESSION_SECRET": written})
        await world.start()

        with pytest.raises(PlanRejected) as refused:
            await world.deploy("", strategy=ROTATE)

        assert words in str(refused.value)
        assert world.secret == VALUE

    @pytest.mark.parametrize(("kind", "words"), [("database", "two login roles"), ("other", "no kind 'other'")])
    async def test_when_the_kind_is_another_then_it_is_refused_in_words(
        self, world: Product, kind: str, words: str
    ) -> None:
        with pytest.raises(PlanRejected, match=words):
            await world.deploy("", strategy=f"rotation:{kind}:SESSION_SECRET")

    async def test_when_the_file_cannot_be_written_then_it_is_refused_before_the_start(
        self, world: Product, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda *_, **__: False)

        with pytest.raises(PlanRejected, match="may not write in"):
            await world.deploy("", strategy=ROTATE)

        assert world.platform.changes["set_variables"] == 0

    async def test_when_nobody_uses_the_name_then_it_is_refused(self, world: Product) -> None:
        with pytest.raises(PlanRejected, match="has a variable OTHER"):
            await world.deploy("", strategy="rotation:variable:OTHER")

    async def test_when_a_consumer_has_another_value_then_sync_comes_first(self, world: Product) -> None:
        world.platform.variables["worker"]["SESSION_SECRET"] = "by-hand-0001"

        with pytest.raises(PlanRejected, match="config sync"):
            await world.deploy("", strategy=ROTATE)

    async def test_when_something_else_reads_the_same_file_then_it_is_refused_by_name(self, tmp_path: Path) -> None:
        world = Product(tmp_path, database_url="file:./session", worker=SHARED)
        await world.start()

        with pytest.raises(PlanRejected, match=r"also the secret of .*database\.database_url"):
            await world.deploy("", strategy=ROTATE)

    async def test_when_consumers_run_different_releases_then_it_is_refused(self, world: Product) -> None:
        world.platform.places["worker"].live = "b" * 40
        world.platform.releases["b" * 40] = Release("b" * 40, "v2")

        with pytest.raises(PlanRejected, match="different releases"):
            await world.deploy("", strategy=ROTATE)
