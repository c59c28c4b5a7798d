"""Tell what each statement of a file does, by the server's own grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.migrations.alterations import OF_A_PARTITION, effect_of
from console.migrations.grammar import parse_statement
from console.migrations.split import Kind, forbidden_words, normalize, tokenize
from console.migrations.statement import Lock, Phase, Statement, Work

_TAKES_BY_WORDS = re.compile(
    r"(?:DROP (?:TABLE|VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|TYPE|SCHEMA|SEQUENCE)|TRUNCATE)\b"
    r"|ALTER TABLE\b.*\b(?:DROP COLUMN|RENAME|SET NOT NULL|TYPE)\b",
    re.DOTALL,
)
_DROPS = {
    "OBJECT_TABLE": "a table is dropped",
    "OBJECT_VIEW": "a view is dropped",
    "OBJECT_MATVIEW": "a view is dropped",
    "OBJECT_FUNCTION": "a function is dropped",
    "OBJECT_PROCEDURE": "a procedure is dropped",
    "OBJECT_ROUTINE": "a routine is dropped",
    "OBJECT_TYPE": "a type is dropped",
    "OBJECT_DOMAIN": "a domain is dropped",
    "OBJECT_SCHEMA": "a schema is dropped",
    "OBJECT_SEQUENCE": "a sequence is dropped",
    "OBJECT_FOREIGN_TABLE": "a table is dropped",
}
_HARMLESS_RENAMES = frozenset({"OBJECT_INDEX", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY"})


@dataclass(frozen=True)
class _Seen:
    """What a tree says, before the file around it is known."""

    objects: tuple[str, ...] = ()
    lock: Lock = Lock.NONE
    work: Work = Work.NONE
    why: str = ""
    alone: bool = False
    makes: tuple[str, ...] = ()


def classify_file(sql: str, statements: Sequence[str]) -> tuple[Statement, ...]:
    """Classify the statements of a file in order.

    Args:
        sql: The file, to tell the lines.
        statements: Its statements as `grammar.split_file` cut them.
    """
    made: set[str] = set()
    found, at, line, counted = [], 0, 1, 0
    for number, text in enumerate(statements, 1):
        at = max(sql.find(text, at), at)
        begins = at + _start(text)
        line, counted = line + sql.count("\n", counted, begins), begins
        at += len(text)
        seen = _see(text)
        fresh = bool(seen.objects) and all(_base(name) in made for name in seen.objects)
        made |= {_base(name) for name in seen.makes}
        found.append(
            Statement(
                number,
                line,
                text,
                kind_of(text),
                seen.objects,
                seen.alone or bool(forbidden_words(text)),
                seen.lock,
                Work.NONE if fresh else seen.work,
                Phase.CONTRACT if seen.why and not fresh else Phase.EXPAND,
                fresh,
                "" if fresh else seen.why,
            )
        )
    return tuple(found)


def kind_of(statement: str) -> str:
    """Its first words in capitals, up to the first name: `CREATE INDEX CONCURRENTLY`."""
    words: list[str] = []
    for token in tokenize(statement):
        if token.kind in (Kind.SPACE, Kind.COMMENT):
            continue
        if token.kind is not Kind.WORD or token.text.upper() not in _KIND_WORDS:
            break
        words.append(token.text.upper())
    return " ".join(words) or "STATEMENT"


_KIND_WORDS = frozenset(
    {
        "ALTER",
        "ANALYZE",
        "CALL",
        "CLUSTER",
        "COLUMN",
        "COMMENT",
        "CONCURRENTLY",
        "COPY",
        "CREATE",
        "DATABASE",
        "DEFAULT",
        "DELETE",
        "DO",
        "DOMAIN",
        "DROP",
        "EXTENSION",
        "FROM",
        "FULL",
        "FUNCTION",
        "GRANT",
        "INDEX",
        "INSERT",
        "INTO",
        "LOCK",
        "MATERIALIZED",
        "ON",
        "OR",
        "POLICY",
        "PROCEDURE",
        "REFRESH",
        "REINDEX",
        "REPLACE",
        "REVOKE",
        "ROLE",
        "RULE",
        "SCHEMA",
        "SECURITY",
        "SELECT",
        "SEQUENCE",
        "SET",
        "SYSTEM",
        "TABLE",
        "TABLESPACE",
        "TRIGGER",
        "TRUNCATE",
        "TYPE",
        "UNIQUE",
        "UPDATE",
        "VACUUM",
        "VIEW",
        "WITH",
    }
)


def _see(text: str) -> _Seen:
    tree = parse_statement(text)
    if tree is None:
        words = normalize([text]).upper()
        return _Seen(lock=Lock.UNKNOWN, why="something is taken away" if _TAKES_BY_WORDS.match(words) else "")
    reader = _READERS.get(type(tree).__name__)
    return reader(tree) if reader else _Seen()


def _start(text: str) -> int:
    """Where a statement's first word stands behind its comments."""
    at = 0
    for token in tokenize(text):
        if token.kind not in (Kind.SPACE, Kind.COMMENT):
            break
        at += len(token.text)
    return at


