"""Named places at which a test may end the process, to see that a restart goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Callable

CrashPoint = Callable[[str], None]

POINTS = (
    "opened",  # the request is on record, the workflow is not submitted
    "decided",  # a decision is made, not checkpointed
    "step-begun",  # StepStarted is on record
    "intended",  # the operation key is on record, the platform was not called
    "called",  # the platform was called, its answer is not on record
    "referenced",  # the platform's reference is on record
    "operation-ended",  # the platform says it ended, the step's end is not on record
    "step-ended",  # the step's end is on record, not checkpointed
    "reopened",  # what takes an ended deployment back is on record, and nothing of it runs
    "control-answered",  # what a control led to is on record, and nothing of it has begun
)


def no_crash(point: str) -> None:
    """Go on; what a worker outside tests does at every point."""
