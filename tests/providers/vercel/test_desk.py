"""What an operator does at Vercel's desk with what is built and what serves."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.domain.errors import Rejected
from console.playground.emulators.vercel_dns import TEAM_DOMAIN
from console.playground.scene import VERCEL_TEAM
from providers.contract import OperationStatus
from providers.vercel import (
    checks,
    deployments,
    hostnames,
    moves,
    projects,
)
from providers.vercel.adapter import open_connection
from providers.vercel.client import VercelClient
from providers.vercel.settings import VercelSettings
from tests.providers.subjects.vercel import FRONTEND, SECRET, VercelSubject, subject
from tests.providers.vercel.operating import Operator
from tests.providers.vercel.wishes import ASKS, WISHES

SUCCEEDED = OperationStatus.SUCCEEDED


class TestGivenATeam:
    async def test_when_anything_at_the_desk_is_asked_or_done_then_the_team_goes_with_it(self) -> None:
        for name in (*ASKS, *WISHES):
            async with subject() as vercel:
                operator = Operator(vercel)
                if name in ASKS:
                    await operator.ask(name, ASKS[name])
                else:
                    await operator.act(name, (await vercel.wish(f"do:{name}")).request)
                await operator.connection.close()
                teams = {request.url.params.get("teamId") for request in vercel.faults.sent}
                assert (name, teams) == (name, {VERCEL_TEAM})

    async def test_when_it_is_configured_by_its_slug_then_that_goes_with_it(self, vercel: VercelSubject) -> None:
        settings = VercelSettings(base_url="http://vercel", token=SECRET, team="harbour-shop")
        connection = open_connection("vercel", settings, clock=vercel.now, transport=vercel.faults)

        report = await connection.capabilities.account.fetch_account()
        await connection.capabilities.inventory.fetch_targets()
        await connection.close()

        slugs = [request.url.params.get("slug") for request in vercel.faults.sent]
        assert report.scopes == ("Harbour Shop (harbour-shop)",)
        assert slugs == [None, None, "harbour-shop", "harbour-shop"]


class TestGivenABuildThatIsReady:
    async def test_when_it_is_staged_then_it_is_ready_only_and_another_serves(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        live = vercel.live()
        staged = await vercel.staged("v1.1")

        told = await operator.ask("serving", projects.Serving(FRONTEND))

        says = {one["deployment"]: (one["state"], one["serves"], one["says"]) for one in told["deployments"]}
        assert says[staged] == ("READY", False, "ready only: staged, without production domains")
        assert says[live] == ("READY", True, "has the production domains")
        assert told["new_builds"] == "are staged: the project does not assign production domains by itself"

    async def test_when_a_check_holds_it_back_then_it_serves_once_that_is_reported(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        await vercel.call("POST", f"/v2/projects/{FRONTEND}/checks", {"name": "links"})
        made = (await vercel.begin_deploy("v1.1", serve=True)).partition("/")[2]
        await vercel.clock.advance(2)
        held = (await operator.serving())["v1.1"]
        [run] = await operator.ask("checks", checks.Checks(FRONTEND, made))

        ended = await operator.end("report-check", checks.ReportCheck(made, run.id, "succeeded"))

        assert (held, run.holds_back) == (
            "ready only: staged, without production domains, checks registered",
            "deployment-alias",
        )
        assert (ended.detail, (await operator.serving())["v1.1"]) == ("links: succeeded", "has the production domains")

    async def test_when_the_project_is_paused_then_nothing_serves(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        ended = await operator.end("pause", projects.Pause("frontend"))

        told = await operator.ask("serving", projects.Serving(FRONTEND))
        assert (ended.status, told["paused"], vercel.hosting.serving("frontend")) == (SUCCEEDED, True, [])
        assert [one["serves"] for one in told["deployments"]] == [False]


class TestGivenAnEarlierDeployment:
    async def test_when_it_is_built_again_then_a_new_one_of_its_commit_is_staged(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        live = vercel.live()

        ended = await operator.end("redeploy", deployments.Redeploy(FRONTEND, live))

        made = await operator.ask("deployment", deployments.OneDeployment(FRONTEND, str(ended.outputs["deployment"])))
        first = await operator.ask("deployment", deployments.OneDeployment(FRONTEND))
        assert (ended.status, made["commit"], made["substate"]) == (SUCCEEDED, first["commit"], "STAGED")
        assert (first["deployment"], vercel.live()) == (live, live)

    async def test_when_a_preview_of_it_is_built_then_production_builds_go_on_serving(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        ended = await operator.end("redeploy", deployments.Redeploy(FRONTEND, vercel.live(), preview=True))

        listed = await operator.ask("deployments", deployments.Deployments(FRONTEND, target="production"))
        assert (ended.status, len(listed), vercel.count("project")) == (SUCCEEDED, 1, 0)

    async def test_when_many_were_made_then_all_pages_are_read(self, vercel: VercelSubject, operator: Operator) -> None:
        live = vercel.live()
        made = [await vercel.staged(name) for name in ("v1.1", "v1.2", "v1.3-errors")]
        client = VercelClient(operator.connection.http)

        listed = await client.fetch_all_deployments(projectId=FRONTEND, limit="2")

        assert [one.id for one in listed] == [*reversed(made), live]

    async def test_when_some_are_asked_for_then_vercel_chooses(self, vercel: VercelSubject, operator: Operator) -> None:
        vercel.hosting.crashing.add("v1.5-crash")
        broken = await vercel.staged("v1.5-crash")

        [told] = await operator.ask("deployments", deployments.Deployments(FRONTEND, states=("ERROR", "CANCELED")))

        assert (told["deployment"], told["state"]) == (broken, "ERROR")
        assert told["trouble"].startswith("The deployment's function crashed")


class TestGivenARollback:
    @pytest.fixture
    async def replaced(self, vercel: VercelSubject, operator: Operator) -> str:
        """What the rollback took from production."""
        first = await vercel.replaced()
        replaced = vercel.live()
        await operator.end("roll-back", moves.Rollback("frontend", first, "errors on checkout"))
        return replaced

    async def test_when_one_looks_then_it_holds_new_builds_and_vercel_knows_why(
        self, vercel: VercelSubject, operator: Operator, replaced: str
    ) -> None:
        told = await operator.ask("serving", projects.Serving(FRONTEND))

        assert told["new_builds"] == "are staged: the last rollback holds the production domains"
        assert vercel.emulator.projects[0].rollback_description == "errors on checkout"
        assert (await operator.serving())["v1.2"] == "ready only: served before"

    async def test_when_it_is_undone_then_the_replaced_serves_and_new_builds_do_again(
        self, vercel: VercelSubject, operator: Operator, replaced: str
    ) -> None:
        ended = await operator.end("undo-rollback", projects.UndoRollback(FRONTEND))

        told = await operator.ask("serving", projects.Serving(FRONTEND))
        assert (ended.status, vercel.live(), told["new_builds"]) == (SUCCEEDED, replaced, "get the production domains")

    async def test_when_no_rollback_holds_anything_then_undoing_says_so(self, operator: Operator) -> None:
        with pytest.raises(Rejected, match="No rollback holds the production domains of frontend"):
            await operator.act("undo-rollback", projects.UndoRollback(FRONTEND))


class TestGivenHostnames:
    async def test_when_one_is_led_elsewhere_then_the_outputs_know_the_way_back(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        name, first = f"blue.{TEAM_DOMAIN}", vercel.live()
        await operator.act("assign-alias", hostnames.AssignAlias(first, name))
        staged = await vercel.staged()

        moved = await operator.act("assign-alias", hostnames.AssignAlias(staged, name))
        back = await operator.act("assign-alias", hostnames.AssignAlias(str(moved.outputs["previous"]), name))

        assert (moved.outputs["previous"], back.outputs["previous"]) == (first, staged)
        aliases = await operator.ask("aliases", hostnames.Aliases(FRONTEND, TEAM_DOMAIN))
        assert [(one.alias, one.deployment) for one in aliases] == [(name, first)]

    async def test_when_one_is_removed_then_the_outputs_know_where_it_led(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        await operator.act("assign-alias", hostnames.AssignAlias(vercel.live(), f"blue.{TEAM_DOMAIN}"))

        removed = await operator.act("remove-alias", hostnames.RemoveAlias(FRONTEND, f"blue.{TEAM_DOMAIN}"))

        assert removed.outputs == {"alias": f"blue.{TEAM_DOMAIN}", "previous": vercel.live()}


class TestGivenLogs:
    async def test_when_one_listens_then_each_line_comes_once(self, vercel: VercelSubject) -> None:
        row = {"rowId": "1", "message": "hello", "timestampInMs": 1_795_000_000_000, "level": "warning"}
        lines = "\n".join(json.dumps({**row, **more}) for more in ({}, {}, {"rowId": "2", "message": "bye"}))

        async def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/runtime-logs"):
                return httpx.Response(200, content=lines)
            return await vercel.faults.handle_async_request(request)

        settings = VercelSettings(base_url="http://vercel", token=SECRET)
        transport = httpx.MockTransport(answer)
        connection = open_connection("vercel", settings, clock=vercel.now, transport=transport)

        reading: Any = connection.desk.readings["runtime-log"]
        heard = await reading.fetch(deployments.RuntimeLog(FRONTEND, listen=timedelta(seconds=5)))
        await connection.close()

        assert [(one["text"], one["level"]) for one in heard] == [("hello", "warning"), ("bye", "warning")]

    async def test_when_a_deployment_is_unknown_then_it_says_where_to_look(self, operator: Operator) -> None:
        with pytest.raises(Rejected, match="knows no deployment dpl_none") as raised:
            await operator.ask("build-log", deployments.BuildLog(FRONTEND, "dpl_none"))

        assert raised.value.remedy == "Ask `deployments` for what is."

    async def test_when_one_follows_a_project_then_its_builds_are_heard_as_they_go(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        await vercel.begin_deploy("v1.1")
        following = operator.connection.capabilities.logs.follow_logs(FRONTEND, vercel.now() - timedelta(minutes=1))

        heard = []
        async for line in following:
            heard.append(line.text)
            if "completed" in line.text:
                break
        await following.aclose()

        assert heard[0].startswith("Running build")
        assert heard[-1].startswith("Build Completed")
