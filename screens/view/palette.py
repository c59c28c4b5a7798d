"""The list under the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screens.commands import Command
from screens.view.rows import Row, Span, column_width, fit_row, left, row


def palette_rows(
    found: Sequence[Command], chosen: int, why_not: Callable[[Command], str], width: int, most: int
) -> tuple[Row, ...]:
    """Name, argument and help; the chosen one is marked, a disabled one says why."""
    if not found:
        return (row(Span("No command is called so.", "dim")),)
    name_width = column_width((f"{c.slash} {c.argument}".rstrip() for c in found), 14, 34)
    first = max(0, min(chosen - most + 1, len(found) - most))
    rows = []
    for index, command in enumerate(found[first : first + most], first):
        reason = why_not(command)
        mark = Span("▸ ", "accent") if index == chosen else Span("  ")
        name = left(f"{command.slash} {command.argument}".rstrip(), name_width)
        said = Span(f"not now: {reason}", "dim") if reason else Span(command.help, "text" if index == chosen else "dim")
        rows.append(fit_row(row(mark, Span(name, "key" if index == chosen else "strong"), "  ", said), width))
    return tuple(rows)
