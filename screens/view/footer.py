"""The last line: the keys of where one stands. A disabled one stands in brackets; its key says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screens.commands import Command
from screens.view.rows import Row, Span, row, spread

ALWAYS = ("help", "quit", "back")


def _item(command: Command, reason: str) -> tuple[Span, ...]:
    if reason:
        return (Span(f"({command.shown} {command.label})", "dim"),)
    return (Span(command.shown, "key"), Span(f" {command.label}", "text"))


def footer_row(
    commands: Sequence[Command], why_not: Callable[[Command], str], width: int, *, always: Sequence[str] = ALWAYS
) -> Row:
    """As many as fit, most important first; disabled ones go first where there is no room."""
    fixed: list[Span] = []
    for command in commands:
        if command.id in always:
            fixed += [Span("  "), *_item(command, "")]
    end = row(*fixed, " ")
    items = [(command, why_not(command)) for command in commands if command.id not in always]
    room = width - end.width - 1
    chosen = items if _width(items) <= room else [item for item in items if not item[1]]
    while chosen and _width(chosen) > room:
        chosen.pop()
    start: list[Span] = []
    for command, reason in chosen:
        start += [Span("  " if start else " "), *_item(command, reason)]
    return spread(row(*start), end, width)


def _width(items: Sequence[tuple[Command, str]]) -> int:
    return sum(len(f"{command.shown} {command.label}") + (4 if reason else 2) for command, reason in items)
