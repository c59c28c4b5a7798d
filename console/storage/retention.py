"""How long things are kept. What runs is never removed, and a deployment goes whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from console.storage.ledger import Ledger
from console.storage.logs import LogStore


@dataclass(frozen=True)
class Keep:
    """`deployments` is a count, the others are ages."""

    deployments: int
    logs: timedelta
    metrics: timedelta


@dataclass(frozen=True)
class Pruned:
    """How much was removed."""

    deployments: int
    log_files: int
    measurements: int


async def prune(ledger: Ledger, logs: LogStore, keep: Keep, now: datetime) -> Pruned:
    """Remove what is older than it needs to be. Calling it twice removes nothing more."""
    gone = await ledger.forget_deployments(keep.deployments)
    files = await logs.forget(now - keep.logs, gone)
    figures = await ledger.forget_measurements(now - keep.metrics)
    return Pruned(len(gone), files, figures)
