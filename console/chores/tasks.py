"""Every chore that there is, by the name that an order has for it. What one needs is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from console.chores.lines import Done, Failed, Order, Stopped
from console.chores.pace import Pace
from console.domain.errors import UsageError

Outcome = Done | Failed | Stopped


@dataclass(frozen=True)
class Asked:
    """An order, how to tell how it goes, and whether somebody wants it to stop."""

    order: Order
    told: Pace
    stopped: Callable[[], bool]

    @property
    def folder(self) -> Path:
        return Path(self.order.folder)

    def argument(self, name: str, default: Any = None) -> Any:
        return self.order.arguments.get(name, default)


Task = Callable[[Asked], Outcome]

TASKS: Mapping[str, str] = {
    "back-up": "console.chores.backups:back_up",
    "prove-backup": "console.chores.backups:prove_backup",
    "restore-data": "console.chores.backups:restore_data",
    "bring-back-data": "console.chores.backups:bring_back_data",
    "load": "console.chores.data:load",
    "rest": "console.chores.data:rest",
    "fence-source": "console.chores.closing:fence_source",
    "open-source": "console.chores.closing:open_source",
    "files": "console.chores.files:bring_files",
    "take-back": "console.chores.data:take_back",
}


def find_task(name: str) -> Task:
    """The function that does it.

    Raises:
        UsageError: There is no such chore.
    """
    place = TASKS.get(name)
    if place is None:
        raise UsageError(f"There is no chore {name!r}.", "console.chores", f"Known: {', '.join(TASKS)}.")
    module, _, function = place.partition(":")
    return cast("Task", getattr(import_module(module), function))
