"""An open provider, whose roles and desk are loaded when somebody first asks for them.

Opening is cheap for that: a command that opens ten providers to ask one of them pays for one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from providers.contract import Desk

if TYPE_CHECKING:
    from providers.contract import Capabilities
    from providers.http import ProviderHttp


@dataclass(frozen=True)
class Opened:
    """The `Connection` of every kind.

    Attributes:
        http: None where the provider is not asked over HTTP.
        closing: What was opened later and has to be closed first.
    """

    name: str
    kind: str
    http: ProviderHttp | None = field(repr=False)
    make_capabilities: Callable[[], Capabilities] = field(repr=False)
    make_desk: Callable[[], Desk] = field(default=Desk, repr=False)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False, compare=False)

    @cached_property
    def capabilities(self) -> Capabilities:
        return self.make_capabilities()

    @cached_property
    def desk(self) -> Desk:
        return self.make_desk()

    async def close(self) -> None:
        await self.closing.aclose()
        if self.http is not None:
            await self.http.close()
