"""Pipelines with matrices, conditions and acts of one's own: what comes of a file, and how its faults are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.matrix import expand
from console.config.pipelines import load_pipelines, parse_pipeline
from console.config.settings import Settings
from console.domain.plan import Plan, StepKind
from console.planning.live import Live
from tests.planning.stories import live_shop, plan_shop, shop

SERVICES = dict.fromkeys(("database", "backend", "worker", "frontend"))
ENVIRONMENTS = {"production": None, "staging": None}

LADDER = """\
steps:
  - { id: build, kind: deploy, service: backend }
  - { id: alive, kind: health, service: backend, needs: [build] }
  - id: give-{weight}
    kind: shift
    service: backend
    weight: "{weight}"
    matrix: { weight: [10, 50, 100] }
    needs: [alive, "hold-{weight.before}"]
  - id: hold-{weight}
    kind: bake
    service: backend
    matrix: { weight: [10, 50] }
    needs: ["give-{weight}"]
  - { id: watch, kind: verify, service: backend, needs: ["give-{weight}"] }
"""


def faults(text: str) -> list[tuple[str, str, str]]:
    _, found = parse_pipeline(yaml.safe_load(text), SERVICES, ENVIRONMENTS)
    return [(".".join(map(str, fault.key)), fault.what, fault.remedy) for fault in found]


def settings_with(text: str, changes: dict[str, Any] | None = None) -> Settings:
    pipeline, found = parse_pipeline(yaml.safe_load(text), SERVICES, ENVIRONMENTS)
    assert pipeline is not None
    assert found == []
    settings = shop({"strategy": "pipeline:own", **(changes or {})})
    return settings.located_at(Path("/etc/quarterdeck/config.toml"), {"own": pipeline})


def planned(text: str, live: Live | None = None, **wish: Any) -> Plan:
    return plan_shop(settings_with(text), live, **wish)


def needs_of(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {step.id: step.needs for step in plan.steps}


class TestGivenAMatrix:
    def test_when_planned_then_two_steps_make_a_ladder(self) -> None:
        plan = planned(LADDER)
        needs = needs_of(plan)

        assert plan.refusals == ()
        assert needs["give-10"] == ("alive",)
        assert needs["hold-10"] == ("give-10",)
        assert needs["give-50"] == ("alive", "hold-10")
        assert needs["give-100"] == ("alive", "hold-50")
        assert needs["watch"] == ("give-10", "give-50", "give-100")
        assert plan.step("give-50").arguments["weights"] == {"blue": 50, "green": 50}  # type: ignore[arg-type]

    def test_when_the_id_does_not_name_a_list_then_its_value_is_put_behind(self) -> None:
        text = "steps: [{id: build, kind: deploy, service: '{service}', matrix: {service: [backend, worker]}}]"
        plan = planned(text)

        assert {step.id: step.service for step in plan.steps if step.kind is StepKind.DEPLOY} == {
            "build-backend": "backend",
            "build-worker": "worker",
        }

    def test_when_combinations_are_excluded_and_included_then_they_go_and_come(self) -> None:
        steps, found = expand(
            [
                {
                    "id": "a",
                    "matrix": {
                        "service": ["x", "y"],
                        "zone": ["n", "s"],
                        "exclude": [{"service": "y", "zone": "s"}],
                        "include": [{"service": "z", "zone": "w"}],
                    },
                }
            ]
        )

        assert found == []
        assert [step.data["id"] for step in steps] == ["a-x-n", "a-x-s", "a-y-n", "a-z-w"]

    def test_when_at_most_two_run_at_once_then_each_waits_for_the_second_before_it(self) -> None:
        steps, _ = expand([{"id": "a", "matrix": {"n": [1, 2, 3, 4]}, "max_parallel": 2, "needs": []}])

        assert [step.data["needs"] for step in steps] == [[], [], ["a-1"], ["a-2"]]

    @pytest.mark.parametrize(
        ("matrix", "words"),
        [
            ("[backend]", "table of lists"),
            ("{}", "has no list"),
            ("{weight: []}", "no list of values"),
            ("{weight: [10, 10]}", "twice"),
            ("{weight: [1.5]}", "whole numbers"),
            ("{Weight: [10]}", "no name for a list"),
            ("{commit: [a]}", "own meaning"),
            ("{weight: [10], exclude: [{weight: 11}]}", "excludes nothing"),
            ("{weight: [10], exclude: [{weigth: 10}]}", "Did you mean weight?"),
            ("{weight: [10], exclude: [{weight: 10}]}", "leaves no step"),
            ("{weight: [10], n: [1], include: [{weight: 20}]}", "n is missing"),
            (f"{{n: {list(range(20))}, m: {list(range(20))}}}", "at most 200"),
        ],
    )
    def test_when_it_is_wrong_then_it_is_told_in_words(self, matrix: str, words: str) -> None:
        told = faults(f"steps: [{{id: a, kind: approval, matrix: {matrix}}}]")

        assert any(words in f"{what} {remedy}" for _, what, remedy in told), told

    def test_when_a_word_in_braces_is_unknown_then_the_known_one_is_guessed(self) -> None:
        told = faults(LADDER.replace("give-{weight}\n", "give-{wieght}\n", 1))

        assert ("steps.2.id", "Nothing says what {wieght} stands for.", "Did you mean weight?") in told

    @settings(max_examples=40)
    @given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True), min_size=1, max_size=3))
    def test_when_expanded_then_ids_are_unique_and_as_many_as_combinations(self, lists: list[list[int]]) -> None:
        matrix = {f"axis{number}": values for number, values in enumerate(lists)}
        steps, found = expand([{"id": "a", "matrix": matrix}])
        count = 1
        for values in lists:
            count *= len(values)

        assert found == []
        assert len({step.data["id"] for step in steps}) == count


GUARDED = """\
steps:
  - { id: build, kind: deploy, service: backend }
  - { id: try, kind: integration, service: backend, needs: [build], when: %s }
  - { id: all, kind: shift, service: backend, weight: 100, needs: [try] }
  - { id: watch, kind: verify, service: backend, needs: [all] }
