"""Every call of the service, over a real socket and back."""

from __future__ import annotations

from datetime import timedelta

import httpx
import jsonschema
import pytest

from console.client.service import Service
from console.config.settings import RoleSettings
from console.domain.deployment import DeploymentStatus, fold
from console.domain.errors import (
    ConfigError,
    ConfigProblem,
    ConsoleError,
    ExitCode,
    PlanRejected,
    RateLimited,
    Refused,
    UsageError,
)
from console.domain.events import Control
from console.domain.exchange import ControlRequest, HistoryQuery, LogQuery
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.plan import Wish
from console.domain.roles import Role
from console.domain.telemetry import LogLine, Measurement
from console.server.routes import ROUTES
from tests.server.world import NOON, PRODUCTION, build_plan


@pytest.fixture
async def raw(world):
    transport = httpx.AsyncHTTPTransport(uds=str(world.places.own_socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as opened:
        yield opened


class TestGivenAnAdministrator:
    async def test_when_they_ask_who_they_are_then_the_kernel_answers(self, client):
        identity = await client.whoami()

        assert (identity.actor, identity.role, identity.worker) == ("ann", Role.ADMIN, "host-1")

    async def test_when_they_ask_for_a_plan_then_it_arrives_whole(self, client):
        plan = await client.preview(Wish(PRODUCTION))

        assert plan == build_plan()
        assert plan.digest == build_plan().digest

    async def test_when_they_press_twice_then_it_is_one_deployment(self, client, world):
        first = await client.deploy(Wish(PRODUCTION), "press-1", build_plan().digest)
        second = await client.deploy(Wish(PRODUCTION), "press-1", build_plan().digest)

        assert (second.deployment, first.again, second.again) == (first.deployment, False, True)
        assert {row.detail["deployment"] for row in await world.ledger.audit()} == {first.deployment}

    async def test_when_they_verify_the_record_then_all_of_it_is_read_and_whole(self, client, world):
        await client.deploy(Wish(PRODUCTION), "press-1")

        check, (row,) = await client.verify_audit(), await client.audit()
        (figures,) = await client.delivery(PRODUCTION)

        assert (check.is_whole, check.events, check.deployments, check.entries) == (True, 1, 1, 1)
        assert (row.actor, row.action, row.subject, row.outcome) == ("ann", "deploy", PRODUCTION, "done")
        assert (figures.environment, figures.deployments, figures.lead_time_s) == (PRODUCTION, 0, None)

    async def test_when_the_plan_is_another_then_every_reason_comes_back(self, client):
        with pytest.raises(PlanRejected) as refusal:
            await client.deploy(Wish(PRODUCTION), "press-1", "other")

        assert refusal.value.reasons == ("The plan changed.", "Look again.")
        assert refusal.value.exit_code is ExitCode.REFUSED

    async def test_when_an_environment_is_busy_then_they_are_told_who_holds_it(self, client):
        await client.deploy(Wish(PRODUCTION, reason="hotfix"), "press-1")

        with pytest.raises(Refused, match=r"production is locked by ann since 2026-11-20 12:00:00 UTC \(hotfix\)"):
            await client.deploy(Wish(PRODUCTION), "press-2")

    async def test_when_they_look_at_a_deployment_then_it_is_the_fold_of_its_events(self, client, world):
        name = await world.deploy()
        await world.say(name, "half")

        shown, events = await client.deployment("production"), await client.events_of(name)

        assert shown == fold(events)
        assert shown.steps[StepId("first")].detail == "half"
        assert shown.status is DeploymentStatus.REQUESTED

    async def test_when_a_name_fits_several_then_they_are_asked_for_more_of_it(self, client, world):
        await world.deploy("production")
        await world.deploy("staging")

        with pytest.raises(UsageError, match="fits 2 deployments"):
            await client.deployment("d")

    @pytest.mark.parametrize("name", ["nowhere", "..%2Fetc", "a b?c#d", "日本"])
    async def test_when_nothing_is_called_so_then_they_are_told(self, client, name):
        with pytest.raises(UsageError, match="no deployment and no environment") as problem:
            await client.deployment(name)
        assert "production, staging" in problem.value.where
        with pytest.raises(UsageError, match="There is no deployment"):
            await client.events_of(DeploymentId(name))
        with pytest.raises(UsageError, match="There is no environment"):
            await client.health(EnvironmentName(name))
        with pytest.raises(UsageError, match="There is no environment"):
            await client.history(HistoryQuery(environment=EnvironmentName(name)))

    async def test_when_nothing_was_deployed_to_an_environment_yet_then_that_is_said(self, client):
        with pytest.raises(UsageError, match="Nothing was deployed to staging yet"):
            await client.deployment("staging")
        assert await client.history(HistoryQuery(environment=EnvironmentName("staging"))) == ()

    async def test_when_they_narrow_by_a_status_that_there_is_not_then_they_learn_which_there_are(self, client):
        with pytest.raises(UsageError, match="'done'") as problem:
            await client.history(HistoryQuery(status="done"))

        assert "succeeded" in problem.value.where

    async def test_when_they_look_at_the_history_then_it_can_be_narrowed(self, client, world):
        await world.deploy("production")
        await world.deploy("staging")

        lines = await client.history(HistoryQuery(environment=PRODUCTION, status="requested", limit=5))
        older = await client.history(HistoryQuery(before=DeploymentId("d2")))

        assert [line.id for line in lines] == [line.id for line in older] == ["d1"]

    async def test_when_they_look_around_then_environments_and_health_come(self, client):
        assert [status.name for status in await client.environments()] == ["production", "staging"]
        assert [status.name for status in await client.environments(PRODUCTION)] == ["production"]
        assert (await client.health(PRODUCTION))[0].error_rate == 0.25

    async def test_when_they_ask_for_figures_then_those_of_that_time_come(self, client, world):
        items = [Measurement(NOON + timedelta(minutes=n), PRODUCTION, "cpu", n / 10, {"arm": "blue"}) for n in range(4)]
        await world.ledger.add_measurements(items)

        found = await client.metrics(PRODUCTION, NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))

        assert found == tuple(items[1:3])

    async def test_when_they_ask_for_logs_then_the_newest_that_fit_come(self, client, world):
        world.logs.write(PRODUCTION, [LogLine(NOON, "api", "GET /\u2028cart"), LogLine(NOON, "web", "rendered")])

        batch = await client.logs(LogQuery(PRODUCTION, sources=("api", "other"), text="get", level="info"))

        assert [(line.source, line.text, line.number) for line in batch.lines] == [("api", "GET /\u2028cart", 1)]

    async def test_when_they_control_a_deployment_then_the_engine_is_asked_in_their_name(self, client, world):
        name = await world.deploy()
        pressed = NOON - timedelta(seconds=0.25)
        request = ControlRequest(Control.ROLLBACK, StepId("first"), "errors", (ServiceName("api"),), pressed)

        await client.control(name, request)

        assert world.engine.asked == [(name, request, "ann")]

    @pytest.mark.parametrize("pressed", [None, NOON + timedelta(seconds=1), NOON - timedelta(days=1)])
    async def test_when_the_time_of_the_key_cannot_be_true_then_ours_is_taken(self, client, world, pressed):
        await client.control(await world.deploy(), ControlRequest(Control.PAUSE, requested_at=pressed))

        assert world.engine.asked[0][1].requested_at == NOON

    async def test_when_they_preview_a_rollback_then_services_are_passed_on(self, client):
        preview = await client.preview_rollback(DeploymentId("d1"), (ServiceName("api"), ServiceName("web")))

        assert preview.steps == ("Undo api", "Undo web")
        assert preview.forecast_s == 1.5

    @pytest.mark.parametrize(("form", "sign"), [("md", "#"), ("html", "<html"), ("json", '"id": "d1"')])
    async def test_when_they_want_a_report_then_it_comes_in_that_form(self, client, world, form, sign):
        name = await world.deploy()

        assert sign in await client.report(name, form)

    async def test_when_they_want_an_unknown_form_then_they_are_told_which_there_are(self, client, world):
        with pytest.raises(UsageError, match="no report as 'pdf'"):
            await client.report(await world.deploy(), "pdf")

    async def test_when_they_stop_the_worker_then_it_is_asked_to(self, client, world):
        await client.stop_worker()

        assert world.parts.stopping.is_set()

    async def test_when_they_ask_how_the_worker_is_then_it_tells(self, client, world):
        await world.deploy()

        status = await client.worker_status()

        assert status.events == 1
        assert status.memory > 1_000_000
        assert status.socket == str(world.places.own_socket)

    async def test_when_a_platform_fails_then_its_error_arrives_with_everything_it_carries(self, client, world):
        world.engine.fails_with = RateLimited(
            "render", "Slow down.", "GET /services", "Wait.", "req-1", retry_after=timedelta(seconds=12)
        )

        with pytest.raises(RateLimited) as problem:
            await client.preview(Wish(PRODUCTION))

        error = problem.value
        assert (error.provider, error.request, error.retry_after, error.transient) == (
            "render",
            "req-1",
            timedelta(seconds=12),
            True,
        )
        assert str(error) == str(world.engine.fails_with)

    async def test_when_the_configuration_is_wrong_then_every_problem_arrives(self, client, world):
        problems = [ConfigProblem("c.toml", 3, "a.b", "No.", "Yes."), ConfigProblem("c.toml", 4, "c", "No.", "")]
        world.engine.fails_with = ConfigError(problems)

        with pytest.raises(ConfigError) as problem:
            await client.preview(Wish(PRODUCTION))

        assert problem.value.problems == tuple(problems)
        assert problem.value.exit_code is ExitCode.USAGE

    async def test_when_we_fail_then_they_learn_where_to_look_and_nothing_more(self, client, world, caplog):
        world.engine.fails_with = RuntimeError("secret inside")

        with pytest.raises(ConsoleError) as problem:
            await client.preview(Wish(PRODUCTION))

        assert "RuntimeError" in str(problem.value)
        assert "worker.log" in str(problem.value)
        assert "secret inside" not in str(problem.value)


class TestGivenAViewer:
    @pytest.fixture(autouse=True)
    async def _viewer(self, world):
        await world.close()
        world.roles = RoleSettings(admin=(), viewer=("ann",))
        await world.open()

    async def test_when_they_deploy_then_they_are_refused_and_it_is_written_down(self, client, world):
        with pytest.raises(Refused) as refusal:
            await client.deploy(Wish(PRODUCTION, release="v2"), "press-1")

        assert "ann has the role viewer; to deploy needs deployer." in str(refusal.value)
        assert "[roles] deployer" in str(refusal.value)
        (row,) = await world.ledger.audit()
        assert (row.actor, row.action, row.subject, row.outcome) == ("ann", "deploy", "production", "refused")
        assert await world.ledger.last_seq() == 0

    @pytest.mark.parametrize("control", list(Control))
    async def test_when_they_touch_a_deployment_then_nothing_happens(self, client, world, control):
        name = await world.deploy()

        with pytest.raises(Refused):
            await client.control(name, ControlRequest(control))

        assert world.engine.asked == []

    async def test_when_they_stop_the_worker_then_it_goes_on(self, client, world):
        with pytest.raises(Refused):
            await client.stop_worker()

        assert not world.parts.stopping.is_set()

    async def test_when_they_only_look_then_they_may(self, client, world):
        await world.deploy()

        assert await client.environments()
        assert await client.history(HistoryQuery())
        assert await world.ledger.audit() == ()


class TestGivenAStranger:
    @pytest.fixture(autouse=True)
    async def _stranger(self, world):
        await world.close()
        world.roles = RoleSettings(admin=(), viewer=())
        await world.open()

    async def test_when_they_ask_anything_then_they_are_told_that_they_have_no_role(self, client):
        with pytest.raises(Refused, match="ann has no role here"):
            await client.history(HistoryQuery())
        with pytest.raises(Refused, match="ann has no role here"):
            await anext(client.events())

    async def test_when_they_ask_who_they_are_then_they_learn_it(self, client):
        assert (await client.whoami()).role is Role.NONE


class TestGivenOddRequests:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/", 404),
            ("GET", "/v2/whoami", 404),
            ("DELETE", "/v1/deployments", 405),
            ("GET", "/v1/deployments?limit=many", 400),
            ("GET", "/v1/environments/production/metrics?since=yesterday", 400),
            ("GET", "/v1/events?after=x", 400),
        ],
    )
    async def test_when_it_makes_no_sense_then_the_answer_says_so(self, raw, method, path, status):
        response = await raw.request(method, path)

        assert response.status_code == status
        assert response.json()["class"] == "UsageError"
        assert response.json()["exit_code"] == 2

    @pytest.mark.parametrize("body", ["", "{", "[]", '{"environment": 5}', '{"wish": {}}', "null"])
    async def test_when_the_body_has_another_shape_then_nothing_is_done(self, raw, world, body):
        response = await raw.post("/v1/deployments", content=body)

        assert response.status_code == 400
        assert "cannot be read" in response.json()["what"]
        assert await world.ledger.last_seq() == 0

    async def test_when_the_body_never_ends_then_it_is_cut_off(self, raw):
        response = await raw.post("/v1/plans", content=b"x" * (1024 * 1024 + 1))

        assert response.status_code == 400
        assert "longer than 1 MiB" in response.json()["what"]


