"""Answers of Prometheus' HTTP API v1, read into samples.

A sample is `[seconds, "text of the value"]`; the text may be NaN, +Inf or -Inf, which nobody can compare: left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from providers.contract import Sample
from providers.wire import ShapeError, need_items, need_table, need_text, table


@dataclass(frozen=True)
class Answer:
    """`lines` are the series of the answer, each with its finite samples, oldest first; `kind` is Prometheus' word."""

    kind: str
    lines: tuple[tuple[Sample, ...], ...]


def parse_answer(body: object) -> Answer:
    data = need_table(body, "data")
    kind = need_text(data, "resultType")
    result = need_items(data, "result")
    if kind in ("scalar", "string"):
        return Answer(kind, (_samples([result]) if kind == "scalar" else (),))
    if kind == "vector":
        return Answer(kind, tuple(_samples([need_items(line, "value")]) for line in result))
    return Answer(kind, tuple(_samples(need_items(line, "values")) for line in result))


def _samples(pairs: Sequence[object]) -> tuple[Sample, ...]:
    found = (_sample(pair) for pair in pairs)
    return tuple(sample for sample in found if sample is not None)


def _sample(pair: object) -> Sample | None:
    values = need_items(pair)
    if len(values) != 2 or isinstance(values[0], bool) or not isinstance(values[0], int | float):
        raise ShapeError("a sample is not a time and a value")
    try:
        value = float(str(values[1]))
        at = datetime.fromtimestamp(values[0], UTC)
    except (ValueError, OverflowError, OSError) as problem:
        raise ShapeError("a sample is not a time and a value") from problem
    return Sample(at, value) if math.isfinite(value) else None


def parse_version(body: object) -> str:
    return need_text(table(body, "data"), "version")
