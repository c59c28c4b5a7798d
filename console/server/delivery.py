"""The figures of DORA, out of the deployments on record."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.domain.delivery import Delivery
from console.domain.exchange import HistoryQuery
from console.domain.ids import EnvironmentName
from console.reports import delivery
from console.server.parts import EngineDoor
from console.storage.ledger import Ledger

PERIOD = timedelta(days=30)
"""How long back where nobody says."""
MOST_DEPLOYMENTS = 5000


async def measure_delivery(
    ledger: Ledger, engine: EngineDoor, environment: EnvironmentName, since: datetime, until: datetime
) -> Delivery:
    """Those of one environment, of what ended at or after `since` and before `until`."""
    lines = await ledger.summaries(HistoryQuery(environment, limit=MOST_DEPLOYMENTS))
    ended = [line.id for line in lines if line.ended_at is not None and since <= line.ended_at < until]
    return delivery.measure_delivery(environment, [await engine.load(found) for found in ended], since, until)
