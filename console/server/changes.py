"""One change by hand while it is known here: what was asked, under which key, and what the platform says of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime

from console.domain.audit import AuditEntry
from console.domain.codec import to_json
from console.domain.errors import ConsoleError
from console.domain.exchange import DeskOperation
from console.domain.ids import Actor
from console.server.deskrecord import ACT, BEGUN, DONE, FAILED, Recorded
from providers.contract import Operation, OperationKey, OperationStatus
from providers.redaction import redact

LONGEST_KEPT = 4000
"""Characters of arguments that the audit keeps; of longer ones it keeps the beginning and a digest."""


@dataclass
class Change:
    """What one request id stands for, and what is known of it by now."""

    request_id: str
    provider: str
    action: str
    arguments: str
    key: OperationKey
    reference: str = ""
    seen: Operation | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    following: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def subject(self) -> str:
        return f"{self.provider}/{self.action}"

    def saw(self, operation: Operation) -> None:
        """Take what the platform says; one that repeats what it was told tells no secret."""
        self.reference = operation.reference
        detail, outputs = operation.detail, operation.outputs
        if self.secrets:
            detail = redact(detail, self.secrets)
            outputs = json.loads(redact(json.dumps(to_json(outputs), ensure_ascii=False), self.secrets))
        self.seen = replace(operation, detail=detail, outputs=outputs)

    def answer(self, *, again: bool) -> DeskOperation:
        """How it stands, for whoever asked; `again` when the request had been made before."""
        seen = self.seen or Operation(self.reference, OperationStatus.LOST, "no answer of the platform is on record")
        return DeskOperation(
            self.request_id,
            self.provider,
            self.action,
            seen.status.value,
            seen.reference,
            seen.detail,
            seen.outputs,
            again,
        )

    def entry(self, at: datetime, actor: Actor, outcome: str, problem: str = "") -> AuditEntry:
        """The row of the audit that says how it stands."""
        seen = self.seen
        detail = {
            "request_id": self.request_id,
            "key": self.key.text,
            "arguments": self.arguments,
            "reference": self.reference,
            "status": seen.status.value if seen else "",
            "detail": seen.detail if seen else "",
            "problem": problem,
        }
        said = {name: value for name, value in detail.items() if value}
        return AuditEntry(at, actor, ACT, self.subject, outcome, said)


def recall(recorded: Recorded) -> Change:
    """A change as the audit knows it."""
    return Change(
        recorded.request_id,
        recorded.provider,
        recorded.action,
        recorded.arguments,
        recorded.key,
        recorded.reference,
    )


def outcome_of(status: OperationStatus) -> str:
    """The audit's word for it."""
    if status is OperationStatus.RUNNING:
        return BEGUN
    return DONE if status is OperationStatus.SUCCEEDED else FAILED


def shorten(arguments: str) -> str:
    """Arguments as they are kept, and compared when a request comes again."""
    if len(arguments) <= LONGEST_KEPT:
        return arguments
    return f"{arguments[:LONGEST_KEPT]}… sha256:{hashlib.sha256(arguments.encode()).hexdigest()}"


def mask(problem: ConsoleError, secrets: tuple[str, ...]) -> ConsoleError:
    """The same problem, telling no secret."""
    problem.what, problem.where, problem.remedy = (
        redact(text, secrets) for text in (problem.what, problem.where, problem.remedy)
    )
    problem.args = (problem.what,)
    return problem
