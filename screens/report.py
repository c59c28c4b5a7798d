"""A deployment's report, to read and to save."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from textual.widget import Widget

from console.domain.deployment import Deployment
from console.domain.errors import ConsoleError
from console.domain.ids import DeploymentId
from screens.base import ConsoleScreen
from screens.view.markdown import markdown_rows
from screens.view.rows import Span, row
from screens.widgets.pane import Pane


class ReportScreen(ConsoleScreen):
    """The worker's Markdown, drawn; `m` and `w` save it beside where the console was started."""

    place = "report"
    unsaid = frozenset({"open"})

    def __init__(self, deployment: DeploymentId) -> None:
        super().__init__()
        self._deployment = deployment
        self._text: str | None = None
        self.pane = Pane("Report", id="report")

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane

    def on_mount(self) -> None:
        self.console_app.ask(self._load())

    def scopes(self) -> tuple[str, ...]:
        return ("report", "list", "anywhere")

    def deployment_here(self) -> Deployment | None:
        return self.console_app.store.deployments.get(self._deployment)

    async def _load(self) -> None:
        self._text = await self.console_app.service.report(self._deployment, "md")
        self.redraw()

    def draw(self) -> None:
        text = self._text
        rows = [row(Span("Writing the report …", "dim"))] if text is None else markdown_rows(text, self.pane.room[0])
        self.pane.show(rows, row(Span(self._deployment, "dim")))

    def do_open(self) -> None:
        """A report has nothing to open."""

    def do_copy(self) -> None:
        self.console_app.copy_text(self._text or self._deployment)

    def do_save_markdown(self) -> None:
        self.console_app.ask(self._save("md"))

    def do_save_html(self) -> None:
        self.console_app.ask(self._save("html"))

    def do_plain(self) -> None:
        """Leave the alternate screen, print, wait: for terminals that take no copies from programs."""
        app = self.console_app
        try:
            with app.suspend():
                os.write(1, f"{self._text or ''}\n\nEnter returns to the console. ".encode())
                os.read(0, 1024)
        except Exception as error:  # SuspendNotSupported, or no terminal to wait on
            app.hint(f"This terminal cannot be left for a moment ({type(error).__name__}); m saves a file.", "refused")

    async def _save(self, form: str) -> None:
        text = await self.console_app.service.report(self._deployment, form)
        path = Path.cwd() / f"report-{self._deployment}.{form}"
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConsoleError(
                "The report could not be saved.", f"{path}: {error.strerror}", "Start the console in a folder of yours."
            ) from error
        self.console_app.hint(f"Saved {path}", "done")
