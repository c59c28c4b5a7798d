"""How long a step should take: the median of what the same kind of step took before, and how far that varied."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from console.domain.deployment import Deployment, StepStatus
from console.domain.outlook import Spread
from console.domain.plan import Step, StepKind
from console.planning.past import Past, read_past

Key = tuple[str, str, str]

WAITING_KINDS = frozenset({StepKind.APPROVAL})


@dataclass(frozen=True)
class Forecasts:
    """Durations by (environment, service, step kind); the service is empty for steps of no service.

    `past` sums up how the deployments went that the durations are from.
    """

    medians: Mapping[Key, timedelta] = field(default_factory=dict)
    spreads: Mapping[Key, Spread] = field(default_factory=dict)
    past: Past = field(default_factory=Past)

    def of(self, environment: str, service: str | None, kind: StepKind) -> timedelta | None:
        """None where nothing like it was ever finished, and for waits on people."""
        return self.medians.get((environment, service or "", kind.value))

    def spread(self, environment: str, service: str | None, kind: StepKind) -> Spread | None:
        """Between which lengths; None as for `of`."""
        return self.spreads.get((environment, service or "", kind.value))


def build_forecasts(deployments: Iterable[Deployment], last: int = 20) -> Forecasts:
    """Take the medians of the last finished steps of each kind.

    Args:
        deployments: Past deployments, newest first.
        last: How many durations of each kind count.
    """
    durations: dict[Key, list[float]] = defaultdict(list)
    known_deployments = tuple(deployments)
    for deployment in known_deployments:
        for state in deployment.steps.values():
            step: Step = state.step
            known = durations[(deployment.environment, step.service or "", step.kind.value)]
            took = state.ended_at - state.started_at if state.ended_at and state.started_at else None
            ended_well = state.status in {StepStatus.SUCCEEDED, StepStatus.UNDONE}
            if took is not None and ended_well and step.kind not in WAITING_KINDS and len(known) < last:
                known.append(took.total_seconds())
    found = {key: values for key, values in durations.items() if values}
    return Forecasts(
        {key: timedelta(seconds=statistics.median(values)) for key, values in found.items()},
        {
            key: Spread(len(values), timedelta(seconds=min(values)), timedelta(seconds=max(values)))
            for key, values in found.items()
        },
        read_past(known_deployments),
    )
