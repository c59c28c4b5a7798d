"""Changes by hand as the audit tells them: rows of one request id folded into how it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from console.domain.audit import AuditEntry
from console.domain.ids import Actor
from providers.contract import OperationKey

ACT = "act"
INTENDED, BEGUN, DONE, FAILED, UNKNOWN = "intended", "begun", "done", "failed", "unknown"
STATUSES: Mapping[str, str] = {BEGUN: "running", DONE: "succeeded", FAILED: "failed"}


@dataclass(frozen=True)
class Recorded:
    """One change: what was asked, under which key, and the last word on it."""

    request_id: str
    provider: str
    action: str
    arguments: str
    key: OperationKey
    actor: Actor
    reference: str
    outcome: str
    detail: str
    at: datetime

    @property
    def subject(self) -> str:
        return f"{self.provider}/{self.action}"

    @property
    def has_ended(self) -> bool:
        return self.outcome in (DONE, FAILED)

    @property
    def status(self) -> str:
        """As `DeskOperation` writes it; `unknown` where no answer of the platform came."""
        return STATUSES.get(self.outcome, UNKNOWN)


def read_changes(rows: Sequence[AuditEntry]) -> dict[str, Recorded]:
    """By request id, the last one asked for first.

    Args:
        rows: Of the audit, newest first; those of other things are left out.
    """
    by_id: dict[str, list[AuditEntry]] = {}
    for row in reversed(rows):
        request_id = row.detail.get("request_id", "")
        if row.action == ACT and request_id and (row.outcome == INTENDED or request_id in by_id):
            by_id.setdefault(request_id, []).append(row)
    found = {request_id: _fold(request_id, own) for request_id, own in by_id.items()}
    return dict(reversed(found.items()))


def _fold(request_id: str, rows: Sequence[AuditEntry]) -> Recorded:
    first, last = rows[0], rows[-1]
    provider, _, action = first.subject.partition("/")
    references = [row.detail["reference"] for row in rows if row.detail.get("reference")]
    return Recorded(
        request_id,
        provider,
        action,
        first.detail["arguments"],
        OperationKey(first.detail["key"], first.at),
        first.actor,
        references[-1] if references else "",
        last.outcome,
        last.detail.get("problem", "") or last.detail.get("detail", ""),
        last.at,
    )
