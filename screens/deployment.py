"""One deployment: every step, the chosen one in detail, and what was recorded."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Container
from textual.widget import Widget

from console.domain.deployment import Deployment
from console.domain.ids import DeploymentId, StepId
from screens.base import ConsoleScreen
from screens.view.deployment import identity_rows, record_rows, step_detail
from screens.view.headline import asks, summary
from screens.view.pipeline import active_key, shown_steps, step_rows
from screens.view.rows import Span, row
from screens.widgets.line import Lines
from screens.widgets.pane import Pane

WIDE = 110
TALL = 30
LOW = 3
"""Lines of reasons where the terminal is low; the last ones say what it waits for."""


class DeploymentScreen(ConsoleScreen):
    """Live while it moves, and the same afterwards."""

    CSS_PATH = "deployment.tcss"
    place = "deployment"

    def __init__(self, deployment: DeploymentId, step: str = "") -> None:
        super().__init__()
        self._deployment = deployment
        self._step = step
        self.identity = Lines(id="identity")
        self.steps = Pane("Steps", id="steps", number="1")
        self.detail = Pane("Step", id="detail", number="2")
        self.record = Pane("Verdicts, traffic, keys", id="record", number="3")

    def compose_body(self) -> Iterable[Widget]:
        yield self.identity
        yield Container(self.steps, self.detail, self.record, id="parts")

    def on_mount(self) -> None:
        if self.deployment_here() is None:
            self.console_app.ask(self._load())
        self.steps.cursor = self._step

    async def _load(self) -> None:
        self.console_app.store.set_deployment(await self.console_app.service.deployment(self._deployment))
        self.redraw()

    def scopes(self) -> tuple[str, ...]:
        return ("controls", "deployment", "list", "anywhere")

    def deployment_here(self) -> Deployment | None:
        return self.console_app.store.deployments.get(self._deployment)

    def step_here(self) -> str:
        return self.steps.cursor

    def draw(self) -> None:
        deployment, now = self.deployment_here(), self.console_app.clock()
        self.set_class(self.size.width >= WIDE, "-wide")
        if deployment is None:
            self.steps.show([row(Span("Reading the record …", "dim"))])
            return
        width = self.size.width - 2
        told = identity_rows(deployment, width)
        bar, _, *why = summary(deployment, now, width)
        head = [*told, bar, *why] if self.size.height >= TALL else [*told[:1], bar, *why[-LOW:]]
        self.identity.show(tuple(row(" ", *line.spans) for line in head))
        if not self.steps.cursor:
            self.steps.cursor = active_key(deployment) or next(iter(deployment.steps), "")
        states = shown_steps(deployment)
        steps = step_rows(states, now, self.steps.room[0], brief=asks(deployment))
        self.steps.show(steps, row(Span(deployment.id, "dim")))
        chosen = deployment.steps.get(StepId(self.steps.cursor))
        self.detail.show(step_detail(deployment, chosen, now, self.detail.room[0]))
        self.record.show(record_rows(deployment, self.record.room[0]))

    def on_pane_moved(self, message: Pane.Moved) -> None:
        if message.pane is self.steps:
            self.detail.top = 0
            self.redraw()

    def do_open(self) -> None:
        self.detail.focus()

    def do_part_1(self) -> None:
        self.steps.focus()

    def do_part_2(self) -> None:
        self.detail.focus()

    def do_part_3(self) -> None:
        self.record.focus()

    def do_zoom(self) -> None:
        pane = self.focused_pane()
        zoomed = not self.has_class("-zoomed")
        for other in self.query(Pane):
            other.set_class(zoomed and other is pane, "-zoom")
        self.set_class(zoomed, "-zoomed")

    def do_back(self) -> None:
        if self.has_class("-zoomed"):
            self.do_zoom()
        elif self.focused is not self.steps:
            self.steps.focus()
        else:
            super().do_back()
