"""A dialog that asks for a reason: Enter does it once one is typed, Esc leaves everything as it is."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from screens.base import Dialog
from screens.prompt import plain_input
from screens.view.notice import Notice
from screens.view.rows import BLANK, Row, Span, row, wrapped
from screens.widgets.line import Lines


class ReasonDialog(Dialog):
    """Says what will be done, and asks why.

    Args:
        body: The rows for a width.
        hint: What stands in the field while it is empty.
        act: Does it, with the reason.
        does: The words for Enter.
        refusal: What is said when Enter is pressed and nothing is typed.
        still_valid: Why it no longer applies, or nothing.
    """

    CSS_PATH = "reason.tcss"

    def __init__(
        self,
        title: str,
        body: Callable[[int], list[Row]],
        act: Callable[[str], None],
        *,
        hint: str,
        does: str,
        refusal: str,
        still_valid: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__()
        self.heading = title
        self._body = body
        self._act = act
        self._hint = hint
        self._does = does
        self._refusal = refusal
        self._still_valid = still_valid
        self._is_refused = False

    def compose(self) -> ComposeResult:
        with Vertical(id="reason-box") as box:
            box.border_title = self.heading
            yield Lines(id="said")
            yield plain_input("", id="text", placeholder=self._hint)
            yield Lines(id="keys")

    def on_mount(self) -> None:
        self.query_one("#text", Input).focus()
        self.call_after_refresh(self.redraw)

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        said = self.query_one("#said", Lines)
        if not self.is_mounted or not said.size.width:
            return
        said.show((BLANK, *self._body(said.size.width), BLANK))
        self.query_one("#keys", Lines).show((BLANK, *self._keys(said.size.width)))

    def _keys(self, width: int) -> list[Row]:
        moved = self._still_valid()
        if moved:
            return [*wrapped(moved, width, "warn"), row(Span("esc", "key"), " back")]
        keys = row(Span("⏎", "key"), f" {self._does}   ", Span("esc", "key"), " leave everything as it is")
        return [*wrapped(f"! {self._refusal}", width, "warn"), keys] if self._is_refused else [keys]

    def take_key(self, event: events.Key) -> None:
        if event.key in {"escape", "ctrl+c"}:
            event.stop()
            self.do_back()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text, moved = event.value.strip(), self._still_valid()
        if not text and not moved:
            self._is_refused = True
            self.redraw()
            return
        self.do_back()
        if moved:
            self.console_app.say(Notice("refused", f"Nothing was done: {moved}"))
        else:
            self._act(text)
