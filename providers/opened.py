"""An open provider, whose roles and desk are loaded when somebody first asks for them.

Opening is cheap for that: a command that opens ten providers to ask one of them pays for one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.contract import Capabilities, Desk
    from providers.http import ProviderHttp


@dataclass(frozen=True)
class Opened:
    """The `Connection` of every kind.

    Attributes:
        http: None where the provider is not asked over HTTP.
        make_desk: None where people can do nothing by hand.
        closing: What was opened later and has to be closed first.
    """

    name: str
    kind: str
    http: ProviderHttp | None = field(repr=False)
    make_capabilities: Callable[[], Capabilities] = field(repr=False)
    make_desk: Callable[[], Desk] | None = field(default=None, repr=False)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False, compare=False)

    @cached_property
    def capabilities(self) -> Capabilities:
        return self.make_capabilities()

    @cached_property
    def desk(self) -> Desk:
        if self.make_desk is not None:
            return self.make_desk()
        from providers.contract import Desk

        return Desk()

    async def close(self) -> None:
        await self.closing.aclose()
        if self.http is not None:
            await self.http.close()
