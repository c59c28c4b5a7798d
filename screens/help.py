"""The help screen: `?`, generated from the table of commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from screens.availability import why_not
from screens.base import ConsoleScreen
from screens.commands import Command
from screens.view.help import help_rows
from screens.view.rows import Span, row
from screens.widgets.pane import Pane


class HelpScreen(ConsoleScreen):
    """The keys of the place from where it was opened."""

    place = "help"
    unsaid = frozenset({"open", "help"})

    def __init__(self, below: ConsoleScreen, slash: Sequence[Command]) -> None:
        super().__init__()
        self._below = below
        self._scopes_below = below.scopes()
        self._slash = slash
        self.pane = Pane("Keys", id="keys")

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane

    def scopes(self) -> tuple[str, ...]:
        return ("list", "anywhere")

    def draw(self) -> None:
        app = self.console_app
        rows = help_rows(self._scopes_below, self._slash, self._why_not_below, self.pane.room[0])
        role = app.store.role.word
        self.pane.show(rows, row(Span(f"of {self._below.place}; your role is {role}", "dim")))

    def _why_not_below(self, command: Command) -> str:
        below = self._below
        return why_not(command, self.console_app.store, below.deployment_here(), below.step_here())

    def do_open(self) -> None:
        self.console_app.leave(self)
