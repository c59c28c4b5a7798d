"""Backups of all environments: how each database would come back, and what can be done with every one of them."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from console.domain.backups import BACKUPS, RESTORE, TAKE, VERIFY, BackupLine, BackupList, BackupWish
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish
from screens.base import ConsoleScreen
from screens.small_plan import PlanDialog
from screens.view import words
from screens.view.backups import backup_rows
from screens.view.rows import Span, row
from screens.widgets.pane import Pane


class BackupsScreen(ConsoleScreen):
    """The newest first, under how well each database would come back."""

    place = "backups"
    unsaid = frozenset({"open"})

    def __init__(self) -> None:
        super().__init__()
        self._known: BackupList | None = None
        self._seen: object = None
        self.pane = Pane("Backups", id="backups")

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane

    def scopes(self) -> tuple[str, ...]:
        return ("backups", "list", "anywhere")

    async def _load(self) -> None:
        self._known = await self.console_app.service.backups()
        self.redraw()

    def draw(self) -> None:
        app = self.console_app
        locks = [(status.name, status.lock) for status in app.store.environments.values()]
        if locks != self._seen:  # one was perhaps taken, proven or put back
            self._seen = locks
            app.ask(self._load())
        if self._known is None:
            self.pane.show([row(Span("Reading the backups …", "dim"))])
            return
        rows = backup_rows(self._known, app.clock(), self.pane.room[0])
        self.pane.show(rows, row(Span(words.plural(len(self._known.backups), "backup"), "dim")))
        if not self.pane.cursor and (first := next((line.key for line in rows if line.key), "")):
            self.pane.put_cursor(first)

    @property
    def _here(self) -> BackupLine | None:
        return next((one for one in self._known.backups if one.id == self.pane.cursor), None) if self._known else None

    @property
    def _environment(self) -> EnvironmentName:
        """The one that the cursor is in, else the chosen one."""
        backup = self._here
        return _place(backup)[0] if backup is not None else self.console_app.selected

    def do_open(self) -> None:
        """Everything that is known of it in one line."""
        backup = self._here
        if backup is not None:
            self.console_app.hint(backup.why or backup.note or f"{backup.id} of {backup.name}, {backup.state}.")

    def do_take_backup(self) -> None:
        """Of every database of the environment."""
        self.console_app.push_screen(take_dialog(self._environment))

    def do_verify_backup(self) -> None:
        backup = self._one()
        if backup is not None:
            self.console_app.push_screen(verify_dialog(backup))

    def do_drill_backup(self) -> None:
        """The newest of the environment's databases, for practice."""
        self.console_app.push_screen(drill_dialog(self._environment))

    def do_restore_backup(self) -> None:
        backup = self._one()
        if backup is None:
            return
        from screens.prompt import Prompt

        environment, _ = _place(backup)

        def go_on(typed: str) -> None:
            if typed == environment:
                self.console_app.push_screen(restore_dialog(backup))
            else:
                self.console_app.hint("Nothing was done: that is not the environment's name.", "refused")

        label = f"Replace what {backup.name} holds: write {environment}"
        self.console_app.push_screen(Prompt(label, "", go_on, hint="then the plan is shown, and y does it"))

    def _one(self) -> BackupLine | None:
        backup = self._here
        if backup is None:
            self.console_app.hint("The cursor is on no backup.")
        return backup


def take_dialog(environment: EnvironmentName, services: tuple[ServiceName, ...] = ()) -> PlanDialog:
    return PlanDialog(
        Wish(environment, strategy=f"{BACKUPS}{TAKE}", services=services, backup=BackupWish(note="by hand")),
        f"Back up {environment}",
        asking="Asking which databases it has …",
        yes="take it, and prove it",
    )


def drill_dialog(environment: EnvironmentName) -> PlanDialog:
    return PlanDialog(
        Wish(environment, strategy=f"{BACKUPS}{VERIFY}", backup=BackupWish()),
        f"Restore drill of {environment}",
        asking="Looking for the newest backups …",
        yes="restore it for practice",
    )


def verify_dialog(backup: BackupLine) -> PlanDialog:
    return PlanDialog(
        _wish(backup, VERIFY),
        f"Verify {backup.id}",
        asking="Looking for it …",
        yes="restore it into a scratch database, and compare",
    )


def restore_dialog(backup: BackupLine) -> PlanDialog:
    """What is lost and where it is saved stands in the plan."""
    return PlanDialog(
        _wish(backup, RESTORE),
        f"Restore {backup.id} in place of {backup.name}",
        asking="Asking the database what would be lost …",
        yes="save the present, then restore",
        grave=True,
    )


def _wish(backup: BackupLine, act: str) -> Wish:
    environment, service = _place(backup)
    return Wish(environment, strategy=f"{BACKUPS}{act}", services=(service,), backup=BackupWish(backup.id))


def _place(backup: BackupLine) -> tuple[EnvironmentName, ServiceName]:
    """Whose it is: a backup of an environment is named `ENVIRONMENT/SERVICE`."""
    environment, _, service = backup.name.partition("/")
    return EnvironmentName(environment), ServiceName(service)
