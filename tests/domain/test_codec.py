"""Whatever the domain can say survives being written down and read back, also by another version."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.domain import events as ev
from console.domain.codec import from_json, to_json
from console.domain.emergency import EmergencyTerms
from console.domain.ids import Actor, DeploymentId, build_deployment_id
from console.domain.plan import Plan, Risk, Step, Undo
from console.domain.release import Release
from console.domain.verdict import Verdict
from tests.planning.stories import NOON, bad_story, good_story

moments = st.integers(0, 10**9 * 10**6).map(
    lambda passed: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(microseconds=passed)
)
lengths = st.timedeltas(timedelta(), timedelta(days=30))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
mappings = st.dictionaries(st.text(max_size=8), plain, max_size=3)
steps = st.builds(
    Step,
    arguments=mappings,
    undo=st.none() | st.builds(Undo, arguments=mappings),
    needs=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    time_limit=lengths,
    forecast=st.none() | lengths,
)
plans = st.builds(
    Plan,
    release=st.builds(Release, committed_at=st.none() | moments),
    steps=st.lists(steps, max_size=2).map(tuple),
    services=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    current=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    candidate_arms=st.just({}),
    risk=st.builds(Risk, reasons=st.lists(st.text(), max_size=2).map(tuple)),
    refusals=st.just(()),
    notes=st.just(()),
    emergency=st.none() | st.builds(EmergencyTerms, skips=st.just(("checks",)), valid=lengths),
)
verdicts = st.builds(Verdict, evidence=mappings)
fields = {
    "plan": plans,
    "steps": st.lists(steps, max_size=2).map(tuple),
    "until": st.none() | moments,
    "retry_at": st.none() | moments,
    "requested_at": moments,
    "expires_at": moments,
    "verdict": verdicts,
    "outputs": mappings,
    "weights": st.dictionaries(st.text(max_size=5), st.integers(0, 100), max_size=3),
    "services": st.lists(st.text(max_size=5), max_size=2).map(tuple),
}


def payloads_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    named = {name: strategy for name, strategy in fields.items() if name in kind.__dataclass_fields__}
    if kind is ev.DeploymentFailed:
        named["services"] = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)
    return st.builds(kind, **named)


payloads = st.sampled_from(sorted(ev.EVENT_TYPES.values(), key=lambda kind: kind.__name__)).flatmap(payloads_of)
events = st.builds(
    ev.Event,
    deployment=st.text(max_size=8).map(DeploymentId),
    at=moments,
    payload=payloads,
    actor=st.text(max_size=8).map(Actor),
    seq=st.integers(0, 10**9),
)


@settings(max_examples=60)
@given(event=events)
def test_every_event_survives_the_disk(event: ev.Event) -> None:
    stored = json.loads(json.dumps(ev.event_to_json(event)))

    assert ev.event_from_json(stored) == event


@settings(max_examples=30)
@given(plan=plans)
def test_a_plan_keeps_its_digest(plan: Plan) -> None:
    assert from_json(Plan, json.loads(json.dumps(to_json(plan)))).digest == plan.digest


@given(at=moments, entropy=st.binary(min_size=4, max_size=16))
def test_deployment_ids_sort_by_time(at: datetime, entropy: bytes) -> None:
    later = build_deployment_id(at + timedelta(seconds=1), b"\x00\x00\x00\x00")

    assert build_deployment_id(at, entropy) < later


class TestGivenARecordOfAnotherVersion:
    def test_when_an_event_is_of_an_unknown_kind_then_it_is_kept_whole_and_skipped(self) -> None:
        story = good_story()
        before = story.deployment
        stored = ev.event_to_json(ev.Event(before.id, NOON, ev.DeploymentStarted(), seq=before.seq + 1))
        stored |= {"type": "StarsAligned", "payload": {"stars": [1, 2]}}

        event = ev.event_from_json(stored)
        after = before.apply(event)

        assert ev.event_to_json(event) == stored
        assert after.status is before.status
        assert after.seq == before.seq + 1

    def test_when_keys_are_new_or_missing_then_they_are_ignored_or_take_their_default(self) -> None:
        assert from_json(Release, {"commit": "c", "name": "n", "flavour": "mint"}) == Release("c", "n")

    @pytest.mark.parametrize(
        ("kind", "data", "words"),
        [
            (Release, {"name": "n"}, "commit"),
            (Release, [], "expected an object"),
            (Risk, {"score": "high"}, "Risk.score"),
            (Risk, {"score": True}, "boolean"),
            (ev.TrafficShifted, {"service": "s", "weights": {"a": "b"}}, "weights.a"),
        ],
    )
    def test_when_the_shape_is_wrong_then_the_field_is_named(self, kind: type[Any], data: Any, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            from_json(kind, data)

    def test_when_something_has_no_json_form_then_that_is_said(self) -> None:
        with pytest.raises(TypeError, match="object"):
            to_json({"x": object()})


class TestGivenWholeStories:
    def test_when_written_and_read_then_they_fold_to_the_same_deployment(self) -> None:
        for story in (good_story(), bad_story()):
            read = [ev.event_from_json(json.loads(json.dumps(ev.event_to_json(event)))) for event in story.events]

            assert read == story.events
