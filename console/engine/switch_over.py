"""What there is to bring over, and whether it can go. Reads only, in a thread: files and databases take their time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.config.settings import Settings
from console.domain.errors import UsageError
from console.domain.plan import Wish
from console.domain.switch_over import SwitchFacts, SwitchWish
from console.engine.variables import Variables
from console.planning.switch_over import find_database


async def fetch_switch(settings: Settings, variables: Variables | None, wish: Wish) -> SwitchFacts:
    """Everything that the plan must know; what cannot be found out is its problem, in words."""
    switch = wish.switch
    if switch is None or wish.environment not in settings.environments:
        return SwitchFacts()
    database, _ = find_database(settings, wish.environment, switch.database)
    if not database or variables is None:
        return SwitchFacts()
    reference = settings.environments[wish.environment].services[database].database_url
    try:
        address = await variables.follow(reference, f"environments.{wish.environment}.services.{database}")
    except UsageError as problem:
        return SwitchFacts(problem=f"{problem.what} {problem.remedy}".strip())
    return await asyncio.to_thread(_look, switch, address)


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
    return look(Path(switch.source), address, switch.schema, keep_case=switch.keep_case, closes=closes)
