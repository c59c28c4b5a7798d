"""How a deployment and its steps can stand."""

from __future__ import annotations

from enum import StrEnum


class DeploymentStatus(StrEnum):
    REQUESTED = "requested"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    ROLLING_BACK = "rolling_back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in {self.SUCCEEDED, self.ROLLED_BACK, self.ABORTED, self.FAILED}


class StepStatus(StrEnum):
    PENDING = "pending"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"
    LOST = "lost"

    @property
    def is_terminal(self) -> bool:
        return self in {self.SUCCEEDED, self.FAILED, self.SKIPPED, self.UNDONE, self.LOST}
