"""Commands and requests of the operator's in a pipeline: run as they are written, ended with their step, taken back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.config.pipelines import parse_pipeline
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.errors import UsageError
from console.domain.events import Control
from console.engine.processes import end_named, name_process
from tests.engine.world import World

TOKEN = "tok-1234567890"


class Hooked(World):
    """The usual product, deployed by a pipeline that writes what it does to a file."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.secrets["env:TOKEN"] = TOKEN

    def given_pipeline(self, steps: str) -> None:
        settings = self.settings
        data = yaml.safe_load(f"steps:\n{steps}")
        pipeline, faults = parse_pipeline(data, settings.services, settings.environments)
        assert pipeline is not None
        assert not faults, faults
        self.settings = settings.located_at(self.directory / "config.toml", {"own": pipeline})
        self.engine = self._new_engine()

    async def deployed(self) -> Deployment:
        await self.start()
        return await self.until_ended(await self.deploy(strategy="pipeline:own"))

    def _follow(self, reference: str, where: str) -> str:
        if reference not in self.secrets:
            raise UsageError(f"{reference} leads nowhere.", where)
        return self.secrets[reference]

    @property
    def written(self) -> list[str]:
        path = self.directory / "written"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Hooked]:
    hooked = Hooked(tmp_path)
    yield hooked
    await hooked.engine.stop()


def sh(script: str) -> str:
    """A command that a shell of the test's own runs; the product starts none."""
    return f"run: [sh, -c, {script!r}]"


BUILD = "  - { id: build, kind: deploy, service: worker }\n"


class TestGivenACommand:
    async def test_when_it_ends_well_then_its_last_words_are_kept_without_secrets(self, world: Hooked) -> None:
        script = "echo $QUARTERDECK_RELEASE $QUARTERDECK_DIRECTION $TOKEN ${GITHUB_TOKEN-none}; pwd >> written"
        world.given_pipeline(
            f"{BUILD}  - {{ id: warm, kind: command, {sh(script)}, needs: [build], variables: {{ TOKEN: env:TOKEN }} }}"
        )

        deployment = await world.deployed()

        state = deployment.steps["warm"]  # type: ignore[index]
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert list(state.outputs["output"]) == ["v2 forward ••• none"]
        assert world.written == [str(world.directory)]
        assert TOKEN not in str(world.ledger.deployments())

    async def test_when_it_fails_then_everything_is_taken_back_with_its_own_undo(self, world: Hooked) -> None:
        world.given_pipeline(
            f"""{BUILD}
  - {{ id: warm, kind: command, {sh("echo up >> written")}, needs: [build], undo: {{ {sh("echo down >> written")} }} }}
  - {{ id: smoke, kind: command, {sh("echo no such page; exit 3")}, needs: [warm] }}
"""
        )

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert "sh ended with 3: no such page" in deployment.steps["smoke"].detail  # type: ignore[index]
        assert deployment.steps["smoke"].attempts == 1  # type: ignore[index]
        assert world.written == ["up", "down"]
        assert world.platform.changes["roll_back"] == 1

    async def test_when_it_has_retries_or_may_fail_then_it_is_tried_so_often_and_let_pass(self, world: Hooked) -> None:
        script = "echo try >> written; exit 1"
        world.given_pipeline(
            f"{BUILD}  - {{ id: warm, kind: command, {sh(script)}, needs: [build], retries: 2, may_fail: true }}"
        )

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.written == ["try"] * 3
        assert "failed, which it may" in deployment.steps["warm"].detail  # type: ignore[index]

    @pytest.mark.parametrize(
        ("run", "words"),
        [
            (sh("sleep 60") + ", timeout: 200ms", "did not end within 0.2 s"),
            ("run: [./nowhere]", "cannot be run: No such file"),
            (sh("kill -9 $$"), "was ended by signal 9"),
            (sh("exit 1") + ", variables: { TOKEN: 'env:GONE' }", "GONE"),
        ],
    )
    async def test_when_it_cannot_end_well_then_it_says_why(self, world: Hooked, run: str, words: str) -> None:
        world.given_pipeline(f"{BUILD}  - {{ id: warm, kind: command, {run}, needs: [build] }}")

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert words in deployment.steps["warm"].detail  # type: ignore[index]

    async def test_when_it_is_taken_back_meanwhile_then_nothing_that_it_started_lives_on(self, world: Hooked) -> None:
        script = "sleep 300 & echo $! > child; echo begun >> written; wait"
        world.given_pipeline(f"{BUILD}  - {{ id: warm, kind: command, {sh(script)}, needs: [build] }}")
        await world.start()
        deployment_id = await world.deploy(strategy="pipeline:own")
        await world.until(deployment_id, lambda d: "begun" in world.written)

        await world.ask(deployment_id, Control.ROLLBACK)
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert deployment.steps["warm"].status is StepStatus.LOST  # type: ignore[index]
        assert await _is_gone(int((world.directory / "child").read_text()))


