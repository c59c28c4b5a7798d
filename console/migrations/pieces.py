"""How a file is run: pieces that are one transaction each, and statements that must stand alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.migrations.statement import Statement


@dataclass(frozen=True)
class Piece:
    """Neighbouring statements that share a transaction; or a single one that takes none."""

    statements: tuple[Statement, ...]
    alone: bool = False

    @property
    def last(self) -> int:
        """The number of its last statement."""
        return self.statements[-1].number


def cut(statements: Sequence[Statement]) -> tuple[Piece, ...]:
    """Cut a file into pieces, in order. A file without a statement that stands alone is one piece, or none."""
    return tuple(_pieces(statements))


def _pieces(statements: Sequence[Statement]) -> Iterator[Piece]:
    gathered: list[Statement] = []
    for statement in statements:
        if not statement.alone:
            gathered.append(statement)
            continue
        if gathered:
            yield Piece(tuple(gathered))
            gathered = []
        yield Piece((statement,), alone=True)
    if gathered:
        yield Piece(tuple(gathered))
