"""What a person may ask of a deployment: each opens a dialog, or asks the worker at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.client.service import ControlRequest
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.events import Control
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName, StepId
from screens.availability import baking, failed, held, retrying, waiting_for_approval
from screens.view import words
from screens.view.rows import BLANK, Row, wrapped

if TYPE_CHECKING:
    from screens.app import QuarterdeckApp


class Controls:
    """The control keys, on every screen that shows a deployment."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self.app = app

    def ask(
        self,
        deployment: DeploymentId,
        control: Control,
        *,
        step: StepId | None = None,
        reason: str = "",
        services: tuple[ServiceName, ...] = (),
        done: str,
    ) -> None:
        """Ask the worker for a control, with the moment at which the key was pressed."""
        request = ControlRequest(control, step, reason, services, requested_at=self.app.clock())
        self.app.ask(self.app.service.control(deployment, request), done=done)

    def _target(self, argument: str) -> Deployment | None:
        """The deployment that a command means: of the environment named, else the one on the screen."""
        if not argument:
            return self.app.deployment_here()
        name = EnvironmentName(argument)
        if name not in self.app.store.environments:
            known = ", ".join(self.app.store.environments) or "none yet"
            self.app.hint(f"There is no environment {argument}; known are {known}.", "refused")
            return None
        self.app.select(name)
        deployment = self.app.store.latest_of(name)
        if deployment is None:
            self.app.hint(f"Nothing has been deployed to {argument} yet.", "refused")
        return deployment

    def _still(self, deployment: Deployment, holds: Callable[[Deployment], bool], otherwise: str) -> Callable[[], str]:
        def check() -> str:
            now = self.app.store.deployments.get(deployment.id)
            return "" if now is not None and holds(now) else otherwise

        return check

    def do_rollback(self, argument: str) -> None:
        """Of all services, or of those that are named after the environment or alone."""
        named, *rest = argument.split() or [""]
        if named and named not in self.app.store.environments and self._knows_service(named):
            named, rest = "", [named, *rest]
        deployment = self._target(named)
        if deployment is not None:
            from screens.rollback import RollbackDialog

            self.app.push_screen(RollbackDialog(deployment, tuple(ServiceName(name) for name in rest)))

    def _knows_service(self, name: str) -> bool:
        deployment = self.app.deployment_here()
        return deployment is not None and name in deployment.plan.services

    def do_approve(self, argument: str) -> None:
        deployment = self._target(argument)
        if deployment is None:
            return
        state = waiting_for_approval(deployment, self.app.step_here())
        if state is None:
            status = self.app.store.environments.get(deployment.environment)
            also = " An emergency waits for its review: /deploy-review." if status and status.reviews else ""
            self.app.hint(f"Nothing waits for approval there.{also}", "refused")
            return
        from screens.confirm import ApprovalDialog

        self.app.push_screen(ApprovalDialog(deployment, state))

    def do_pause(self) -> None:
        deployment = self.app.deployment_here()
        if deployment is None:
            return
        if deployment.status is DeploymentStatus.PAUSED:
            self.ask(deployment.id, Control.RESUME, done=f"{deployment.environment} goes on.")
        else:
            self.ask(deployment.id, Control.PAUSE, done=f"{deployment.environment} pauses before its next step.")

    def do_promote(self) -> None:
        """The next stage or everybody; where nothing moves and pushes are held, lift that."""
        deployment = self.app.deployment_here()
        if deployment is None:
            return
        if deployment.is_terminal and held(self.app.store, deployment.environment):
            self.app.actions.lift_hold(deployment.environment)
        else:
            self._promote(deployment, full=False)

    def do_promote_full(self, argument: str) -> None:
        deployment = self._target(argument)
        if deployment is not None:
            self._promote(deployment, full=True)

    def _promote(self, deployment: Deployment, *, full: bool) -> None:
        state = baking(deployment, self.app.step_here())
        if state is None:
            self.app.hint("No stage is baking there.", "refused")
            return
        from screens.promote import PromoteDialog

        self.app.push_screen(PromoteDialog(deployment, state, full=full))

    def do_abort(self) -> None:
        deployment = self.app.deployment_here()
        if deployment is None:
            return
        from screens.confirm import ConfirmDialog, question

        standing = words.DEPLOYMENT[deployment.status].word
        self.app.push_screen(
            ConfirmDialog(
                f"Abort in {deployment.environment}",
                question(
                    f"{words.subject(deployment.plan)} stops here. Traffic returns to what was live before.",
                    f"{standing}, {words.span_of(deployment.duration(self.app.clock()))}",
                    "What was changed is taken back as in a rollback.",
                ),
                lambda: self.ask(deployment.id, Control.ABORT, done=f"{deployment.environment} is being aborted."),
                still_valid=self._still(deployment, lambda now: not now.is_terminal, "It has ended meanwhile."),
                grave=True,
            )
        )

    def do_retry(self) -> None:
        deployment = self.app.deployment_here()
        state = retrying(deployment, self.app.step_here()) if deployment is not None else None
        if deployment is not None and state is not None:
            self.ask(deployment.id, Control.RETRY, step=state.step.id, done=f"“{state.step.name}” is tried again.")

    def do_skip(self) -> None:
        deployment = self.app.deployment_here()
        state = failed(deployment, self.app.step_here()) if deployment is not None else None
        if deployment is None or state is None:
            return
        from screens.reason import ReasonDialog

        step = state.step

        def body(width: int) -> list[Row]:
            rows = wrapped(f"“{step.name}” is left out, and what comes after it goes on.", width, "strong")
            return [*rows, BLANK, *wrapped(f"✗ {state.detail}", width, "bad")] if state.detail else rows

        def waits(now: Deployment) -> bool:
            known = now.steps.get(step.id)
            return known is not None and known.asked

        self.app.push_screen(
            ReasonDialog(
                f"Skip a step in {deployment.environment}",
                body,
                lambda reason: self.ask(
                    deployment.id, Control.SKIP, step=step.id, reason=reason, done=f"“{step.name}” is left out."
                ),
                hint="why it can be left out; kept in the record",
                does="skip it",
                refusal="A step is skipped for a reason only: say why.",
                still_valid=self._still(deployment, waits, "it no longer waits for a decision."),
            )
        )

    def do_renew(self) -> None:
        deployment = self.app.deployment_here()
        emergency = deployment.emergency if deployment is not None else None
        if deployment is None or emergency is None or emergency.valid is None:
            return
        from screens.reason import ReasonDialog

        until = words.clock(emergency.expires_at)
        length = words.span_of(emergency.valid)
        is_over = emergency.has_expired(self.app.clock())

        def body(width: int) -> list[Row]:
            stands = f"It {'ended' if is_over else 'holds until'} {'at ' if is_over else ''}{until} UTC."
            rows = wrapped(f"The permission to pass {' and '.join(emergency.skipped) or 'no gate'} is renewed.", width)
            return rows + wrapped(f"{stands} Renewed, it holds for {length} from now.", width, "dim")

        self.app.push_screen(
            ReasonDialog(
                f"Emergency in {deployment.environment}",
                body,
                lambda reason: self.ask(
                    deployment.id, Control.RENEW, reason=reason, done=f"The permission holds for {length} more."
                ),
                hint="why it is still an emergency; kept in the record",
                does="renew it",
                refusal="An emergency needs a reason: say why.",
                still_valid=self._still(deployment, lambda now: not now.is_terminal, "it has ended meanwhile."),
            )
        )
