"""Dialogs that ask before something happens. `y` does it: never the key that asked, never Enter.

Keys of a dialog's first 0.3 seconds are ignored, because over a slow line they were typed before it was visible.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult

from console.domain.deployment import Deployment, StepState
from console.domain.events import Control
from screens.availability import waiting_for_approval
from screens.base import Dialog
from screens.view.notice import Notice
from screens.view.rows import BLANK, Row, Span, row, wrapped
from screens.view.verdicts import verdict_rows
from screens.widgets.box import Box

GUARD_S = 0.3


def question(what: str, detail: str, remedy: str) -> Callable[[int], list[Row]]:
    """What will happen, how it stands, and what that means, wrapped to the box."""

    def rows(width: int) -> list[Row]:
        made = wrapped(what, width, "strong")
        if detail:
            made += wrapped(detail, width, "dim")
        return [*made, BLANK, *wrapped(remedy, width)]

    return rows


class ConfirmDialog(Dialog):
    """Asks one question. `still_valid` gives the reason why it no longer applies, or nothing.

    Args:
        body: The rows for a width.
        act: What `y` does.
        yes: The words for `y`.
        grave: Draw attention with the border.
    """

    def __init__(
        self,
        title: str,
        body: Callable[[int], list[Row]],
        act: Callable[[], None],
        *,
        still_valid: Callable[[], str] = lambda: "",
        yes: str = "yes, do it",
        grave: bool = False,
    ) -> None:
        super().__init__()
        self.heading = title
        self._body = body
        self._act = act
        self._still_valid = still_valid
        self._yes = yes
        self._grave = grave
        self._opened_at = 0.0

    def compose(self) -> ComposeResult:
        box = Box(self.heading, id="box")
        if self._grave:
            box.add_class("-bad")
        yield box

    def on_mount(self) -> None:
        self._opened_at = self.console_app.monotonic()
        self.call_after_refresh(self.redraw)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)

    @property
    def box(self) -> Box:
        return self.query_one("#box", Box)

    def redraw(self) -> None:
        if self.is_mounted and self.box.size.width:
            self.box.show((BLANK, *self.body_rows(self.box.size.width), BLANK, self.keys_row()))

    def body_rows(self, width: int) -> list[Row]:
        return self._body(width)

    def refusal(self) -> str:
        """Why `y` does nothing; empty while it would act."""
        return self._still_valid()

    def keys_row(self) -> Row:
        reason = self.refusal()
        back = (Span("n", "key"), " or ", Span("esc", "key"), " no, leave everything as it is")
        if reason:
            return row(Span(f"(y: {reason})", "dim"), "   ", Span("esc", "key"), " back")
        return row(Span("y", "key"), f" {self._yes}   ", *back)

    def take_key(self, event: events.Key) -> None:
        if event.key != "escape" and self.console_app.monotonic() - self._opened_at < GUARD_S:
            event.stop()
            event.prevent_default()
            return
        super().take_key(event)

    def do_decline(self) -> None:
        self.do_back()

    def do_confirm(self) -> None:
        reason = self.refusal()
        self.do_back()
        if reason:
            self.console_app.say(Notice("refused", f"Nothing was done: {reason}"))
        else:
            self._act()

    def do_reject(self) -> None:
        """Only an approval can be rejected."""

    def do_full(self) -> None:
        """Only a stage can be passed over."""


class ApprovalDialog(ConfirmDialog):
    """Shows what waits and what it rests on; `y` approves, `r` rejects."""

    def __init__(self, deployment: Deployment, state: StepState) -> None:
        self._deployment = deployment
        self._state = state
        super().__init__(
            f"Approve in {deployment.environment}",
            self._rows,
            self._approve,
            still_valid=self._check,
            yes="approve",
        )

    def _check(self) -> str:
        now = self.console_app.store.deployments.get(self._deployment.id)
        waiting = waiting_for_approval(now) if now is not None else None
        return "" if waiting and waiting.step.id == self._state.step.id else "it no longer waits for approval."

    def _rows(self, width: int) -> list[Row]:
        deployment, plan = self._deployment, self._deployment.plan
        rows = [
            row(Span(f"{plan.release} → {deployment.environment}", "strong")),
            row(Span(f"{plan.strategy}, asked for by {deployment.requested_by}", "dim")),
        ]
        if deployment.reason:
            rows += wrapped(f"“{deployment.reason}”", width)
        rows += [BLANK, *wrapped(self._state.detail or self._state.step.name, width, "warn")]
        risk = plan.risk
        rows += wrapped(f"Risk {risk.word} ({risk.score} of 100). {' '.join(risk.reasons)}", width)
        for record in deployment.verdicts[-3:]:
            rows += verdict_rows(record, width)
        return rows

    def keys_row(self) -> Row:
        if self.refusal():
            return super().keys_row()
        return row(
            *(Span("y", "key"), " approve   ", Span("r", "key"), " reject   ", Span("esc", "key"), " decide later")
        )

    def _approve(self) -> None:
        self.console_app.controls.ask(
            self._deployment.id, Control.APPROVE, step=self._state.step.id, done=f"Approved: {self._state.step.name}."
        )

    def do_reject(self) -> None:
        reason = self.refusal()
        self.do_back()
        if reason:
            self.console_app.say(Notice("refused", f"Nothing was done: {reason}"))
            return
        self.console_app.controls.ask(
            self._deployment.id, Control.REJECT, step=self._state.step.id, done=f"Rejected: {self._state.step.name}."
        )
