"""Two deployments side by side."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from console.client.comparing import find_pair
from console.domain.comparison import compare
from console.domain.deployment import Deployment
from console.domain.errors import UsageError
from screens.base import ConsoleScreen
from screens.view import words
from screens.view.compare import compare_rows
from screens.view.rows import Span, row
from screens.widgets.pane import Pane


class CompareScreen(ConsoleScreen):
    """The older one on the left; `first` empty means what came before `second` in its environment."""

    place = "compare"
    unsaid = frozenset({"open"})

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self._asked = (first, second)
        self._both: tuple[Deployment, Deployment] | None = None
        self._problem = ""
        self.pane = Pane("Compare", id="compare")

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane

    def on_mount(self) -> None:
        self.console_app.ask(self._load())

    def scopes(self) -> tuple[str, ...]:
        return ("list", "anywhere")

    async def _load(self) -> None:
        service = self.console_app.service
        first, second = self._asked
        try:
            pair = await find_pair(service, *([first, second] if first else [second, ""]))
        except UsageError as error:
            self._problem = " ".join(part for part in (error.what, error.remedy) if part)
            self.redraw()
            return
        both = sorted(pair, key=lambda deployment: deployment.requested_at)
        self._both = (both[0], both[1])
        self.redraw()

    def draw(self) -> None:
        width = self.pane.room[0]
        if self._both is None:
            said = Span(self._problem, "warn") if self._problem else Span("Reading both records …", "dim")
            self.pane.show([row(said)])
            return
        first, second = self._both
        note = f"{words.subject(first.plan)} and {words.subject(second.plan)}"
        self.pane.show(compare_rows(compare(first, second, self.console_app.clock()), width), row(Span(note, "dim")))

    def do_open(self) -> None:
        """A comparison has nothing to open."""
