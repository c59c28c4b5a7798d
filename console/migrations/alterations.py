"""What each part of an `ALTER TABLE` locks, does and takes away.

Source: PostgreSQL's documentation of ALTER TABLE and explicit locking; costs as measured on a million rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from console.migrations.statement import Lock, Phase, Work

STABLE_DEFAULTS = frozenset(
    {"now", "current_timestamp", "statement_timestamp", "transaction_timestamp", "current_user", "current_setting"}
)
"""Functions whose value PostgreSQL keeps once for all old rows, because it does not change within a statement."""
_SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_UPDATE_EXCLUSIVE = frozenset(
    {"AT_ValidateConstraint", "AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions"}
    | {"AT_SetRelOptions", "AT_ResetRelOptions", "AT_ClusterOn", "AT_DropCluster"}
)
OF_A_PARTITION = frozenset({"AT_AttachPartition", "AT_DetachPartitionFinalize"})
"""They stop those who read the partition itself; its parent is locked no more than by an ANALYZE."""
_ROW_EXCLUSIVE = frozenset(
    {"AT_EnableTrig", "AT_DisableTrig", "AT_EnableTrigAll", "AT_DisableTrigAll", "AT_EnableTrigUser"}
    | {"AT_DisableTrigUser", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig"}
)
_REWRITES = frozenset(
    {"AT_AlterColumnType", "AT_SetLogged", "AT_SetUnLogged", "AT_SetTableSpace", "AT_SetAccessMethod"}
)
_SCANS = frozenset({"AT_SetNotNull", "AT_ValidateConstraint", "AT_AttachPartition"})
_TAKES = {
    "AT_DropColumn": "a column is dropped",
    "AT_AlterColumnType": "a column gets another type",
    "AT_SetNotNull": "a column no longer takes NULL",
}


@dataclass(frozen=True)
class Effect:
    lock: Lock
    work: Work = Work.NONE
    why: str = ""
    alone: bool = False

    @property
    def phase(self) -> Phase:
        return Phase.CONTRACT if self.why else Phase.EXPAND


def effect_of(command: Any) -> Effect:
    """Judge one command of an `ALTER TABLE` tree."""
    name = command.subtype.name
    if name == "AT_AddColumn":
        return _added_column(command.def_)
    if name == "AT_AddConstraint":
        return _added_constraint(command.def_)
    if name == "AT_DetachPartition":
        concurrent = bool(command.def_ is not None and command.def_.concurrent)
        lock = Lock.SHARE_UPDATE_EXCLUSIVE if concurrent else Lock.ACCESS_EXCLUSIVE
        return Effect(lock, why="a partition is taken away", alone=concurrent)
    lock = Lock.ACCESS_EXCLUSIVE
    if name in _UPDATE_EXCLUSIVE:
        lock = Lock.SHARE_UPDATE_EXCLUSIVE
    elif name in _ROW_EXCLUSIVE:
        lock = Lock.SHARE_ROW_EXCLUSIVE
    work = Work.REWRITE if name in _REWRITES else Work.SCAN if name in _SCANS else Work.NONE
    return Effect(lock, work, _TAKES.get(name, ""))


def constraints_of(column: Any) -> dict[str, Any]:
    """A column's own constraints by the name of their kind, as `CONSTR_DEFAULT`."""
    return {one.contype.name: one for one in column.constraints or ()}


def type_name(column: Any) -> str:
    """The last part of a column's type, as `int4`; "" without one."""
    return str(column.typeName.names[-1].sval) if column.typeName is not None else ""


def is_volatile(expression: Any) -> bool:
    """Whether a default may differ from row to row, as far as its functions tell."""
    from pglast.visitors import Visitor

    class Calls(Visitor):
        found = False

        def visit_FuncCall(self, ancestors: Any, node: Any) -> None:  # noqa: N802 - pglast finds it by this name
            if node.funcname[-1].sval not in STABLE_DEFAULTS:
                self.found = True

    calls = Calls()
    calls(expression)
    return calls.found


def _added_column(column: Any) -> Effect:
    has = constraints_of(column)
    default = has.get("CONSTR_DEFAULT")
    fills = (
        "CONSTR_IDENTITY" in has
        or type_name(column) in _SERIALS
        or ("CONSTR_GENERATED" in has and has["CONSTR_GENERATED"].generated_kind != "v")
    )
    rewrites = fills or (default is not None and is_volatile(default.raw_expr))
    work = Work.REWRITE if rewrites else Work.NONE
    if work is Work.NONE and has.keys() & {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        work = Work.BUILD
    elif work is Work.NONE and "CONSTR_CHECK" in has:
        work = Work.SCAN
    required = has.keys() & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"} and default is None and not fills
    why = "a new column must be given" if required and "CONSTR_GENERATED" not in has else ""
    return Effect(Lock.ACCESS_EXCLUSIVE, work, why)


def _added_constraint(constraint: Any) -> Effect:
    kind = constraint.contype.name
    if kind == "CONSTR_FOREIGN":
        return Effect(Lock.SHARE_ROW_EXCLUSIVE, Work.NONE if constraint.skip_validation else Work.SCAN)
    if kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION"):
        return Effect(Lock.ACCESS_EXCLUSIVE, Work.NONE if constraint.indexname else Work.BUILD)
    return Effect(Lock.ACCESS_EXCLUSIVE, Work.NONE if constraint.skip_validation else Work.SCAN)
