"""What a report says, before it has a form: the sections in their order, each as plain values and finished words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from console.domain.deployment import Deployment


class Tone(StrEnum):
    """How something should feel; every form also says it in words or marks."""

    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    BUSY = "busy"
    CALM = "calm"


@dataclass(frozen=True)
class Row:
    """A label and what belongs to it."""

    label: str
    value: str
    tone: Tone = Tone.CALM


@dataclass(frozen=True)
class Figure:
    """One of the few numbers that everybody looks for first."""

    label: str
    value: str
    hint: str = ""
    tone: Tone = Tone.CALM


@dataclass(frozen=True)
class StepLine:
    """One step as it went. `mark` stands beside the status word, so that neither colour nor mark is needed alone."""

    id: str
    name: str
    mark: str
    status: str
    tone: Tone
    started: str
    took: str
    forecast: str
    attempts: int
    detail: str


@dataclass(frozen=True)
class PlatformResult:
    """What one platform was made to do. `services` names those that it runs here."""

    provider: str
    services: tuple[str, ...]
    result: str
    tone: Tone
    steps: tuple[StepLine, ...]


@dataclass(frozen=True)
class GateLine:
    """One verdict or approval, with everything that it rests on."""

    at: str
    step: str
    service: str
    mark: str
    verdict: str
    tone: Tone
    explanation: str
    evidence: tuple[Row, ...] = ()


@dataclass(frozen=True)
class StageLine:
    """The figures of one stage of a rollout, for the new release and for the one beside it.

    Error rates and the slow end (95th percentile) come with bounds that hold whenever the stage was ended. `effects`
    says of each gauge how it differs.
    """

    service: str
    stage: str
    requests: str
    requests_beside: str
    error_rate: str
    error_rate_beside: str
    latency: str
    latency_beside: str
    slow_end: str
    slow_end_beside: str
    score: str
    verdict: str
    tone: Tone
    effects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    at: datetime
    value: float


@dataclass(frozen=True)
class Line:
    """One curve: a name, and points oldest first."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Chart:
    """Curves over time. With `stepped`, a value holds until the next point. `unit` is %, ms or empty."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    stepped: bool = False
    top: float | None = None


@dataclass(frozen=True)
class Bar:
    """One step on the time line."""

    name: str
    service: str
    start: datetime
    end: datetime
    tone: Tone
    words: str


@dataclass(frozen=True)
class RollbackPart:
    """Who took it back and why, how long it took, and each undo."""

    rows: tuple[Row, ...]
    steps: tuple[StepLine, ...]
    cannot: tuple[str, ...] = ()


@dataclass(frozen=True)
class Issue:
    """Something that did not go as planned."""

    what: str
    where: str
    tone: Tone


@dataclass(frozen=True)
class Report:
    """A report without a form. `start` and `end` bound every chart."""

    deployment: Deployment
    written_at: datetime
    start: datetime
    end: datetime
    headline: str
    status: str
    tone: Tone
    identity: tuple[Row, ...]
    summary: tuple[str, ...]
    figures: tuple[Figure, ...]
    platforms: tuple[PlatformResult, ...]
    gates: tuple[GateLine, ...]
    stages: tuple[StageLine, ...]
    charts: tuple[Chart, ...]
    timeline: tuple[Bar, ...]
    rollback: RollbackPart | None
    issues: tuple[Issue, ...]
    next_steps: tuple[str, ...]
    artifacts: tuple[Row, ...]
    marks: Mapping[str, datetime] = field(default_factory=dict)
