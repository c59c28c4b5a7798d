"""What is on record of configurations: what the live release of each place ran with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.domain.deployment import Deployment, StepStatus
from console.domain.plan import StepKind
from console.domain.variables import ConfigurationRecord


def find_live(deployments: Iterable[Deployment]) -> dict[str, Mapping[str, str]]:
    """By target, what the release that is there now was given with; a place nobody recorded is missing.

    Args:
        deployments: Of one environment, newest first.
    """
    found: dict[str, Mapping[str, str]] = {}
    for deployment in deployments:
        for record in deployment.configurations:
            if record.target not in found and stands(deployment, record):
                found[record.target] = record.digests
    return found


def stands(deployment: Deployment, record: ConfigurationRecord) -> bool:
    """Whether the release that the record is about is still there: given, promoted where that is a step, not undone."""
    state = deployment.steps.get(record.step)
    if state is None or state.status is not StepStatus.SUCCEEDED:
        return False
    promotions = [
        other.status
        for other in deployment.steps.values()
        if other.step.service == record.service and other.step.kind is StepKind.PROMOTE
    ]
    return not promotions or StepStatus.SUCCEEDED in promotions
