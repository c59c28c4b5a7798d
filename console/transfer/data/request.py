"""What is wanted of a transfer, how it goes, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.transfer.data.choosing import ColumnRule
from console.transfer.data.plan import TransferPlan
from console.transfer.data.proof import TableProof
from console.transfer.data.records import Refused, TableState
from console.transfer.data.schema import Schema

REFUSED_SHOWN = 1_000


@dataclass(frozen=True)
class Request:
    """What is wanted.

    Attributes:
        source: The SQLite file. `work`: a folder for the snapshot, which is as large as the file.
        address: Of the PostgreSQL; a secret.
        tables: Only these, by their names in the source; empty for all.
        rules: What somebody decided about columns, by table and column in small letters.
        dry_run: Look and choose, and change nothing.
    """

    source: Path
    work: Path
    address: str = field(repr=False)
    schema: str = "public"
    tables: tuple[str, ...] = ()
    rules: Mapping[tuple[str, str], ColumnRule] = field(default_factory=dict)
    keep_case: bool = False
    dry_run: bool = False


def choices_of(request: Request) -> str:
    """A digest of everything that decides what is made over there of the same file."""
    rules = sorted((*names, repr(rule)) for names, rule in request.rules.items())
    said = (request.schema, sorted(name.lower() for name in request.tables), request.keep_case, rules)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Progress:
    """Where a transfer stands. `rows` of `total` of this phase are done; rates are the reader's to compute."""

    phase: str
    about: str
    rows: int = 0
    total: int = 0


@dataclass(frozen=True)
class Missing:
    """A statement that the server refused: what it was to make is not there."""

    about: str
    reason: str
    sql: str


@dataclass(frozen=True)
class Result:
    """What became of it.

    Attributes:
        plan: Every table and column with its type and the reason for it. `schema`: the statements.
        faults: What SQLite found wrong with its own file.
        refused: Rows in quarantine, the first of them.
        missing: What could not be made over there. `obstacles`: of a dry run, what would stop it there.
        by_hand: What nobody but a person can bring over.
        seconds: Of each phase.
    """

    plan: TransferPlan
    schema: Schema
    faults: tuple[str, ...] = ()
    states: Mapping[str, TableState] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    missing: tuple[Missing, ...] = ()
    obstacles: tuple[str, ...] = ()
    proofs: tuple[TableProof, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    transfer: str = ""

    @property
    def by_hand(self) -> tuple[str, ...]:
        return self.schema.by_hand

    @property
    def quarantined(self) -> int:
        return sum(state.quarantined for state in self.states.values())

    @property
    def holds(self) -> bool:
        """Everything that went is proven, and everything that was to be made is there."""
        return not self.missing and not self.obstacles and all(proof.holds for proof in self.proofs)
