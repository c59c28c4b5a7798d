"""What commands do: open a dialog or a screen, or ask the worker. Screens are imported when they are first opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from console.client.service import ControlRequest, ReviewRequest
from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.events import Control
from console.domain.ids import DeploymentId, EnvironmentName, StepId
from console.domain.moments import split_moment
from console.domain.plan import Wish
from screens import themes
from screens.availability import baking, retrying, waiting_for_approval
from screens.commands import slash_commands
from screens.view import words

if TYPE_CHECKING:
    from screens.app import QuarterdeckApp


class Actions:
    """The commands that hold on every screen."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self.app = app

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

    def control(self, deployment: DeploymentId, control: Control, *, step: StepId | None = None, done: str) -> None:
        """Ask the worker for a control, with the moment at which the key was pressed."""
        request = ControlRequest(control, step, requested_at=self.app.clock())
        self.app.ask(self.app.service.control(deployment, request), done=done)

    def do_rollback(self, argument: str) -> None:
        deployment = self._target(argument)
        if deployment is not None:
            from screens.rollback import RollbackDialog

            self.app.push_screen(RollbackDialog(deployment))

    def do_approve(self, argument: str) -> None:
        deployment = self._target(argument)
        state = waiting_for_approval(deployment) if deployment is not None else None
        if deployment is None or state is None:
            if deployment is not None:
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
            self.control(deployment.id, Control.RESUME, done=f"{deployment.environment} goes on.")
        else:
            self.control(deployment.id, Control.PAUSE, done=f"{deployment.environment} pauses before its next step.")

    def do_promote(self) -> None:
        deployment = self.app.deployment_here()
        state = baking(deployment) if deployment is not None else None
        if deployment is None or state is None:
            return
        from screens.confirm import ConfirmDialog, question

        self.app.push_screen(
            ConfirmDialog(
                f"Promote in {deployment.environment}",
                question(
                    f"“{state.step.name}” ends now, and the next stage begins.",
                    state.detail,
                    "The judgement of this stage rests on what was seen so far.",
                ),
                lambda: self.control(deployment.id, Control.PROMOTE, step=state.step.id, done="The next stage begins."),
                still_valid=self._still(deployment, lambda now: baking(now) is not None, "The bake time has ended."),
            )
        )

    def do_promote_full(self, argument: str) -> None:
        deployment = self._target(argument)
        state = baking(deployment) if deployment is not None else None
        if deployment is None or state is None:
            if deployment is not None:
                self.app.hint("No stage is baking there.", "refused")
            return
        from screens.confirm import ConfirmDialog, question

        self.app.push_screen(
            ConfirmDialog(
                f"Promote to 100 % in {deployment.environment}",
                question(
                    f"“{state.step.name}” ends now, and everybody gets {deployment.plan.release.name} at once.",
                    state.detail,
                    "The stages between are left out. At 100 % it is watched as always, and taken back if it fails.",
                ),
                lambda: self.control(
                    deployment.id, Control.PROMOTE_FULL, step=state.step.id, done="Everybody gets it at once."
                ),
                still_valid=self._still(deployment, lambda now: baking(now) is not None, "The bake time has ended."),
                grave=True,
            )
        )

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
                    f"{deployment.plan.release.name} stops here. Traffic returns to what was live before.",
                    f"{standing}, {words.span_of(deployment.duration(self.app.clock()))}",
                    "What was changed is taken back as in a rollback.",
                ),
                lambda: self.control(deployment.id, Control.ABORT, done=f"{deployment.environment} is being aborted."),
                still_valid=self._still(deployment, lambda now: not now.is_terminal, "It has ended meanwhile."),
                grave=True,
            )
        )

    def do_retry(self) -> None:
        deployment = self.app.deployment_here()
        state = retrying(deployment) if deployment is not None else None
        if deployment is not None and state is not None:
            self.control(deployment.id, Control.RETRY, step=state.step.id, done=f"“{state.step.name}” is tried again.")

    def _still(self, deployment: Deployment, holds: Callable[[Deployment], bool], otherwise: str) -> Callable[[], str]:
        def check() -> str:
            now = self.app.store.deployments.get(deployment.id)
            return "" if now is not None and holds(now) else otherwise

        return check

    def do_deploy(self) -> None:
        self._open_form(Wish(self.app.selected))

    def do_deploy_staging(self, argument: str) -> None:
        self._deploy_to("staging", argument)

    def do_deploy_production(self, argument: str) -> None:
        self._deploy_to("production", argument)

    def do_deploy_blue_green(self, argument: str) -> None:
        self._open_form(Wish(self.app.selected, release=argument, strategy="blue-green"))

    def do_deploy_canary(self, argument: str) -> None:
        self._open_form(Wish(self.app.selected, release=argument, strategy="canary"))

    def do_deploy_emergency(self, argument: str) -> None:
        self._open_form(Wish(self.app.selected, release=argument, emergency=True))

    def do_review(self, argument: str) -> None:
        """Ask what was found in the oldest emergency there that nobody has reviewed."""
        name = EnvironmentName(argument) if argument else self.app.selected
        status = self.app.store.environments.get(name)
        if status is None or not status.reviews:
            self.app.hint(f"No emergency waits for a review in {name}." if name else "Choose an environment first.")
            return
        deployment = status.reviews[0]
        from screens.prompt import Prompt

        def close(comment: str) -> None:
            if not comment:
                self.app.hint("Nothing was done: a review says what was found.", "refused")
                return
            work = self.app.service.review(deployment, ReviewRequest(comment))
            self.app.ask(work, done=f"The review of {deployment} is closed.")

        self.app.push_screen(Prompt(f"Review of {deployment}", "", close, hint="what you found, in a sentence"))

    def do_deploy_maintenance(self, argument: str) -> None:
        from screens.maintenance import MaintenanceDialog, read_argument

        status = self.app.store.environments.get(self.app.selected)
        if status is None:
            self.app.hint("Choose an environment first.", "refused")
            return
        wish = read_argument(argument, is_up=bool(status.pages), now=self.app.clock())
        if wish is None:
            self.app.hint("Write on, off, or how long it lasts, as 30m or 2h.", "refused")
            return
        self.app.push_screen(MaintenanceDialog(status.name, wish))

    def do_deploy_schedule(self, argument: str) -> None:
        """Show what is to come; with a time, and a release behind it, plan a deployment for then."""
        from screens.schedule import ScheduleScreen

        if not argument:
            if not isinstance(self.app.screen, ScheduleScreen):
                self.app.push_screen(ScheduleScreen())
            return
        try:
            at, release = split_moment(argument, self.app.clock())
        except ValueError as problem:
            self.app.hint(f"{problem}.", "refused")
            return
        self._open_form(Wish(self.app.selected, release=release, at=at))

    def do_deploy_disaster_recovery(self, argument: str) -> None:
        how = argument.strip()
        self._open_form(Wish(self.app.selected, strategy=f"failover:{how}" if how else "failover"))

    def _deploy_to(self, tier: str, release: str) -> None:
        """Plan for the environment of this name, or else the first one of this tier."""
        environments = self.app.store.environments
        of_tier = [name for name, status in environments.items() if status.tier == tier]
        chosen = EnvironmentName(tier) if tier in environments else next(iter(of_tier), None)
        if chosen is None:
            self.app.hint(f"There is no {tier} environment here.", "refused")
            return
        self.app.select(chosen)
        self._open_form(Wish(chosen, release=release))

    def _open_form(self, wish: Wish) -> None:
        if wish.environment not in self.app.store.environments:
            self.app.hint("Choose an environment first.", "refused")
            return
        from screens.deploy import DeployScreen

        self.app.push_screen(DeployScreen(wish))

    def open_deployment(self, deployment: DeploymentId, *, step: str = "") -> None:
        from screens.deployment import DeploymentScreen

        self.app.push_screen(DeploymentScreen(deployment, step))

    def do_history(self) -> None:
        from screens.history import HistoryScreen

        if not isinstance(self.app.screen, HistoryScreen):
            self.app.push_screen(HistoryScreen())

    def do_report(self, argument: str) -> None:
        deployment = self.app.deployment_here()
        wanted = argument or (deployment.id if deployment is not None else "")
        if not wanted:
            self.app.hint("Nothing has been deployed here yet.", "refused")
            return

        async def find_and_open() -> None:
            found = await self.app.service.deployment(wanted)
            self.open_report(found.id)

        self.app.ask(find_and_open())

    def open_report(self, deployment: DeploymentId) -> None:
        from screens.report import ReportScreen

        self.app.push_screen(ReportScreen(deployment))

    def do_commands(self) -> None:
        self._open_palette("")

    def do_slash(self) -> None:
        self._open_palette("/")

    def _open_palette(self, typed: str) -> None:
        from screens.palette import Palette

        self.app.push_screen(Palette(typed))

    def do_theme(self, argument: str) -> None:
        """Change colours; without a name, to the next ones."""
        names = themes.NAMES
        wanted = argument or names[(names.index(self.app.look.name) + 1) % len(names)]
        if wanted not in names:
            self.app.hint(f"There is no theme {wanted}; there are {', '.join(names)}.", "refused")
            return
        self.app.set_look(wanted)
        self.app.hint(f"Theme {wanted}.", "done")

    def do_help(self) -> None:
        from screens.help import HelpScreen

        if self.app.front is not None and not isinstance(self.app.front, HelpScreen):
            self.app.push_screen(HelpScreen(self.app.front.scopes(), self.app.front.place, slash_commands()))

    def leave_console(self) -> None:
        """Quit; while something moves, ask first and say that it goes on."""
        moving = self.app.store.moving()
        if not moving:
            self.app.exit(0)
            return
        from screens.confirm import ConfirmDialog, question

        names = ", ".join(f"{deployment.plan.release.name} → {deployment.environment}" for deployment in moving)
        self.app.push_screen(
            ConfirmDialog(
                "Leave the console",
                question(
                    f"Still moving: {names}.",
                    "",
                    "It goes on without the console. Come back at any time; nothing is lost.",
                ),
                lambda: self.app.exit(0),
                yes="leave",
            )
        )
