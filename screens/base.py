"""What every screen has: a header, a place for its panes, notices, a footer, and keys that come from the one table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from console.domain.deployment import Deployment
from screens.commands import Command, footer_commands, for_key
from screens.view.footer import footer_row
from screens.view.header import header_row
from screens.view.notice import Notice, notice_rows
from screens.widgets.line import Line, Lines
from screens.widgets.pane import Pane

if TYPE_CHECKING:
    from screens.app import QuarterdeckApp

NOTICE_S = 8.0


class Keys:
    """Turns keys into commands of the scopes that hold where the focus is."""

    def scopes(self) -> tuple[str, ...]:
        """Scopes of commands, the narrowest first."""
        return ("anywhere",)

    def deployment_here(self) -> Deployment | None:
        """The deployment that control keys act on."""
        return None

    def step_here(self) -> str:
        """The id of the step under the cursor, which a control key prefers; empty where there is none."""
        return ""

    def command_for(self, key: str) -> Command | None:
        return for_key(key, self.scopes())


class ConsoleScreen(Screen[None], Keys, inherit_bindings=False):
    """A whole screen. Subclasses yield panes in `compose_body` and fill them in `draw`."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Textual's own, which repaints the whole screen for every change of focus; both panes repaint themselves."""

    place = ""
    unsaid: frozenset[str] = frozenset()
    """Commands that hold here but are not worth naming in the footer."""

    def __init__(self) -> None:
        super().__init__()
        self.header = Line(id="header")
        self.notice = Lines(id="notice")
        self.footer = Line(id="footer")

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    def compose(self) -> ComposeResult:
        yield self.header
        yield from self.compose_body()
        yield self.notice
        yield self.footer

    def compose_body(self) -> Iterable[Widget]:
        return ()

    def draw(self) -> None:
        """Show the store's present state; only what differs is repainted."""

    def redraw(self) -> None:
        if not self.is_mounted or self.size.width == 0:
            return
        app = self.console_app
        width = self.size.width
        self.header.show(header_row(app.store, self.place, app.clock(), width))
        self.draw_footer()
        self.draw()

    def draw_footer(self) -> None:
        why_not = self.console_app.why_not
        named = [command for command in footer_commands(self.scopes()) if command.id not in self.unsaid]
        commands = [command for command in named if not (command.shy and why_not(command))]
        row = footer_row(commands, why_not, self.size.width)
        self.footer.show(row)

    def show_notice(self, notice: Notice | None) -> None:
        if self.is_mounted:
            self.notice.show(notice_rows(notice, self.size.width))

    def focused_pane(self) -> Pane | None:
        return self.focused if isinstance(self.focused, Pane) else None

    def panes(self) -> list[Pane]:
        return [pane for pane in self.query(Pane) if pane.display]

    def on_key(self, event: events.Key) -> None:
        self.take_key(event)

    def take_key(self, event: events.Key) -> None:
        """Act on a key that the focused widget left. Textual calls `on_key` of every class, this one only once."""
        command = self.command_for(event.key)
        if command is not None:
            event.stop()
            event.prevent_default()
            self.console_app.perform(command)

    def on_pane_resized(self) -> None:
        self.call_after_refresh(self.redraw)

    def on_descendant_focus(self) -> None:
        self.draw_footer()

    def on_screen_resume(self) -> None:
        self.redraw()

    def do_down(self) -> None:
        self._move(1)

    def do_up(self) -> None:
        self._move(-1)

    def do_half_down(self) -> None:
        if pane := self.focused_pane():
            pane.move(pane.page())

    def do_half_up(self) -> None:
        if pane := self.focused_pane():
            pane.move(-pane.page())

    def do_first(self) -> None:
        if pane := self.focused_pane():
            pane.move_to_end(last=False)

    def do_last(self) -> None:
        if pane := self.focused_pane():
            pane.move_to_end(last=True)

    def do_left(self) -> None:
        self.do_previous_pane()

    def do_right(self) -> None:
        self.do_next_pane()

    def do_next_pane(self) -> None:
        self._step_pane(1)

    def do_previous_pane(self) -> None:
        self._step_pane(-1)

    def do_back(self) -> None:
        self.console_app.leave(self)

    def do_quit(self) -> None:
        """`q` closes what is open; on the dashboard it leaves the console."""
        self.console_app.leave(self)

    def do_copy(self) -> None:
        pane = self.focused_pane()
        deployment = self.deployment_here()
        if pane is not None and pane.cursor:
            self.console_app.copy_text(pane.cursor)
        elif deployment is not None:
            self.console_app.copy_text(deployment.id)
        else:
            self.console_app.hint("Nothing here has an id to copy.")

    def _move(self, lines: int) -> None:
        if pane := self.focused_pane():
            pane.move(lines)

    def _step_pane(self, by: int) -> None:
        panes = self.panes()
        if not panes:
            return
        current = self.focused_pane()
        at = panes.index(current) if current in panes else 0
        self.set_focus(panes[(at + by) % len(panes)])


class Dialog(ModalScreen[None], Keys, inherit_bindings=False):
    """A box over a screen. Esc closes it and changes nothing."""

    def scopes(self) -> tuple[str, ...]:
        return ("dialog",)

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    def redraw(self) -> None:
        """Show the present state."""

    def show_notice(self, notice: Notice | None) -> None:
        """Notices of a dialog appear on the screen below once it is closed."""

    def on_key(self, event: events.Key) -> None:
        self.take_key(event)

    def take_key(self, event: events.Key) -> None:
        """Act on a key that the focused widget left; nothing of it reaches the screen below."""
        event.stop()
        event.prevent_default()
        if event.key in {"escape", "ctrl+c"}:
            self.do_back()
            return
        command = self.command_for(event.key)
        if command is not None and command.scope == "dialog":
            getattr(self, f"do_{command.id}")()

    def do_back(self) -> None:
        self.console_app.leave(self)
