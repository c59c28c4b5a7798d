"""The help screen: keys of where one stands, commands to type, and the few words one needs to read the panes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screens.commands import Command, help_groups
from screens.view import words
from screens.view.rows import BLANK, Row, Span, column_width, left, row, wrap

TITLES = {
    "logs": "Logs",
    "controls": "The deployment",
    "dashboard": "Panes",
    "deployment": "This screen",
    "history": "History",
    "schedule": "Schedule",
    "backups": "Backups",
    "report": "Report",
    "form": "Form",
    "preview": "Plan",
    "list": "Moving",
    "anywhere": "Everywhere",
}
KEY_NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "enter": "⏎",
}
KEYS_WIDTH = 18


def keys_of(command: Command) -> str:
    """`j ↓`: each key once, as it is printed on a keyboard."""
    names = [KEY_NAMES.get(key, key) for key in command.keys if not (key.startswith("shift+") and len(key) == 7)]
    return " ".join(dict.fromkeys(names))


def _entry(keys: str, text: str, width: int, note: str, column: int = KEYS_WIDTH) -> list[Row]:
    lines = wrap(text, max(10, width - column - 2))
    rows = [row(" ", Span(left(keys, column), "key"), " ", lines[0])]
    rows += [row(" " * (column + 2), line) for line in lines[1:]]
    if note:
        rows += [row(" " * (column + 2), Span(line, "dim")) for line in wrap(f"not now: {note}", width - column - 2)]
    return rows


def help_rows(
    scopes: Sequence[str], slash: Sequence[Command], why_not: Callable[[Command], str], width: int
) -> list[Row]:
    """All that `?` shows; a disabled key says why."""
    rows: list[Row] = []
    for scope, commands in help_groups(scopes):
        rows.append(row(Span(TITLES.get(scope, scope), "accent")))
        for command in commands:
            rows += _entry(keys_of(command), command.help, width, why_not(command))
        rows.append(BLANK)
    rows.append(row(Span("Commands, after : or /", "accent")))
    column = column_width((_typed(command) for command in slash), KEYS_WIDTH, max(KEYS_WIDTH, width // 3))
    for command in slash:
        name = _typed(command)
        rows += (
            _entry(name, command.help, width, "", column) if len(name) <= column else _long(name, command.help, width)
        )
    rows += [BLANK, row(Span("Signs", "accent"))]
    for signs in (words.DEPLOYMENT, words.STEP, words.HEALTH, words.VERDICT):
        rows.append(row(" ", *(part for sign in signs.values() for part in (sign.span, Span("   ")))))
    rows += [BLANK, row(Span("Slow line", "accent"))]
    rows += [row(" ", line) for line in wrap(SLOW, width - 2)]
    return rows


def _typed(command: Command) -> str:
    return f"{command.slash} {command.argument}".rstrip()


def _long(name: str, text: str, width: int) -> list[Row]:
    rows = [row(" ", Span(name, "key"))]
    return rows + [row(" " * (KEYS_WIDTH + 2), line) for line in wrap(text, max(10, width - KEYS_WIDTH - 2))]


SLOW = (
    "QUARTERDECK_SLOW=1 draws once a second in the terminal's own colours; "
    "ssh -C shrinks what is left about thirty times. "
    "Closing the console, the terminal or the connection changes nothing about a deployment. Times are UTC."
)
