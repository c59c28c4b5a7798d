"""Questions on the terminal: on stderr, answered on stdin, with what Enter means in brackets."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from console.cli.session import Session
from console.domain.errors import Refused, UsageError


def ask_text(session: Session, question: str) -> str:
    """One line, without the blanks around it; empty for Enter.

    Raises:
        UsageError: Standard input has ended.
    """
    print(f"{question} ", end="", file=session.err, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise UsageError(
            "The questions were not answered to the end.", "standard input", "Use --yes to be asked nothing."
        )
    return line.strip()


def want_name(session: Session, wanted: str, given: str = "") -> None:
    """Let somebody write a name before something is taken away, unless it was given already.

    Raises:
        Refused: It is another one.
    """
    if (given or ask_text(session, f"Write {wanted} to go on:")) != wanted:
        raise Refused("Nothing was done: that is not its name.", wanted, f"Say --confirm {wanted}.")


def choose_one(session: Session, question: str, names: Sequence[str]) -> int | None:
    """The number of one of a list, counted from 0; None for none of them. Enter takes the first."""
    for number, name in enumerate(names, start=1):
        session.say(f"  {number:>3}  {name}")
    while True:
        answer = ask_text(session, f"{question} [1, or 0 for none]") or "1"
        if answer.isdecimal() and int(answer) <= len(names):
            return int(answer) - 1 if int(answer) else None
        session.say(f"Write a number from 0 to {len(names)}.")


def choose_some(session: Session, question: str, names: Sequence[str]) -> list[int]:
    """Numbers counted from 0. Enter takes all, 0 none; `1,3-5` some."""
    for number, name in enumerate(names, start=1):
        session.say(f"  {number:>3}  {name}")
    while True:
        try:
            return parse_numbers(ask_text(session, f"{question} [all, or as 1,3-5, or 0 for none]"), len(names))
        except ValueError:
            session.say(f"Write numbers from 1 to {len(names)}, as 1,3-5.")


def parse_numbers(text: str, count: int) -> list[int]:
    """`1,3-5` as numbers counted from 0, each once; everything for nothing and `all`, nothing for `0`.

    Raises:
        ValueError: It is neither, or beyond the count.
    """
    if text in {"", "all"}:
        return list(range(count))
    if text == "0":
        return []
    chosen: dict[int, None] = {}
    for part in text.replace(" ", ",").split(","):
        if not part:
            continue
        first, dash, last = part.partition("-")
        low, high = int(first), int(last if dash else first)
        if not 1 <= low <= high <= count:
            raise ValueError(text)
        chosen.update(dict.fromkeys(range(low - 1, high)))
    return list(chosen)
