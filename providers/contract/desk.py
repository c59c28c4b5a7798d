"""Everything else that an operator does to a platform: named readings and actions, as data.

The engine uses the fields of `Capabilities`; a person has the desk as well. One table an adapter describes what there
is, and the command line, the API, the console and the contract suite are made from it. A request is a frozen dataclass
whose fields are `Annotated[kind, "what it means"]`; those without a default must be given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from providers.contract.operations import Actuator, Unsupported

Request = TypeVar("Request")


@dataclass(frozen=True)
class LocalPath:
    """Stands beside what a field means: a path of the worker's host, which the worker opens with its own rights."""

    writes: bool = False


@dataclass(frozen=True)
class Nothing:
    """The request of what needs to be told nothing."""


@dataclass(frozen=True)
class Reading(Generic[Request]):
    """A question. `fetch` answers with domain values or plain JSON; secrets are never among them."""

    about: str
    request: type[Request]
    fetch: Callable[[Request], Awaitable[object]]


@dataclass(frozen=True)
class Action(Generic[Request]):
    """A change, under the same laws as every other actuator.

    Args:
        about: One line, in the imperative.
        destroys: It cannot be taken back, or stops what serves: a person must say yes.
        secrets: Fields of the request that appear in no log, audit entry or answer.
    """

    about: str
    request: type[Request]
    actuator: Actuator[Request]
    destroys: bool = False
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """By name, in kebab-case: `scale`, `env-groups`. `Unsupported` says why a plan or a platform does not have it."""

    readings: Mapping[str, Reading[Any] | Unsupported] = field(default_factory=dict)
    actions: Mapping[str, Action[Any] | Unsupported] = field(default_factory=dict)
