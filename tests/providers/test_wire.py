"""Readers of answers meet anything: they read it, or say by ShapeError what they miss."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import wire
from providers.render import wire as render
from providers.render.reasons import explain_failure
from providers.vercel import wire as vercel

NAMES = [
    *("id", "uid", "key", "value", "name", "type", "status", "commit", "createdAt", "timestamp", "serviceDetails"),
    *("deploy", "cursor", "logs", "labels", "values", "unit", "details", "reason", "failure", "targets", "production"),
    *(
        "alias",
        "meta",
        "envs",
        "target",
        "failed",
        "error",
        "user",
        "deployments",
        "payload",
        "text",
        "created",
        "link",
    ),
    *("lastAliasRequest", "toDeploymentId", "requestedAt", "timestampInMs", "nonZeroExit", "oomKilled", "projects"),
]
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("2026-11-22T05:16:01Z")
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)
READERS: list[Callable[[object], object]] = [
    *(render.parse_service, render.parse_deploy, render.parse_event, render.parse_user, render.parse_owner),
    *(render.parse_page("deploy", render.parse_deploy), render.parse_logs, render.parse_series),
    lambda body: explain_failure(render.parse_page("event", render.parse_event)(body).items, "dep-1"),
    *(vercel.parse_project, vercel.parse_projects, vercel.parse_deployment, vercel.parse_deployments),
    *(vercel.parse_variables, vercel.parse_failures, vercel.parse_user, vercel.parse_team, vercel.parse_build_events),
    vercel.parse_runtime_line,
]


@given(body=anything)
@settings(max_examples=150)
def test_whatever_arrives_no_reader_raises_anything_but_a_shape_error(body: object) -> None:
    for read in READERS:
        try:
            read(body)
        except wire.ShapeError:
            continue


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-11-22T05:16:01Z", datetime(2026, 11, 22, 5, 16, 1, tzinfo=UTC)),
        ("2026-11-22T05:16:01.123456789Z", datetime(2026, 11, 22, 5, 16, 1, 123456, tzinfo=UTC)),
        ("2026-11-22T06:16:01+01:00", datetime(2026, 11, 22, 5, 16, 1, tzinfo=UTC)),
        (1_795_000_000, datetime.fromtimestamp(1_795_000_000, UTC)),
        (1_795_000_000_000, datetime.fromtimestamp(1_795_000_000, UTC)),
        ("yesterday", None),
        (None, None),
        (True, None),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_a_time_is_read_in_every_form_that_platforms_send(told: object, at: datetime | None) -> None:
    assert wire.moment({"at": told}, "at") == at


def test_what_is_absent_reads_as_empty() -> None:
    body = {"a": None, "b": {"c": []}}

    assert (wire.text(body, "a"), wire.text(body, "b", "c"), wire.table(body, "a"), wire.items(body, "x")) == (
        "",
        "",
        {},
        [],
    )
    assert (wire.whole({"n": "12"}, "n"), wire.whole({"n": True}, "n"), wire.number({"n": "x"}, "n")) == (
        12,
        None,
        None,
    )
