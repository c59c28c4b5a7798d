"""A folder made in the test, and an emulated bucket that it goes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.playground.emulators.storage_state import Bucket, Stored
from console.transfer.files.run import Act, Request, Result, run
from providers.contract import FileStore
from tests.providers.line import Line
from tests.providers.subjects.supabase import REF, SupabaseSubject


class Shipping:
    """One folder on its way."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "uploads"
        self.folder.mkdir()
        self.subject = SupabaseSubject()
        self.line = Line(httpx.ASGITransport(app=self.subject.emulator.app))
        self.extra: dict[str, Any] = {}
        self.add_bucket("media")

    def add_bucket(self, name: str, *, public: bool = True, **limits: Any) -> None:
        told = {"file_size_limit": None, "allowed_mime_types": None, **limits}
        bucket = Bucket(id=name, name=name, is_public=public, created_at=0.0, updated_at=0.0, **told)
        self.subject.project.storage.buckets[name] = bucket

    def write(self, path: str, content: bytes | str = b"content") -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def request(self, **more: Any) -> Request:
        return replace(Request(self.folder, self.open_store, self.place / "work"), **more)

    @asynccontextmanager
    async def open_store(self) -> AsyncIterator[FileStore]:
        connection = self.subject.open(self.line)
        try:
            stores = connection.capabilities.files
            yield stores.open(REF, "media")  # type: ignore[union-attr]  # Supabase offers it
        finally:
            await connection.close()

    def go(self, **more: Any) -> Result:
        hooks = {name: more.pop(name) for name in ("reach", "stopped", "told") if name in more}
        return run(self.request(**more), sleep=self.subject.clock.sleep, **hooks)

    def check(self, **more: Any) -> dict[str, str]:
        """Letters by path."""
        return {line.path: line.letter.value for line in self.go(act=Act.CHECK, **more).lines}

    @property
    def stored(self) -> dict[str, Stored]:
        return self.subject.project.storage.buckets["media"].objects

    @property
    def arrivals(self) -> int:
        """How many files the platform was made to keep."""
        return self.subject.emulator.tally.kinds["object"]


@pytest.fixture
def shipping(tmp_path: Path) -> Shipping:
    return Shipping(tmp_path)
