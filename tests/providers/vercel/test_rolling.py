"""Rolling releases at Vercel's desk, and what the engine's own promotion and rollback make of one."""

from datetime import timedelta

import pytest

from console.domain.errors import Rejected
from providers.contract import Deploy, OperationStatus, Promote, RollBack
from providers.vercel import (
    moves,
    rolling,
)
from providers.vercel.rolling_release import parse_release
from tests.providers.subjects.vercel import FRONTEND, VercelSubject, release
from tests.providers.vercel.operating import Operator
from tests.providers.vercel.wishes import STAGES

SUCCEEDED, RUNNING, FAILED = OperationStatus.SUCCEEDED, OperationStatus.RUNNING, OperationStatus.FAILED


class TestGivenARollingRelease:
    @pytest.fixture
    async def canary(self, vercel: VercelSubject, operator: Operator) -> str:
        await operator.act("configure-rolling-release", rolling.ConfigureRolling(FRONTEND, STAGES))
        staged = await vercel.staged()
        await operator.end("promote", moves.Promotion(FRONTEND, staged))
        return staged

    async def test_when_it_goes_on_then_each_stage_has_its_share_and_the_promotion_ends_with_the_last(
        self, vercel: VercelSubject, operator: Operator, canary: str
    ) -> None:
        promote = operator.connection.capabilities.promote
        found = await promote.find(Promote(FRONTEND, canary), operator.key())
        seen = [(found.status, found.detail)]

        for stage in (1, 2):
            await operator.end("approve-stage", rolling.ApproveStage(FRONTEND, canary, stage))
            seen.append((await promote.observe(found.reference)).status)

        assert seen == [(RUNNING, f"{canary} has 10 % of the visitors, waiting for approval"), RUNNING, SUCCEEDED]
        assert (vercel.live(), set(vercel.hosting.serving("frontend"))) == (canary, {"v1.2"})

    async def test_when_its_target_is_read_then_a_plan_knows_the_stages(self, operator: Operator, canary: str) -> None:
        inventory = operator.connection.capabilities.inventory
        waiting = (await inventory.fetch_target(FRONTEND)).stages
        await operator.act("configure-rolling-release", rolling.ConfigureRolling(FRONTEND, STAGES, minutes=5))
        passing = (await inventory.fetch_target(FRONTEND)).stages
        await operator.act("disable-rolling-release", rolling.DisableRolling(FRONTEND))

        five = timedelta(minutes=5)
        assert [(stage.percent, stage.lasts) for stage in waiting] == [(10, None), (50, None), (100, None)]
        assert [(stage.percent, stage.lasts) for stage in passing] == [(10, five), (50, five), (100, None)]
        assert (await inventory.fetch_target(FRONTEND)).stages == ()

    async def test_when_one_looks_then_both_serve_and_the_plan_is_named(self, operator: Operator, canary: str) -> None:
        told = await operator.ask("rolling-release", rolling.RollingReleaseOf(FRONTEND))

        assert (await operator.serving())["v1.2"] == "rolling out: 10 % of the visitors"
        assert (told["allowed"], told["plan"]["reason"]) == (True, "unlimited_slots")
        assert [stage.percent for stage in told["configured"]] == list(STAGES)

    @pytest.mark.parametrize("by", ["abort", "the engine"])
    async def test_when_it_is_taken_back_then_all_visitors_are_and_the_promotion_failed(
        self, vercel: VercelSubject, operator: Operator, canary: str, by: str
    ) -> None:
        can, current = operator.connection.capabilities, vercel.live()
        begun = await can.promote.find(Promote(FRONTEND, canary), operator.key())

        if by == "abort":
            ended = await operator.end("abort-rolling-release", rolling.AbortRolling(FRONTEND, canary))
        else:
            rollback = await can.roll_back.start(RollBack(FRONTEND, current), operator.key())
            await vercel.finish()
            ended = await can.roll_back.observe(rollback.reference)

        after = await can.promote.observe(begun.reference)
        assert (ended.status, set(vercel.hosting.serving("frontend"))) == (SUCCEEDED, {"v1.0"})
        assert (after.status, after.detail) == (FAILED, "the rolling release was aborted")

    async def test_when_it_is_aborted_then_the_deploy_that_began_it_has_failed(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        await operator.act("configure-rolling-release", rolling.ConfigureRolling(FRONTEND, STAGES))
        can, current = operator.connection.capabilities, vercel.live()
        began = await can.deploy.start(Deploy(FRONTEND, release("v1.1")), operator.key())
        await vercel.finish()
        rolling_out = await can.deploy.observe(began.reference)

        rollback = await can.roll_back.start(RollBack(FRONTEND, current), operator.key())
        await vercel.finish()

        ended = await can.deploy.observe(began.reference)
        assert (rolling_out.status, rolling_out.detail) == (RUNNING, "built, being rolled out to visitors in stages")
        assert (await can.roll_back.observe(rollback.reference)).status is SUCCEEDED
        assert ended.detail == "built, but without the production domains: its rolling release was aborted. Promote it"
        assert ended.status is FAILED

    async def test_when_another_is_promoted_then_it_waits_behind_it(
        self, vercel: VercelSubject, operator: Operator, canary: str
    ) -> None:
        waiting = await operator.end("promote", moves.Promotion(FRONTEND, await vercel.staged("v1.1")))

        assert (waiting.status, waiting.detail) == (RUNNING, f"queued behind the rolling release of {canary}")

    async def test_when_it_is_over_then_approving_or_aborting_it_says_so(self, operator: Operator, canary: str) -> None:
        await operator.end("complete-rolling-release", rolling.CompleteRolling(FRONTEND, canary))

        aborted = await operator.act("abort-rolling-release", rolling.AbortRolling(FRONTEND, canary))

        assert (aborted.status, aborted.detail) == (FAILED, "it had completed: roll back to take it back")
        with pytest.raises(Rejected, match=r"No rolling release of dpl_else is going on: .* has everything"):
            await operator.act("approve-stage", rolling.ApproveStage(FRONTEND, "dpl_else", 1))


class TestGivenAPlanWithoutRollingReleases:
    async def test_when_one_is_configured_then_the_plans_own_words_refuse_it(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        vercel.emulator.rolling.plan = "plan_not_supported"

        with pytest.raises(Rejected, match="Rolling releases are not part of this team's plan") as raised:
            await operator.act("configure-rolling-release", rolling.ConfigureRolling(FRONTEND, STAGES))

        assert raised.value.remedy == "Promote a staged deployment, or change the plan."
        assert vercel.count("rolling_config") == 0

    @pytest.mark.parametrize("stages", [(100,), (50, 20, 100), (10, 50), (), (10, 10, 100)])
    async def test_when_stages_make_no_sense_then_nothing_is_sent(
        self, vercel: VercelSubject, operator: Operator, stages: tuple[int, ...]
    ) -> None:
        with pytest.raises(Rejected, match="none that Vercel takes"):
            await operator.act("configure-rolling-release", rolling.ConfigureRolling(FRONTEND, stages))

        assert {request.method for request in vercel.faults.sent} == {"GET"}

    def test_when_its_state_is_a_new_word_then_it_is_shown(self) -> None:
        told = parse_release({"rollingRelease": {"state": "PONDERING", "canaryDeployment": None, "stages": None}})

        assert told is not None
        assert (told.is_active, told.describe()) == (False, " is in a state not known here: PONDERING")