"""


class TestGivenConditions:
    @pytest.mark.parametrize(
        ("condition", "reason"),
        [
            ("{environment: production}", ""),
            ("{environment: [staging]}", "the environment is production"),
            ("{tier: production, release: 'v1.*'}", ""),
            ("{release: 'v2.*'}", "the release is v1.1"),
            ("{branch: main}", ""),
            ("{service: frontend}", ""),
            ("{migrations: false}", "there are migrations"),
            ("{first: true}", "something is live already"),
            ("{emergency: true}", "it is no emergency"),
            ("{weekday: [sat, sun]}", ""),
            ("{weekday: mon}", "it is sun in UTC"),
            ("{hours: '08:00-18:00', zone: Europe/Berlin}", ""),
            ("{hours: '08:00-12:30', zone: Europe/Berlin}", "it is 13:00 in Europe/Berlin"),
            ("{hours: '22:00-06:00'}", "it is 12:00 in UTC"),
            ("{not: {environment: production}}", "left out when the environment is production"),
            ("{not: {emergency: true}}", ""),
            ("{any: [{emergency: true}, {tier: production}]}", ""),
            ("{any: [{emergency: true}, {tier: staging}]}", "it is no emergency and the tier is production"),
        ],
    )
    def test_when_planned_then_a_step_is_done_or_says_why_not(self, condition: str, reason: str) -> None:
        plan = planned(GUARDED % condition)

        assert ("try" in needs_of(plan)) == (not reason)
        assert needs_of(plan)["all"] == (("build",) if reason else ("try",))
        assert any(reason in note for note in plan.notes if "try is left out" in note) == bool(reason)

    def test_when_what_is_left_would_serve_what_was_not_deployed_then_the_plan_is_refused(self) -> None:
        text = (GUARDED % "{emergency: false}").replace(
            "kind: deploy, service: backend", "kind: deploy, service: backend, when: {weekday: mon}"
        )

        assert any(
            "gives traffic to what was not deployed" in refusal and "it is sun" in refusal
            for refusal in planned(text).refusals
        )

    def test_when_the_time_is_not_known_then_it_is_not_guessed(self) -> None:
        plan = planned(GUARDED % "{weekday: mon}", replace(live_shop(), at=None))

        assert any("time of the plan is not known" in refusal for refusal in plan.refusals)

    @pytest.mark.parametrize(
        ("condition", "key", "words"),
        [
            ("{enviroment: x}", "steps.1.when.enviroment", "Did you mean environment?"),
            ("{environment: productoin}", "steps.1.when.environment.0", "Did you mean production?"),
            ("{not: {service: [backnd]}}", "steps.1.when.not.service.0", "Did you mean backend?"),
            ("{not: {servce: backend}}", "steps.1.when.not.servce", "Did you mean service?"),
            ("{}", "steps.1.when", "says nothing"),
            ("{weekday: monday}", "steps.1.when.weekday.0", "one of"),
            ("{zone: Mars/Olympus, weekday: mon}", "steps.1.when", "no time zone"),
            ("{hours: 8-18}", "steps.1.when.hours", "does not fit"),
            ("{outcome: failed}", "steps.1.when.outcome", "cannot wait for things to fail"),
        ],
    )
    def test_when_one_is_wrong_then_its_key_and_remedy_are_told(self, condition: str, key: str, words: str) -> None:
        told = faults(GUARDED % condition)

        assert [(at, words in f"{what} {remedy}") for at, what, remedy in told] == [(key, True)], told


HOOKS = """\
steps:
  - { id: build, kind: deploy, service: backend }
  - id: smoke
    kind: command
    service: backend
    run: [./smoke.sh, "{release}", 3]
    variables: { API_TOKEN: "env:SMOKE_TOKEN" }
    needs: [build]
    retries: 2
    timeout: 90s
    undo: { run: [./unsmoke.sh] }
  - { id: all, kind: shift, service: backend, weight: 100, needs: [smoke] }
  - { id: watch, kind: verify, service: backend, needs: [all] }
  - { id: cry, kind: request, url: "https://chat.example/hook", when: { outcome: failed }, needs: [smoke] }
  - { id: tidy, kind: command, run: [./tidy.sh], when: { outcome: always }, needs: [watch] }
