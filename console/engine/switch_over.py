"""What there is to bring over, and whether it can go. Reads only, in a thread: files and databases take their time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from console.config.settings import Settings
from console.domain.errors import UsageError
from console.domain.plan import Wish
from console.domain.switch_over import SwitchFacts, SwitchWish
from console.engine.projects import fetch_project
from console.engine.variables import Variables
from console.planning.switch_over import find_database
from providers.contract import Connection, Unsupported

COUNT_SECONDS = 3.0
"""How long files are counted before somebody who waits for the plan gets it."""


async def fetch_switch(
    settings: Settings, connections: Mapping[str, Connection], variables: Variables | None, wish: Wish
) -> SwitchFacts:
    """Everything that the plan must know; what cannot be found out is its problem, in words."""
    switch = wish.switch
    if switch is None or wish.environment not in settings.environments:
        return SwitchFacts()
    database, _ = find_database(settings, wish.environment, switch.database)
    if not database or variables is None:
        return SwitchFacts()
    if switch.files and (why := _why_no_files(connections.get(settings.services[database].provider))):
        return SwitchFacts(problem=f"The files of {switch.files} have no place: {why}")
    reference = settings.environments[wish.environment].services[database].database_url
    try:
        address = await variables.follow(reference, f"environments.{wish.environment}.services.{database}")
    except UsageError as problem:
        return SwitchFacts(problem=f"{problem.what} {problem.remedy}".strip())
    facts = await asyncio.to_thread(_look, switch, address)
    if facts.problem:
        return facts
    return await fetch_project(settings, connections, variables, wish, database, facts)


def _why_no_files(connection: Connection | None) -> str:
    stores = connection.capabilities.files if connection is not None else Unsupported("Its provider is not configured.")
    return stores.reason if isinstance(stores, Unsupported) else ""


def _look(switch: SwitchWish, address: str) -> SwitchFacts:
    try:
        from console.transfer.data.look import look
        from console.transfer.data.rules import load_rules
    except ImportError:
        return SwitchFacts(problem="Packages are missing: pip install 'quarterdeck[database]'.")
    try:
        if switch.rules:
            load_rules(Path(switch.rules))
    except UsageError as problem:
        return SwitchFacts(problem=f"{problem.what} ({problem.where})")
    closes = not switch.leave_open
    facts = look(Path(switch.source), address, switch.schema, keep_case=switch.keep_case, closes=closes)
    if facts.problem or not switch.files:
        return facts
    return _count_files(facts, Path(switch.files), closes=closes)


def _count_files(facts: SwitchFacts, folder: Path, *, closes: bool) -> SwitchFacts:
    """Their number and bytes, as far as a few seconds tell."""
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        return replace(facts, problem=f"{folder} is no folder that the worker's user may read.")
    until, files, size = time.monotonic() + COUNT_SECONDS, 0, 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.lstat(os.path.join(place, name)).st_size
            files += 1
        if time.monotonic() > until:
            break
    loose = _find_loose(folder) if closes else ""
    return replace(facts, files=files, file_bytes=size, loose=loose)


def _find_loose(folder: Path) -> str:
    """Why the folder, or who writes to it, cannot be held; empty where the worker's user owns it and is not root."""
    own = os.geteuid()
    if own == 0:
        return "Files that root writes cannot be kept out of the folder of uploads."
    owner = folder.stat().st_uid
    return "" if owner == own else "The folder of uploads belongs to another user than the worker's, and stays open."