class TestGivenTheDocument:
    @pytest.fixture
    async def document(self, raw):
        return (await raw.get("/v1/openapi.json")).json()

    async def test_when_it_is_read_then_it_names_every_call_of_the_service(self, document):
        named = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}

        calls = {name for name in vars(Service) if not name.startswith("_")}

        assert named == calls
        assert document["openapi"] == "3.1.0"

    @pytest.mark.parametrize(
        "path", ["/v1/whoami", "/v1/worker", "/v1/environments", "/v1/deployments", "/v1/deployments/{deployment}",
                 "/v1/deployments/{deployment}/events", "/v1/deployments/{deployment}/rollback",
                 "/v1/environments/{environment}/health", "/v1/logs", "/v1/audit"],
    )  # fmt: skip
    async def test_when_a_route_answers_then_the_answer_is_as_described(self, document, raw, world, path):
        await world.deploy()
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        schema = {**content["application/json"]["schema"], "components": document["components"]}

        answer = (await raw.get(path.format(deployment="d1", environment="production"))).json()

        jsonschema.Draft202012Validator(schema).validate(answer)

    async def test_when_something_is_refused_then_the_error_is_as_described(self, document, raw):
        answer = (await raw.get("/v1/deployments/none")).json()

        jsonschema.Draft202012Validator(document["components"]["schemas"]["Error"]).validate(answer)

    async def test_when_bodies_are_described_then_ours_fit(self, document):
        schema = {"$ref": "#/components/schemas/Wish", "components": document["components"]}

        jsonschema.Draft202012Validator(schema).validate({"environment": "production", "services": ["api"]})
        assert not jsonschema.Draft202012Validator(schema).is_valid({"release": "v1"})


def test_each_route_is_answered_or_streamed():
    assert all((route.answer is None) != (route.stream is None) for route in ROUTES)
