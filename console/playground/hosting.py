"""Host the product's releases as real processes behind a real load balancer.

The platform emulators decide *what* should run and where a public name leads; this module makes it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Instance:
    """One process of the product, as it was started; says nothing about whether it still runs."""

    id: str
    service: str
    release: str
    port: int
    pid: int


@dataclass(frozen=True)
class LogRecord:
    """One line of a process's log. `time` is Unix seconds, `level` one of debug, info, warning, error."""

    time: float
    message: str
    level: str
    instance: str


@dataclass(frozen=True)
class Usage:
    """What a service's processes use: `cpu` in cores (1.0 is one core busy), memory resident, in bytes."""

    cpu: float
    memory_bytes: int


class Hosting(Protocol):
    """What the platform emulators may ask for. A service is named as in `scene.PlatformService.name`."""

    async def start(self, service: str, role: str, release: str) -> Instance:
        """Spawn one process of a release and return at once; ask `healthy` to see it come up."""
        ...

    async def healthy(self, instance: Instance) -> bool:
        """Tell whether one GET /health is answered 200 within a second."""
        ...

    async def alive(self, instance: Instance) -> bool:
        """Tell whether the process still exists."""
        ...

    async def stop(self, instance: Instance) -> None:
        """End a process: SIGTERM, time to finish what is in flight, SIGKILL after the grace. Twice is harmless."""
        ...

    async def route(self, public_name: str, instances: Sequence[Instance]) -> None:
        """Lead a public name to these processes from now on, without losing a request; none of them answers 503."""
        ...

    def url_of(self, public_name: str) -> str:
        """Give the stable `http://127.0.0.1:PORT` of a public name, allocated on first use."""
        ...

    def logs(self, instance_or_service: str, after: float | None = None, limit: int = 100) -> list[LogRecord]:
        """Read the newest `limit` log lines later than `after`, oldest first."""
        ...

    def instances(self) -> list[Instance]:
        """List the processes that were started and not stopped, also those that died by themselves."""
        ...

    def usage(self, service: str) -> Usage:
        """Measure what a service's processes use, CPU averaged since the last call for that service."""
        ...