def name_of(relation: Any) -> str:
    """`schema.table`, or `table` where no schema is written."""
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)


def _base(name: str) -> str:
    return name.removeprefix("public.")


def _alter_table(tree: Any) -> _Seen:
    effects = [effect_of(command) for command in tree.cmds]
    works = [effect.work for effect in effects]
    order = (Work.REWRITE, Work.BUILD, Work.SCAN)
    partitions = tuple(name_of(one.def_.name) for one in tree.cmds if one.subtype.name in OF_A_PARTITION)
    return _Seen(
        partitions or (name_of(tree.relation),),
        max(effect.lock for effect in effects),
        next((work for work in order if work in works), Work.NONE),
        next((effect.why for effect in effects if effect.why), ""),
        any(effect.alone for effect in effects),
    )


def _create_table(tree: Any) -> _Seen:
    referenced = tuple(dict.fromkeys(name_of(one.pktable) for one in _constraints(tree) if one.pktable is not None))
    made = name_of(tree.relation)
    parents = tuple(name_of(one) for one in tree.inhRelations or ())
    lock = Lock.SHARE_ROW_EXCLUSIVE if set(referenced) - {made} else Lock.NONE
    if parents:
        lock = max(lock, Lock.ACCESS_EXCLUSIVE if tree.partbound is not None else Lock.SHARE_UPDATE_EXCLUSIVE)
    return _Seen(tuple(name for name in (*parents, *referenced) if name != made), lock, makes=(made,))


def _constraints(tree: Any) -> Iterator[Any]:
    for element in tree.tableElts or ():
        if type(element).__name__ == "Constraint":
            yield element
        yield from getattr(element, "constraints", None) or ()


def _create_table_as(tree: Any) -> _Seen:
    return _Seen(lock=Lock.ACCESS_SHARE, makes=(name_of(tree.into.rel),))


def _index(tree: Any) -> _Seen:
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if tree.concurrent else Lock.SHARE
    makes = (str(tree.idxname),) if tree.idxname else ()
    return _Seen((name_of(tree.relation),), lock, Work.BUILD, alone=bool(tree.concurrent), makes=makes)


def _drop(tree: Any) -> _Seen:
    kind = tree.removeType.name
    concurrent = bool(tree.concurrent)
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if concurrent else Lock.ACCESS_EXCLUSIVE
    return _Seen(_names(tree.objects), lock, why=_DROPS.get(kind, ""), alone=concurrent)


def _names(objects: Any) -> tuple[str, ...]:
    found = []
    for one in objects:
        parts = (
            one if isinstance(one, tuple) else getattr(one, "objname", None) or getattr(one, "names", None) or (one,)
        )
        found.append(".".join(str(part.sval) for part in parts if hasattr(part, "sval")))
    return tuple(name for name in found if name)


def _rename(tree: Any) -> _Seen:
    kind = tree.renameType.name
    names = (name_of(tree.relation),) if tree.relation is not None else ()
    lock = Lock.ACCESS_EXCLUSIVE if names else Lock.NONE
    return _Seen(names, lock, why="" if kind in _HARMLESS_RENAMES else "something is renamed")


def _rename_value(tree: Any) -> _Seen:
    return _Seen(why="a value of an enum is renamed" if tree.oldVal else "")


def _truncate(tree: Any) -> _Seen:
    names = tuple(name_of(one) for one in tree.relations)
    return _Seen(names, Lock.ACCESS_EXCLUSIVE, why="a table is emptied")


def _change_rows(tree: Any) -> _Seen:
    return _Seen((name_of(tree.relation),), Lock.ROW_EXCLUSIVE, Work.ROWS)


def _insert(tree: Any) -> _Seen:
    return _Seen((name_of(tree.relation),), Lock.ROW_EXCLUSIVE)


