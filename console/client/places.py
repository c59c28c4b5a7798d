"""Where a worker's files are. The worker and its clients agree on these names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LONGEST_SOCKET_PATH = 107  # bytes; the kernel's limit for the path of a unix socket


def find_home(explicit: Path | None = None) -> Path:
    """The state directory: the one named, `$QUARTERDECK_HOME`, or the platform's own."""
    import platformdirs

    named = explicit or os.environ.get("QUARTERDECK_HOME")
    return Path(named).expanduser().absolute() if named else platformdirs.user_state_path("quarterdeck")


@dataclass(frozen=True)
class Places:
    """The files of one state directory."""

    home: Path

    @property
    def history(self) -> Path:
        return self.home / "history.db"

    @property
    def engine(self) -> Path:
        return self.home / "engine.db"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def artifacts(self) -> Path:
        return self.home / "artifacts"

    @property
    def lock(self) -> Path:
        """Held by the worker for life; holds its process id."""
        return self.home / "worker.lock"

    @property
    def starting(self) -> Path:
        """Held by the one client that starts a worker, while it does."""
        return self.home / "worker.starting"

    @property
    def log(self) -> Path:
        return self.home / "worker.log"

    @property
    def pointer(self) -> Path:
        """Names the socket's path where the state directory's own path is too long for one."""
        return self.home / "worker.socket-path"

    @property
    def own_socket(self) -> Path:
        return self.home / "worker.sock"

    def find_socket(self) -> Path:
        """Where the worker listens, if one does."""
        if len(os.fsencode(self.own_socket)) <= LONGEST_SOCKET_PATH:
            return self.own_socket
        try:
            return Path(self.pointer.read_text(encoding="utf-8").strip() or self.own_socket)
        except OSError:
            return self.own_socket
