"""The maintenance dialog: shows what would go up or away, and `y` does exactly that."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta

from console.domain.errors import ConsoleError
from console.domain.ids import EnvironmentName
from console.domain.maintenance import MAINTENANCE, MaintenanceWish
from console.domain.plan import Plan, Wish
from screens.confirm import ConfirmDialog
from screens.view.maintenance import maintenance_rows
from screens.view.notice import of_error
from screens.view.rows import Row

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


class MaintenanceDialog(ConfirmDialog):
    """One wish for one environment; what was previewed is what runs."""

    def __init__(self, environment: EnvironmentName, wish: MaintenanceWish) -> None:
        self._wish = Wish(environment, strategy=MAINTENANCE, maintenance=wish)
        self._request = uuid.uuid4().hex
        self._plan: Plan | None = None
        self._problem = ""
        title = f"Maintenance of {environment} {'begins' if wish.on else 'ends'}"
        yes = "show visitors the page" if wish.on else "show the services again"
        super().__init__(title, self._rows, self._start, yes=yes, grave=wish.on)

    def on_mount(self) -> None:
        super().on_mount()
        self.console_app.ask(self._load())

    async def _load(self) -> None:
        try:
            self._plan = await self.console_app.service.preview(self._wish)
        except ConsoleError as error:
            self._problem = " ".join(part for part in (error.what, error.remedy) if part)
        if self.is_mounted:
            self.redraw()

    def _rows(self, width: int) -> list[Row]:
        return maintenance_rows(self._plan, self._problem, width)

    def refusal(self) -> str:
        if self._problem:
            return "there is no plan for it."
        if self._plan is None:
            return "still asking what can show a page."
        return self._plan.refusals[0] if self._plan.refusals else ""

    def do_confirm(self) -> None:
        if self._plan is None and not self._problem:
            return  # `y` before the answer is not a decision: the dialog stays
        super().do_confirm()

    def _start(self) -> None:
        if self._plan is not None:
            self.console_app.ask(self._deploy(self._plan))

    async def _deploy(self, plan: Plan) -> None:
        app = self.console_app
        try:
            submitted = await app.service.deploy(self._wish, self._request, plan.digest)
        except ConsoleError as error:
            app.say(of_error(error))
            return
        app.hint(f"{self.heading}: {submitted.deployment}", "done")
