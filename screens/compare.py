"""Two deployments side by side."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from console.client.service import HistoryQuery, Service
from console.domain.deployment import Deployment
from console.domain.errors import UsageError
from screens.base import ConsoleScreen
from screens.view import words
from screens.view.compare import compare_rows
from screens.view.rows import Span, row
from screens.widgets.pane import Pane


async def find_before(service: Service, deployment: Deployment) -> Deployment:
    """The deployment before this one in its environment.

    Raises:
        UsageError: It is the first one there.
    """
    query = HistoryQuery(environment=deployment.environment, before=deployment.id, limit=1)
    found = [line for line in await service.history(query) if line.id != deployment.id]
    if not found:
        raise UsageError(
            f"{deployment.id} is the first deployment of {deployment.environment}: nothing came before it.",
            "",
            "Name two deployments: /deploy-compare A B.",
        )
    return await service.deployment(found[0].id)


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
            newer = await service.deployment(second)
            older = await service.deployment(first) if first else await find_before(service, newer)
        except UsageError as error:
            self._problem = " ".join(part for part in (error.what, error.remedy) if part)
            self.redraw()
            return
        both = sorted((older, newer), key=lambda deployment: deployment.requested_at)
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
        self.pane.show(compare_rows(first, second, self.console_app.clock(), width), row(Span(note, "dim")))

    def do_open(self) -> None:
        """A comparison has nothing to open."""
