"""What commands do: open a dialog or a screen, or ask the worker. Screens are imported when they are first opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.client.service import ReviewRequest
from console.domain.hold import LIFT_HOLD
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName
from console.domain.moments import split_moment
from console.domain.plan import Wish
from screens import themes
from screens.commands import slash_commands
from screens.forms import DeployForm, FailoverForm, Form, RecoverForm, read_act
from screens.view import words

if TYPE_CHECKING:
    from screens.app import QuarterdeckApp


class Actions:
    """The commands that hold on every screen."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self.app = app

    def do_deploy(self) -> None:
        self._open_form(DeployForm(Wish(self.app.selected)))

    def do_deploy_staging(self, argument: str) -> None:
        self._deploy_to("staging", argument)

    def do_deploy_production(self, argument: str) -> None:
        self._deploy_to("production", argument)

    def do_deploy_blue_green(self, argument: str) -> None:
        self._open_form(DeployForm(Wish(self.app.selected, release=argument, strategy="blue-green")))

    def do_deploy_canary(self, argument: str) -> None:
        self._open_form(DeployForm(Wish(self.app.selected, release=argument, strategy="canary")))

    def do_deploy_emergency(self, argument: str) -> None:
        self._open_form(DeployForm(Wish(self.app.selected, release=argument, emergency=True)))

    def do_review(self, argument: str) -> None:
        """Ask what was found in the oldest emergency there that nobody has reviewed."""
        name = EnvironmentName(argument) if argument else self.app.selected
        status = self.app.store.environments.get(name)
        if status is None or not status.reviews:
            self.app.hint(f"No emergency waits for a review in {name}." if name else "Choose an environment first.")
            return
        deployment = status.reviews[0]
        from screens.reason import ReasonDialog
        from screens.view.deployment import emergency_rows
        from screens.view.rows import Row, wrapped

        known = self.app.store.deployments.get(deployment)

        def body(width: int) -> list[Row]:
            rows = wrapped(f"Deployment {deployment}: say what you found when you looked at it.", width, "strong")
            if known is not None and known.emergency is not None:
                rows += wrapped(f"“{known.emergency.reason}”", width) + emergency_rows(known.emergency, width)
            return rows

        def close(comment: str) -> None:
            work = self.app.service.review(deployment, ReviewRequest(comment))
            self.app.ask(work, done=f"The review of {deployment} is closed.")

        self.app.push_screen(
            ReasonDialog(
                f"Review of an emergency in {name}",
                body,
                close,
                hint="what you found, in a sentence",
                does="close the review",
                refusal="A review says what was found.",
            )
        )

    def do_deploy_maintenance(self, argument: str) -> None:
        from screens.maintenance import maintenance_dialog, read_argument

        status = self.app.store.environments.get(self.app.selected)
        if status is None:
            self.app.hint("Choose an environment first.", "refused")
            return
        wish = read_argument(argument, is_up=bool(status.pages), now=self.app.clock())
        if wish is None:
            self.app.hint("Write on, off, or how long it lasts, as 30m or 2h.", "refused")
            return
        self.app.push_screen(maintenance_dialog(status.name, wish))

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
        self._open_form(DeployForm(Wish(self.app.selected, release=release, at=at)))

    def do_backups(self) -> None:
        from screens.backups import BackupsScreen

        if not isinstance(self.app.screen, BackupsScreen):
            self.app.push_screen(BackupsScreen())

    def do_backup_take(self, argument: str) -> None:
        from screens.backups import take_dialog

        self.app.push_screen(take_dialog(self.app.selected, tuple(map(ServiceName, argument.split()))))

    def do_backup_drill(self) -> None:
        from screens.backups import drill_dialog

        self.app.push_screen(drill_dialog(self.app.selected))

    def do_deploy_disaster_recovery(self, argument: str) -> None:
        how = ":".join(["failover", *argument.split()])
        self._open_form(FailoverForm(Wish(self.app.selected, strategy=how)))

    def do_recover(self, argument: str) -> None:
        """`restart api`, `scale 3 worker`, or nothing: what is not said is asked in the form."""
        typed = argument.split()
        counted = 2 if typed[:1] == ["scale"] and typed[1:2] and typed[1].isdecimal() else 1
        act = read_act(" ".join(typed[:counted]))
        named = typed[counted:] if act is not None else typed
        services = named or [name for name in [self._service_here()] if name]
        wish = Wish(
            self.app.selected,
            strategy=act.strategy if act is not None else "",
            services=tuple(ServiceName(name) for name in services),
        )
        self._open_form(RecoverForm(wish))

    def _service_here(self) -> str:
        dashboard = self.app.dashboard
        return dashboard.service_here() if dashboard is not None else ""

    def do_lift_hold(self) -> None:
        status = self.app.store.environments.get(self.app.selected)
        if status is None or status.hold is None:
            self.app.hint(f"{self.app.selected or 'No environment'} is not held: pushes go live there.", "refused")
            return
        self.lift_hold(status.name)

    def lift_hold(self, environment: EnvironmentName) -> None:
        """Ask whether pushes shall go live again, after a rollback kept them from it."""
        from screens.small_plan import PlanDialog

        self.app.push_screen(
            PlanDialog(
                Wish(environment, strategy=LIFT_HOLD),
                f"Lift the hold on {environment}",
                asking="Asking what is kept from going live …",
                yes="let pushes go live again",
            )
        )

    def _deploy_to(self, tier: str, release: str) -> None:
        """Plan for the environment of this name, or else the first one of this tier."""
        environments = self.app.store.environments
        of_tier = [name for name, status in environments.items() if status.tier == tier]
        chosen = EnvironmentName(tier) if tier in environments else next(iter(of_tier), None)
        if chosen is None:
            self.app.hint(f"There is no {tier} environment here.", "refused")
            return
        self.app.select(chosen)
        self._open_form(DeployForm(Wish(chosen, release=release)))

    def _open_form(self, form: Form) -> None:
        if form.wish.environment not in self.app.store.environments:
            self.app.hint("Choose an environment first.", "refused")
            return
        from screens.deploy import DeployScreen

        self.app.push_screen(DeployScreen(form))

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

    def do_compare(self, argument: str) -> None:
        """`A B`, or one with the deployment on the screen, or that with the one before it."""
        named = argument.split()
        here = self.app.deployment_here()
        if len(named) > 2 or (len(named) < 2 and here is None):
            self.app.hint("Name two deployments to compare: /deploy-compare A B.", "refused")
            return
        second = named[1] if len(named) == 2 else here.id if here is not None else ""
        self.open_comparison(named[0] if named else "", second)

    def open_comparison(self, first: str, second: str) -> None:
        from screens.compare import CompareScreen

        self.app.push_screen(CompareScreen(first, second))

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
            self.app.push_screen(HelpScreen(self.app.front, slash_commands()))

    def leave_console(self) -> None:
        """Quit; while something moves, ask first and say that it goes on."""
        moving = self.app.store.moving()
        if not moving:
            self.app.exit(0)
            return
        from screens.confirm import ConfirmDialog, question

        names = ", ".join(f"{words.subject(deployment.plan)} → {deployment.environment}" for deployment in moving)
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
