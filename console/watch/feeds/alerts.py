"""Security alerts of the new release's commit that were opened while it is being deployed, grave ones only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from console.domain.errors import Rejected
from console.watch.feeds.port import Alerted, Arms
from providers.contract import AlertSource

GRAVE = frozenset({"high", "critical", "secret"})


class AlertFeed:
    """What was open before is what the release was checked with; a platform without scanners is asked once.

    Args:
        opened_since: When the deployment was asked for.
    """

    name = "alerts"

    def __init__(self, source: AlertSource, arms: Arms, opened_since: datetime, *, period: timedelta) -> None:
        self.period = period
        self._source = source
        self._commit = arms.candidate.commit
        self._opened_since = opened_since
        self._told: set[str] = set()
        self._is_blind = False

    async def look(self, since: datetime) -> Sequence[Alerted]:
        if self._is_blind:
            return ()
        try:
            found = await self._source.fetch_alerts(self._commit)
        except Rejected:
            self._is_blind = True
            raise
        new = [
            one
            for one in found
            if one.id not in self._told and one.severity.lower() in GRAVE and one.at and one.at >= self._opened_since
        ]
        self._told |= {one.id for one in new}
        return [Alerted(f"{one.words} ({one.severity}, {one.id})") for one in new]
