"""Rules of our own, for what squawk does not see: read from the server's grammar, so they need pglast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from console.migrations.alterations import constraints_of, type_name
from console.migrations.classify import name_of, options_of
from console.migrations.findings import Finding, Severity
from console.migrations.grammar import parse_statement
from console.migrations.scripts import Script
from console.migrations.split import Kind, tokenize
from console.migrations.statement import Lock, Statement, Work

PUBLIC_ROLES = frozenset({"anon", "public"})
LONGEST_KEY = 3
Said = tuple[str, Severity, str, str]
"""Rule, severity, what it does, what to do instead."""


def check_script(script: Script, *, has_down: bool = True) -> Sequence[Finding]:
    """Look at one file; findings in the order of its lines."""
    found = []
    strong: Statement | None = None
    added: dict[str, int] = {}
    for statement in script.classified:
        said = [*_of_statement(statement), *_of_rows(statement, strong), *_enum_used(statement, added)]
        found += [
            Finding(script.filename, statement.line, rule, severity, what, remedy)
            for rule, severity, what, remedy in said
        ]
        if statement.alone:
            strong, added = None, {}
        elif value := _value_added_by(statement):
            added[value] = statement.line
        elif strong is None and statement.lock >= Lock.SHARE and statement.lock != Lock.UNKNOWN and not statement.fresh:
            strong = statement
    if not has_down:
        what = "there is no .down.sql beside it: it cannot be taken back but by a backup"
        found.append(Finding(script.filename, 1, "no-way-back", Severity.WARNS, what, "Write one."))
    if not script.is_whole:
        numbers = ", ".join(str(one.number) for one in script.classified if one.alone)
        what = f"statement {numbers} cannot share a transaction: a failure may leave a part of the file"
        found.append(Finding(script.filename, 1, "not-whole", Severity.STYLE, what, "Put it into a file of its own."))
    return found


def _of_statement(statement: Statement) -> Iterator[Said]:
    tree = parse_statement(statement.text)
    reader = _READERS.get(type(tree).__name__)
    if reader is not None:
        yield from reader(tree, statement)


def _of_rows(statement: Statement, strong: Statement | None) -> Iterator[Said]:
    if strong is not None and statement.work is Work.ROWS and not statement.fresh:
        what = f"rows are changed while line {strong.line} still holds its lock ({strong.lock.words})"
        yield "backfill-under-lock", Severity.BLOCKS, what, "Put the rows into a file of their own, in batches."


def _vacuum(tree: Any, statement: Statement) -> Iterator[Said]:
    if tree.is_vacuumcmd and "full" in options_of(tree):
        what = "VACUUM FULL rewrites the table while nobody can read it"
        yield "vacuum-full", Severity.BLOCKS, what, "Plain VACUUM, or pg_repack."


def _cluster(tree: Any, statement: Statement) -> Iterator[Said]:
    what = "CLUSTER rewrites the table while nobody can read it"
    yield "rewrites-table", Severity.BLOCKS, what, "pg_repack, or do it in maintenance."


def _refresh(tree: Any, statement: Statement) -> Iterator[Said]:
    if not tree.concurrent and not tree.skipData and not statement.fresh:
        what = "nobody can read the view while it is filled"
        yield (
            "refresh-stops-readers",
            Severity.WARNS,
            what,
            "REFRESH MATERIALIZED VIEW CONCURRENTLY; it wants a unique index.",
        )


def _rows(tree: Any, statement: Statement) -> Iterator[Said]:
    if tree.whereClause is None and not statement.fresh:
        what = f"{statement.kind.split()[0]} without WHERE changes every row in one transaction"
        yield "every-row", Severity.WARNS, what, "Say which rows, in batches."


def _alter(tree: Any, statement: Statement) -> Iterator[Said]:
    for command in tree.cmds:
        name = command.subtype.name
        if name == "AT_DisableRowSecurity":
            what = f"row level security of {name_of(tree.relation)} is switched off"
            yield "disables-rls", Severity.BLOCKS, what, "Change its policies instead."
        elif name == "AT_SetUnLogged":
            what = "an unlogged table is empty after a crash, and is not replicated"
            yield "unlogged", Severity.BLOCKS, what, "Leave it logged."
        elif name in ("AT_SetTableSpace", "AT_SetLogged") and not statement.fresh:
            what = "the table is written anew while nobody can read it"
            yield "rewrites-table", Severity.BLOCKS, what, "There is no gentle way; do it in maintenance."
        elif name == "AT_AddColumn" and not statement.fresh:
            has = constraints_of(command.def_)
            if "CONSTR_GENERATED" in has and has["CONSTR_GENERATED"].generated_kind != "v":
                what = "a stored generated column rewrites the table while nobody can read it"
                yield "stored-generated-column", Severity.BLOCKS, what, "A plain column, filled in batches."
            yield from _json(command.def_)
        elif name == "AT_AddConstraint" and command.def_.contype.name == "CONSTR_EXCLUSION" and not statement.fresh:
            what = "an exclusion constraint is built while nobody can read the table"
            yield "exclusion-constraint", Severity.BLOCKS, what, "There is no gentle way; do it in maintenance."


def _enum_used(statement: Statement, added: Mapping[str, int]) -> Iterator[Said]:
    texts = {token.text for token in tokenize(statement.text) if token.kind is Kind.QUOTED} if added else set[str]()
    for value, line in added.items():
        if f"'{value}'" in texts:
            what = f"the value {value!r} is added in line {line}, and may not be used in the same transaction"
            yield "new-enum-value", Severity.BLOCKS, what, "Put ALTER TYPE … ADD VALUE into a file of its own, before."


def _value_added_by(statement: Statement) -> str:
    """The value that an ALTER TYPE … ADD VALUE adds to an enum; "" for other statements."""
    tree = parse_statement(statement.text) if statement.kind.startswith("ALTER TYPE") else None
    if tree is None or type(tree).__name__ != "AlterEnumStmt" or tree.oldVal:
        return ""
    return str(tree.newVal)


def _json(column: Any) -> Iterator[Said]:
    if type_name(column) == "json":
        what = f"column {column.colname} is json, which has no equality: SELECT DISTINCT over it fails"
        yield "json-column", Severity.WARNS, what, "jsonb."


def _create(tree: Any, statement: Statement) -> Iterator[Said]:
    if tree.relation.relpersistence == "u":
        yield (
            "unlogged",
            Severity.WARNS,
            "an unlogged table is empty after a crash, and is not replicated",
            "Leave it logged.",
        )
    for element in tree.tableElts or ():
        if type(element).__name__ == "ColumnDef":
            yield from _json(element)


def _default_grant(tree: Any, statement: Statement) -> Iterator[Said]:
    yield from _grant(tree.action, statement)


def _role(tree: Any, statement: Statement) -> Iterator[Said]:
    if any(one.defname == "password" and one.arg is not None for one in tree.options or ()):
        what = "a password stands in the file, and would stand in the history of the database"
        yield "password", Severity.BLOCKS, what, "Set it by hand, or by a rotation."


def _grant(tree: Any, statement: Statement) -> Iterator[Said]:
    if not tree.is_grant:
        return
    roles = {"public" if one.roletype.name == "ROLESPEC_PUBLIC" else str(one.rolename) for one in tree.grantees}
    writes = not tree.privileges or any(
        str(one.priv_name) in ("insert", "update", "delete", "truncate") for one in tree.privileges
    )
    tables = tree.objtype.name == "OBJECT_TABLE"
    if roles & PUBLIC_ROLES and writes and tables:
        what = f"{' and '.join(sorted(roles & PUBLIC_ROLES))} may write to it without logging in"
        yield "grant-to-anon", Severity.BLOCKS, what, "Grant SELECT, or what is meant, with policies."


def _view(tree: Any, statement: Statement) -> Iterator[Said]:
    from pglast.visitors import Visitor

    class Tables(Visitor):  # type: ignore[misc,unused-ignore]  # pglast has no types everywhere
        private = ""

        def visit_RangeVar(self, ancestors: Any, node: Any) -> None:  # noqa: N802 - pglast finds it by this name
            if node.schemaname == "auth":
                self.private = f"auth.{node.relname}"

    tables = Tables()
    tables(tree.query)
    if tables.private:
        what = f"a view over {tables.private} shows accounts to whoever may read the view"
        yield "view-over-auth", Severity.BLOCKS, what, "A function with a check, or a table of what may be seen."


def _index(tree: Any, statement: Statement) -> Iterator[Said]:
    if len(tree.indexParams) > LONGEST_KEY and not tree.unique:
        what = f"an index on {len(tree.indexParams)} columns rarely serves better than one on {LONGEST_KEY}"
        yield "wide-index", Severity.STYLE, what, "Fewer columns, the most selective first."
    if tree.concurrent and not tree.idxname:
        what = "without a name nobody can tell after a cut whether it was built"
        yield "unnamed-index", Severity.BLOCKS, what, "Name it."
    if tree.concurrent and tree.if_not_exists:
        what = "IF NOT EXISTS takes an invalid index of a failed attempt for a good one"
        yield "index-if-not-exists", Severity.STYLE, what, "Leave it out: an attempt that was cut off is found here."


def _function(tree: Any, statement: Statement) -> Iterator[Said]:
    options = {one.defname: one.arg for one in tree.options or ()}
    definer = "security" in options and str(getattr(options["security"], "boolval", "")) == "True"
    sets = any(one.defname == "set" and getattr(one.arg, "name", "") == "search_path" for one in tree.options or ())
    if definer and not sets:
        what = "a SECURITY DEFINER function without its own search_path can be made to call what its caller plants"
        yield "definer-search-path", Severity.BLOCKS, what, "Add `set search_path = ''`."


_READERS: Mapping[str, Callable[[Any, Statement], Iterator[Said]]] = {
    "VacuumStmt": _vacuum,
    "ClusterStmt": _cluster,
    "RefreshMatViewStmt": _refresh,
    "CreateTableAsStmt": _view,
    "AlterDefaultPrivilegesStmt": _default_grant,
    "CreateRoleStmt": _role,
    "AlterRoleStmt": _role,
    "UpdateStmt": _rows,
    "DeleteStmt": _rows,
    "AlterTableStmt": _alter,
    "CreateStmt": _create,
    "GrantStmt": _grant,
    "ViewStmt": _view,
    "IndexStmt": _index,
    "CreateFunctionStmt": _function,
}
