"""What a run will execute, checked before anything is touched.

The reader of SQL is imported when there is some: its patterns cost more than opening the console may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from console.domain.errors import Rejected
from console.migrations.files import age_of, name_of
from console.migrations.pieces import Piece, cut
from console.migrations.statement import Statement
from providers.contract import MigrationFile


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Script:
    """One file in one direction. `filename` is what messages name; `verify` is the text of its verify script."""

    version: str
    name: str
    filename: str
    sql: str
    classified: tuple[Statement, ...]
    verify: str = ""

    @cached_property
    def statements(self) -> tuple[str, ...]:
        return tuple(one.text for one in self.classified)

    @cached_property
    def kept(self) -> tuple[str, ...]:
        """What the history keeps: comments behind the last statement are one more, as the Supabase CLI has it."""
        from console.migrations.grammar import rest_of

        rest = rest_of(self.sql, self.statements)
        return (*self.statements, rest) if rest else self.statements

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return cut(self.classified)

    @property
    def is_whole(self) -> bool:
        """Whether all of it shares one transaction, so that a failure leaves nothing behind."""
        return not any(one.alone for one in self.classified)


def build_scripts(provider: str, direction: Direction, files: Sequence[MigrationFile]) -> tuple[Script, ...]:
    """Cut the files into statements, in the order in which they will run.

    Raises:
        Rejected: Naming everything in the files that cannot be run, so that nothing is begun.
    """
    from console.migrations.classify import classify_file

    faults: list[str] = []
    scripts: list[Script] = []
    counted = Counter(file.version for file in files)
    faults += [f"version {version} is there {times} times" for version, times in counted.items() if times > 1]
    for file in sorted(files, key=lambda one: age_of(one.version), reverse=direction is Direction.DOWN):
        filename = name_of(file)
        sql = file.sql
        if direction is Direction.DOWN:
            filename, sql = f"{filename.removesuffix('.sql')}.down.sql", file.down
            if not sql.strip():
                faults.append(f"{name_of(file)} has no {filename}")
                continue
        if not file.version.isdigit():
            faults.append(f"{filename} does not begin with a number")
        verify = file.verify if direction is Direction.UP else ""
        faults += _cut(f"{filename.removesuffix('.sql')}.verify.sql", verify)[1]
        statements, problems = _cut(filename, sql)
        faults += problems or _misfits(filename, statements)
        scripts.append(Script(file.version, file.name, filename, sql, classify_file(sql, statements), verify))
    if faults:
        raise Rejected(
            provider,
            f"These migrations cannot be run: {'; '.join(faults)}.",
            f"{len(files)} migration{'' if len(files) == 1 else 's'}, {direction}",
            "Correct the files and release again. Nothing was changed.",
        )
    return tuple(scripts)


def find_edited(scripts: Sequence[Script], stored: Mapping[str, Sequence[str]]) -> list[str]:
    """Files that are applied already and say something else now. One whose statements were not kept passes."""
    return [
        script.filename
        for script in scripts
        if stored.get(script.version) and not _is_same(script.statements, stored[script.version])
    ]


def _is_same(statements: Sequence[str], stored: Sequence[str]) -> bool:
    from console.migrations.split import UnfinishedSql, normalize

    if list(statements) == list(stored):
        return True
    try:
        return normalize(statements) == normalize(stored)
    except UnfinishedSql:
        return False


def _cut(filename: str, sql: str) -> tuple[Sequence[str], Sequence[str]]:
    """A file's statements; or why it cannot be cut into any that the server understands."""
    from console.migrations.foreign import foreign_words
    from console.migrations.grammar import split_file
    from console.migrations.split import UnfinishedSql

    if words := foreign_words(sql):
        return (), [f"{filename}, {words}"]
    try:
        return split_file(sql), ()
    except UnfinishedSql as problem:
        return (), [f"{filename}, {problem}"]


def _misfits(filename: str, statements: Sequence[str]) -> Iterator[str]:
    from console.migrations.split import ending_words

    for statement in statements:
        words = ending_words(statement)
        if words:
            yield f"{filename} uses {words}, which cannot run inside the transaction that each file gets"
