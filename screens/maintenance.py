"""What `/deploy-maintenance` understands, and the dialog that it opens."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from console.domain.ids import EnvironmentName
from console.domain.maintenance import MAINTENANCE, MaintenanceWish
from console.domain.plan import Wish
from screens.small_plan import PlanDialog

LENGTH = re.compile(r"(\d{1,4})\s*([mh])")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}


def read_argument(argument: str, *, is_up: bool, now: datetime) -> MaintenanceWish | None:
    """`on`, `on 30m`, `30m`, `off`, or nothing for the other of what is; None for anything else."""
    word, _, rest = argument.partition(" ")
    if word == "off":
        return None if rest else MaintenanceWish(on=False)
    length = rest.strip() if word == "on" else argument.strip()
    if not length:
        return MaintenanceWish(on=bool(word) or not is_up)
    found = LENGTH.fullmatch(length)
    return MaintenanceWish(on=True, until=now + int(found[1]) * UNITS[found[2]]) if found else None


def maintenance_dialog(environment: EnvironmentName, wish: MaintenanceWish) -> PlanDialog:
    """Pages go up, or away; nothing is deployed."""
    until = f", until {wish.until:%H:%M} UTC" if wish.until is not None else ""
    return PlanDialog(
        Wish(environment, strategy=MAINTENANCE, maintenance=wish),
        f"Maintenance of {environment} {'begins' if wish.on else 'ends'}{until}",
        asking="Asking which services can show a page …",
        yes="show visitors the page" if wish.on else "show the services again",
        grave=wish.on,
    )
