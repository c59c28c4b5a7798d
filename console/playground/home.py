"""Where a playground keeps its things, under the home directory it was given.

`state.json` says what runs; the supervisor replaces it whole, so a reader never sees half of it. Sockets live in a
short directory of their own: the kernel allows 107 bytes for the path of a unix socket.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from console.playground.processes import Identity

# A supervisor's exit code when another one already runs in the same home.
EXIT_ALREADY_UP = 7
_SHORT_ENOUGH = 40


def make_short_directory(prefix: str) -> Path:
    """Make a private directory whose path leaves room for socket names."""
    root = tempfile.gettempdir()
    if len(root) > _SHORT_ENOUGH and os.path.isdir("/tmp"):  # noqa: S108 - mkdtemp is private wherever it is
        root = "/tmp"  # noqa: S108
    return Path(tempfile.mkdtemp(prefix=prefix, dir=root))


@dataclass(frozen=True)
class PlaygroundHome:
    """The paths of one playground."""

    root: Path

    @property
    def directory(self) -> Path:
        """Everything but the configuration."""
        return self.root / "playground"

    @property
    def config(self) -> Path:
        """The configuration that the ordinary commands use."""
        return self.root / "config.toml"

    @property
    def state(self) -> Path:
        """What runs, as JSON."""
        return self.directory / "state.json"

    @property
    def log(self) -> Path:
        """What the supervisor says."""
        return self.directory / "supervisor.log"

    @property
    def secrets(self) -> Path:
        """One file a token, readable by the owner alone."""
        return self.directory / "secrets"

    @property
    def faults(self) -> Path:
        """One file a release with the conditions its processes suffer."""
        return self.directory / "faults"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.directory / "logs"

    def make(self) -> None:
        """Create the directories, for the owner alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        for directory in (self.directory, self.secrets, self.faults, self.logs):
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)

    def sweep(self) -> None:
        """Delete what an earlier playground left: logs of its processes, and faults that nobody asked for now."""
        for directory in (self.logs, self.faults):
            for path in directory.iterdir():
                path.unlink()

    def write_secret(self, name: str, value: str) -> Path:
        """Write a secret that nobody else could read even for a moment."""
        path = self.secrets / name
        write_private(path, value)
        return path

    def read_state(self) -> "PlaygroundState | None":
        """Read what runs, or None when nothing was recorded or the record is damaged."""
        try:
            told: dict[str, Any] = json.loads(self.state.read_text(encoding="utf-8"))
            children = tuple(Identity(**child) for child in told["children"])
            return PlaygroundState(
                supervisor=Identity(**told["supervisor"]),
                control=told["control"],
                children=children,
                scratch=tuple(told["scratch"]),
                ports=dict(told["ports"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_state(self, state: "PlaygroundState") -> None:
        """Replace the record of what runs."""
        write_private(self.state, json.dumps(asdict(state), indent=1))


@dataclass(frozen=True)
class PlaygroundState:
    """What a supervisor recorded: itself, its control socket, its children, directories to delete, ports by name."""

    supervisor: Identity
    control: str
    children: tuple[Identity, ...] = ()
    scratch: tuple[str, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, mode 0600 from the first byte."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
