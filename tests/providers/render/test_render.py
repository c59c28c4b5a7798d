"""What is particular about Render: deploys without keys, empty answers, reasons kept elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from console.domain.errors import Rejected
from providers.contract import (
    Cancel,
    Deploy,
    Operation,
    OperationKey,
    OperationStatus,
    Resume,
    RollBack,
    Suspend,
)
from providers.opened import Opened
from providers.render.adapter import open_connection
from providers.render.settings import RenderSettings
from tests.providers.subjects.render import BLUE, GREEN, SECRET, RenderSubject, release


def key(render: RenderSubject, text: str = "k1") -> OperationKey:
    return OperationKey(text, render.now())


async def deployed(render: RenderSubject, connection: Opened, name: str, service: str = BLUE) -> Operation:
    """Deploy a release and let it end."""
    can = connection.capabilities
    began = await can.deploy.start(Deploy(service, release(name)), key(render, name))
    await render.finish()
    return await can.deploy.observe(began.reference)


class TestGivenALiveService:
    async def test_when_a_release_is_deployed_then_start_returns_while_it_builds(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        began = await connection.capabilities.deploy.start(Deploy(BLUE, release("v1.1")), key(render))

        assert began.status is OperationStatus.RUNNING
        assert began.reference.startswith(f"{BLUE}/dep-")

    async def test_when_it_ends_then_the_undo_knows_what_was_live_before(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        before = await connection.capabilities.inventory.fetch_target(BLUE)

        ended = await deployed(render, connection, "v1.1")

        after = await connection.capabilities.inventory.fetch_target(BLUE)
        assert ended.outputs == {
            "deploy": after.live_deployment,
            "commit": release("v1.1").commit,
            "previous": before.live_deployment,
        }
        assert (after.live, after.suspended) == (release("v1.1").commit, False)

    async def test_when_a_later_deploy_replaced_it_then_it_still_succeeded(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        first = await deployed(render, connection, "v1.1")
        await deployed(render, connection, "v1.2")

        observed = await connection.capabilities.deploy.observe(first.reference)

        assert (observed.status, observed.outputs) == (OperationStatus.SUCCEEDED, first.outputs)

    async def test_when_it_does_not_come_up_then_the_reason_is_in_words(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        render.hosting.crashing.add("v1.5-crash")

        ended = await deployed(render, connection, "v1.5-crash")

        assert ended.status is OperationStatus.FAILED
        assert ended.detail == "the new instances did not become healthy: the process ended with exit code 1"

    async def test_when_it_does_not_build_then_the_reason_is_the_builds(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        ended = await deployed(render, connection, "no-such-release")

        assert ended.status is OperationStatus.FAILED
        assert ended.detail == "the build failed: the process ended with exit code 128"

    async def test_when_the_reason_cannot_be_had_then_it_failed_all_the_same(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        began = await connection.capabilities.deploy.start(Deploy(BLUE, release("no-such")), key(render))
        await render.finish()
        render.faults.replace('"event":', '"surprise":')

        ended = await connection.capabilities.deploy.observe(began.reference)

        assert (ended.status, ended.detail) == (OperationStatus.FAILED, "the build failed")

    async def test_when_the_same_commit_is_wished_again_later_then_it_is_deployed_again(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        await deployed(render, connection, "v1.1")

        again = await connection.capabilities.deploy.start(Deploy(BLUE, release("v1.1")), key(render, "k2"))

        assert again.status is OperationStatus.RUNNING
        assert render.emulator.kinds["deploy"] == 2

    @pytest.mark.parametrize("minutes", [-10, 10])
    async def test_when_its_clock_differs_from_ours_then_a_deploy_is_still_found(
        self, render: RenderSubject, minutes: int
    ) -> None:
        ours = timedelta(minutes=minutes)
        connection = open_connection(
            "render",
            RenderSettings(base_url="http://render/v1", token=SECRET),
            clock=lambda: render.now() + ours,
            sleep=render.clock.advance,
            transport=Dated(render),
        )
        wish, our_key = Deploy(BLUE, release("v1.1")), OperationKey("k", render.now() + ours)

        began = await connection.capabilities.deploy.start(wish, our_key)
        found = await connection.capabilities.deploy.find(wish, our_key)
        earlier = await connection.capabilities.deploy.find(
            wish, OperationKey("later", render.now() + ours + timedelta(minutes=1))
        )
        await connection.close()

        assert found is not None
        assert (found.reference, earlier) == (began.reference, None)


class Dated(httpx.AsyncBaseTransport):
    """Adds the `Date` header that a real server sends, by the platform's clock."""

    def __init__(self, render: RenderSubject) -> None:
        self._render = render

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._render.faults.handle_async_request(request)
        answer.headers["date"] = format_datetime(self._render.now().replace(microsecond=0), usegmt=True)
        return answer


