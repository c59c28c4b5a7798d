"""Who is told of what a ledger has committed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from console.domain.events import Event
from console.storage.ledger import Wake

log = logging.getLogger(__name__)


class Subscribers:
    """Callbacks that are told of commits, on the event loop."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Wake], None]] = []

    def add(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        self._callbacks.append(callback)

        def remove() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return remove

    def tell(self, wakes: Sequence[Wake]) -> None:
        for wake in wakes:
            for callback in tuple(self._callbacks):
                try:
                    callback(wake)
                except Exception:
                    log.exception("A subscriber of the ledger failed on %s", wake)


def wakes_for(events: Sequence[Event]) -> tuple[Wake, ...]:
    return tuple(Wake("event", event.deployment, event.seq) for event in events)
