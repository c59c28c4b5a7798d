"""What `doctor` says of backups: how much would be lost now, and how long coming back took when it was tried."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from console.backups.catalogue import Catalogue
from console.backups.drill import stand
from console.backups.sources import Source, sources_of
from console.cli.backup_words import standing_line
from console.config.settings import Settings
from console.domain.exchange import Condition, Finding

BACKUPS = "backups"


def check_backups(settings: Settings, home: Path, now: datetime) -> Iterator[Finding]:
    """One finding for each database that can be backed up. Bad: damaged, or late; to watch: none at all."""
    for environment in settings.environments:
        for source in sources_of(settings, environment, home):
            yield _check(source, now)


def _check(source: Source, now: datetime) -> Finding:
    if source.root.exists() and not os.access(source.root, os.R_OK | os.X_OK):
        remedy = "Ask as the worker's own user."
        return Finding(BACKUPS, source.name, Condition.WARN, f"{source.root} cannot be read by this user", remedy)
    standing = stand(source.name, Catalogue(source.root).find_all(source.name), now)
    words = standing_line(standing).removeprefix(f"{source.name}: ")
    every = source.settings.every
    problem = standing.problem(every)
    if problem:
        remedy = "The worker's log says why; `quarterdeck backup run` tries now, and `backup take` in any case."
        return Finding(BACKUPS, source.name, Condition.BAD, f"{problem}: {words}", remedy)
    if standing.verified is None:
        remedy = f'Write every = "1d" in [environments.{source.name.partition("/")[0]}.backups].'
        return Finding(BACKUPS, source.name, Condition.WARN, words, remedy)
    figures = {"rpo_s": standing.rpo_s or 0.0, "rto_s": standing.rto_s or 0.0}
    return Finding(BACKUPS, source.name, Condition.GOOD, words, figures=figures)
