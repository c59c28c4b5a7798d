"""What `init` asks the platforms: whether a token works, what it sees, and what can be deployed to there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from console.cli.proposal import Place
from console.config.secrets import resolve
from providers.contract import Connection, Unsupported
from providers.discovery import Belonging, fetch_belongings
from providers.registry import open_provider

NAMES: Mapping[str, str] = {"render": "Render", "vercel": "Vercel", "supabase": "Supabase", "github": "GitHub"}
VARIABLES: Mapping[str, Sequence[str]] = {
    "render": ("RENDER_API_KEY", "RENDER_TOKEN"),
    "vercel": ("VERCEL_TOKEN",),
    "supabase": ("SUPABASE_ACCESS_TOKEN",),
    "github": ("GITHUB_TOKEN", "GH_TOKEN"),
}
"""Where the platforms' own tools look for a token."""
ADDRESSES: Mapping[str, str] = {
    "render": "RENDER_API_URL",
    "vercel": "VERCEL_API_URL",
    "supabase": "SUPABASE_API_URL",
    "github": "GITHUB_API_URL",
}
"""Variables that name an API elsewhere: GitHub Enterprise, a proxy, the playground."""
DEFAULTS: Mapping[str, str] = {
    "render": "https://api.render.com/v1",
    "vercel": "https://api.vercel.com",
    "supabase": "https://api.supabase.com",
    "github": "https://api.github.com",
}
MIGRATIONS = "supabase/migrations"
_REMOTE = re.compile(r"[:/]([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?$")


class Platforms(Protocol):
    """The way to the platforms, which tests lead to emulators."""

    def address(self, kind: str) -> str:
        """The API's address where it is not the platform's own; else empty."""
        ...

    async def belongings(self, kind: str, token: str) -> Sequence[Belonging]: ...

    def open(self, kind: str, options: Mapping[str, str]) -> Connection: ...


class RealPlatforms:
    """Over the network."""

    def address(self, kind: str) -> str:
        named = os.environ.get(ADDRESSES.get(kind, ""), "").rstrip("/")
        return "" if named == DEFAULTS[kind] else named

    async def belongings(self, kind: str, token: str) -> Sequence[Belonging]:
        return await fetch_belongings(kind, token, self.address(kind))

    def open(self, kind: str, options: Mapping[str, str]) -> Connection:
        return open_provider(kind, {"kind": kind, **options}, clock=lambda: datetime.now(UTC))


def find_reference(kind: str) -> str:
    """A reference to the token in the environment, where the platform's own tools would find it; else empty."""
    return next((f"env:{name}" for name in VARIABLES[kind] if os.environ.get(name, "").strip()), "")


def read_token(reference: str, base: Path) -> str:
    """The token behind a reference. Raises SecretMissing when it leads to nothing."""
    return resolve(reference, base).reveal()


def find_repository() -> str:
    """The repository one stands in, as `owner/name`: `$GITHUB_REPOSITORY`, or the remote `origin`; else empty."""
    named = os.environ.get("GITHUB_REPOSITORY", "")
    if named:
        return named
    try:
        done = subprocess.run(
            ["git", "remote", "get-url", "origin"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _REMOTE.search(done.stdout.strip())
    return found[1] if found and done.returncode == 0 else ""


async def fetch_places(kind: str, connection: Connection) -> Sequence[Place]:
    """Everything that can be deployed to; nothing for a platform that holds the source."""
    inventory = connection.capabilities.inventory
    if isinstance(inventory, Unsupported):
        return ()
    return [
        Place(kind, kind, one.id, _one_line(one.name), _one_line(one.kind.replace("_", " ")), _address(one.url))
        for one in await inventory.fetch_targets()
    ]


def _address(url: str) -> str:
    """An address that can be asked from here; private services have a host and a port of their own network."""
    return url if url.startswith(("https://", "http://")) else ""


async def has_migrations(connection: Connection, branch: str) -> bool:
    """Whether the repository keeps migrations where Supabase's own tool does."""
    source = connection.capabilities.releases
    if isinstance(source, Unsupported):
        return False
    head = await source.fetch_release(branch)
    return bool(await source.fetch_files(head.commit, MIGRATIONS))


def _one_line(text: str) -> str:
    return " ".join(text.split())
