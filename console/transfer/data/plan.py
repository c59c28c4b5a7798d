"""What a transfer will make of a file: its tables and columns in names and types of PostgreSQL. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from console.transfer.data.choosing import Choice, ColumnRule, choose
from console.transfer.data.converters import TYPES, Converter, converter_for, needed
from console.transfer.data.inventory import Inventory, SourceColumn, SourceTable, Stored
from console.transfer.data.naming import name_all, name_columns
from console.transfer.data.survey import ColumnFacts


@dataclass(frozen=True)
class ColumnPlan:
    """One column on both sides."""

    source: SourceColumn
    name: str
    choice: Choice
    facts: ColumnFacts

    @property
    def type(self) -> str:
        return self.choice.type

    def converter(self) -> Converter | None:
        """None where values go as they are."""
        convert = None if self.choice.direct else converter_for(self.choice.type, self.choice.reading)
        # SQLite lets NULL into most primary keys, PostgreSQL into none.
        return needed(convert) if self.source.key and self.facts.values < self.facts.rows else convert

    def careful_converter(self) -> Converter | None:
        """Also where values went as they are when somebody looked last; None for types that nobody converts."""
        known = self.choice.type.partition("(")[0] in TYPES
        convert = converter_for(self.choice.type, self.choice.reading) if known else None
        return needed(convert) if self.source.key else convert


@dataclass(frozen=True)
class TablePlan:
    """One table on both sides. `schema` is the same for all."""

    source: SourceTable
    schema: str
    name: str
    columns: tuple[ColumnPlan, ...]

    @property
    def key(self) -> tuple[ColumnPlan, ...]:
        """The columns of the primary key, in its order."""
        return tuple(sorted((one for one in self.columns if one.source.key), key=lambda one: one.source.key))

    @property
    def rows(self) -> int:
        return self.columns[0].facts.rows if self.columns else 0

    @property
    def names(self) -> Mapping[str, str]:
        """Names over there, by those here in small letters."""
        return {one.source.name.lower(): one.name for one in self.columns}

    def column(self, name: str) -> ColumnPlan:
        """A column by its name in the source, in any letters."""
        exact = (one for one in self.columns if one.source.name == name)
        return next(exact, None) or next(one for one in self.columns if one.source.name.lower() == name.lower())


@dataclass(frozen=True)
class TransferPlan:
    """All tables that go, and everything that the file holds."""

    tables: tuple[TablePlan, ...]
    inventory: Inventory

    def table(self, name: str) -> TablePlan | None:
        return next((one for one in self.tables if one.source.name.lower() == name.lower()), None)


def build_plan(
    inventory: Inventory,
    facts: Mapping[str, Mapping[str, ColumnFacts]],
    *,
    schema: str = "public",
    keep_case: bool = False,
    rules: Mapping[tuple[str, str], ColumnRule] | None = None,
) -> TransferPlan:
    """Choose names and types for the tables that have facts.

    Args:
        facts: By table, then column.
        rules: What somebody decided, by table and column in small letters.
    """
    rules = rules or {}
    chosen = [table for table in inventory.tables if table.name in facts]
    names = name_all((table.name for table in chosen), keep_case=keep_case)
    tables = []
    for table in chosen:
        columns = name_columns((column.name for column in table.columns), keep_case=keep_case)
        indexed = {part.column for index in table.indexes for part in index.parts} | set(table.key)
        plans = []
        for column in table.columns:
            found, rule = facts[table.name][column.name], rules.get((table.name.lower(), column.name.lower()))
            choice = choose(column, found, rule, is_indexed=column.name in indexed)
            plans.append(ColumnPlan(column, columns[column.name], choice, found))
        tables.append(TablePlan(table, schema, names[table.name], tuple(plans)))
    plan = TransferPlan(tuple(tables), inventory)
    return replace(plan, tables=tuple(_follow(plan, table, rules) for table in plan.tables))


def _follow(plan: TransferPlan, table: TablePlan, rules: Mapping[tuple[str, str], ColumnRule]) -> TablePlan:
    """A column without values that points to another takes its type, so that the foreign key can be made."""
    followed: dict[str, Choice] = {}
    for key in table.source.foreign_keys:
        other = plan.table(key.table)
        known = {} if other is None else {column.source.name.lower(): column for column in other.columns}
        wanted = [known.get(name.lower()) for name in key.references] or (other.key if other is not None else ())
        for name, column in zip(key.columns, wanted, strict=False):
            own = table.column(name)
            has_rule = (table.source.name.lower(), name.lower()) in rules
            if column is not None and own.type != column.type and not own.facts.values and not has_rule:
                reason = f"it has no values, and is of the type of {key.table}.{column.source.name}"
                followed[own.source.name] = Choice(column.type, direct=True, reason=reason)
    columns = (
        replace(one, choice=followed[one.source.name]) if one.source.name in followed else one for one in table.columns
    )
    return replace(table, columns=tuple(columns))


def is_computed(column: ColumnPlan) -> bool:
    """Whether SQLite computes its values; they are copied all the same where PostgreSQL cannot compute them."""
    return column.source.stored is not Stored.PLAIN
