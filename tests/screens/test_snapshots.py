"""The look of each screen in the states that matter. Read the picture before accepting it:
`pytest tests/screens/test_snapshots.py --snapshot-update`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from console.client.service import Pulse
from console.domain.plan import Plan
from console.domain.roles import Role
from tests.screens import scene
from tests.screens.conftest import World
from tests.screens.fake_service import FakeService
from tests.screens.test_compare import two_tales
from tests.screens.test_emergencies import command

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 60)
Make = Callable[..., World]
Compare = Callable[..., bool]

CASES: list[Any] = [
    pytest.param("bake-10", SMALL, [], {}, id="dashboard-baking-80"),
    pytest.param("bake-10", MIDDLE, [], {}, id="dashboard-baking-120"),
    pytest.param("bake-10", LARGE, [], {}, id="dashboard-baking-200"),
    pytest.param("failing", MIDDLE, [], {}, id="dashboard-rolling-back"),
    pytest.param("rolled-back", SMALL, [], {}, id="dashboard-rolled-back-80"),
    pytest.param("succeeded", MIDDLE, [], {"theme": "light"}, id="dashboard-succeeded-light"),
    pytest.param("prepare", MIDDLE, [], {"theme": "contrast"}, id="dashboard-preparing-contrast"),
    pytest.param("paused", SMALL, [], {"theme": "ansi"}, id="dashboard-paused-16-colours"),
    pytest.param("bake-10", SMALL, [], {"theme": "ansi", "ascii_only": True}, id="dashboard-ascii"),
    pytest.param(None, SMALL, [], {}, id="dashboard-nothing-deployed"),
    pytest.param("bake-10", MIDDLE, ["3", "z"], {}, id="dashboard-health-zoomed"),
    pytest.param("bake-10", MIDDLE, ["a"], {}, id="dashboard-disabled-key"),
    pytest.param("bake-10", SMALL, ["5", "v"], {}, id="logs-errors-only"),
    pytest.param("bake-10", MIDDLE, ["enter"], {}, id="deployment-120"),
    pytest.param("rolled-back", SMALL, ["enter"], {}, id="deployment-rolled-back-80"),
    pytest.param("failing", LARGE, ["enter"], {}, id="deployment-rolling-back-200"),
    pytest.param("bake-10", MIDDLE, ["R"], {}, id="rollback-dialog-120"),
    pytest.param("bake-10", SMALL, ["R"], {}, id="rollback-dialog-80"),
    pytest.param("approval", MIDDLE, ["a"], {}, id="approval-dialog"),
    pytest.param("bake-10", SMALL, ["q"], {}, id="quit-dialog"),
    pytest.param(None, MIDDLE, ["d"], {}, id="deploy-form"),
    pytest.param(None, MIDDLE, ["d", "enter"], {}, id="deploy-plan-120"),
    pytest.param(None, SMALL, ["d", "enter", "enter"], {}, id="deploy-name-80"),
    pytest.param("rolled-back", SMALL, ["H"], {}, id="history-80"),
    pytest.param("rolled-back", MIDDLE, ["H"], {}, id="history-120"),
    pytest.param("rolled-back", MIDDLE, ["r"], {}, id="report-120"),
    pytest.param("rolled-back", SMALL, ["r"], {"theme": "ansi"}, id="report-16-colours"),
    pytest.param("asked", SMALL, [], {}, id="dashboard-failed-step-80"),
    pytest.param("asked", SMALL, ["S", "enter"], {}, id="skip-dialog-80"),
    pytest.param("bake-10", SMALL, ["p"], {"theme": "ansi"}, id="promote-dialog-16-colours"),
    pytest.param("waiting-for-render", SMALL, [], {}, id="dashboard-platform-down-80"),
    pytest.param("bake-10", MIDDLE, ["question_mark"], {}, id="help-120"),
    pytest.param("bake-10", SMALL, ["colon", "d", "e"], {}, id="palette-80"),
]


def look(world: World, keys: list[str], until: str | None) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def run_before(pilot: Pilot[int]) -> None:
        await world.settle(pilot)
        for tick in range(30):
            green = 0 if until in {"failing", "rolled-back"} else 100 if until == "succeeded" else 10
            arms = scene.arms(green=green, failing=until == "failing", wave=9 * math.sin(tick / 3))
            world.app.store.apply_pulse(Pulse(world.now, scene.PRODUCTION, arms))
        await world.settle(pilot)
        await world.press(pilot, *keys)
        await world.settle(pilot)

    return run_before


@pytest.mark.parametrize(("until", "size", "keys", "options"), CASES)
def test_the_look_of(
    snap_compare: Compare, make_world: Make, until: str | None, size: tuple[int, int], keys: list[str], options: Any
) -> None:
    world = make_world(until, **options)
    assert snap_compare(world.app, terminal_size=size, run_before=look(world, keys, until))


PLANS: list[Any] = [
    pytest.param("disaster-recovery", [], scene.FAILOVER, SMALL, id="failover-form-80"),
    pytest.param("disaster-recovery", ["enter"], scene.FAILOVER, MIDDLE, id="failover-plan-120"),
    pytest.param("recover restart worker", ["enter", "enter"], scene.RESTART, SMALL, id="recover-name-80"),
    pytest.param("compare", [], scene.plan(), MIDDLE, id="compare-120"),
    pytest.param("lift-hold", [], scene.LIFTING, SMALL, id="lift-hold-dialog-80"),
]


@pytest.mark.parametrize(("typed", "keys", "plan", "size"), PLANS)
def test_the_look_of_a_command(
    snap_compare: Compare, make_world: Make, typed: str, keys: list[str], plan: Plan, size: tuple[int, int]
) -> None:
    world = make_world("rolled-back", service=two_tales())
    world.service.plan = plan
    world.service.statuses = [replace(world.service.statuses[0], hold=scene.HOLD), *world.service.statuses[1:]]

    async def run_before(pilot: Pilot[int]) -> None:
        await look(world, [], "rolled-back")(pilot)
        await command(world, pilot, f"deploy-{typed}")
        await world.press(pilot, *keys)

    assert snap_compare(world.app, terminal_size=size, run_before=run_before)


def test_the_look_of_a_viewers_dashboard(snap_compare: Compare, make_world: Make) -> None:
    world = make_world("bake-10", service=FakeService(scene.tale().events, role=Role.VIEWER, actor="eve"))
    assert snap_compare(world.app, terminal_size=MIDDLE, run_before=look(world, ["R"], "bake-10"))


def test_the_look_of_a_lost_worker(snap_compare: Compare, make_world: Make) -> None:
    world = make_world("bake-10")
    base = look(world, [], "bake-10")

    async def run_before(pilot: Pilot[int]) -> None:
        await base(pilot)
        world.service.vanish()
        await world.settle(pilot)
        await world.press(pilot, "R")

    assert snap_compare(world.app, terminal_size=SMALL, run_before=run_before)


def test_the_look_of_a_refused_plan(snap_compare: Compare, make_world: Make) -> None:
    world = make_world(None)
    world.service.plan = scene.plan(
        refusals=("production is held by ann since 06:01: database upgrade.", "Checks of a1b2c3d4 fail: lint, unit.")
    )
    assert snap_compare(world.app, terminal_size=SMALL, run_before=look(world, ["d", "enter", "enter"], None))


def test_the_look_of_a_connecting_console(snap_compare: Compare, make_world: Make) -> None:
    world = make_world(None)
    world.service.is_gone = True

    async def run_before(pilot: Pilot[int]) -> None:
        await world.settle(pilot)

    assert snap_compare(world.app, terminal_size=SMALL, run_before=run_before)