class TestGivenAWorkerThatDiesMeanwhile:
    @pytest.mark.parametrize(("repeatable", "times"), [("true", 2), ("false", 1)])
    async def test_when_taken_up_then_only_what_may_be_repeated_is(
        self, world: Hooked, repeatable: str, times: int
    ) -> None:
        script = "echo begun >> written; test $(wc -l < written) -gt 1 || sleep 300"
        extra = f"repeatable: {repeatable}"
        world.given_pipeline(f"{BUILD}  - {{ id: warm, kind: command, {sh(script)}, needs: [build], {extra} }}")
        await world.start()
        deployment_id = await world.deploy(strategy="pipeline:own")
        await world.until(deployment_id, lambda d: "begun" in world.written)

        await world.crash()
        deployment = await world.until_ended(deployment_id)

        good = repeatable == "true"
        assert world.written == ["begun"] * times
        assert deployment.status is (DeploymentStatus.SUCCEEDED if good else DeploymentStatus.ROLLED_BACK)
        assert ("It is lost" in deployment.steps["warm"].detail) is not good  # type: ignore[index]

    async def test_when_what_it_began_still_runs_then_it_is_known_again_and_ended(self) -> None:
        process = await asyncio.create_subprocess_exec("sleep", "300", start_new_session=True)
        name = name_process(process.pid)

        assert not end_named(name.replace("begun ", "begun 1"))
        assert end_named(name)
        await process.wait()
        assert not end_named(name)


class TestGivenStepsForWhenThingsFail:
    STEPS = f"""
  - {{ id: build, kind: deploy, service: worker }}
  - {{ id: cry, kind: command, {sh("echo cry $QUARTERDECK_DIRECTION >> written; exit 1")}, needs: [smoke],
      when: {{ outcome: failed }} }}
  - {{ id: tidy, kind: command, {sh("echo tidy $QUARTERDECK_DIRECTION >> written")}, needs: [smoke],
      when: {{ outcome: always }} }}
"""

    async def test_when_all_goes_well_then_only_what_is_always_done_is(self, world: Hooked) -> None:
        world.given_pipeline(f"{self.STEPS}  - {{ id: smoke, kind: command, {sh('exit 0')}, needs: [build] }}")

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.written == ["tidy forward"]

    async def test_when_a_step_fails_then_both_are_done_and_their_own_failure_holds_nothing_up(
        self, world: Hooked
    ) -> None:
        world.given_pipeline(f"{self.STEPS}  - {{ id: smoke, kind: command, {sh('exit 1')}, needs: [build] }}")

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert sorted(world.written) == ["cry back", "tidy back"]
        assert world.platform.changes["roll_back"] == 1

    async def test_when_it_fails_before_what_they_watch_then_they_were_not_ready(self, world: Hooked) -> None:
        world.platform.broken_builds.add("b" * 40)
        world.given_pipeline(f"{self.STEPS}  - {{ id: smoke, kind: command, {sh('exit 0')}, needs: [build] }}")

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.written == []


@pytest.fixture
async def hook() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that keeps what it was asked and answers as the path says."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0
        )
        heard.append(head + await reader.readexactly(length))
        status = 500 if b"/bad" in head.split(b"\r\n")[0] else 200
        body = b"you sent " + head
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    server.close()


class TestGivenARequest:
    async def test_when_answered_as_expected_then_it_is_done_and_its_secrets_stay_secret(
        self, world: Hooked, hook: Any
    ) -> None:
        url, heard = hook
        world.secrets["env:HOOK"] = f"{url}/secret-path-123"
        world.given_pipeline(
            f"{BUILD}  - {{ id: tell, kind: request, url: 'env:HOOK', method: POST, body: 'now {{release}} in "
            f"{{environment}}', headers: {{ x-api-key: 'env:TOKEN' }}, needs: [build] }}"
        )

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert heard[0].startswith(b"POST /secret-path-123 ")
        assert heard[0].endswith(b"now v2 in production")
        assert TOKEN.encode() in heard[0]
        assert b"idempotency-key" in heard[0]
        assert TOKEN not in str(world.ledger.deployments())
        assert "secret-path" not in str(world.ledger.deployments())

    async def test_when_the_answer_is_another_then_it_failed(self, world: Hooked, hook: Any) -> None:
        url, heard = hook
        world.given_pipeline(f"{BUILD}  - {{ id: tell, kind: request, url: '{url}/bad', needs: [build], retries: 1 }}")

        deployment = await world.deployed()

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert "HTTP 500" in deployment.steps["tell"].detail  # type: ignore[index]
        assert len(heard) == 2


async def _is_gone(pid: int) -> bool:
    """Whether it has ended soon."""
    for _ in range(200):
        if not _lives(pid):
            return True
        await asyncio.sleep(0.01)
    os.kill(pid, 9)
    return False


def _lives(pid: int) -> bool:
    """An orphan that has ended may stay a zombie for as long as nobody asks after it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