def options_of(tree: Any) -> set[str]:
    """The names of a statement's options that are not switched off, small."""
    return {
        one.defname for one in getattr(tree, "options", None) or getattr(tree, "params", None) or () if not _is_off(one)
    }


def _is_off(option: Any) -> bool:
    value = getattr(option.arg, "sval", None)
    return str(value).lower() in ("false", "off", "0")


def _vacuum(tree: Any) -> _Seen:
    names = tuple(name_of(one.relation) for one in tree.rels or () if one.relation is not None)
    if not tree.is_vacuumcmd:
        return _Seen(names, Lock.SHARE_UPDATE_EXCLUSIVE, Work.SCAN)
    if "full" in options_of(tree):
        return _Seen(names, Lock.ACCESS_EXCLUSIVE, Work.REWRITE, alone=True)
    return _Seen(names, Lock.SHARE_UPDATE_EXCLUSIVE, Work.SCAN, alone=True)


def _reindex(tree: Any) -> _Seen:
    concurrent = "concurrently" in options_of(tree)
    whole = tree.kind.name in ("REINDEX_OBJECT_DATABASE", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_SCHEMA")
    names = (name_of(tree.relation),) if tree.relation is not None else ()
    # The index itself is locked against readers, too: their planner must look at it.
    lock = Lock.SHARE_UPDATE_EXCLUSIVE if concurrent else Lock.ACCESS_EXCLUSIVE
    return _Seen(names, lock, Work.BUILD, alone=concurrent or whole)


def _cluster(tree: Any) -> _Seen:
    names = (name_of(tree.relation),) if tree.relation is not None else ()
    return _Seen(names, Lock.ACCESS_EXCLUSIVE, Work.REWRITE, alone=True)


def _refresh(tree: Any) -> _Seen:
    lock = Lock.EXCLUSIVE if tree.concurrent else Lock.ACCESS_EXCLUSIVE
    return _Seen((name_of(tree.relation),), lock, Work.REWRITE)


def _trigger(tree: Any) -> _Seen:
    return _Seen((name_of(tree.relation),), Lock.SHARE_ROW_EXCLUSIVE)


def _view(tree: Any) -> _Seen:
    if not tree.replace:
        return _Seen(makes=(name_of(tree.view),))
    return _Seen((name_of(tree.view),), Lock.ACCESS_EXCLUSIVE, makes=(name_of(tree.view),))


def _policy(tree: Any) -> _Seen:
    return _Seen((name_of(tree.table),), Lock.ACCESS_EXCLUSIVE)


def _rule(tree: Any) -> _Seen:
    return _Seen((name_of(tree.relation),), Lock.ACCESS_EXCLUSIVE)


def _explicit(tree: Any) -> _Seen:
    return _Seen(tuple(name_of(one) for one in tree.relations), Lock(tree.mode))


def _schema_of(tree: Any) -> _Seen:
    names = (name_of(tree.relation),) if tree.relation is not None else ()
    return _Seen(names, Lock.ACCESS_EXCLUSIVE, why="something moves to another schema")


def _unknown(tree: Any) -> _Seen:
    return _Seen(lock=Lock.UNKNOWN)


def _alone(tree: Any) -> _Seen:
    return _Seen(alone=True)


_READERS: Mapping[str, Callable[[Any], _Seen]] = {
    "AlterTableStmt": _alter_table,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "IndexStmt": _index,
    "DropStmt": _drop,
    "RenameStmt": _rename,
    "AlterEnumStmt": _rename_value,
    "AlterObjectSchemaStmt": _schema_of,
    "TruncateStmt": _truncate,
    "UpdateStmt": _change_rows,
    "DeleteStmt": _change_rows,
    "InsertStmt": _insert,
    "VacuumStmt": _vacuum,
    "ReindexStmt": _reindex,
    "ClusterStmt": _cluster,
    "RepackStmt": _cluster,
    "RefreshMatViewStmt": _refresh,
    "CreateTrigStmt": _trigger,
    "ViewStmt": _view,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "RuleStmt": _rule,
    "LockStmt": _explicit,
    "SelectStmt": _unknown,
    "DoStmt": _unknown,
    "CallStmt": _unknown,
    "AlterSystemStmt": _alone,
    "CreatedbStmt": _alone,
    "DropdbStmt": _alone,
    "CreateTableSpaceStmt": _alone,
    "DropTableSpaceStmt": _alone,
}
