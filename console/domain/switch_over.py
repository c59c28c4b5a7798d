"""The first production deployment of a product that had its data in a SQLite file: what is asked for and found."""

from __future__ import annotations

from dataclasses import dataclass, field

SWITCH_OVER = "switch-over"
"""The strategy that brings the data over, and then a release that uses it where it is now."""


@dataclass(frozen=True)
class SwitchWish:
    """Where the data is, and how it is to go. Paths are whole paths on the worker's host.

    Args:
        source: The SQLite file.
        database: The service that it becomes; empty for the environment's only database.
        rules: What somebody decided about columns, in a TOML file; empty for nothing.
        keep_case: Keep capital letters in names.
        leave_open: Nobody writes to the source, or may go on doing so: it is not made read-only for the last increment.
        quarantine_ok: Go on also with rows that have no place over there.
        files: The folder of uploads; empty for none. `bucket`: where they go, on the database's platform; made where
            there is none, and `public` then says whether everybody may read it. `prefix`: what their keys begin with.
        leave_ok: Go on also with files that cannot go.
        rewrite: Columns over there whose references to files are rewritten, as `TABLE.COLUMN`. `old_prefixes`: what
            stood before a file's path in them so far; empty for the folder's name and path.
    """

    source: str
    database: str = ""
    schema: str = "public"
    rules: str = ""
    keep_case: bool = False
    leave_open: bool = False
    quarantine_ok: bool = False
    files: str = ""
    bucket: str = ""
    public: bool = False
    prefix: str = ""
    leave_ok: bool = False
    rewrite: tuple[str, ...] = ()
    old_prefixes: tuple[str, ...] = ()


UNSET, HIDDEN = "null", ""
"""What a setting without a value says, and one whose value the platform keeps to itself."""


@dataclass(frozen=True)
class SettingChange:
    """One setting of a project that is not as wanted. `after` is text, or a reference to a secret; `before` is text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class BucketFacts:
    """A bucket that is there. `largest`: bytes of a file, None for the project's limit; no `types`: it takes all."""

    public: bool
    largest: int | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class SwitchFacts:
    """What was found on both sides before the plan is written.

    Args:
        problem: Why it cannot be begun; empty where it can.
        tables: Rows by table of the source. `bytes`: of its file.
        open: Tables of the source that cannot be made read-only, because a module of SQLite has them.
        left: Things of the source that nobody but a person can bring over.
        files: How many there are in the folder. `file_bytes`: of all of them.
        loose: What keeps the folder from being closed for writes, in words; empty where it can be.
        auth: Settings of authentication that are not as wanted. `postgres`: the same of Postgres.
        buckets: Those that are there, by name.
    """

    problem: str = ""
    tables: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    open: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    files: int = 0
    file_bytes: int = 0
    loose: str = ""
    auth: tuple[SettingChange, ...] = ()
    postgres: tuple[SettingChange, ...] = ()
    buckets: dict[str, BucketFacts] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(self.tables.values())
