"""What happened to a deployment, in the past tense. Events are its only record; everything shown is folded from them.

An event is on disk before anyone is told. `EVENT_TYPES` names every kind for the codec; a stored kind that this
version does not know is kept as `UnknownEvent` and skipped by the fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from console.domain.codec import Json, from_json, to_json
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.plan import Plan, Step
from console.domain.variables import ConfigurationRecord
from console.domain.verdict import Verdict

SYSTEM = Actor("quarterdeck")


class Trigger(StrEnum):
    """Who decided on a rollback: the judge, or a person."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Control(StrEnum):
    """What a person may ask of a deployment."""

    APPROVE = "approve"
    REJECT = "reject"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"
    ABORT = "abort"
    ROLLBACK = "rollback"
    ROLLBACK_DATA = "rollback-data"
    """A rollback that also puts back the backup from before migrations that nothing else takes back."""
    RETRY = "retry"
    SKIP = "skip"
    RENEW = "renew"


@dataclass(frozen=True)
class DeploymentRequested:
    environment: EnvironmentName
    plan: Plan
    reason: str = ""
    request_id: str = ""
    emergency: bool = False


@dataclass(frozen=True)
class DeploymentStarted:
    worker: str = ""


@dataclass(frozen=True)
class DeploymentAdopted:
    """A worker took up a deployment that another process, now dead, had begun."""

    worker: str


@dataclass(frozen=True)
class StepStarted:
    step: StepId
    attempt: int


@dataclass(frozen=True)
class OperationIntended:
    """Written before the call, so that a restart can ask the platform whether it was made."""

    step: StepId
    key: str
    summary: str = ""


@dataclass(frozen=True)
class OperationStarted:
    step: StepId
    key: str
    reference: str


@dataclass(frozen=True)
class StepWaiting:
    """The step waits for a person or a time; `until` is a moment, never a duration."""

    step: StepId
    reason: str
    until: datetime | None = None


@dataclass(frozen=True)
class StepProgressed:
    step: StepId
    detail: str


@dataclass(frozen=True)
class StepSucceeded:
    step: StepId
    detail: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepFailed:
    """`retry_at` is when the next attempt begins, None when this was the last.

    `settled` says that what the platform was asked has ended or was refused, so that another attempt asks anew; where
    nobody knows, the next attempt asks with the same key.
    """

    step: StepId
    what: str
    where: str = ""
    remedy: str = ""
    retry_at: datetime | None = None
    settled: bool = False


@dataclass(frozen=True)
class StepSkipped:
    step: StepId
    reason: str


@dataclass(frozen=True)
class PersonAsked:
    """A step failed for good, and a person is to say what follows: `retry`, `skip` or `rollback`."""

    step: StepId
    question: str


@dataclass(frozen=True)
class StepRetried:
    """A person wants a failed step tried again; it begins anew, everything before it stands."""

    step: StepId


@dataclass(frozen=True)
class StepInterrupted:
    """A control stopped the step. `lost` says that it had asked a platform for something whose end nobody awaited."""

    step: StepId
    reason: str
    lost: bool = False


@dataclass(frozen=True)
class TrafficShifted:
    """Weights as read back from the router, whole percent by arm."""

    service: ServiceName
    weights: Mapping[str, int]


@dataclass(frozen=True)
class StageJudged:
    """`counts` is the judge's whole evidence where requests were counted, so that it can be judged again."""

    step: StepId
    verdict: Verdict
    service: ServiceName | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ConfigurationRecorded:
    """With which variables a place was about to be given the release, as names and digests."""

    record: ConfigurationRecord


@dataclass(frozen=True)
class ControlReceived:
    control: Control
    step: StepId | None = None
    reason: str = ""


@dataclass(frozen=True)
class DeploymentPaused:
    reason: str = ""


@dataclass(frozen=True)
class DeploymentContinued:
    reason: str = ""


