"""The door to the buckets of all projects; what lies behind it is loaded when the first is opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from providers.contract import FileStore

if TYPE_CHECKING:
    from providers.supabase.hosts import ProjectHosts


class Stores:
    """`FileStores`."""

    def __init__(self, open_hosts: Callable[[], ProjectHosts]) -> None:
        self._open_hosts = open_hosts

    def open(self, project: str, bucket: str) -> FileStore:
        from providers.supabase.store import Bucket

        return Bucket(self._hosts, project, bucket)

    @cached_property
    def _hosts(self) -> ProjectHosts:
        return self._open_hosts()

    async def close(self) -> None:
        if "_hosts" in self.__dict__:
            await self._hosts.http.close()
