"""What crosses the socket comes out as it went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.client.service import WorkerUnavailable
from console.client.wire import (
    HEARTBEAT,
    Message,
    error_from_json,
    error_to_json,
    log_batch_from_json,
    log_batch_to_json,
    query_pairs,
    read_messages,
)
from console.domain.codec import from_json, to_json
from console.domain.errors import (
    ConfigError,
    ConfigProblem,
    ConsoleError,
    ExitCode,
    InvalidTransition,
    PlanRejected,
    RateLimited,
    Refused,
    Rejected,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreTooNew,
    Unauthorized,
    UnexpectedReply,
    Unreachable,
    UsageError,
)
from console.domain.exchange import LogBatch
from console.domain.telemetry import LogLine

WORDS = ("What happened.", "where", "What to do.")
NOON = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "error",
    [
        *(kind(*WORDS) for kind in (ConsoleError, UsageError, Refused, InvalidTransition, WorkerUnavailable)),
        *(kind(*WORDS) for kind in (StoreError, StoreBusy, StoreTooNew, StoreDamaged)),
        *(kind("render", *WORDS, "req-7") for kind in (Unreachable, Unauthorized, Rejected, UnexpectedReply)),
        RateLimited("render", *WORDS, "req-7", retry_after=timedelta(seconds=2.5)),
        PlanRejected("production", ["One.", "Two."]),
        ConfigError([ConfigProblem("c.toml", 3, "a.b", "Wrong.", "Right.")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_keeps_its_class_words_and_extras(error):
    back = error_from_json(error_to_json(error))

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) | {"exit_code": 0, "transient": 0} == vars(error) | {"exit_code": 0, "transient": 0}
    assert (back.exit_code, back.transient) == (error.exit_code, error.transient)


def test_an_error_of_a_newer_worker_keeps_its_words_and_exit_code():
    back = error_from_json({"class": "MoonInTheWay", "what": "No.", "where": "sky", "remedy": "Wait.", "exit_code": 4})

    assert type(back) is ConsoleError
    assert str(back) == "No.\nsky\nWait."
    assert back.exit_code is ExitCode.REFUSED


messages = st.builds(
    Message,
    st.sampled_from(["event", "pulse", "lines"]),
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
    st.sampled_from(["", "1", "4711"]),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(sent=st.lists(messages, max_size=4), cuts=st.lists(st.integers(1, 50), min_size=1, max_size=4))
async def test_messages_arrive_however_they_are_cut(sent, cuts):
    data = HEARTBEAT.join([b"", *(message.encode() for message in sent), b""]) + b"id: 9\nevent: event\ndata: {cut"

    async def pieces():
        rest, turn = data, 0
        while rest:
            size = cuts[turn % len(cuts)]
            yield rest[:size]
            rest, turn = rest[size:], turn + 1

    assert [message async for message in read_messages(pieces())] == sent


async def test_what_others_may_send_is_read_too():
    async def pieces():
        yield b"event: note\r\ndata: [1,\r\ndata: 2]\r\nretry: 5\n\n"

    assert [message async for message in read_messages(pieces())] == [Message("note", [1, 2])]


@given(text=st.text(), level=st.sampled_from(["info", "error"]), number=st.integers(0, 2**53))
def test_the_fast_form_of_log_lines_is_the_codecs_own(text, level, number):
    batch = LogBatch((LogLine(NOON, "api", text, level, number),), 7)

    assert log_batch_from_json(to_json(batch)) == batch
    assert from_json(LogBatch, log_batch_to_json(batch)) == batch


def test_a_query_leaves_out_what_is_empty():
    values = {"a": None, "b": "", "c": (), "d": ("x", "y"), "e": 0, "f": NOON}

    assert list(query_pairs(values)) == [("d", "x"), ("d", "y"), ("e", "0"), ("f", "2026-11-20T12:00:00.250000Z")]
