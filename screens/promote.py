"""The dialog of `p`: the next stage, or everybody at once."""

from __future__ import annotations

from console.domain.deployment import Deployment, StepState
from console.domain.events import Control
from screens.availability import baking
from screens.confirm import ConfirmDialog
from screens.view.notice import Notice
from screens.view.promote import promote_rows, stages_after
from screens.view.rows import Row, Span, row

ENDED = "the bake time has ended."


class PromoteDialog(ConfirmDialog):
    """`y` goes to the next stage, `f` gives the release to everybody; with `full` only the latter, by `y`."""

    def __init__(self, deployment: Deployment, state: StepState, *, full: bool = False) -> None:
        self._deployment = deployment
        self._state = state
        self._full = full
        self._offers_full = not full and len(stages_after(deployment, state)) > 1
        title = f"Promote to 100 % in {deployment.environment}" if full else f"Promote in {deployment.environment}"
        super().__init__(title, self._rows, self._promote, still_valid=self._check, grave=full)

    def _now(self) -> Deployment:
        return self.console_app.store.deployments.get(self._deployment.id, self._deployment)

    def _check(self) -> str:
        state = baking(self._now(), self._state.step.id)
        return "" if state is not None and state.step.id == self._state.step.id else ENDED

    def _rows(self, width: int) -> list[Row]:
        now = self._now()
        return promote_rows(now, now.steps.get(self._state.step.id, self._state), width, full=self._full)

    def keys_row(self) -> Row:
        if self.refusal() or not self._offers_full:
            return super().keys_row()
        return row(
            *(Span("y", "key"), " next stage   ", Span("f", "key"), " everybody at once   "),
            *(Span("n", "key"), " or ", Span("esc", "key"), " neither"),
        )

    def do_full(self) -> None:
        if not self._offers_full:
            return
        reason = self.refusal()
        self.do_back()
        if reason:
            self.console_app.say(Notice("refused", f"Nothing was done: {reason}"))
        else:
            self._ask(Control.PROMOTE_FULL, "Everybody gets it at once.")

    def _promote(self) -> None:
        if self._full:
            self._ask(Control.PROMOTE_FULL, "Everybody gets it at once.")
        else:
            self._ask(Control.PROMOTE, "The next stage begins.")

    def _ask(self, control: Control, done: str) -> None:
        self.console_app.controls.ask(self._deployment.id, control, step=self._state.step.id, done=done)