class TestGivenADeployInProgress:
    @pytest.fixture
    async def earlier(self, render: RenderSubject, connection: Opened) -> Operation:
        return await connection.capabilities.deploy.start(Deploy(BLUE, release("v1.1")), key(render, "earlier"))

    async def test_when_another_is_asked_for_then_the_empty_answer_leads_to_the_queued_one(
        self, render: RenderSubject, connection: Opened, earlier: Operation
    ) -> None:
        queued = await connection.capabilities.deploy.start(Deploy(BLUE, release("v1.2")), key(render))
        await render.finish()

        ended = await connection.capabilities.deploy.observe(queued.reference)

        assert (queued.detail, ended.status) == ("queued behind another deploy", OperationStatus.SUCCEEDED)
        assert ended.outputs["previous"] == earlier.outputs["deploy"]

    async def test_when_it_is_canceled_then_the_cancellation_succeeds_and_the_deploy_is_cancelled(
        self, render: RenderSubject, connection: Opened, earlier: Operation
    ) -> None:
        canceled = await connection.capabilities.cancel.start(Cancel(BLUE, earlier.reference), key(render))

        observed = await connection.capabilities.deploy.observe(earlier.reference)

        assert (canceled.status, observed.status) == (OperationStatus.SUCCEEDED, OperationStatus.CANCELLED)

    async def test_when_it_ended_before_the_cancellation_then_nothing_is_changed(
        self, render: RenderSubject, connection: Opened, earlier: Operation
    ) -> None:
        await render.finish()

        canceled = await connection.capabilities.cancel.start(Cancel(BLUE, earlier.reference), key(render))

        assert (canceled.status, canceled.detail) == (OperationStatus.SUCCEEDED, "it had ended before: live")
        assert "cancel" not in render.emulator.kinds

    async def test_when_it_can_no_longer_be_stopped_then_the_refusal_is_told(
        self, render: RenderSubject, connection: Opened, earlier: Operation
    ) -> None:
        render.faults.answer(400, {"message": "it is being switched to"}, to="/cancel")

        with pytest.raises(Rejected, match="it is being switched to"):
            await connection.capabilities.cancel.start(Cancel(BLUE, earlier.reference), key(render))


class TestGivenAQueuedDeployThatIsNotListedYet:
    """Render answers 202 with nothing, and its list lags behind."""

    @asynccontextmanager
    async def platform(self, render: RenderSubject) -> AsyncIterator[tuple[Opened, list[Any]]]:
        listed: list[Any] = []

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return httpx.Response(202)
            if request.url.path.endswith("/deploys"):
                return httpx.Response(200, json=[{"deploy": one, "cursor": "c"} for one in listed])
            found = [one for one in listed if request.url.path.endswith(one["id"])]
            return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={"message": "not found"})

        settings = RenderSettings(base_url="http://render/v1", token=SECRET)
        transport = httpx.MockTransport(answer)
        opened = open_connection("render", settings, clock=render.now, sleep=render.clock.advance, transport=transport)
        yield opened, listed
        await opened.close()

    async def test_when_it_shows_up_later_then_the_reference_leads_to_it(self, render: RenderSubject) -> None:
        async with self.platform(render) as (connection, listed):
            deploy = connection.capabilities.deploy
            began = await deploy.start(Deploy(BLUE, release("v1.1")), key(render))
            listed.append(
                {
                    "id": "dep-9",
                    "status": "live",
                    "trigger": "api",
                    "commit": {"id": release("v1.1").commit},
                    "createdAt": render.now().isoformat(),
                }
            )

            ended = await deploy.observe(began.reference)

        assert began.status is OperationStatus.RUNNING
        assert (ended.status, ended.reference) == (OperationStatus.SUCCEEDED, f"{BLUE}/dep-9")

    async def test_when_it_never_shows_up_then_it_is_lost(self, render: RenderSubject) -> None:
        async with self.platform(render) as (connection, _):
            began = await connection.capabilities.deploy.start(Deploy(BLUE, release("v1.1")), key(render))
            await render.clock.advance(180)

            ended = await connection.capabilities.deploy.observe(began.reference)

        assert ended.status is OperationStatus.LOST


