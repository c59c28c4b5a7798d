"""One line to type, at the bottom of the screen."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from screens.base import Dialog
from screens.view.rows import Span, row
from screens.widgets.line import Line

FILTER_HINT = "text, !text for lines without it, empty for all"


def plain_input(value: str, *, id: str, placeholder: str = "") -> Input:  # noqa: A002 - Textual's own name
    """An input without a blinking cursor, which would send bytes for ever."""
    field = Input(value, placeholder=placeholder, id=id, select_on_focus=False)
    field.cursor_blink = False
    return field


class Prompt(Dialog):
    """Asks for a text; Enter gives it to `act`, Esc leaves things as they are."""

    CSS_PATH = "prompt.tcss"

    def __init__(self, label: str, value: str, act: Callable[[str], None], *, hint: str = FILTER_HINT) -> None:
        super().__init__()
        self._hint = hint
        self._label = label
        self._value = value
        self._act = act

    def compose(self) -> ComposeResult:
        label = Line(id="label")
        label.styles.width = len(self._label) + 3
        with Horizontal(id="prompt"):
            yield label
            yield plain_input(self._value, id="text", placeholder=self._hint)

    def on_mount(self) -> None:
        self.query_one("#label", Line).show(row(Span(f" {self._label} ", "key")))

    def take_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.do_back()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.do_back()
        self._act(event.value.strip())
