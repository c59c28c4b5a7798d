"""Figures of a rollout as the record and the measurements have them, ready for tables and curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from console.domain.deployment import Deployment, VerdictRecord
from console.domain.plan import StepKind
from console.domain.telemetry import Measurement
from console.domain.verdict import number
from console.reports.model import Chart, Line, Point, Row, StageLine, Tone
from console.reports.words import ABSENT, VERDICT_MARKS, VERDICT_WORDS, count, milliseconds, percent

ERROR_RATE, LATENCY_P95 = "error_rate", "latency_p95"
JUDGED_KINDS = frozenset({StepKind.BAKE, StepKind.VERIFY})
RATES = ("_rate", "share", "p_value", "margin", "floor")
MARGIN = timedelta(seconds=15)

VERDICT_TONES = {"pass": Tone.GOOD, "fail": Tone.BAD, "inconclusive": Tone.DOUBT, "not_run": Tone.DOUBT}


def list_evidence(evidence: Mapping[str, object]) -> tuple[Row, ...]:
    """Each figure in words that a reader knows, without those that are empty."""
    rows = []
    for key, value in evidence.items():
        if value is None or value == "" or isinstance(value, Mapping):
            continue
        label = key.replace("_", " ").replace("canary", "new release").replace("baseline", "current release")
        rows.append(Row(label, _evidence_value(key, value)))
    return tuple(rows)


def _evidence_value(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        if "latency" in key and "evidence" not in key:
            return milliseconds(value * 1000)
        return percent(value) if any(word in key for word in RATES) and 0 <= value <= 1 else f"{value:.4g}"
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)


def list_stages(deployment: Deployment) -> tuple[StageLine, ...]:
    """The last verdict of every stage that was judged, in the order of the rollout."""
    last: dict[str, VerdictRecord] = {
        record.step: record
        for record in deployment.verdicts
        if record.step in deployment.steps and deployment.steps[record.step].step.kind in JUDGED_KINDS
    }
    return tuple(_stage(deployment, record) for record in last.values())


def _stage(deployment: Deployment, record: VerdictRecord) -> StageLine:
    step = deployment.steps[record.step].step
    found, kind = record.verdict.evidence, record.verdict.kind
    weight = step.arguments.get("weight")
    asked = number(found, "asked")
    requests = number(found, "canary_requests") if asked is None else asked
    failed = number(found, "failed")
    rate = number(found, "canary_error_rate")
    if asked and failed is not None:
        rate = failed / asked
    effects = found.get("gauge_effects")
    watched = step.kind is StepKind.VERIFY
    stage = f"{weight} %" if weight is not None and not watched else "in public" if asked is not None else "watched"
    return StageLine(
        service=record.service or step.service or "",
        stage=stage,
        requests=_whole(requests),
        requests_beside=_whole(number(found, "baseline_requests")),
        error_rate=_with_bounds(percent(rate), found, "canary_error_rate"),
        error_rate_beside=_with_bounds(percent(number(found, "baseline_error_rate")), found, "baseline_error_rate"),
        latency=_seconds_as_ms(number(found, "canary_latency_mean")),
        latency_beside=_seconds_as_ms(number(found, "baseline_latency_mean")),
        slow_end=_span(found, "canary_latency_p95"),
        slow_end_beside=_span(found, "baseline_latency_p95"),
        score=_score(found),
        verdict=f"{VERDICT_MARKS[kind]} {VERDICT_WORDS[kind]}",
        tone=VERDICT_TONES[kind.value],
        effects=tuple(map(str, effects)) if isinstance(effects, list | tuple) else (),
    )


def _with_bounds(words: str, found: Mapping[str, object], key: str) -> str:
    low, high = number(found, f"{key}_low"), number(found, f"{key}_high")
    return words if low is None or high is None else f"{words} ({percent(low)} to {percent(high)})"


def _span(found: Mapping[str, object], key: str) -> str:
    low, high = number(found, f"{key}_low"), number(found, f"{key}_high")
    if low is None:
        return ABSENT
    if high is None:
        return f"above {_seconds_as_ms(low)}"
    return f"{_seconds_as_ms(low)} to {_seconds_as_ms(high)}" if low else f"below {_seconds_as_ms(high)}"


def _score(found: Mapping[str, object]) -> str:
    value = number(found, "score")
    return ABSENT if value is None else f"{value:.0f}"


def _whole(value: float | None) -> str:
    return ABSENT if value is None else count(round(value))


def _seconds_as_ms(value: float | None) -> str:
    return ABSENT if value is None else milliseconds(value * 1000)


def judged_totals(deployment: Deployment) -> tuple[int, int]:
    """Requests and errors of the new release over all services, by the last verdict of each."""
    last = {
        record.service: record.verdict.evidence
        for record in deployment.verdicts
        if number(record.verdict.evidence, "canary_requests") is not None
        and record.step in deployment.steps
        and deployment.steps[record.step].step.kind in JUDGED_KINDS
    }
    requests = sum(int(number(found, "canary_requests") or 0) for found in last.values())
    errors = sum(int(number(found, "canary_errors") or 0) for found in last.values())
    return requests, errors


def build_charts(
    deployment: Deployment, measurements: Sequence[Measurement], start: datetime, end: datetime
) -> tuple[Chart, ...]:
    """Weights, error rate and p95 of every service whose traffic moved; only curves that have something to show."""
    charts: list[Chart] = []
    for service in dict.fromkeys(record.service for record in deployment.traffic):
        charts.append(_weights(deployment, service, end))
        errors = _measured(measurements, service, ERROR_RATE, 100.0, start, end) or _judged_rates(deployment, service)
        if errors:
            charts.append(Chart(f"Error rate of {service}", "%", errors))
        latency = _measured(measurements, service, LATENCY_P95, 1.0, start, end)
        if latency:
            charts.append(Chart(f"95th percentile latency of {service}", "ms", latency))
    return tuple(charts)


def _weights(deployment: Deployment, service: str, end: datetime) -> Chart:
    points: dict[str, list[Point]] = defaultdict(list)
    before = _weights_before(deployment, service)
    for arm, weight in before.items():
        points[arm].append(Point(deployment.requested_at, float(weight)))
    records = [record for record in deployment.traffic if record.service == service]
    for record in records:
        for arm, weight in record.weights.items():
            points[arm].append(Point(record.at, float(weight)))
    lines = tuple(Line(arm, (*found, Point(end, found[-1].value))) for arm, found in sorted(points.items()))
    return Chart(f"Traffic of {service}", "%", lines, stepped=True, top=100.0)


def _weights_before(deployment: Deployment, service: str) -> Mapping[str, int]:
    """What the first shift would be taken back to, which is what was live."""
    for step in deployment.plan.steps:
        if step.service == service and step.kind is StepKind.SHIFT and step.undo is not None:
            weights = step.undo.arguments.get("weights")
            return weights if isinstance(weights, Mapping) else {}
    return {}


def _measured(
    measurements: Iterable[Measurement], service: str, name: str, scale: float, start: datetime, end: datetime
) -> tuple[Line, ...]:
    points: dict[str, list[Point]] = defaultdict(list)
    for measurement in measurements:
        inside = start - MARGIN <= measurement.at <= end + MARGIN
        if measurement.name == name and measurement.labels.get("service") == service and inside:
            at = min(max(measurement.at, start), end)
            points[measurement.labels.get("arm", "")].append(Point(at, measurement.value * scale))
    found = {arm: sorted(values, key=lambda point: point.at) for arm, values in points.items() if len(values) > 1}
    return tuple(Line(arm or service, tuple(values)) for arm, values in sorted(found.items()))


def _judged_rates(deployment: Deployment, service: str) -> tuple[Line, ...]:
    """Error rates as the judge saw them, where no measurements were kept."""
    new, beside = [], []
    for record in deployment.verdicts:
        rate = number(record.verdict.evidence, "canary_error_rate")
        other = number(record.verdict.evidence, "baseline_error_rate")
        if record.service == service and rate is not None:
            new.append(Point(record.at, rate * 100))
            if other is not None:
                beside.append(Point(record.at, other * 100))
    lines = (Line("new release", tuple(new)), Line("current release", tuple(beside)))
    return tuple(line for line in lines if line.points)
