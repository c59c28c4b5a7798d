"""What is particular about Vercel: staged builds, aliases that move, answers that are 201 and still say no."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.domain.errors import RateLimited, Rejected
from console.playground.scene import VERCEL_TEAM
from providers.contract import Deploy, Operation, OperationKey, OperationStatus, Promote, RollBack, SetVariables
from providers.opened import Opened
from providers.vercel.adapter import open_connection
from providers.vercel.settings import VercelSettings
from providers.vercel.wire import parse_build_events, parse_deployment
from tests.providers.subjects.vercel import FRONTEND, SECRET, VercelSubject, release, subject


@pytest.fixture
async def vercel() -> AsyncIterator[VercelSubject]:
    async with subject() as one:
        yield one


@pytest.fixture
async def connection(vercel: VercelSubject) -> AsyncIterator[Opened]:
    opened = vercel.open()
    yield opened
    await opened.close()


def key(vercel: VercelSubject, text: str = "k1") -> OperationKey:
    return OperationKey(text, vercel.now())


async def deployed(vercel: VercelSubject, connection: Opened, name: str, serve: bool) -> Operation:
    """Deploy a release and let it end."""
    can = connection.capabilities
    began = await can.deploy.start(Deploy(FRONTEND, release(name), serve), key(vercel, name))
    await vercel.finish()
    return await can.deploy.observe(began.reference)


class TestGivenALiveSite:
    async def test_when_a_release_is_staged_then_it_has_an_address_and_no_traffic(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        before = await connection.capabilities.inventory.fetch_target(FRONTEND)

        staged = await deployed(vercel, connection, "v1.1", serve=False)

        after = await connection.capabilities.inventory.fetch_target(FRONTEND)
        assert staged.status is OperationStatus.SUCCEEDED
        assert staged.outputs["previous"] == before.live_deployment
        assert str(staged.outputs["url"]).startswith("http://127.0.0.1/frontend-")
        assert (after.live_deployment, after.live) == (before.live_deployment, release("v1.0").commit)
        assert vercel.hosting.serving("frontend") == ["v1.0"]

    async def test_when_a_release_is_to_serve_then_it_has_ended_once_it_has_the_domains(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        ended = await deployed(vercel, connection, "v1.1", serve=True)

        target = await connection.capabilities.inventory.fetch_target(FRONTEND)
        assert (ended.status, target.live_deployment) == (OperationStatus.SUCCEEDED, ended.outputs["deployment"])
        assert (target.live, target.url) == (release("v1.1").commit, "http://127.0.0.1/frontend")

    async def test_when_a_build_fails_then_the_reason_is_vercels_own(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        vercel.hosting.crashing.add("v1.5-crash")

        ended = await deployed(vercel, connection, "v1.5-crash", serve=False)

        assert ended.status is OperationStatus.FAILED
        assert ended.detail.startswith("the build failed: The deployment's function crashed while starting")

    async def test_when_the_same_commit_is_wished_again_then_it_is_built_again(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        first = await deployed(vercel, connection, "v1.1", serve=False)

        again = await connection.capabilities.deploy.start(
            Deploy(FRONTEND, release("v1.1"), serve=False), key(vercel, "k2")
        )

        assert again.reference != first.reference

    async def test_when_anything_is_asked_then_the_team_goes_with_it(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        await deployed(vercel, connection, "v1.1", serve=False)
        await connection.capabilities.inventory.fetch_targets()
        await connection.capabilities.variables.fetch_variables(FRONTEND)

        assert {request.url.params.get("teamId") for request in vercel.faults.sent} == {VERCEL_TEAM}

    async def test_when_the_project_has_no_repository_then_it_says_so_and_builds_nothing(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        vercel.faults.replace('"link":{', '"formerLink":{')

        with pytest.raises(Rejected, match="linked to no repository"):
            await connection.capabilities.deploy.start(Deploy(FRONTEND, release("v1.1")), key(vercel))

        assert "deployment" not in vercel.emulator.kinds


class TestGivenAStagedRelease:
    @pytest.fixture
    async def staged(self, vercel: VercelSubject, connection: Opened) -> str:
        return str((await deployed(vercel, connection, "v1.1", serve=False)).outputs["deployment"])

    async def test_when_it_is_promoted_then_it_serves_and_the_undo_knows_what_served_before(
        self, vercel: VercelSubject, connection: Opened, staged: str
    ) -> None:
        first = (await connection.capabilities.inventory.fetch_target(FRONTEND)).live_deployment

        began = await connection.capabilities.promote.start(Promote(FRONTEND, staged), key(vercel))
        await vercel.finish()
        ended = await connection.capabilities.promote.observe(began.reference)

        assert (began.status, ended.status) == (OperationStatus.RUNNING, OperationStatus.SUCCEEDED)
        assert ended.outputs == {"deployment": staged, "previous": first}
        assert vercel.hosting.serving("frontend") == ["v1.1"]

    async def test_when_it_has_been_replaced_since_then_the_promotion_stays_ended(
        self, vercel: VercelSubject, connection: Opened, staged: str
    ) -> None:
        can = connection.capabilities
        began = await can.promote.start(Promote(FRONTEND, staged), key(vercel))
        await vercel.finish()
        ended = await can.promote.observe(began.reference)

        await can.roll_back.start(RollBack(FRONTEND, str(ended.outputs["previous"])), key(vercel, "back"))
        await vercel.finish()

        assert (await can.promote.observe(began.reference)).status is OperationStatus.SUCCEEDED
        assert vercel.hosting.serving("frontend") == ["v1.0"]

    async def test_when_it_serves_already_then_nothing_is_moved(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        live = (await connection.capabilities.inventory.fetch_target(FRONTEND)).live_deployment

        ended = await connection.capabilities.promote.start(Promote(FRONTEND, live), key(vercel))

        assert (ended.status, "promote" in vercel.emulator.kinds) == (OperationStatus.SUCCEEDED, False)

    async def test_when_another_move_is_going_on_then_the_way_back_waits_for_it(
        self, vercel: VercelSubject, connection: Opened, staged: str
    ) -> None:
        can = connection.capabilities
        first = (await can.inventory.fetch_target(FRONTEND)).live_deployment
        await can.promote.start(Promote(FRONTEND, staged), key(vercel))
        wish, back = RollBack(FRONTEND, first), key(vercel, "back")

        with pytest.raises(RateLimited, match="busy with another promote of frontend") as raised:
            await can.roll_back.start(wish, back)
        await vercel.finish()
        await can.roll_back.start(wish, back)
        await vercel.finish()

        assert raised.value.transient
        assert vercel.hosting.serving("frontend") == ["v1.0"]

    async def test_when_it_cannot_be_started_then_the_promotion_failed(
        self, vercel: VercelSubject, connection: Opened, staged: str
    ) -> None:
        for process in list(vercel.hosting.running.values()):
            if process.release == "v1.1":
                await vercel.hosting.stop(process)
        vercel.hosting.crashing.add("v1.1")

        began = await connection.capabilities.promote.start(Promote(FRONTEND, staged), key(vercel))
        await vercel.finish()

        assert (await connection.capabilities.promote.observe(began.reference)).status is OperationStatus.FAILED
        assert vercel.hosting.serving("frontend") == ["v1.0"]


class TestGivenNoBuildsLeftThisHour:
    async def test_when_production_is_to_go_back_then_that_limit_does_not_hold_it(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        first = (await can.inventory.fetch_target(FRONTEND)).live_deployment
        await deployed(vercel, connection, "v1.1", serve=True)
        spent = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "0"}
        spent["x-ratelimit-reset"] = str(int(vercel.clock.now()) + 3600)
        vercel.faults.answer(429, {"error": {"code": "rate_limited"}}, spent, to="/v13/deployments")

        for _ in range(2):
            with pytest.raises(RateLimited):
                await can.deploy.start(Deploy(FRONTEND, release("v1.2")), key(vercel, "next"))
        await can.roll_back.start(RollBack(FRONTEND, first), key(vercel, "back"))
        await vercel.finish()

        builds = [request for request in vercel.faults.sent if request.url.path == "/v13/deployments"]
        assert len(builds) == 2
        assert vercel.hosting.serving("frontend") == ["v1.0"]


class TestGivenASiteThatWasRolledBack:
    async def test_when_a_release_is_to_serve_then_it_says_that_the_rollback_holds_the_domains(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        first = (await can.inventory.fetch_target(FRONTEND)).live_deployment
        await deployed(vercel, connection, "v1.1", serve=True)
        await can.roll_back.start(RollBack(FRONTEND, first), key(vercel, "back"))
        await vercel.finish()

        ended = await deployed(vercel, connection, "v1.2", serve=True)

        assert ended.status is OperationStatus.FAILED
        assert ended.detail == "built, but without the production domains: the last rollback holds them. Promote it"


class TestGivenVariables:
    async def test_when_one_is_taken_from_production_then_other_environments_keep_it(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        shared = {"key": "WORD", "value": "blue", "type": "plain", "target": ["production", "preview"]}
        await connection.http.send("POST", f"/v10/projects/{FRONTEND}/env", json=shared)

        await can.set_variables.start(SetVariables(FRONTEND, {"WORD": None}), key(vercel))

        assert await can.variables.fetch_variables(FRONTEND) == {}
        assert await can.variables.fetch_variables(FRONTEND, "preview") == {"WORD": "blue"}

    async def test_when_a_value_is_kept_secret_then_it_reads_as_unknown_and_is_written_as_such(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        kept = {"key": "KEY", "value": "one", "type": "sensitive", "target": ["production"]}
        await connection.http.send("POST", f"/v10/projects/{FRONTEND}/env", json=kept)

        await can.set_variables.start(SetVariables(FRONTEND, {"KEY": "two"}), key(vercel))

        assert await can.variables.fetch_variables(FRONTEND) == {"KEY": None}
        assert json.loads(vercel.faults.sent[-2].content)[0]["type"] == "sensitive"

    async def test_when_vercel_answers_201_with_failures_then_that_is_a_refusal(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        failed = [{"error": {"code": "ENV_CONFLICT", "message": "already exists", "key": "WORD"}}]
        vercel.faults.answer(201, {"envs": [], "created": [], "failed": failed}, to="/env")

        with pytest.raises(Rejected, match="did not write 1 of 2 variables: WORD: already exists"):
            await connection.capabilities.set_variables.start(
                SetVariables(FRONTEND, {"WORD": "a", "OTHER": "b"}), key(vercel)
            )


class TestGivenLogs:
    async def test_when_a_range_is_asked_for_then_the_builds_lines_come_oldest_first(
        self, vercel: VercelSubject, connection: Opened
    ) -> None:
        since = vercel.now()
        await deployed(vercel, connection, "v1.1", serve=False)

        lines = await connection.capabilities.logs.fetch_logs(FRONTEND, since, vercel.now())

        assert lines[0].text.startswith("Running build")
        assert [line.number for line in lines] == sorted({line.number for line in lines})

    async def test_when_one_follows_then_what_the_site_says_comes_too(self, vercel: VercelSubject) -> None:
        connection = open_connection(
            "vercel",
            VercelSettings(base_url="http://vercel", token=SECRET),
            clock=vercel.now,
            sleep=vercel.clock.advance,
            transport=Speaking(vercel, ["hello", "goodbye"]),
        )

        following = connection.capabilities.logs.follow_logs(FRONTEND, vercel.now() - timedelta(hours=1))
        heard = []
        async for line in following:
            heard.append(line.text)
            if line.text == "goodbye":
                break
        await following.aclose()
        await connection.close()

        assert heard == ["hello", "goodbye"]

    def test_when_an_event_is_flat_or_nested_then_both_are_read(self) -> None:
        flat = {"type": "stdout", "created": 1_795_000_000_000, "text": "flat", "id": "1"}
        nested = {"type": "stderr", "created": 1_795_000_001_000, "payload": {"text": "nested", "id": "2"}}
        other = {"type": "deployment-state", "created": 1_795_000_002_000, "payload": {"text": "READY"}}

        assert [entry.text for entry in parse_build_events([flat, nested, other])] == ["flat", "nested"]


class Speaking(httpx.AsyncBaseTransport):
    """The emulated Vercel, whose runtime log says some lines and ends."""

    def __init__(self, vercel: VercelSubject, words: list[str]) -> None:
        self._vercel = vercel
        self._words = words

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/runtime-logs"):
            return await self._vercel.faults.handle_async_request(request)
        at = int(self._vercel.clock.now() * 1000)
        rows = [
            {"rowId": str(n), "message": word, "timestampInMs": at + n, "level": "info", "source": "serverless"}
            for n, word in enumerate(self._words)
        ]
        return httpx.Response(200, content="\n".join(json.dumps(row) for row in rows))


class TestGivenWordsOfTheFuture:
    @pytest.mark.parametrize("state", ["BLOCKED", "SOMETHING_NEW"])
    async def test_when_a_state_is_new_then_the_deployment_has_not_ended(
        self, vercel: VercelSubject, connection: Opened, state: str
    ) -> None:
        reference = await vercel.begin_deploy("v1.1")
        vercel.faults.replace('"BUILDING"', f'"{state}"')

        observed = await connection.capabilities.deploy.observe(reference)

        assert observed.status is OperationStatus.RUNNING

    @pytest.mark.parametrize(
        "told", [{"id": "dpl_1"}, {"uid": "dpl_1", "meta": None, "gitSource": None, "aliasError": None, "state": None}]
    )
    def test_when_fields_are_null_or_missing_then_a_deployment_is_read_all_the_same(self, told: Any) -> None:
        assert parse_deployment(told).id == "dpl_1"
