"""A dialog for a small plan of its own: shows what would be done, and `y` does exactly that."""

from __future__ import annotations

import uuid

from console.domain.errors import ConsoleError
from console.domain.plan import Plan, Wish
from screens.confirm import ConfirmDialog
from screens.view.notice import of_error
from screens.view.plan import small_plan_rows
from screens.view.rows import Row


class PlanDialog(ConfirmDialog):
    """One wish; what was previewed is what runs: its digest goes along, under one request id.

    Args:
        asking: What is said while the worker looks.
        yes: The words for `y`.
    """

    def __init__(self, wish: Wish, title: str, *, asking: str, yes: str, grave: bool = False) -> None:
        self._wish = wish
        self._asking = asking
        self._request = uuid.uuid4().hex
        self._plan: Plan | None = None
        self._problem = ""
        super().__init__(title, self._rows, self._start, yes=yes, grave=grave)

    def on_mount(self) -> None:
        self.console_app.ask(self._load())

    async def _load(self) -> None:
        try:
            self._plan = await self.console_app.service.preview(self._wish)
        except ConsoleError as error:
            self._problem = " ".join(part for part in (error.what, error.remedy) if part)
        if self.is_mounted:
            self.redraw()

    def _rows(self, width: int) -> list[Row]:
        return small_plan_rows(self._plan, self._problem, self._asking, width)

    def refusal(self) -> str:
        if self._problem:
            return "there is no plan for it."
        if self._plan is None:
            return "still asking."
        return "it is refused." if self._plan.refusals else ""

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
