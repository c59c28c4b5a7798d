"""What the emulated Storage keeps: buckets, objects and unfinished uploads, in memory."""

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from console.playground.emulators.clock import iso
from console.playground.emulators.wire import Refusal

Json = dict[str, Any]
KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+")
LONGEST_KEY = 1024
OWNER = "00000000-0000-4000-8000-000000000001"


def refused(status: int, code: str, error: str, message: str) -> Refusal:
    """Make Storage's error: `status` is told inside the body."""
    return Refusal(status, message, code, error=error)


def check_key(name: str) -> None:
    """Raises Refusal for a name that Storage does not take: it wants some of ASCII only."""
    if not KEY.fullmatch(name) or len(name) > LONGEST_KEY:
        raise refused(400, "InvalidKey", "InvalidKey", f"Invalid key: {name}")


@dataclass
class Stored:
    """One object with its bytes. `parts`: in how many it came, 0 for whole; their etag is no digest of the content."""

    bucket: str
    name: str
    body: bytes
    content_type: str
    cache_control: str
    user_metadata: Json
    created_at: float
    updated_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: str = field(default_factory=lambda: str(uuid.uuid4()))
    parts: int = 0

    @property
    def etag(self) -> str:
        """In quotes, as Storage gives it: the MD5 of the content, or of what came in parts something else."""
        digest = hashlib.md5(self.body, usedforsecurity=False)
        if self.parts:
            return f'"{hashlib.md5(digest.digest(), usedforsecurity=False).hexdigest()}-{self.parts}"'
        return f'"{digest.hexdigest()}"'

    def metadata(self) -> Json:
        return {
            "eTag": self.etag,
            "size": len(self.body),
            "mimetype": self.content_type,
            "cacheControl": self.cache_control,
            "lastModified": iso(self.updated_at),
            "contentLength": len(self.body),
            "httpStatusCode": 200,
        }

    def to_json(self, name: str | None = None) -> Json:
        """The item of a list; `name` is relative to the listed folder."""
        return {
            "name": self.name if name is None else name,
            "id": self.id,
            "updated_at": iso(self.updated_at),
            "created_at": iso(self.created_at),
            "last_accessed_at": iso(self.updated_at),
            "metadata": self.metadata(),
        }

    def row(self) -> Json:
        """The object as its database row, as deleting and copying tell it."""
        told = self.to_json()
        owned = {"bucket_id": self.bucket, "owner": OWNER, "owner_id": OWNER, "version": self.version}
        return {**told, **owned, "user_metadata": self.user_metadata}


@dataclass
class Bucket:
    """One bucket and its objects by name."""

    id: str
    name: str
    is_public: bool
    file_size_limit: int | None
    allowed_mime_types: list[str] | None
    created_at: float
    updated_at: float
    objects: dict[str, Stored] = field(default_factory=dict)

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "owner": OWNER,
            "public": self.is_public,
            "type": "STANDARD",
            "file_size_limit": self.file_size_limit,
            "allowed_mime_types": self.allowed_mime_types,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


@dataclass
class Upload:
    """One resumable upload that is not finished; it is forgotten a day after `made_at`."""

    id: str
    bucket: str
    name: str
    length: int
    content_type: str
    cache_control: str
    upsert: bool
    metadata: Json
    made_at: float
    received: bytearray = field(default_factory=bytearray)
    parts: int = 0
    is_whole: bool = False

    @property
    def offset(self) -> int:
        """How many bytes have arrived; the bytes themselves are let go once the object exists."""
        return self.length if self.is_whole else len(self.received)


@dataclass(frozen=True)
class Grant:
    """What a signed address allows until `until` (Unix seconds)."""

    bucket: str
    name: str
    until: float
    for_upload: bool
    upsert: bool = False
