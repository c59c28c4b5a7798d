"""Edge functions on disk: which files each is made of, and how they are uploaded.

The layout is the Supabase CLI's: a directory a function with an index file in it; directories whose name begins with
`_` are shared by all. Names of files are relative to the directory that holds them, so that `../_shared/cors.ts` is
found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from console.domain.errors import UsageError

ENTRIES = ("index.ts", "index.js", "index.tsx", "index.jsx", "index.mjs")
IMPORT_MAPS = ("deno.json", "deno.jsonc", "import_map.json")
LEFT_OUT = frozenset({"node_modules", ".git", ".temp", ".DS_Store"})
LARGEST = 20 * 1024 * 1024
"""What Supabase takes of one function, bundled; refusing more here says which function it is."""


@dataclass(frozen=True)
class Bundle:
    """One function's sources by path, and what is said of them."""

    slug: str
    entrypoint: str
    import_map: str
    verify_jwt: bool
    files: tuple[tuple[str, bytes], ...]

    def encode(self) -> tuple[bytes, str]:
        """The form to upload and its media type."""
        metadata: dict[str, object] = {
            "entrypoint_path": self.entrypoint,
            "name": self.slug,
            "verify_jwt": self.verify_jwt,
        }
        if self.import_map:
            metadata["import_map_path"] = self.import_map
        files = [("file", (name, content, "application/octet-stream")) for name, content in self.files]
        form = httpx.Request("POST", "http://form", data={"metadata": json.dumps(metadata)}, files=files)
        return form.read(), form.headers["content-type"]


def read_bundles(directory: str, functions: Sequence[str], open_to_all: Sequence[str]) -> Sequence[Bundle]:
    """Read the functions named, or all there are.

    Raises:
        UsageError: There is no such directory or function, or one is too large.
    """
    root = Path(directory)
    if not root.is_absolute() or not root.is_dir():
        raise UsageError(
            f"{directory!r} is no directory of edge functions.",
            "directory",
            "Name it by its whole path, as it is on the worker's host; it holds one directory a function.",
        )
    slugs = functions or sorted(path.name for path in root.iterdir() if _entry_of(path) and path.name[0] not in "_.")
    if not slugs:
        raise UsageError(f"{directory} holds no edge function.", "directory", f"One has an {' or '.join(ENTRIES[:2])}.")
    shared = [file for path in sorted(root.iterdir()) if path.name.startswith("_") for file in _files_of(path)]
    return [_read(root, slug, shared, slug not in open_to_all) for slug in slugs]


def _read(root: Path, slug: str, shared: Sequence[Path], verify_jwt: bool) -> Bundle:
    place = root / slug
    entry = _entry_of(place) if slug == Path(slug).name else None
    if entry is None:
        raise UsageError(f"There is no edge function {slug!r} in {root}.", "functions", f"It needs an {ENTRIES[0]}.")
    import_map = next((f"{slug}/{name}" for name in IMPORT_MAPS if (place / name).is_file()), "")
    files = tuple((path.relative_to(root).as_posix(), path.read_bytes()) for path in (*_files_of(place), *shared))
    size = sum(len(content) for _, content in files)
    if size > LARGEST:
        limit, has = LARGEST // 1024**2, size / 1024**2
        raise UsageError(f"The edge function {slug} has {has:.1f} MiB of sources, more than {limit} MiB.", str(place))
    return Bundle(slug, f"{slug}/{entry}", import_map, verify_jwt, files)


def _entry_of(place: Path) -> str | None:
    return next((name for name in ENTRIES if (place / name).is_file()), None)


def _files_of(place: Path) -> Iterator[Path]:
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if path.name in LEFT_OUT or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files_of(path)
        else:
            yield path
