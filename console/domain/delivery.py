"""How well an environment is delivered to, by the four figures of DORA, with what each of them means here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.domain.ids import EnvironmentName

DEFINITIONS: Mapping[str, str] = {
    "deployment_frequency": "releases that went live and stayed, a day of the period",
    "lead_time": "median time from a release's commit to the end of the deployment that put it live and that stayed",
    "change_failure_rate": (
        "of the deployments of releases that changed anything, the share that was taken back or failed; one that was "
        "stopped before any change, and a return to an earlier release, count on neither side"
    ),
    "time_to_restore": (
        "median time from the moment a release was to be taken back, by itself or by somebody, until traffic was back; "
        "until everything was back where no traffic had to be moved"
    ),
}


@dataclass(frozen=True)
class Delivery:
    """Figures of one environment over [since, until). Lengths are seconds; None where there is nothing to count.

    `deployments` are all of releases that changed anything, `succeeded` those that stayed. `timed` and `restored` say
    of how many the medians are.
    """

    environment: EnvironmentName
    since: datetime
    until: datetime
    deployments: int
    succeeded: int
    failed: int
    frequency_per_day: float
    lead_time_s: float | None = None
    timed: int = 0
    change_failure_rate: float | None = None
    time_to_restore_s: float | None = None
    restored: int = 0
    definitions: Mapping[str, str] = field(default_factory=lambda: dict(DEFINITIONS))