class TestGivenABadReleaseIsLive:
    async def test_when_it_is_rolled_back_then_a_push_no_longer_undoes_that(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        bad = await deployed(render, connection, "v1.3-errors")
        assert (await connection.capabilities.inventory.fetch_target(BLUE)).auto_deploy is True

        back = RollBack(BLUE, str(bad.outputs["previous"]))
        began = await connection.capabilities.roll_back.start(back, key(render))
        await render.finish()

        ended = await connection.capabilities.roll_back.observe(began.reference)
        target = await connection.capabilities.inventory.fetch_target(BLUE)
        assert (ended.status, target.live, target.auto_deploy) == (
            OperationStatus.SUCCEEDED,
            release("v1.0").commit,
            False,
        )

    async def test_when_the_wanted_deploy_is_live_then_nothing_is_begun(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        live = (await connection.capabilities.inventory.fetch_target(BLUE)).live_deployment

        back = await connection.capabilities.roll_back.start(RollBack(BLUE, live), key(render))

        assert (back.status, back.reference) == (OperationStatus.SUCCEEDED, f"{BLUE}/{live}")
        assert "rollback" not in render.emulator.kinds

    async def test_when_a_deploy_is_still_going_on_then_it_makes_way(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        live = (await connection.capabilities.inventory.fetch_target(BLUE)).live_deployment
        going = await connection.capabilities.deploy.start(Deploy(BLUE, release("v1.1")), key(render, "going"))

        await connection.capabilities.roll_back.start(RollBack(BLUE, live), key(render))
        await render.finish()

        assert (await connection.capabilities.deploy.observe(going.reference)).status is OperationStatus.CANCELLED
        assert (await connection.capabilities.inventory.fetch_target(BLUE)).live == release("v1.0").commit


class TestGivenAServiceThatIsSwitchedOffAndOn:
    async def test_when_it_was_resumed_since_then_the_suspension_stays_ended(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        off = await can.suspend.start(Suspend(BLUE), key(render, "off"))
        await render.clock.advance(10)
        on = await can.resume.start(Resume(BLUE), key(render, "on"))
        assert on.status is OperationStatus.RUNNING
        await render.finish()

        assert (await can.suspend.observe(off.reference)).status is OperationStatus.SUCCEEDED
        assert (await can.resume.observe(on.reference)).status is OperationStatus.SUCCEEDED
        assert (await can.inventory.fetch_target(BLUE)).suspended is False

    async def test_when_an_old_wish_is_repeated_after_its_opposite_then_it_does_not_happen_again(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        off, on = key(render, "off"), OperationKey("on", render.now() + timedelta(seconds=10))
        await can.suspend.start(Suspend(BLUE), off)
        await render.clock.advance(10)
        await can.resume.start(Resume(BLUE), on)
        await render.finish()

        await can.suspend.start(Suspend(BLUE), off)
        await can.suspend.start(Suspend(BLUE), key(render, "off again"))
        await can.resume.start(Resume(BLUE), on)

        assert (await can.inventory.fetch_target(BLUE)).suspended is True
        assert (render.emulator.kinds["suspend"], render.emulator.kinds["resume"]) == (2, 1)

    async def test_when_what_is_brought_up_crashes_then_the_resumption_failed_with_the_reason(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        render.hosting.crashing.add("v1.0")

        on = await connection.capabilities.resume.start(Resume(GREEN), key(render))
        await render.finish()

        ended = await connection.capabilities.resume.observe(on.reference)
        assert ended.status is OperationStatus.FAILED
        assert "exit code 1" in ended.detail

    async def test_when_it_runs_already_then_resuming_changes_nothing(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        on = await connection.capabilities.resume.start(Resume(BLUE), key(render))

        assert (on.status, "resume" in render.emulator.kinds) == (OperationStatus.SUCCEEDED, False)
