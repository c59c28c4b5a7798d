"""Try out what a server makes of computed columns: what it cannot compute is copied instead, and told."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from console.transfer.data.inventory import quoted
from console.transfer.data.plan import ColumnPlan, TablePlan, TransferPlan
from console.transfer.data.records import Target
from console.transfer.data.schema import computed_as


def settle_computed(target: Target, plan: TransferPlan) -> TransferPlan:
    """The same plan, in which the server computes only what it can. Nothing is left behind over there."""
    return replace(plan, tables=tuple(_settle(target, table) for table in plan.tables))


def _settle(target: Target, table: TablePlan) -> TablePlan:
    tried = [one for one in table.columns if computed_as(table, one) is not None]
    refused = {one.name for one in tried if not _works(target, table, one)}
    columns = tuple(
        replace(one, choice=replace(one.choice, direct=False)) if one.name in refused else one for one in table.columns
    )
    return replace(table, columns=columns)


def _works(target: Target, table: TablePlan, column: ColumnPlan) -> bool:
    plain = [f"{quoted(one.name)} {one.type}" for one in table.columns if computed_as(table, one) is None]
    computed = f"{quoted(column.name)} {column.type} GENERATED ALWAYS AS ({computed_as(table, column)}) STORED"
    try:
        with target.transaction(force_rollback=True):
            target.execute(f"CREATE TEMP TABLE quarterdeck_trial ({', '.join([*plain, computed])})".encode())
    except psycopg.ProgrammingError:
        return False
    return True
