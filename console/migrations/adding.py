"""Which migrations only add, so that rows may still be brought into the tables that they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

ADDS = frozenset(
    {"CreateDomainStmt", "CreateEnumStmt", "CreateExtensionStmt", "CreateFunctionStmt", "CreatePolicyStmt"}
    | {"CreateRoleStmt", "CreateSchemaStmt", "CreateSeqStmt", "CreateStmt", "CompositeTypeStmt", "ViewStmt"}
    | {"AlterDefaultPrivilegesStmt", "AlterEnumStmt", "CommentStmt", "GrantRoleStmt", "GrantStmt"}
    | {"TransactionStmt", "VariableSetStmt"}
)
"""Statements, by the names of their trees, that neither change rows nor say which rows there may be."""
ADDING_COMMANDS = frozenset({"AT_AddColumn", "AT_EnableRowSecurity", "AT_SetStatistics", "AT_ChangeOwner"})
LIMITS = frozenset({"CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_CHECK", "CONSTR_FOREIGN"})


def name_beyond_adding(scripts: Sequence[str]) -> tuple[str, ...]:
    """What files, run one after the other, do beyond adding; empty where rows may as well come afterwards.

    A row that is changed by a migration and then brought again is as it was before; a row that comes later was never
    changed by it; and what a migration demands of rows may refuse those that are still under way.
    """
    from console.migrations.classify import classify_file
    from console.migrations.grammar import parse_statement, split_file
    from console.migrations.split import UnfinishedSql

    whole = ";\n".join(scripts)
    try:
        statements = split_file(whole)
    except UnfinishedSql:
        return ("it cannot be read",)
    found: list[str] = []
    for statement in classify_file(whole, statements):
        tree = parse_statement(statement.text)
        if tree is None:
            found.append(f"{statement.kind} cannot be read")
        elif not _adds(tree, fresh=statement.fresh):
            found.append(" ".join((statement.kind, *statement.objects[:1])))
    return tuple(dict.fromkeys(found))


def _adds(tree: Any, *, fresh: bool) -> bool:
    kind = type(tree).__name__
    if kind == "InsertStmt":
        return fresh and tree.selectStmt is not None and bool(tree.selectStmt.valuesLists)
    if kind == "IndexStmt":
        return fresh or not tree.unique
    if kind == "AlterTableStmt":
        return fresh or all(_only_adds(command) for command in tree.cmds)
    return kind in ADDS


def _only_adds(command: Any) -> bool:
    from console.migrations.alterations import effect_of

    if command.subtype.name not in ADDING_COMMANDS or effect_of(command).why:
        return False
    return command.subtype.name != "AT_AddColumn" or not LIMITS & {*_constraints(command.def_)}


def _constraints(column: Any) -> Iterator[str]:
    yield from (one.contype.name for one in column.constraints or ())
