"""The dashboard: environments, pipeline, health, traffic and logs of one environment, live."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.containers import Container
from textual.widget import Widget

from console.domain.deployment import Deployment
from console.domain.ids import EnvironmentName
from screens.base import ConsoleScreen
from screens.layout import WIDE, Grid, grid_for
from screens.ring import LogFilter, LogRing
from screens.view.environments import environment_rows
from screens.view.headline import title
from screens.view.health import health_rows
from screens.view.pipeline import active_key, connection_rows, pipeline_rows
from screens.view.rows import Row, Span, row
from screens.view.traffic import traffic_rows
from screens.widgets.logpane import LogPane
from screens.widgets.pane import Pane

LEVELS = ("", "error", "warning")
SIDEWAYS = 8


class Dashboard(ConsoleScreen):
    """Five panes; the cursor in the first one chooses the environment that the others show."""

    place = "dashboard"
    unsaid = frozenset({"back"})

    def __init__(self, ring: LogRing) -> None:
        super().__init__()
        self.environments = Pane("Environments", id="environments", number="1")
        self.pipeline = Pane("Pipeline", id="pipeline", number="2")
        self.health = Pane("Health", id="health", number="3")
        self.traffic = Pane("Traffic", id="traffic", number="4")
        self.logs = LogPane("Logs", ring, id="logs", number="5")
        self._grid: Grid | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield Container(self.environments, self.pipeline, self.traffic, self.health, self.logs, id="panes")

    def scopes(self) -> tuple[str, ...]:
        own = ("logs",) if self.focused is self.logs else ()
        return (*own, "controls", "dashboard", "list", "anywhere")

    def deployment_here(self) -> Deployment | None:
        app = self.console_app
        return app.store.latest_of(app.selected)

    def step_here(self) -> str:
        return self.pipeline.cursor

    def service_here(self) -> str:
        """The service under the cursor of the health pane, while that has the keys."""
        return self.health.cursor.partition("/")[0] if self.focused is self.health else ""

    def draw(self) -> None:
        app = self.console_app
        store, now, chosen = app.store, app.clock(), app.selected
        deployment = store.latest_of(chosen)
        services = self.size.width >= WIDE or self.has_class("-zoomed")
        if not self.environments.cursor:
            self.environments.cursor = chosen
        self.place_panes()
        named = row(Span(chosen, "dim"))
        if store.identity is not None:
            self.environments.show(environment_rows(store, now, self.environments.room[0], services=services))
        if store.identity is None:
            self.pipeline.show(connection_rows(store.link_detail, self.pipeline.room[0]))
            return
        rows, pinned = pipeline_rows(deployment, now, *self.pipeline.room)
        self.pipeline.show(rows, title(deployment), sight=active_key(deployment), pinned=pinned)
        self.traffic.show(traffic_rows(store, chosen, self.traffic.room[0]), named)
        self.health.show(health_rows(store, chosen, self.health.room[0]), self._health_note(chosen, deployment))
        self.logs.drain()

    def _health_note(self, chosen: EnvironmentName, deployment: Deployment | None) -> Row:
        candidates = deployment.plan.candidate_arms if deployment is not None and not deployment.is_terminal else {}
        if not candidates:
            return row(Span(chosen, "dim"))
        arms = ", ".join(f"{service}/{arm}" for service, arm in candidates.items())
        return row(Span(f"{chosen}  {arms} compared with the other arm", "dim"))

    def place_panes(self) -> None:
        """Give the panes their places; only a change lays out again."""
        app = self.console_app
        if self.has_class("-zoomed"):
            return
        width, height = self.size.width, self.size.height - 2
        wide = width >= WIDE
        grid = grid_for(
            width,
            height,
            environments=1 + len(environment_rows(app.store, app.clock(), width, services=wide)),
            traffic=1 + len(traffic_rows(app.store, app.selected, 40)),
            health=1 + len(health_rows(app.store, app.selected, width)),
        )
        if grid == self._grid:
            return
        self._grid = grid
        self.set_class(grid.health_is_left, "-wide")
        panes = self.query_one("#panes").styles
        panes.grid_columns = " ".join(str(column) for column in (grid.columns[0], "1fr"))
        panes.grid_rows = " ".join(str(line) for line in grid.rows)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.redraw)

    def on_pane_moved(self, message: Pane.Moved) -> None:
        if message.pane is self.environments:
            self.console_app.select(EnvironmentName(message.key))

    def do_left(self) -> None:
        if self.focused is self.logs:
            self.logs.scroll_sideways(-SIDEWAYS)
        else:
            self.do_previous_pane()

    def do_right(self) -> None:
        if self.focused is self.logs:
            self.logs.scroll_sideways(SIDEWAYS)
        else:
            self.do_next_pane()

    def _focus(self, pane: Pane) -> None:
        if self.has_class("-zoomed"):
            self._zoom(pane)
        self.set_focus(pane)

    def do_pane_1(self) -> None:
        self._focus(self.environments)

    def do_pane_2(self) -> None:
        self._focus(self.pipeline)

    def do_pane_3(self) -> None:
        self._focus(self.health)

    def do_pane_4(self) -> None:
        self._focus(self.traffic)

    def do_pane_5(self, text: str = "") -> None:
        self._focus(self.logs)
        if text:
            self.filter_logs(text)

    def do_metrics(self) -> None:
        self._zoom(self.health)

    def do_zoom(self) -> None:
        if self.has_class("-zoomed"):
            self._unzoom()
        elif (pane := self.focused_pane()) is not None:
            self._zoom(pane)

    def _zoom(self, pane: Pane) -> None:
        self._grid = None
        styles = self.query_one("#panes").styles
        styles.grid_columns, styles.grid_rows = "1fr", "1fr"
        for other in self.query(Pane):
            other.set_class(other is pane, "-zoom")
        self.add_class("-zoomed")
        pane.focus()

    def _unzoom(self) -> None:
        self.remove_class("-zoomed")
        for pane in self.query(Pane):
            pane.remove_class("-zoom")
        self.redraw()

    def do_back(self) -> None:
        if self.has_class("-zoomed"):
            self._unzoom()
        elif not self.logs.ring.filter.is_open:
            self._set_filter(LogFilter())
        else:
            self.console_app.hint("This is the dashboard. q leaves the console.")

    def do_quit(self) -> None:
        self.console_app.actions.leave_console()

    def do_open(self) -> None:
        deployment = self.deployment_here()
        if deployment is None:
            self.console_app.hint("Nothing has been deployed here yet; d plans a deployment.")
        else:
            self.console_app.actions.open_deployment(deployment.id, step=self.pipeline.cursor)

    def do_follow(self) -> None:
        if self.logs.following:
            self.logs.stop()
        else:
            self.logs.follow()

    def do_filter(self) -> None:
        from screens.prompt import Prompt

        self.console_app.push_screen(Prompt("Show log lines with", self.logs.ring.filter.text, self.filter_logs))

    def filter_logs(self, text: str) -> None:
        wanted = self.logs.ring.filter
        self._set_filter(LogFilter(text, wanted.source, wanted.level))

    def do_source(self) -> None:
        ring = self.logs.ring
        names = ["", *sorted(ring.sources)]
        at = names.index(ring.filter.source) if ring.filter.source in names else 0
        self._set_filter(LogFilter(ring.filter.text, names[(at + 1) % len(names)], ring.filter.level))

    def do_level(self) -> None:
        wanted = self.logs.ring.filter
        following = LEVELS[(LEVELS.index(wanted.level) + 1) % len(LEVELS)] if wanted.level in LEVELS else ""
        self._set_filter(LogFilter(wanted.text, wanted.source, following))

    def _set_filter(self, wanted: LogFilter) -> None:
        self.logs.ring.set_filter(wanted)
        self.logs.restart()
