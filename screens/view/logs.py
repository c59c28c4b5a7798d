"""Log lines, and what the log pane says of itself."""

from __future__ import annotations

from console.domain.telemetry import LogLine
from screens.ring import LogRing
from screens.view import words
from screens.view.rows import Row, Span, fit_row, left, row

UNKNOWN = words.LEVEL["info"]
CONTROL = dict.fromkeys([*range(32), *range(127, 160)], "�") | {9: " "}


def source_width(ring: LogRing, width: int) -> int:
    """A column for sources, at most a quarter of a narrow pane."""
    longest = max((len(source) for source in ring.sources), default=4)
    return min(longest, max(6, width // 5), 22)


def log_row(line: LogLine, width: int, sources: int, skip: int = 0) -> Row:
    """One line; `skip` cells of the text are scrolled out on the left. Control characters cannot reach a terminal."""
    sign = words.LEVEL.get(line.level.lower(), UNKNOWN)
    loud = sign.tone in {"bad", "warn"}
    text = line.text.translate(CONTROL)
    return fit_row(
        row(
            Span(words.clock(line.at), "dim"),
            " ",
            Span(left(line.source, sources), "accent"),
            " ",
            Span(left(sign.word, 5), sign.tone),
            " ",
            Span(text[skip:], sign.tone if loud else "text"),
        ),
        width,
    )


def log_title(ring: LogRing, following: bool, unseen: int) -> Row:
    """Whether it follows, what is filtered, and what nobody will see because it was lost."""
    parts: list[Span] = []
    if following:
        parts.append(Span("following", "dim"))
    elif unseen:
        parts.append(Span(f"+{unseen:,} new, G to follow", "warn"))
    else:
        parts.append(Span("stopped, G to follow", "warn"))
    wanted = ring.filter
    if wanted.source:
        parts.append(Span(f"source {wanted.source}", "accent"))
    if wanted.level:
        parts.append(Span(f"level {wanted.level}", "accent"))
    if wanted.text:
        parts.append(Span(f"filter “{wanted.text}”", "accent"))
    if not wanted.is_open:
        parts.append(Span(f"{ring.shown_total - ring.shown_first:,} of {ring.total - ring.first:,} lines", "dim"))
    if ring.dropped:
        parts.append(Span(f"{ring.dropped:,} lines dropped", "bad"))
    spans: list[Span] = []
    for index, part in enumerate(parts):
        spans += [Span("  ", "dim"), part] if index else [part]
    return Row(tuple(spans))
