"""The console itself: one store, one feed, one table of commands, and the screens that look at them."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import ClassVar

from rich.text import Text
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen
from textual.timer import Timer

from console.client.service import Service
from console.domain.deployment import Deployment
from console.domain.errors import ConsoleError
from console.domain.ids import EnvironmentName
from screens import themes
from screens.actions import Actions
from screens.availability import why_not
from screens.base import NOTICE_S, ConsoleScreen, Dialog
from screens.commands import Command
from screens.controls import Controls
from screens.dashboard import Dashboard
from screens.feed import Feed
from screens.store import Link, Store
from screens.view.notice import Grade, Notice, of_error, of_fault

HERE = Path(__file__).parent
TICK_S = 0.25
SLOW_TICK_S = 1.0
LOG_TICK_S = 0.2
FAULT = (
    "The console met a fault of its own and closed: {}.\n"
    "Deployments are not touched by it: start `quarterdeck` again to see them."
)
COPY_LIMIT = 74_994
"""Characters: longer OSC 52 texts are cut off by some terminals."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class QuarterdeckApp(App[int], inherit_bindings=False):
    """Give it a service; it does the rest.

    Args:
        service: The worker, or what behaves like one.
        clock: The present, aware.
        monotonic: Seconds that never go back; guards dialogs against keys typed ahead.
        theme: `dark`, `light`, `contrast` or `ansi`.
        slow: Low-bandwidth mode: the terminal's own colours, one picture a second.
        ascii_only: Only characters that every font has.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[str | PurePath | list[str | PurePath] | None] = [HERE / "app.tcss", HERE / "dashboard.tcss"]
    TITLE = "Quarterdeck"

    def __init__(
        self,
        service: Service,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        theme: str = "dark",
        slow: bool = False,
        ascii_only: bool = False,
        environment: str = "",
        driver_class: type[Driver] | None = None,
    ) -> None:
        # Textual decides here, before it knows our theme, whether NO_COLOR means none or shades of grey.
        super().__init__(driver_class=driver_class, ansi_color=True if theme == themes.ANSI else None)
        self.set_reactive(App.ansi_color, None)
        self.service = service
        self.actions = Actions(self)
        self.controls = Controls(self)
        self.clock = clock
        self.monotonic = monotonic
        self.slow = slow
        self.ascii_only = ascii_only
        self.store = Store()
        self.selected = EnvironmentName(environment)
        self.feed = Feed(service, self.store, changed=self.wake, logged=self.wake_logs, clock=clock)
        self.animation_level = "none"
        self.look = themes.look(theme)
        for name in themes.NAMES:
            self.register_theme(themes.look(name).theme)
        self.theme = themes.theme_name(theme)
        self.notice: Notice | None = None
        self.fault = ""
        self._timer: Timer | None = None
        self._log_timer: Timer | None = None
        self._notice_timer: Timer | None = None
        self._is_dirty = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._followed = ""
        self._was_lost = False

    @property
    def tick_s(self) -> float:
        return SLOW_TICK_S if self.slow else TICK_S

    def get_default_screen(self) -> Screen[None]:
        return Dashboard(self.store.logs)

    def on_mount(self) -> None:
        self.call_after_refresh(self.feed.start)  # first something to look at, then the work behind it

    async def on_unmount(self) -> None:
        await self.feed.stop()

    def set_look(self, name: str) -> None:
        """Change colours.

        Raises:
            KeyError: There is no such theme.
        """
        self.look = themes.look(name)
        self.theme = themes.theme_name(name)
        self.flush()

    def wake(self) -> None:
        """Look at the store again soon: at once, but no more often than the tick."""
        self._is_dirty = True
        if self._timer is None:
            self._tick()

    def flush(self) -> None:
        """Draw the present state now."""
        self._is_dirty = False
        self._choose_environment()
        self._notice_return()
        for screen in self.screen_stack:
            if isinstance(screen, ConsoleScreen | Dialog):
                screen.redraw()

    def _notice_return(self) -> None:
        """Say that a lost worker answers again: what happened meanwhile has been read by then."""
        is_lost = self.store.link is Link.LOST
        if self._was_lost and self.store.link is Link.LIVE:
            self.hint("The worker answers again. Nothing was missed.", "done")
        self._was_lost = is_lost

    def _tick(self) -> None:
        """Draw if something changed or moves, and come back only as long as that is so: at rest nothing runs."""
        self._timer = None
        if not self.is_running or not self._screen_stack:
            return
        if self._is_dirty or self.store.moving():
            self.flush()
            self._timer = self.set_timer(self.tick_s, self._tick)

    def wake_logs(self) -> None:
        if self._log_timer is None and self.is_running:
            self._log_timer = self.set_timer(self.tick_s if self.slow else LOG_TICK_S, self.drain_logs)

    def drain_logs(self) -> None:
        self._log_timer = None
        dashboard = self.dashboard
        if dashboard is not None and dashboard.is_mounted:
            dashboard.logs.drain()

    @property
    def dashboard(self) -> Dashboard | None:
        screen = self._screen_stack[0] if self._screen_stack else None
        return screen if isinstance(screen, Dashboard) else None

    def _choose_environment(self) -> None:
        """Until somebody chooses: where something moves, else production, else the first."""
        environments = self.store.environments
        if environments and self.selected not in environments:
            moving = [deployment.environment for deployment in self.store.moving()]
            production = [name for name, status in environments.items() if status.tier == "production"]
            self.selected = next(iter([*moving, *production, *environments]))
        if self.selected in environments and self._followed != self.selected:
            self._followed = self.selected
            self.feed.follow_logs(self.selected)

    def select(self, environment: EnvironmentName) -> None:
        """Show this environment in the other panes."""
        if environment in self.store.environments and environment != self.selected:
            self.selected = environment
            self.flush()

    def deployment_here(self) -> Deployment | None:
        screen = self.front
        return screen.deployment_here() if screen is not None else None

    def step_here(self) -> str:
        screen = self.front
        return screen.step_here() if screen is not None else ""

    @property
    def front(self) -> ConsoleScreen | None:
        """The topmost whole screen, under any dialog."""
        return next((screen for screen in reversed(self._screen_stack) if isinstance(screen, ConsoleScreen)), None)

    def why_not(self, command: Command) -> str:
        return why_not(command, self.store, self.deployment_here(), self.step_here())

    def perform(self, command: Command, argument: str = "") -> None:
        """Carry a command out, or say why not."""
        self.dismiss_notice()
        reason = "" if argument else self.why_not(command)
        if reason:
            name = f"{command.shown} {command.label}".strip() or command.slash
            self.say(Notice("refused", f"{name}: {reason}."))
            return
        name = f"do_{command.id}"
        if command.scope == "dashboard" and self.front is not self.dashboard:
            self.to_dashboard()
        screen = self.front
        places = (screen, self.controls, self.actions)
        handler = next((found for place in places if (found := getattr(place, name, None))), None)
        if handler is None and self.dashboard is not None:
            self.to_dashboard()
            handler = getattr(self.dashboard, name, None)
        if handler is not None:
            takes_argument = bool(inspect.signature(handler).parameters)
            handler(argument) if takes_argument else handler()

    def ask(self, work: Coroutine[None, None, None], *, done: str = "") -> None:
        """Do something with the service in the background; a problem becomes a notice."""

        async def run() -> None:
            try:
                await work
            except ConsoleError as error:
                self.say(of_error(error))
            except Exception as error:
                self.say(of_fault(error))
            else:
                if done:
                    self.say(Notice("done", done))

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until everything that was asked is answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, notice: Notice) -> None:
        """Show a notice; all but failures go by themselves."""
        self._show_notice(notice)
        if not notice.stays:
            self._notice_timer = self.set_timer(NOTICE_S, self.dismiss_notice)

    def hint(self, text: str, grade: Grade = "hint") -> None:
        self.say(Notice(grade, text))

    def dismiss_notice(self) -> None:
        if self.notice is not None:
            self._show_notice(None)

    def _show_notice(self, notice: Notice | None) -> None:
        if self._notice_timer is not None:
            self._notice_timer.stop()
            self._notice_timer = None
        self.notice = notice
        for screen in self._screen_stack:
            if isinstance(screen, ConsoleScreen | Dialog):
                screen.show_notice(notice)

    def copy_text(self, text: str) -> None:
        """Put text on the clipboard of the operator's own terminal, through OSC 52; nobody answers whether it did."""
        if len(text) > COPY_LIMIT:
            self.hint("Too long to copy through the terminal; open it as plain text and select it.", "refused")
            return
        self.copy_to_clipboard(text)
        self.hint(f"Copied {text}", "done")

    def leave(self, screen: Screen[None]) -> None:
        """Close a screen or dialog. On the dashboard, go to no place but say how to quit."""
        if screen is self.screen and len(self._screen_stack) > 1:
            self.pop_screen()
            self.flush()

    def to_dashboard(self) -> None:
        while len(self._screen_stack) > 1:
            self.pop_screen()
        self.flush()

    def _fatal_error(self) -> None:
        """A fault of ours ends the console with a sentence; a traceback would print the values of variables."""
        error = self._exception
        frames = inspect.getinnerframes(error.__traceback__) if error is not None and error.__traceback__ else []
        place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "unknown place"
        self.fault = f"{type(error).__name__} at {place}"
        self._exit_renderables.append(Text(FAULT.format(self.fault)))
        self._close_messages_no_wait()
