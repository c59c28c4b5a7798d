"""What is to come: deployments with a time, and freezes. Both are added and taken away here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from console.domain.freeze import Freeze, FreezeSpan, FreezeWish, say_until
from console.domain.ids import EnvironmentName
from console.domain.moments import HOW, parse_coming
from console.domain.schedule import Scheduled, say_scheduled
from screens.base import ConsoleScreen
from screens.view import words
from screens.view.rows import Span, row
from screens.view.schedule import calendar_rows, key_of
from screens.widgets.pane import Pane

PAST_DAYS = 7


class ScheduleScreen(ConsoleScreen):
    """All environments. What was to begin in the last week stays in sight, with what became of it."""

    place = "schedule"
    unsaid = frozenset({"open"})

    def __init__(self) -> None:
        super().__init__()
        self._freezes: Sequence[FreezeSpan] = ()
        self._entries: Sequence[Scheduled] | None = None
        self._seen: object = None
        self.pane = Pane("Schedule and freezes", id="schedule")

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane

    def scopes(self) -> tuple[str, ...]:
        return ("schedule", "list", "anywhere")

    async def _load(self) -> None:
        service = self.console_app.service
        self._freezes, self._entries = await service.freezes(), await service.schedule(days=PAST_DAYS)
        self.redraw()

    def draw(self) -> None:
        app = self.console_app
        if app.store.environments is not self._seen:  # replaced whenever freezes or the schedule change, too
            self._seen = app.store.environments
            app.ask(self._load())
        if self._entries is None:
            self.pane.show([row(Span("Reading the schedule …", "dim"))])
            return
        to_come = sum(1 for entry in self._entries if entry.status.is_open)
        note = f"{words.plural(to_come, 'deployment')} to come"
        rows = calendar_rows(self._freezes, self._entries, app.clock(), self.pane.room[0])
        self.pane.show(rows, row(Span(note, "dim")))
        if not self.pane.cursor and (first := next((line.key for line in rows if line.key), "")):
            self.pane.put_cursor(first)

    def do_open(self) -> None:
        """The deployment that became of it, where there is one."""
        entry = next((one for one in self._entries or () if one.id == self.pane.cursor), None)
        if entry is not None and entry.deployment is not None:
            self.console_app.actions.open_deployment(entry.deployment)
        else:
            self.console_app.hint("There is no deployment of it to open.")

    def do_add_scheduled(self) -> None:
        from screens.prompt import Prompt

        app = self.console_app
        label = f"Deploy to {app.selected} at"
        app.push_screen(Prompt(label, "", app.actions.do_deploy_schedule, hint=f"when, and a release: {HOW[6:]}"))

    def do_add_freeze(self) -> None:
        """Ask until when, then why; it begins now, in the chosen environment."""
        from screens.prompt import Prompt

        name = self.console_app.selected

        def ask_why(until: str) -> None:
            if not until:
                return
            label = f"Why is {name} frozen"
            why = Prompt(label, "", lambda reason: self._freeze(name, until, reason), hint="in a sentence")
            self.console_app.push_screen(why)

        self.console_app.push_screen(Prompt(f"Freeze {name} until", "", ask_why, hint=HOW))

    def _freeze(self, name: EnvironmentName, until: str, reason: str) -> None:
        app = self.console_app
        try:
            ends = parse_coming(until, app.clock())
        except ValueError as problem:
            app.hint(f"{problem}.", "refused")
            return
        if not reason:
            app.hint("Nothing was done: a freeze needs a reason.", "refused")
            return
        app.ask(self._add_freeze(FreezeWish(name, app.clock(), ends, reason)))

    async def _add_freeze(self, wish: FreezeWish) -> None:
        added: Freeze = await self.console_app.service.add_freeze(wish)
        await self._load()
        self.console_app.hint(f"{added.environment} is {say_until(added.span)}.", "done")

    def do_strike(self) -> None:
        """Take away what the cursor is on, after a question."""
        entry = next((one for one in self._entries or () if one.id == self.pane.cursor), None)
        if entry is not None:
            self._ask_cancel(entry)
            return
        span = next((one for one in self._freezes if key_of(one) == self.pane.cursor), None)
        if span is None:
            self.console_app.hint("The cursor is on nothing that could be taken away.")
        elif not span.id:
            where = f"This freeze stands in the configuration, [[environments.{span.environment}.freezes]]."
            self.console_app.hint(f"{where} /deploy-emergency passes over it.", "refused")
        else:
            self._ask_lift(span)

    def _ask_cancel(self, entry: Scheduled) -> None:
        from screens.confirm import ConfirmDialog, question

        if not entry.status.is_open:
            self.console_app.hint(f"It is over: {entry.status.value}.", "refused")
            return
        what = f"{entry.release.name} does not go to {entry.environment}."
        self.console_app.push_screen(
            ConfirmDialog(
                "Take it off the schedule",
                question(what, say_scheduled(entry), "Nothing that runs is touched."),
                lambda: self.console_app.ask(self._cancel(entry)),
            )
        )

    async def _cancel(self, entry: Scheduled) -> None:
        await self.console_app.service.cancel_scheduled(entry.id)
        await self._load()
        self.console_app.hint(f"{entry.id} is off the schedule.", "done")

    def _ask_lift(self, span: FreezeSpan) -> None:
        from screens.prompt import Prompt

        def lift(reason: str) -> None:
            if reason:
                self.console_app.ask(self._lift(span, reason))
            else:
                self.console_app.hint("Nothing was done: say why it ends early.", "refused")

        label = f"Lift the freeze of {span.environment}"
        self.console_app.push_screen(Prompt(label, "", lift, hint="why it ends early, in a sentence"))

    async def _lift(self, span: FreezeSpan, reason: str) -> None:
        await self.console_app.service.lift_freeze(span.id, reason)
        await self._load()
        self.console_app.hint(f"{span.environment} is no longer frozen by {span.id}.", "done")
