"""A plan as text and as the console shows it: what changes, how long at best and at worst, and why it is risky."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.cli.showing import plan_lines
from console.domain.ids import ServiceName, StepId
from console.domain.outlook import Bound, Outlook, Spread, Takeover, VariableNames
from console.domain.plan import Phase, Plan, Risk, Step, StepKind, Undo
from console.domain.release import Release
from screens.view.plan import plan_rows
from screens.view.rows import plain
from tests.cli.conftest import PRODUCTION

BACKEND, WORKER, SITE = ServiceName("backend"), ServiceName("worker"), ServiceName("site")
DEPLOY = StepId("backend.deploy")
OUTLOOK = Outlook(
    waves=((BACKEND, WORKER), (SITE,)),
    commits=("Let customers leave a note", "Show the note"),
    variables=(VariableNames(BACKEND, "green", ("NEW",), ("URL",), ("OLD",)),),
    migrations=("20260915101500_add_note",),
    spreads={DEPLOY: Spread(7, timedelta(seconds=9), timedelta(seconds=15))},
    promotion=Bound(timedelta(seconds=80)),
    rollback=Bound(timedelta(seconds=12), 2),
    others=("staging: d9 of ben since 12:00:00 UTC, deploys v1.2",),
)


def plan(outlook: Outlook = OUTLOOK) -> Plan:
    step = Step(
        DEPLOY,
        "Deploy v1.1 to green",
        StepKind.DEPLOY,
        Phase.PREPARE,
        BACKEND,
        undo=Undo(StepKind.SUSPEND, "Suspend green"),
        forecast=timedelta(seconds=12),
    )
    risk = Risk(25, ("1 migration changes the schema.", "ben deploys staging."), (15, 10))
    return Plan(PRODUCTION, "blue-green", Release("a" * 40, "v1.1"), (step,), risk=risk, outlook=outlook)


class TestGivenAPlanWithItsOutlook:
    @pytest.mark.parametrize(
        "words",
        [
            "services  backend, worker → site",
            "commits   2",
            "          - Show the note",
            "schema    20260915101500_add_note",
            "variables green of backend: +NEW ~URL -OLD",
            "12.0 s (9.0 s to 15.0 s, 7 times)",
            "          +15  1 migration changes the schema.",
            "shortest  1 m 20 s until everything is done",
            "longest   at least 12.0 s, 2 steps on no record not counted, until everything is back",
            "also runs staging: d9 of ben",
        ],
    )
    def test_when_told_as_text_then_everything_is_said(self, words: str) -> None:
        assert words in "\n".join(plan_lines(plan()))

    def test_when_no_step_of_the_way_back_is_on_record_then_its_length_is_not_known(self) -> None:
        found = plan()
        outlook = replace(OUTLOOK, rollback=Bound(timedelta(), 12))

        assert "longest   not known, 12 steps on no record," in "\n".join(plan_lines(replace(found, outlook=outlook)))

    @pytest.mark.parametrize(
        "words",
        [
            "services     backend, worker → site",
            "2: Show the note · Let customers leave a note",
            "20260915101500_add_note",
            "green of backend: +NEW ~URL -OLD",
            "9s–15s",
            "+15 1 migration changes the schema.",
            "12s and 2 steps that never ran before at the longest",
            "staging: d9 of ben",
        ],
    )
    def test_when_drawn_then_everything_is_said(self, words: str) -> None:
        assert words in plain(plan_rows(plan(), 120))

    def test_when_the_screen_is_narrow_then_undos_keep_their_room(self) -> None:
        said = plain(plan_rows(plan(), 78))

        assert "9s–15s" not in said
        assert "↶ Suspend green" in said


class TestGivenAPlanOfAnEarlierVersion:
    def test_when_told_then_nothing_is_made_up(self) -> None:
        said = "\n".join(plan_lines(plan(Outlook())))

        for word in ("services ", "commits ", "shortest", "longest", "also runs"):
            assert word not in said


class TestGivenAFailover:
    def test_when_it_is_shown_then_recovery_time_and_loss_stand_beside_what_is_promised(self) -> None:
        takeover = Takeover(42.0, ("promote-standby",), 10.0, 3.5, False, 60.0, 5.0, 300)

        said = "\n".join(plan_lines(plan(replace(OUTLOOK, takeover=takeover))))

        assert (
            "recovery  about 42.0 s (promised 1 m 00 s), approvals not counted; never measured, so 10.0 s each" in said
        )
        assert "loss      at most 3.5 s of writes: the old side is not fenced (promised 5.0 s)" in said
        assert "resolvers may lead visitors to the old address for 5 m 00 s more" in said
        assert "shortest  1 m 20 s" in said
