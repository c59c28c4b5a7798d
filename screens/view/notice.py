"""What went wrong or was done, in at most four lines: what, where, remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.domain.errors import ConsoleError
from screens.view.rows import Row, Span, Tone, fit_row, row, wrap

Grade = Literal["done", "hint", "refused", "failed"]
SIGNS: dict[Grade, tuple[str, Tone]] = {
    "done": ("✓", "good"),
    "hint": ("·", "info"),
    "refused": ("!", "warn"),
    "failed": ("✗", "bad"),
}
MOST_LINES = 6


@dataclass(frozen=True)
class Notice:
    """A few words at the bottom of the screen. Failures stay until a key is pressed, the rest goes by itself."""

    grade: Grade
    what: str
    where: str = ""
    remedy: str = ""

    @property
    def stays(self) -> bool:
        return self.grade == "failed"


def of_error(error: ConsoleError) -> Notice:
    """What the worker or a check of ours said, in its own words."""
    return Notice("failed" if error.exit_code == 1 else "refused", error.what, error.where, error.remedy)


def of_fault(error: BaseException) -> Notice:
    """A fault of ours: its kind, and where the rest can be read; never a traceback."""
    return Notice(
        "failed",
        f"The console met a fault of its own ({type(error).__name__}). Deployments are not touched by it.",
        "",
        "If it comes again, leave with q and start again; the worker's log has what the worker saw.",
    )


def notice_rows(notice: Notice | None, width: int) -> tuple[Row, ...]:
    if notice is None:
        return ()
    glyph, tone = SIGNS[notice.grade]
    rows: list[Row] = []
    for index, line in enumerate(wrap(notice.what, width - 4)):
        rows.append(row(Span(f" {glyph if index == 0 else ' '} ", tone), Span(line, tone)))
    for text in (notice.where, notice.remedy):
        rows += [
            row("   ", Span(line, "dim" if text is notice.where else "text")) for line in wrap(text, width - 4) if text
        ]
    return tuple(fit_row(line, width) for line in rows[:MOST_LINES])
