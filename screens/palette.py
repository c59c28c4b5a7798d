"""The command line: `:`, `/` and ctrl+p open the same one, over the same table as keys, footer and help."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from screens.base import Dialog
from screens.commands import Command, completions, parse
from screens.prompt import plain_input
from screens.view.notice import Notice
from screens.view.palette import palette_rows
from screens.widgets.line import Lines


class Palette(Dialog):
    """Type a part of a name; ↑ ↓ choose, tab completes, Enter does it."""

    CSS_PATH = "palette.tcss"

    def __init__(self, typed: str) -> None:
        super().__init__()
        self._typed = typed
        self._chosen = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="palette"):
            yield plain_input(self._typed, id="line", placeholder="a command, or a word of what it does")
            yield Lines(id="found")

    @property
    def line(self) -> Input:
        return self.query_one("#line", Input)

    def on_mount(self) -> None:
        self.line.focus()
        self.line.cursor_position = len(self._typed)
        self.call_after_refresh(self.redraw)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)

    def found(self) -> list[Command]:
        return completions(self.line.value)

    def redraw(self) -> None:
        if self.is_mounted and self.size.width:
            found = self.found()
            self._chosen = max(0, min(self._chosen, len(found) - 1))
            lines = self.query_one("#found", Lines)
            most = max(3, self.size.height - 6)
            lines.show(palette_rows(found, self._chosen, self.console_app.why_not, lines.size.width or 76, most))

    def on_input_changed(self) -> None:
        self._chosen = 0
        self.redraw()

    def take_key(self, event: events.Key) -> None:
        if event.key in {"escape", "ctrl+c"}:
            self.do_back()
        elif event.key in {"down", "ctrl+n"}:
            self._chosen += 1
            self.redraw()
        elif event.key in {"up", "ctrl+p"}:
            self._chosen -= 1
            self.redraw()
        elif event.key == "tab":
            self._complete()
        else:
            return
        event.stop()
        event.prevent_default()

    def _complete(self) -> None:
        found = self.found()
        if found:
            chosen = found[self._chosen]
            self.line.value = chosen.slash + (" " if chosen.argument else "")
            self.line.cursor_position = len(self.line.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        found = self.found()
        typed = parse(event.value)
        _, _, argument = event.value.strip().partition(" ")
        self.do_back()
        if self._chosen == 0 and typed is not None:
            self.console_app.perform(typed.command, typed.argument)
        elif found:
            self.console_app.perform(found[self._chosen], argument.strip())
        elif event.value.strip("/: "):
            self.console_app.say(
                Notice(
                    "refused", f"There is no command “{event.value.strip()}”.", "", "? lists them, : completes them."
                )
            )
