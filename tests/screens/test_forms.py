"""What forms make of what was typed, and how a failover and a recovery begin in the console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from console.domain.ids import EnvironmentName, ServiceName
from console.domain.observations import Confirmation
from console.domain.plan import Wish
from screens.deploy import DeployScreen
from screens.forms import DeployForm, FailoverForm, Missing, RecoverForm
from screens.view.plan import plan_rows
from screens.view.rows import plain
from tests.screens import scene
from tests.screens.conftest import World
from tests.screens.test_emergencies import answer, command

SIZE = (120, 40)
Make = Callable[..., World]
HERE = Wish(EnvironmentName("production"))


class TestGivenTheFailoverForm:
    @pytest.mark.parametrize(
        ("how", "strategy"),
        [
            ("", "failover"),
            ("back", "failover:back"),
            ("--rehearse", "failover:rehearse"),
            ("back, force", "failover:back:force"),
        ],
    )
    def test_when_it_says_how_then_the_strategy_says_it_too(self, how: str, strategy: str) -> None:
        wish = FailoverForm(HERE).read({"how": how, "reason": "fire", "emergency": ""})

        assert isinstance(wish, Wish)
        assert (wish.strategy, wish.reason, wish.emergency) == (strategy, "fire", False)

    @pytest.mark.parametrize(
        ("how", "reason", "emergency", "field"),
        [
            ("sideways", "", "", "how"),
            ("rehearse force", "", "", "how"),
            ("", "", "yes", "reason"),
            ("", "fire", "perhaps", "emergency"),
        ],
    )
    def test_when_something_is_wrong_then_the_field_is_named(
        self, how: str, reason: str, emergency: str, field: str
    ) -> None:
        missing = FailoverForm(HERE).read({"how": how, "reason": reason, "emergency": emergency})

        assert isinstance(missing, Missing)
        assert missing.field == field

    def test_when_it_is_a_rehearsal_then_no_name_is_asked(self) -> None:
        form = FailoverForm(HERE)

        wish = Wish(HERE.environment, strategy="failover")
        rehearsal = Wish(HERE.environment, strategy="failover:rehearse")
        assert form.confirmation(wish, Confirmation.YES) is Confirmation.NAME
        assert form.confirmation(rehearsal, Confirmation.NAME) is Confirmation.YES


class TestGivenTheRecoveryForm:
    @pytest.mark.parametrize(
        ("how", "strategy"),
        [("restart", "recovery:restart"), ("Scale 3", "recovery:scale:3"), ("redeploy", "recovery:redeploy")],
    )
    def test_when_it_says_how_then_the_strategy_says_it_too(self, how: str, strategy: str) -> None:
        wish = RecoverForm(HERE).read({"how": how, "services": "api, worker", "reason": ""})

        assert isinstance(wish, Wish)
        assert (wish.strategy, wish.services) == (strategy, ("api", "worker"))

    @pytest.mark.parametrize(
        ("how", "services", "field"), [("scale 0", "api", "how"), ("heal", "api", "how"), ("restart", "", "services")]
    )
    def test_when_something_is_missing_then_the_field_is_named(self, how: str, services: str, field: str) -> None:
        missing = RecoverForm(HERE).read({"how": how, "services": services, "reason": ""})

        assert isinstance(missing, Missing)
        assert missing.field == field

    def test_when_opened_with_what_is_known_then_it_stands_in_the_fields(self) -> None:
        form = RecoverForm(Wish(HERE.environment, strategy="recovery:scale:4", services=(ServiceName("api"),)))

        assert form.texts() == {"how": "scale 4", "services": "api", "reason": ""}


class TestGivenTheDeployForm:
    @pytest.mark.parametrize("usual", Confirmation)
    def test_when_it_goes_forward_then_it_asks_what_the_environment_does_in_an_emergency_the_name(
        self, usual: Confirmation
    ) -> None:
        assert DeployForm(HERE).confirmation(HERE, usual) is usual
        assert DeployForm(HERE).confirmation(replace(HERE, emergency=True), usual) is Confirmation.NAME


class TestGivenAPlanOfAFailover:
    def test_when_shown_then_time_and_loss_stand_beside_what_is_promised(self) -> None:
        said = plain(plan_rows(scene.FAILOVER, 110))

        assert "about 34s (promised 2m00s), approvals not counted" in said
        assert "never measured, so 10s each: promote-standby" in said
        assert "none: writes stop before the standby (now 0.4 s behind) takes over (promised 5s)" in said
        assert "old address for 1m00s more" in said


class TestGivenAnOperator:
    async def test_when_they_fail_over_then_the_plan_is_shown_and_the_name_typed_before_it_starts(
        self, make_world: Make
    ) -> None:
        world = make_world(None)
        world.service.plan = scene.FAILOVER
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-disaster-recovery")
            assert "the standby takes over" in world.text()
            await world.press(pilot, "enter")
            assert "fail over production" in world.text()
            await world.press(pilot, "enter")
            assert "To start, type production:" in world.text()
            await answer(world, pilot, "name", "production")

            ((wish, _, digest),) = world.service.deployed
            assert (wish.strategy, digest) == ("failover", scene.FAILOVER.digest)
            assert "A failover of production is under way" in world.text()

    async def test_when_they_rehearse_then_enter_starts_it(self, make_world: Make) -> None:
        world = make_world(None)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await command(world, pilot, "deploy-disaster-recovery rehearse")
            await world.press(pilot, "enter", "enter")

            assert [wish.strategy for wish, _, _ in world.service.deployed] == ["failover:rehearse"]

    async def test_when_they_restart_a_service_then_it_is_filled_in_and_only_what_is_missing_is_asked(
        self, make_world: Make
    ) -> None:
        world = make_world(None)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "j")
            await command(world, pilot, "deploy-recover restart")
            assert isinstance(world.app.screen, DeployScreen)
            await world.press(pilot, "enter")
            assert "Which services?" in world.text()
            await answer(world, pilot, "services", "worker")
            await world.press(pilot, "enter")

            ((wish, _, _),) = world.service.deployed
            assert (wish.environment, wish.strategy, wish.services) == ("staging", "recovery:restart", ("worker",))

    async def test_when_the_health_pane_has_the_keys_then_its_service_is_the_one_to_recover(
        self, make_world: Make
    ) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "3", "G")
            await command(world, pilot, "deploy-recover scale 3")
            screen = world.app.screen
            assert isinstance(screen, DeployScreen)

            assert screen.form.texts() == {"how": "scale 3", "services": "frontend", "reason": ""}
