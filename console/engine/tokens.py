"""Which scopes the tokens lack, remembered for a moment: previews are asked for often, and tokens seldom change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from console.domain.clock import Clock
from console.domain.errors import ConsoleError
from providers.contract import Connection, Unsupported
from providers.contract.connection import refused_at

REMEMBERED = timedelta(seconds=60)


class Tokens:
    """Asks each connection's account.

    Only a token that lacks nothing is remembered, so that a better one counts at once; and not beyond the moment at
    which its platform refuses it something (401, 403).
    """

    def __init__(self, connections: Mapping[str, Connection], clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self._good_since: dict[str, datetime] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def fetch_missing(self, provider: str) -> tuple[str, ...]:
        """The scopes that a provider's token lacks; () where nobody can say."""
        connection = self._connections.get(provider)
        account = connection.capabilities.account if connection else None
        if connection is None or account is None or isinstance(account, Unsupported):
            return ()
        async with self._asking[provider]:
            if self._is_good(provider, connection):
                return ()
            self._good_since.pop(provider, None)
            asked_at = self._clock.now()
            try:
                missing = (await account.fetch_account()).missing_scopes
            except ConsoleError:
                return ()  # what a platform that does not answer is needed for says so itself
            if not missing:
                self._good_since[provider] = asked_at
            return missing

    def _is_good(self, provider: str, connection: Connection) -> bool:
        since, refused = self._good_since.get(provider), refused_at(connection)
        if since is None or (refused is not None and refused >= since):
            return False
        return self._clock.now() - since < REMEMBERED
