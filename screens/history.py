"""Past deployments: filter, open, compare, read the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from console.client.service import HistoryQuery
from console.domain.deployment import Deployment
from console.domain.ids import DeploymentId
from console.domain.observations import DeploymentSummary
from screens.base import ConsoleScreen
from screens.view import words
from screens.view.history import history_rows
from screens.view.rows import Span, row
from screens.widgets.pane import Pane

LIMIT = 200


class HistoryScreen(ConsoleScreen):
    """The newest two hundred, from every environment."""

    place = "history"
    unsaid = frozenset({"history"})

    def __init__(self) -> None:
        super().__init__()
        self._summaries: Sequence[DeploymentSummary] | None = None
        self._filter = ""
        self._marked = ""
        self.pane = Pane("History", id="history")

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane

    def on_mount(self) -> None:
        self.console_app.ask(self._load())

    def scopes(self) -> tuple[str, ...]:
        return ("history", "list", "anywhere")

    def deployment_here(self) -> Deployment | None:
        return self.console_app.store.deployments.get(DeploymentId(self.pane.cursor))

    async def _load(self) -> None:
        self._summaries = await self.console_app.service.history(HistoryQuery(limit=LIMIT))
        self.redraw()

    def draw(self) -> None:
        if self._summaries is None:
            self.pane.show([row(Span("Reading the history …", "dim"))])
            return
        rows = history_rows(self._summaries, self._filter, self.console_app.clock(), self.pane.room[0])
        note = words.plural(len(self._summaries), "deployment")
        if self._filter:
            note = f"{sum(1 for line in rows if line.key)} of {note} with “{self._filter}”"
        marked = (Span(f"  {self._marked} is marked", "info"),) if self._marked else ()
        self.pane.show(rows, row(Span(note, "dim"), *marked))
        if not self.pane.cursor and (first := next((line.key for line in rows if line.key), "")):
            self.pane.put_cursor(first)

    def do_filter(self) -> None:
        from screens.prompt import Prompt

        self.console_app.push_screen(Prompt("Show deployments with", self._filter, self.set_filter))

    def set_filter(self, text: str) -> None:
        self._filter = text
        self.redraw()

    def do_open(self) -> None:
        if self.pane.cursor:
            self.console_app.actions.open_deployment(DeploymentId(self.pane.cursor))

    def do_report_of(self) -> None:
        if self.pane.cursor:
            self.console_app.actions.open_report(DeploymentId(self.pane.cursor))

    def do_mark(self) -> None:
        self._marked = "" if self._marked == self.pane.cursor else self.pane.cursor
        self.redraw()

    def do_compare_here(self) -> None:
        if self.pane.cursor:
            first = "" if self._marked == self.pane.cursor else self._marked
            self.console_app.actions.open_comparison(first, self.pane.cursor)

    def do_back(self) -> None:
        if self._filter:
            self.set_filter("")
        else:
            super().do_back()
