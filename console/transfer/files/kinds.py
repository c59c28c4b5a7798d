"""What kind a file is, by its content and by its name together.

The name says more where the content is a container or plain text; the content is right where it has a signature. What a
browser would run (HTML, SVG, scripts) is never made of a file whose name says that it is something passive.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass

SNIFFED = 512
ANYTHING = "application/octet-stream"
TEXT = "text/plain"
_ACTIVE = frozenset({"text/html", "image/svg+xml", "text/xml"})
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftyphevc", "image/heic"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"wOF2", "font/woff2"),
    (0, b"wOFF", "font/woff"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
)
_GENERAL = frozenset({"application/zip", "application/x-ole-storage", "video/mp4", "video/webm", "audio/ogg", TEXT, ""})
"""Signatures that many kinds share: a name that says more is believed."""
_ALWAYS_SIGNED = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "application/pdf",
        "application/gzip",
        "application/x-xz",
        "application/x-7z-compressed",
        "font/woff",
        "font/woff2",
        "audio/flac",
    }
)
"""Kinds whose every file begins with its signature: without it, it is none of them."""
_NEVER_TEXT = frozenset({"application/zip", "application/x-ole-storage", "image/x-icon", "image/tiff", "image/bmp"})
_TYPESCRIPT = "video/mp2t"
"""What Python's table says of `.ts`."""
_SAME = frozenset(
    frozenset(pair)
    for pair in (
        ("image/x-icon", "image/vnd.microsoft.icon"),
        ("image/bmp", "image/x-ms-bmp"),
        ("audio/wav", "audio/x-wav"),
        ("application/vnd.rar", "application/x-rar-compressed"),
        ("audio/mp4", "audio/mp4a-latm"),
        ("image/heic", "image/heif"),
        ("text/xml", "image/svg+xml"),
        ("text/xml", "application/xml"),
        ("text/xml", "application/rss+xml"),
    )
)
_MORE = {
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rar": "application/vnd.rar",
    ".7z": "application/x-7z-compressed",
    ".sqlite": "application/vnd.sqlite3",
}


def _table() -> mimetypes.MimeTypes:
    """Python's own table and ours, without the host's: a file has one type wherever it is uploaded from."""
    found = mimetypes.MimeTypes(())
    for ending, kind in _MORE.items():
        found.add_type(kind, ending)
    return found


_TABLE = _table()
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@dataclass(frozen=True)
class Kind:
    """The type to tell, and `doubt`: what name and content disagree about, empty for nothing."""

    content_type: str
    doubt: str = ""


def decide(name: str, begin: bytes) -> Kind:
    """The type of a file by its name and its first `SNIFFED` bytes."""
    named, seen = by_name(name), by_content(begin)
    if not named:
        return Kind(seen or ANYTHING)
    if not begin or seen == named or frozenset((seen, named)) in _SAME:
        return Kind(named)
    if seen == TEXT and named == _TYPESCRIPT:
        return Kind(TEXT)
    if seen in _GENERAL:
        return _of_general(named, seen, begin)
    if seen in _ACTIVE:
        passive = not named.startswith("text/") and named not in _ACTIVE
        return Kind(named, f"named as {named}, and its content is {seen}" if passive else "")
    return Kind(seen, f"named as {named}, and its content is {seen}")


def _of_general(named: str, seen: str, begin: bytes) -> Kind:
    """The name counts where the content may be what it says."""
    if not seen:
        is_binary = named.startswith("text/") and b"\0" in begin and not begin.startswith((b"\xff\xfe", b"\xfe\xff"))
        if is_binary:
            return Kind(ANYTHING, f"named as {named}, and its content is binary")
        return Kind(named, f"named as {named}, and its content is something else" if named in _ALWAYS_SIGNED else "")
    is_other = named in _NEVER_TEXT if seen == TEXT else named.startswith("text/")
    if is_other or named in _ALWAYS_SIGNED:
        return Kind(seen, f"named as {named}, and its content is {seen}")
    return Kind(named)


def by_name(name: str) -> str:
    """The type that the name's ending stands for; empty for none."""
    kind, packed = _TABLE.guess_type(f"file:{name.rpartition('/')[2]}", strict=False)
    return _PACKED.get(packed, ANYTHING) if packed else kind or ""


def by_content(begin: bytes) -> str:
    """The type that the first bytes show; empty for none."""
    for offset, mark, kind in _SIGNATURES:
        if begin.startswith(mark, offset) and (offset != 8 or begin.startswith(b"RIFF")):
            return kind
    head = begin[:SNIFFED].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html", b"<script", b"<head", b"<body")):
        return "text/html"
    if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in head):
        return "image/svg+xml"
    if head.startswith(b"<?xml"):
        return "text/xml"
    return TEXT if begin and _is_text(begin[:SNIFFED]) else ""


def _is_text(begin: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in begin):
        return False
    try:
        begin.decode()
    except UnicodeDecodeError as problem:
        return problem.start >= len(begin) - 3 and len(begin) == SNIFFED
    return True