"""


class TestGivenActsOfOnesOwn:
    def test_when_planned_then_they_have_what_was_written_and_where_the_release_answers(self) -> None:
        step = planned(HOOKS).step("smoke")  # type: ignore[arg-type]

        assert step.arguments["run"] == ["./smoke.sh", "v1.1", "3"]
        assert step.arguments["directory"] == "/etc/quarterdeck"
        assert step.arguments["variables"] == {"API_TOKEN": "env:SMOKE_TOKEN"}
        assert step.arguments["url"] == "http://green"
        assert (step.attempts, step.time_limit.total_seconds()) == (3, 90)
        assert step.undo is not None
        assert step.undo.kind is StepKind.COMMAND
        assert step.undo.arguments["run"] == ["./unsmoke.sh"]

    def test_when_planned_then_what_waits_for_failure_is_ready_before_what_it_watches_begins(self) -> None:
        plan = planned(HOOKS)
        needs = needs_of(plan)

        assert "cry" in needs["smoke"]
        assert needs["cry"] == ("build",)
        assert "tidy.armed" in needs["watch"]
        assert "tidy.armed" in needs["tidy"]
        assert plan.step("cry").undo is not None  # type: ignore[arg-type]
        assert [name for name in needs if name in {"cry", "smoke"}] == ["cry", "smoke"]

    def test_when_nothing_judges_then_the_plan_says_so(self) -> None:
        text = HOOKS.replace("  - { id: watch, kind: verify, service: backend, needs: [all] }\n", "").replace(
            "needs: [watch]", "needs: [all]"
        )

        assert any("no step verifies it there" in note for note in planned(text).notes)

    def test_when_it_stops_short_of_all_requests_then_the_plan_says_so(self) -> None:
        assert any("50 % of requests" in note for note in planned(HOOKS.replace("100,", "50,")).notes)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('run: [./smoke.sh, "{release}", 3]', "directory: x", "A command needs a run"),
            ("timeout: 90s", "timeout: 90s\n    url: https://x", "A command has no url"),
            ("env:SMOKE_TOKEN", "hunter2hunter2", "only a reference"),
            ("API_TOKEN", "QUARTERDECK_X", "no name of a variable"),
            ("https://chat.example/hook", "/hook", "no address"),
            ("undo: { run: [./unsmoke.sh] }", "undo: { run: [x], url: 'https://x' }", "one of both"),
            ("undo: { run: [./unsmoke.sh] }", "undo: { rum: [x] }", "Did you mean run?"),
            ("undo: { run: [./unsmoke.sh] }", "undo: atuo", "Undo is auto, none"),
            (
                "kind: deploy, service: backend",
                "kind: deploy, service: backend, undo: {run: [x]}",
                "taken back is known",
            ),
            ("needs: [watch] }", "needs: [watch, cry] }", "nothing can wait for it"),
            ("when: { outcome: failed }", "when: { outcome: failed }, undo: none", "not taken back itself"),
        ],
    )
    def test_when_one_is_wrong_then_it_is_told_in_words(self, old: str, new: str, words: str) -> None:
        assert old in HOOKS
        told = faults(HOOKS.replace(old, new, 1))

        assert any(words in f"{what} {remedy}" for _, what, remedy in told), told
        assert not any("hunter2" in f"{what} {remedy}" for _, what, remedy in told)


class TestGivenAFileThatIsWrongInManyWays:
    def test_when_loaded_then_everything_is_told_at_once_with_lines(self, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text(
            "descripton: x\n"
            "steps:\n"
            "  - { id: build, kind: deploi, service: backend }\n"
            "  - { id: all, kind: shift, service: backnd, weight: ten, needs: [biuld] }\n"
            "  - id: hold\n"
            "    kind: bake\n"
            "    kind: verify\n"
            "    service: backend\n"
            "    timeout: 5\n"
        )
        _, problems = load_pipelines(tmp_path, SERVICES, ENVIRONMENTS)

        assert [(problem.line, problem.key) for problem in problems] == [
            (1, "descripton"),
            (3, "steps[0].kind"),
            (4, "steps[1].needs[0]"),
            (4, "steps[1].weight"),
            (4, "steps[1].service"),
            (7, "steps[2].kind"),
            (9, "steps[2].timeout"),
        ]
        assert {problem.remedy for problem in problems} >= {"Did you mean build?", "Did you mean backend?"}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("steps:\n\t- id: a\n", "no tabs"),
            ("steps: [\n  {id: a}\n", "in line 1"),
            ("a: &x [*x]\n", "refer to themselves"),
            ("&a [" + ", ".join(["x"] * 10) + "]\n", "table with steps"),
            ("steps: 2026-02-31\n", "cannot be read"),
            ("", "table with steps"),
        ],
    )
    def test_when_it_is_no_yaml_then_its_place_is_told(self, tmp_path: Path, text: str, words: str) -> None:
        (tmp_path / "bad.yaml").write_text(text)
        _, problems = load_pipelines(tmp_path, SERVICES, ENVIRONMENTS)

        assert len(problems) == 1
        assert words in str(problems[0])

    def test_when_aliases_grow_without_end_then_it_is_refused_at_once(self, tmp_path: Path) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        (tmp_path / "bomb.yaml").write_text("\n".join(lines))
        _, problems = load_pipelines(tmp_path, SERVICES, ENVIRONMENTS)

        assert "grow without end" in problems[0].what

    def test_when_two_files_have_one_name_then_the_second_is_refused(self, tmp_path: Path) -> None:
        for name in ("own.yaml", "own.yml"):
            (tmp_path / name).write_text("steps: [{id: a, kind: approval}]")
        _, problems = load_pipelines(tmp_path, SERVICES, ENVIRONMENTS)

        assert "own already" in str(problems[0])


WORDS = ["steps", "id", "kind", "needs", "when", "matrix", "undo", "run", "not", "any", "include"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(ANYTHING)
def test_whatever_a_file_holds_it_is_told_in_words(data: Any) -> None:
    pipeline, found = parse_pipeline({"steps": [data, {"id": "a", "kind": "approval", "when": data}]}, {}, {})

    assert pipeline is None or found or pipeline.steps


@st.composite
def hooked(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Commands that need earlier ones, some of them for when things go wrong."""
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 8))):
        outcome = draw(st.sampled_from(["succeeded", "succeeded", "failed", "always"]))
        able = [step["id"] for step in steps if step["when"]["outcome"] != "failed"]
        needs = draw(st.lists(st.sampled_from(able), unique=True, max_size=3)) if able else []
        when = {"outcome": outcome, "emergency": draw(st.sampled_from([False, False, True]))}
        steps.append({"id": f"s{number}", "kind": "command", "run": ["true"], "needs": needs, "when": when})
    return draw(st.permutations(steps))


@settings(max_examples=50)
@given(hooked())
def test_whatever_is_made_ready_the_plan_stays_in_order(steps: list[dict[str, Any]]) -> None:
    plan = planned(yaml.safe_dump({"steps": steps}))
    done: set[str] = set()
    needs = needs_of(plan)

    for step in plan.steps:
        assert done.issuperset(step.needs)
        done.add(step.id)
    for step in steps:
        if step["when"]["outcome"] == "succeeded" or step["id"] not in needs:
            continue
        ready = step["id"] if step["when"]["outcome"] == "failed" else f"{step['id']}.armed"
        assert all(ready in needs[need] for need in step["needs"] if need in needs)
