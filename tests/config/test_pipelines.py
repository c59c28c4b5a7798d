"""A strategy of one's own: read from YAML with every fault named, planned with the work of the built-in steps."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.config.loader import load
from console.config.settings import Settings
from console.domain.errors import ConfigError, ConfigProblem
from console.domain.plan import StepKind
from console.planning.live import Live
from console.planning.rollback import build_rollback
from tests.config.test_loader import TOKENS
from tests.planning.stories import FIRST, Story, live_shop, plan_shop

CAREFUL = """\
description: Straight to half, then all
steps:
  - { id: schema, kind: migrate, service: database, undo: none }
  - { id: build, kind: deploy, service: backend, needs: [schema], timeout: 20m }
  - { id: wake, kind: resume, service: backend }
  - id: alive
    kind: health
    service: backend
    needs: [build, wake]
    retries: 5
  - { id: two-eyes, kind: approval, needs: [alive] }
  - { id: half, kind: shift, service: backend, weight: 50, needs: [two-eyes] }
  - { id: hold, kind: bake, service: backend, duration: 10m, needs: [half] }
  - { id: all, kind: shift, service: backend, weight: 100, needs: [hold] }
  - { id: page, kind: deploy, service: frontend, needs: [schema] }
  - { id: page-up, kind: promote, service: frontend, needs: [page, all], name: Show the new page }
  - { id: rest, kind: suspend, service: backend, needs: [page-up] }
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_both(pipeline: str) -> Path:
        (tmp_path / "pipelines").mkdir()
        (tmp_path / "pipelines" / "careful.yaml").write_text(pipeline, encoding="utf-8")
        path = tmp_path / "config.toml"
        strategy = 'tier = "production"\nstrategy = "pipeline:careful"'
        text = TOKENS.replace('tier = "production"', strategy).replace(
            "[source]", '[pipelines]\ndirectory = "pipelines"\n[source]'
        )
        path.write_text(text, encoding="utf-8")
        return path

    return write_both


@pytest.fixture
def careful(write) -> Settings:
    return load(write(CAREFUL))


def faults_of(path: Path) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value.problems


class TestGivenAPipeline:
    def test_when_planned_then_its_steps_run_in_its_order_within_the_usual_frame(self, careful: Settings) -> None:
        plan = plan_shop(careful)

        assert plan.refusals == ()
        assert plan.strategy == "pipeline:careful"
        assert [step.id for step in plan.steps] == [
            "source.checks", "source.announce", "schema", "build", "wake", "alive", "two-eyes", "half", "hold", "all",
            "page", "page-up", "rest", "source.close",
        ]  # fmt: skip
        assert plan.step(plan.steps[2].id).needs == ("source.announce",)

    def test_when_planned_then_each_step_does_what_the_built_in_one_does_within_its_own_limits(
        self, careful: Settings
    ) -> None:
        steps = {step.id: step for step in plan_shop(careful).steps}

        assert steps["build"].arguments["target"] == "srv-green"
        assert steps["build"].time_limit == timedelta(minutes=20)
        assert steps["alive"].attempts == 6
        assert steps["half"].arguments["weights"] == {"blue": 50, "green": 50}
        assert (steps["hold"].arguments["weight"], steps["hold"].arguments["duration_s"]) == (50, 600.0)
        assert steps["page-up"].arguments["deployment_from"] == "page"
        assert steps["page-up"].name == "Show the new page"
        assert steps["schema"].undo is None
        assert steps["rest"].arguments["target"] == "srv-blue"

    def test_when_taken_back_then_traffic_is_first_here_too(self, careful: Settings) -> None:
        plan = plan_shop(careful)
        story = Story(plan).run(plan.steps, until="page-up")

        assert [step.id for step in build_rollback(story.deployment)] == [
            "undo:half",
            "undo:page-up",
            "undo:wake",
            "undo:source.announce",
        ]

    def test_when_there_is_nothing_to_do_for_a_step_then_it_is_left_out_and_order_holds(
        self, careful: Settings
    ) -> None:
        plan = plan_shop(careful, files=(FIRST,))

        assert "schema" not in [step.id for step in plan.steps]
        assert next(step for step in plan.steps if step.id == "build").needs == ("source.announce",)
        assert any("nothing to migrate" in note for note in plan.notes)

    def test_when_nothing_is_live_then_only_the_move_to_all_is_left(self, careful: Settings) -> None:
        steps = [step.id for step in plan_shop(careful, live=Live(), files=()).steps]

        assert "half" not in steps
        assert "hold" not in steps
        assert "all" in steps

    def test_when_only_some_services_are_wanted_then_the_other_steps_are_left_out(self, careful: Settings) -> None:
        plan = plan_shop(careful, live=live_shop(), services=("frontend",))

        assert {step.service for step in plan.steps} == {None, "frontend"}
        assert next(s for s in plan.steps if s.kind is StepKind.PROMOTE).needs == ("page", "two-eyes")


class TestGivenAWrongPipeline:
    def test_when_loaded_then_every_fault_has_its_line(self, write) -> None:
        text = CAREFUL.replace("retries: 5", "retrys: 5").replace("kind: approval", "kind: aproval")
        problems = faults_of(write(text))

        assert [(p.key, p.line) for p in problems] == [("steps[3].retrys", 10), ("steps[4].kind", 11)]
        assert "Did you mean retries?" in problems[0].remedy
        assert problems[0].file.endswith("careful.yaml")

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("needs: [schema], timeout", "needs: [schem], timeout", "Did you mean schema?"),
            ("service: backend, weight: 50", "service: backnd, weight: 50", "Did you mean backend?"),
            ("weight: 50, ", "", "A shift needs a weight"),
            ("id: wake", "id: build", "two steps build"),
            ("needs: [page-up] }", "needs: [build] }", "still gets requests"),
            ("needs: [page, all]", "needs: [all]", "was not deployed"),
            ("kind: migrate, service: database", "kind: migrate, service: database, needs: [rest]", "circle"),
            ("duration: 10m", "duration: long", "length of time"),
            ("timeout: 20m", "duration: 20m", "has no duration"),
            ("steps:", "steps: {", "no YAML"),
        ],
    )
    def test_when_loaded_then_it_is_named_in_words(self, write, old: str, new: str, words: str) -> None:
        assert old in CAREFUL
        problems = faults_of(write(CAREFUL.replace(old, new, 1)))

        assert any(words in str(problem) for problem in problems), [str(problem) for problem in problems]
        assert all(problem.line for problem in problems)

    def test_when_the_directory_is_absent_then_that_is_the_fault(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_text('[pipelines]\ndirectory = "nowhere"\n')

        assert "cannot be read" in faults_of(path)[0].what

    def test_when_an_environment_names_an_unknown_one_then_the_known_are_told(self, write) -> None:
        path = write(CAREFUL)
        path.write_text(path.read_text().replace("pipeline:careful", "pipeline:carefull"))

        assert "Did you mean pipeline:careful?" in str(faults_of(path)[0])
