"""The figures of DORA from what is on record. Pure; `console.domain.delivery` says what each means."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median

from console.domain.delivery import Delivery
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.ids import EnvironmentName
from console.planning.kinds import Origin, read_strategy

CHANGED = frozenset({DeploymentStatus.SUCCEEDED, DeploymentStatus.ROLLED_BACK, DeploymentStatus.FAILED})


def measure_delivery(
    environment: EnvironmentName, deployments: Iterable[Deployment], since: datetime, until: datetime
) -> Delivery:
    """Figures over the deployments that ended within [since, until); others are left out."""
    counted = [d for d in deployments if _counts(d) and d.ended_at is not None and since <= d.ended_at < until]
    stayed = [d for d in counted if d.status is DeploymentStatus.SUCCEEDED]
    leads = [
        (d.ended_at - d.plan.release.committed_at).total_seconds()
        for d in stayed
        if d.ended_at is not None and d.plan.release.committed_at is not None
    ]
    restored = [length.total_seconds() for d in counted if (length := _restored_after(d)) is not None]
    days = max((until - since).total_seconds(), 1.0) / 86_400
    return Delivery(
        environment,
        since,
        until,
        deployments=len(counted),
        succeeded=len(stayed),
        failed=len(counted) - len(stayed),
        frequency_per_day=len(stayed) / days,
        lead_time_s=median(leads) if leads else None,
        timed=len(leads),
        change_failure_rate=(len(counted) - len(stayed)) / len(counted) if counted else None,
        time_to_restore_s=median(restored) if restored else None,
        restored=len(restored),
    )


def _counts(deployment: Deployment) -> bool:
    """Whether it was to put a release live, and changed anything."""
    kind, _ = read_strategy(deployment.plan.strategy)
    forward = kind.origin is Origin.WISH and not deployment.plan.returns
    return forward and deployment.status in CHANGED


def _restored_after(deployment: Deployment) -> timedelta | None:
    back = deployment.rollback
    return None if back is None else back.traffic_restored_after or back.duration
