"""What the emulated Supabase keeps of a project, and what the families of its API share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Tally
from console.playground.emulators.storage import Storage
from console.playground.emulators.supabase_database import Database
from console.playground.scene import PlatformDatabase

Json = dict[str, Any]
REGION = "eu-central-1"
HEALTHY = "ACTIVE_HEALTHY"


def words(text: str) -> tuple[str, ...]:
    """Split a list of names that is too long to be written one by one."""
    return tuple(text.split())


class Course:
    """A status that moves on by itself: `Course(now, ("PAUSING", 4), "INACTIVE")` is INACTIVE after four seconds."""

    def __init__(self, now: float, *words: tuple[str, float] | str) -> None:
        self.began = now
        self._words: list[tuple[float, str]] = []
        for word in words:
            text, lasts = (word, 0.0) if isinstance(word, str) else word
            self._words.append((now, text))
            now += lasts
        self.ends = self._words[-1][0]

    def at(self, now: float) -> str:
        """The word at a time; before the beginning it is the first."""
        return next((word for since, word in reversed(self._words) if since <= now), self._words[0][1])


@dataclass
class Branch:
    """A preview branch. `ref` is its own project's; `ends` is when a scheduled deletion happens."""

    id: str
    name: str
    ref: str
    made_at: float
    course: Course
    git_branch: str | None = None
    persistent: bool = False
    with_data: bool = False
    notify_url: str | None = None
    updated_at: float = 0.0
    ends: float | None = None


@dataclass
class Run:
    """One action run: what a push, a merge or a reset makes the platform do."""

    id: str
    branch: str
    made_at: float
    steps: dict[str, Course]


@dataclass
class Function:
    """One edge function as it serves, and the bundles that were only uploaded."""

    told: Json
    body: bytes = b""


@dataclass
class ApiKey:
    id: str
    kind: str
    name: str
    value: str
    made_at: float
    description: str | None = None


@dataclass
class SigningKey:
    id: str
    algorithm: str
    status: str
    made_at: float
    updated_at: float


@dataclass
class Replica:
    identifier: str
    region: str
    course: Course


@dataclass
class Project:
    """One project: its database, its store of files, and everything that the Management API keeps of it."""

    cast: PlatformDatabase
    database: Database
    storage: Storage
    made_at: float
    course: Course
    has_pitr: bool = False
    secrets: dict[str, tuple[str, float]] = field(default_factory=dict)
    restore_points: dict[str, Course] = field(default_factory=dict)
    schedule: tuple[str, float] = ("03:00", 0.0)
    writes_until: float = 0.0
    restarted_at: float = 0.0
    branches: dict[str, Branch] = field(default_factory=dict)
    runs: list[tuple[str, Run]] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    bundles: dict[str, bytes] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    legacy_keys: bool = True
    signing_keys: dict[str, SigningKey] = field(default_factory=dict)
    postgres: Json = field(default_factory=dict)
    pooler: Json = field(default_factory=lambda: {"default_pool_size": 15, "pool_mode": "transaction"})
    auth: Json = field(default_factory=dict)
    allowed: Json = field(default_factory=lambda: {"dbAllowedCidrs": ["0.0.0.0/0"], "dbAllowedCidrsV6": ["::/0"]})
    allowed_course: Course | None = None
    banned: list[str] = field(default_factory=list)
    requires_ssl: bool = False
    hostname: str = ""
    hostname_course: Course | None = None
    replicas: list[Replica] = field(default_factory=list)
    upgrade: Course | None = None
    upgrade_id: str = ""
    upgrade_target: str = ""
    engine: str = ""

    @property
    def ref(self) -> str:
        return self.cast.ref

    def restart(self, now: float, word: str, lasts: float) -> None:
        """Go through `word` for that many seconds; the database comes up anew at their end."""
        self.course = Course(now, (word, lasts), HEALTHY)
        self.restarted_at = now + lasts


class Platform(Protocol):
    """What a family of the API needs of the whole."""

    clock: Clock
    tally: Tally

    def project(self, request: Request) -> Project:
        """The project that a path names.

        Raises:
            Refusal: 403, there is none.
        """
        ...

    def all_projects(self) -> Iterator[Project]: ...
