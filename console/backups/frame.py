"""The frame around taking any backup: a folder of its own, sealed, counted and written down, or nothing is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from console.backups import seal
from console.backups.catalogue import Catalogue, cannot_write, digest_files
from console.backups.values import Backup, Kind, Progress, State, Told


@dataclass(frozen=True)
class Frame:
    """What every backup has.

    Attributes:
        root: The directory of all backups.
        name: Whose it is.
        clear, sealed: Names of what holds the data, as it is and encrypted.
        recipients: Public keys of age; empty leaves it as it is.
        note: Why it is taken; kept with it.
    """

    root: Path
    name: str
    kind: Kind
    clear: str
    sealed: str
    recipients: Sequence[str] = ()
    note: str = ""

    def prepare(self) -> None:
        """Refuse keys that are none, and remove what killed processes left.

        Raises:
            ConsoleError: It says what cannot be.
        """
        seal.check_recipients(self.recipients)
        Catalogue(self.root).sweep()

    def take(self, fill: Callable[[Backup], Backup], told: Told, now: Callable[[], datetime]) -> Backup:
        """Have `fill` write the data into the folder of a new backup, and return what it learned of it.

        Raises:
            StoreError: It cannot be written; nothing is left.
        """
        catalogue = Catalogue(self.root)
        began = time.monotonic()
        backup = catalogue.begin(self.name, self.kind, now())
        try:
            filled = fill(backup)
            if self.recipients:
                told(Progress("encrypt", self.sealed))
                seal.seal(backup.path / self.clear, backup.path / self.sealed, self.recipients)
            whole = replace(
                filled,
                state=State.TAKEN,
                files=digest_files(backup.path),
                size=sum(path.stat().st_size for path in backup.path.rglob("*") if path.is_file()),
                took_s=round(time.monotonic() - began, 3),
                sealed=bool(self.recipients),
                recipients=tuple(self.recipients),
                note=self.note,
                process="",
            )
            catalogue.write(whole)
        except OSError as problem:
            catalogue.remove(backup)
            raise cannot_write(backup.path, problem) from problem
        except BaseException:
            catalogue.remove(backup)
            raise
        return whole
