"""A report says what happened, in the agreed order, in three forms that agree; nothing in it can act on the reader."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from console.domain import events as ev
from console.domain.deployment import Deployment
from console.domain.ids import Actor, ServiceName
from console.domain.plan import StepKind
from console.domain.telemetry import Measurement
from console.domain.verdict import Verdict, VerdictKind
from console.reports.build import build_report
from console.reports.html import render_html
from console.reports.json_form import deployment_to_json, render_json
from console.reports.markdown import render_markdown
from console.reports.model import Report, Tone
from tests.planning.stories import NOON, PRODUCTION, Story, bad_story, good_story, judged, plan_shop

SECTIONS = [
    "Identity",
    "Summary",
    "Platforms",
    "Gates",
    "Performance",
    "Rollback",
    "Issues",
    "Next steps",
    "Artifacts",
]

REQUIRED = {
    "id", "environment", "strategy", "status", "release", "requested_by", "requested_at", "started_at", "ended_at",
    "duration_s", "steps", "traffic", "verdicts", "rollback",
}  # fmt: skip
STEP_KEYS = {
    "id", "name", "kind", "phase", "service", "provider", "status", "attempts", "started_at", "ended_at", "detail",
}  # fmt: skip
ROLLBACK_KEYS = {
    "trigger", "reason", "requested_at", "traffic_restored_at", "traffic_restored_s", "ended_at", "duration_s",
}  # fmt: skip


def report_of(story: Story, **more: object) -> Report:
    return build_report(story.deployment, story.now, **more)


class _Page(HTMLParser):
    """Collects what a page would load, and whether its tags are balanced."""

    VOID = frozenset({"meta", "br", "link", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.loads: list[str] = []
        self._in_heading = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_heading = tag == "h2"
        self.loads += [str(value) for name, value in attrs if name in {"src", "href"} or name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._in_heading and data.strip():
            self.headings.append(data.strip())
            self._in_heading = False


class TestGivenADeploymentThatSucceeded:
    def test_when_reported_then_the_sections_come_in_their_order_in_every_form(self) -> None:
        report = report_of(good_story())

        assert re.findall(r"^## (.+)$", render_markdown(report), re.MULTILINE) == SECTIONS
        assert _Page(render_html(report)).headings == SECTIONS

    def test_when_reported_then_it_says_what_is_live_and_how_to_take_it_back(self) -> None:
        report = report_of(good_story())

        assert report.headline == "v1.1 is live in production."
        assert report.tone is Tone.GOOD
        assert "rollback 261122-120000-k3f9" in report.next_steps[0]
        assert report.rollback is None
        assert "None was asked for." in render_markdown(report)

    def test_when_stages_were_summed_up_then_performance_has_bounds_effects_and_score(self) -> None:
        story = good_story()
        found = {
            **judged(VerdictKind.PASS, 400, 1, 3600, 11).evidence,
            "canary_error_rate_low": 0.0001,
            "canary_error_rate_high": 0.014,
            "canary_latency_p95_low": 0.1,
            "canary_latency_p95_high": 0.25,
            "baseline_latency_p95_low": 2.5,
            "baseline_latency_p95_high": None,
            "score": 75.0,
            "gauge_effects": ["memory: median 204.5 beside 104.5"],
        }
        bake = next(step for step in story.plan.steps if step.kind is StepKind.BAKE)
        story.tell(ev.StageJudged(bake.id, Verdict(VerdictKind.PASS, "All good.", found), bake.service))

        stage = report_of(story).stages[0]

        assert stage.error_rate == "0.25 % (0.01 % to 1.4 %)"
        assert (stage.slow_end, stage.slow_end_beside) == ("100 ms to 250 ms", "above 2500 ms")
        assert stage.score == "75"
        for text in (render_markdown(report_of(story)), render_html(report_of(story))):
            assert "backend, 10 %: memory: median 204.5 beside 104.5" in text

    def test_when_reported_twice_then_it_says_the_same(self) -> None:
        story = good_story()

        assert render_html(report_of(story)) == render_html(report_of(story))

    def test_when_the_page_is_read_then_it_needs_nothing_else(self) -> None:
        page = _Page(render_html(report_of(good_story())))

        assert page.open == []
        assert page.loads == []

    def test_when_drawn_then_every_chart_is_well_formed_and_says_in_words_what_it_shows(self) -> None:
        text = render_html(report_of(good_story()))
        drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)

        assert len(drawings) == 3  # time line, traffic, error rate by the judge's own figures
        for drawing in drawings:
            root = ElementTree.fromstring(drawing)
            assert root.get("role") == "img"
            assert root.find("title") is not None
            assert (root.findtext("desc") or "").strip()

    def test_when_traffic_is_drawn_then_the_curve_begins_with_what_was_live_and_ends_with_what_is(self) -> None:
        traffic = report_of(good_story()).charts[0]
        curves = {line.name: [point.value for point in line.points] for line in traffic.lines}

        assert curves["blue"] == [100, 90, 50, 0, 0]
        assert curves["green"] == [0, 10, 50, 100, 100]


class TestGivenADeploymentThatWasTakenBack:
    def test_when_reported_then_the_rollback_says_who_why_and_how_fast(self) -> None:
        text = render_markdown(report_of(bad_story()))

        assert "v1.1 was taken back from production automatically." in text
        assert "19 errors in 210 requests" in text
        assert "after 0.30 s" in text
        assert "Give backend's traffic back" in text

    def test_when_reported_then_the_failed_step_is_an_issue_and_the_first_thing_to_look_at(self) -> None:
        report = report_of(bad_story())

        assert report.issues[0].tone is Tone.BAD
        assert "19 errors" in report.issues[0].what
        assert "Hold backend at 10 %" in report.next_steps[0]

    def test_when_platforms_are_told_then_those_that_were_not_touched_say_so(self) -> None:
        results = {platform.provider: platform.result for platform in report_of(bad_story()).platforms}

        assert results == {
            "github": "taken back",
            "supabase": "taken back",
            "render": "taken back",
            "edge": "a step failed",
            "vercel": "not begun",
        }

    def test_when_measurements_were_kept_then_they_are_drawn_by_arm(self) -> None:
        story = bad_story()
        figures = [
            Measurement(NOON + timedelta(seconds=n), PRODUCTION, name, value, {"service": "backend", "arm": arm})
            for n in range(0, 20, 5)
            for arm in ("blue", "green")
            for name, value in (("error_rate", 0.08), ("latency_p95", 44.0))
        ]

        charts = report_of(story, measurements=figures).charts

        assert [chart.title for chart in charts[1:]] == ["Error rate of backend", "95th percentile latency of backend"]
        assert {line.name for line in charts[1].lines} == {"blue", "green"}
        assert charts[1].lines[0].points[0].value == pytest.approx(8.0)


class TestGivenTextFromOutside:
    def test_when_a_message_holds_markup_then_it_stays_text(self) -> None:
        nasty = "</title><script>alert(1)</script>| *x* \n[a](b)"
        plan = plan_shop()
        plan = replace(plan, release=replace(plan.release, message=nasty, author=nasty))
        story = Story(plan).run(plan.steps[:2]).tell(ev.DeploymentAborted(nasty))

        report = report_of(story, artifacts={"file": nasty})

        assert "<script" not in render_html(report)
        assert _Page(render_html(report)).loads == []
        assert "<script" not in re.sub(r"`[^`\n]*`", "", render_markdown(report))
        for line in render_markdown(report).splitlines():
            if line.startswith("| Author"):
                assert line.replace("\\|", "").count("|") == 3


class TestGivenADeploymentThatNeedsAPerson:
    def test_when_services_were_left_behind_then_each_is_an_issue_and_a_next_step(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps[:5])
        story.tell(ev.DeploymentFailed("render does not answer", {"backend": "green runs v1.1 without traffic"}))

        report = report_of(story)

        assert report.headline == "v1.1 in production needs a person."
        assert any("green runs v1.1" in issue.what for issue in report.issues)
        assert any("green runs v1.1" in step for step in report.next_steps)
        assert any("render does not answer" in sentence for sentence in report.summary)

    def test_when_it_is_still_running_then_it_says_where_to_look(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps, until="backend.bake-10")

        report = build_report(story.deployment, story.now + timedelta(seconds=3))

        assert report.tone is Tone.BUSY
        assert "quarterdeck show" in report.next_steps[0]
        assert render_html(report)

    def test_when_nothing_was_begun_then_a_report_can_still_be_written(self) -> None:
        plan = plan_shop()
        story = Story(plan)

        assert render_html(report_of(story))
        assert render_markdown(report_of(story))


class TestGivenScriptsThatReadJson:
    def test_when_a_deployment_is_described_then_every_promised_key_is_there(self) -> None:
        told = self._read(bad_story().deployment)

        assert told.keys() >= REQUIRED
        assert all(step.keys() >= STEP_KEYS for step in told["steps"])
        assert told["rollback"].keys() >= ROLLBACK_KEYS
        assert told["rollback"]["trigger"] == "automatic"
        assert told["rollback"]["traffic_restored_s"] == pytest.approx(0.3)
        assert {"at", "service", "weights"} == told["traffic"][0].keys()
        assert told["verdicts"][-1]["verdict"] == "fail"
        assert told["verdicts"][-1]["evidence"]["canary_errors"] == 19
        assert told["requested_at"] == "2026-11-22T12:00:00Z"

    def test_when_there_was_no_rollback_then_it_is_null(self) -> None:
        told = self._read(good_story().deployment)

        assert told["rollback"] is None
        assert told["release"] == "v1.1"
        assert told["status"] == "succeeded"

    def test_when_a_report_is_wanted_as_json_then_it_is_the_same_object_with_findings_beside(self) -> None:
        story = bad_story()
        told = json.loads(render_json(report_of(story)))

        assert told["report"]["headline"].startswith("v1.1 was taken back")
        assert {key: told[key] for key in REQUIRED} == {key: self._read(story.deployment)[key] for key in REQUIRED}

    @staticmethod
    def _read(deployment: Deployment) -> dict[str, object]:
        return json.loads(json.dumps(deployment_to_json(deployment, deployment.ended_at or NOON)))


class TestGivenARollbackByHand:
    def test_when_reported_then_it_names_the_person_and_the_services(self) -> None:
        plan = plan_shop()
        story = Story(plan).run(plan.steps).tell(ev.DeploymentSucceeded())
        service = ServiceName("frontend")
        story.tell(ev.RollbackRequested(ev.Trigger.MANUAL, "looks odd", story.now, (service,)), Actor("grace"))
        story.tell(ev.DeploymentRolledBack(), after=1.0)

        report = report_of(story)

        assert report.headline == "v1.1 was taken back from production for frontend by grace."
        assert any("looks odd" in sentence for sentence in report.summary)

    def test_when_something_cannot_be_undone_then_it_is_named(self) -> None:
        plan = plan_shop()
        steps = tuple(
            replace(s, undo=None, no_undo="No down script: 1.") if s.kind is StepKind.MIGRATE else s for s in plan.steps
        )
        plan = replace(plan, steps=steps)
        story = Story(plan).run(plan.steps[:4]).roll_back("wrong", ev.Trigger.MANUAL)

        report = report_of(story)

        assert report.rollback is not None
        assert any("No down script" in what for what in report.rollback.cannot)
        assert any("No down script" in step for step in report.next_steps)