@dataclass(frozen=True)
class EmergencyRenewed:
    """Somebody asked anew for an emergency deployment that had not come to its end in time."""

    reason: str
    expires_at: datetime


@dataclass(frozen=True)
class ReviewTraced:
    """The source shows an emergency's review; `closed` says that it shows it as done with."""

    where: str
    closed: bool = False


@dataclass(frozen=True)
class ReviewClosed:
    """Another person than who asked has looked at an emergency deployment, and says what they found."""

    comment: str


@dataclass(frozen=True)
class RollbackRequested:
    """`requested_at` is when the key was pressed or the verdict fell, before any of our own work.

    `restores_data`: somebody said that databases may go back to the backup from before their migrations.
    """

    trigger: Trigger
    reason: str
    requested_at: datetime
    services: tuple[ServiceName, ...] = ()
    restores_data: bool = False


@dataclass(frozen=True)
class RollbackPlanned:
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class TrafficRestored:
    """Every router again sends all requests where they went before the deployment."""


@dataclass(frozen=True)
class DeploymentSucceeded:
    pass


@dataclass(frozen=True)
class DeploymentRolledBack:
    pass


@dataclass(frozen=True)
class DeploymentAborted:
    reason: str


@dataclass(frozen=True)
class DeploymentFailed:
    """`services` says in words what state each service was left in."""

    reason: str
    services: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class UnknownEvent:
    """An event that a newer version wrote; kept whole so that nothing is lost."""

    type: str
    payload: Mapping[str, Any] = field(default_factory=dict)


Payload = (
    DeploymentRequested
    | DeploymentStarted
    | DeploymentAdopted
    | StepStarted
    | OperationIntended
    | OperationStarted
    | StepWaiting
    | StepProgressed
    | StepSucceeded
    | StepFailed
    | StepSkipped
    | PersonAsked
    | StepRetried
    | StepInterrupted
    | TrafficShifted
    | StageJudged
    | ConfigurationRecorded
    | ControlReceived
    | DeploymentPaused
    | DeploymentContinued
    | EmergencyRenewed
    | ReviewTraced
    | ReviewClosed
    | RollbackRequested
    | RollbackPlanned
    | TrafficRestored
    | DeploymentSucceeded
    | DeploymentRolledBack
    | DeploymentAborted
    | DeploymentFailed
    | UnknownEvent
)

EVENT_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in Payload.__args__ if kind is not UnknownEvent}


@dataclass(frozen=True)
class Event:
    """One line of the record. `seq` rises over all deployments; 0 means not stored yet."""

    deployment: DeploymentId
    at: datetime
    payload: Payload
    actor: Actor = SYSTEM
    seq: int = 0

    @property
    def type(self) -> str:
        return self.payload.type if isinstance(self.payload, UnknownEvent) else type(self.payload).__name__


def payload_to_json(payload: Payload) -> Json:
    return dict(payload.payload) if isinstance(payload, UnknownEvent) else to_json(payload)


def payload_from_json(type_name: str, data: Json) -> Payload:
    """Decode a stored payload; a type that this version does not know becomes an `UnknownEvent`.

    Raises:
        ValueError: The type is known but its data is not of its shape.
    """
    kind = EVENT_TYPES.get(type_name)
    if kind is None:
        return UnknownEvent(type_name, data if isinstance(data, dict) else {"value": data})
    payload: Payload = from_json(kind, data)
    return payload


def event_to_json(event: Event) -> Json:
    return {
        "seq": event.seq,
        "deployment": event.deployment,
        "type": event.type,
        "at": to_json(event.at),
        "actor": event.actor,
        "payload": payload_to_json(event.payload),
    }


def event_from_json(data: Json) -> Event:
    return Event(
        deployment=DeploymentId(data["deployment"]),
        at=from_json(datetime, data["at"]),
        payload=payload_from_json(data["type"], data["payload"]),
        actor=Actor(data["actor"]),
        seq=int(data["seq"]),
    )
