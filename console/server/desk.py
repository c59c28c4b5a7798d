"""What a person does to the platforms by hand: the desks of all providers behind one door.

A change keeps the engine's promise: its key is in the audit before the platform is asked, and whoever asks with the
same request id finds what the first one began. Once begun it is observed to its end here, whoever goes away meanwhile;
the end is in the audit too. What a worker left unfinished is taken up by the next one, from the audit.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from console.domain.clock import Clock
from console.domain.codec import to_json
from console.domain.errors import ConsoleError, RateLimited, Refused, StoreError, UsageError
from console.domain.exchange import DeskAnswer, DeskChange, DeskOperation, DeskWish, ProviderAbout
from console.domain.ids import Actor
from console.server.arguments import describe_fields, read_arguments, secret_texts, show_arguments
from console.server.catalogue import describe_provider, find_connection, find_entry
from console.server.changes import Change, mask, outcome_of, recall, shorten
from console.server.deskrecord import ACT, FAILED, INTENDED, UNKNOWN, Recorded, read_changes
from console.storage.ledger import Ledger
from providers.contract import Action, Connection, Operation, OperationKey, OperationStatus, Reading
from providers.redaction import redact

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=30)
"""How long a request id is known again."""
MOST_ROWS = 100_000
MOST_REMEMBERED = 500
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.5, 15.0, 1.5
ATTEMPTS = 3
SHOWS_WITHIN = timedelta(minutes=1)
"""How long after the wish a platform may be slow to show what it was asked for."""
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class FrontDesk:
    """All desks of a worker."""

    def __init__(self, connections: Mapping[str, Connection], ledger: Ledger, clock: Clock) -> None:
        self._connections = connections
        self._ledger = ledger
        self._clock = clock
        self._changes: dict[str, Change] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._taking_up: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what an earlier worker left unfinished; does not wait for the platforms."""
        try:
            recorded = await self._read_record()
        except StoreError as problem:
            log.warning("Unfinished changes cannot be taken up: %s", problem)
            return
        for one in recorded.values():
            if not one.has_ended and one.request_id not in self._changes:
                self._taking_up.append(asyncio.create_task(self._take_up(one), name=f"{ACT} {one.request_id}"))

    async def stop(self) -> None:
        """End observing; what was begun goes on at its platform."""
        following = [change.following for change in self._changes.values() if change.following is not None]
        tasks = [*self._taking_up, *following]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def providers(self, name: str = "") -> tuple[ProviderAbout, ...]:
        """What all can do, or the one named. Raises UsageError for an unknown name."""
        chosen = [find_connection(self._connections, name)] if name else self._connections.values()
        return tuple(map(describe_provider, chosen))

    async def ask(self, provider: str, name: str, arguments: Mapping[str, object]) -> DeskAnswer:
        """Answer one reading.

        Raises:
            UsageError: There is no such reading, or the arguments do not fit.
            ProviderError: The platform did not answer as it should.
        """
        readings = find_connection(self._connections, provider).desk.readings
        reading: Reading[Any] = find_entry("reading", provider, name, readings)
        answer = await reading.fetch(read_arguments(reading.request, arguments, self._clock.now()))
        return DeskAnswer(provider, name, to_json(answer))

    def destroys(self, provider: str, name: str) -> bool:
        """Whether an action cannot be taken back, or stops what serves. Raises UsageError for one that is not there."""
        return self._action(provider, name).destroys

    def local_paths(self, provider: str, name: str) -> Mapping[str, str]:
        """Arguments that are paths of this host, `read` or `written`. Raises UsageError for an action not there."""
        about = describe_fields(self._action(provider, name).request)
        return {field.name: field.local for field in about if field.local}

    async def act(self, provider: str, name: str, wish: DeskWish, actor: Actor) -> DeskOperation:
        """Begin a change, or find the one that the same request id began.

        Raises:
            UsageError: There is no such action, the arguments do not fit, or the request id named another change.
            Refused: It destroys something, and nobody said yes.
            StoreError: The key could not be written down; the platform was asked for nothing.
            ProviderError: The platform refused. Where it is `transient` the change may have happened.
        """
        action = self._action(provider, name)
        request = read_arguments(action.request, wish.arguments, self._clock.now())
        shown = shorten(json.dumps(show_arguments(request, action.secrets), sort_keys=True, ensure_ascii=False))
        if not REQUEST_ID.fullmatch(wish.request_id):
            raise UsageError("A change needs a request id.", "request_id", "1 to 64 letters, digits, dots or dashes.")
        if action.destroys and not wish.agreed:
            raise _ask_first(provider, name, action, shown)
        async with self._locks.setdefault(wish.request_id, asyncio.Lock()):
            known = await self._recall(wish.request_id)
            if known is not None and (known.subject, known.arguments) != (f"{provider}/{name}", shown):
                raise UsageError(
                    f"The request id {wish.request_id} was another change.",
                    f"{known.subject} {known.arguments}",
                    "Leave --request-id out, or repeat that change exactly.",
                )
            key = OperationKey(f"{ACT}-{wish.request_id}", self._clock.now())
            change = known or Change(wish.request_id, provider, name, shown, key)
            change.secrets = secret_texts(request, action.secrets)
            try:
                operation = await self._begin(change, action, request, actor, again=known is not None)
            except ConsoleError as problem:
                outcome = UNKNOWN if problem.transient else FAILED
                await self._record(change, actor, outcome, problem=redact(problem.what, change.secrets))
                raise mask(problem, change.secrets) from None
            change.saw(operation)
            self._remember(change)
            await self._conclude(change, actor)
            return change.answer(again=known is not None)

    async def operations(self, limit: int) -> tuple[DeskChange, ...]:
        """Changes of the last thirty days: unfinished ones, then the others, the newest first."""
        recorded = (await self._read_record()).values()
        told = [self._tell(one) for one in sorted(recorded, key=lambda one: one.has_ended)]
        return tuple(told[:limit])

    def _tell(self, one: Recorded) -> DeskChange:
        change = self._changes.get(one.request_id)
        seen = change.seen if change is not None else None
        status, detail = (seen.status.value, seen.detail) if seen is not None else (one.status, one.detail)
        return DeskChange(
            one.request_id, one.provider, one.action, status, one.key.intended_at, one.actor, one.arguments, detail
        )

    async def operation(self, request_id: str, actor: Actor) -> DeskOperation:
        """How a change stands now. Raises UsageError for a request id that nobody used in the last thirty days."""
        change = self._changes.get(request_id) or await self._recall(request_id)
        if change is None:
            raise UsageError(
                f"No change has the request id {request_id!r}.", "", "`quarterdeck act` names it when it begins one."
            )
        if change.seen is None and change.reference:
            change.saw(await self._action(change.provider, change.action).actuator.observe(change.reference))
            self._remember(change)
            await self._conclude(change, actor)
        return change.answer(again=True)

    async def _begin(
        self, change: Change, action: Action[Any], request: object, actor: Actor, *, again: bool
    ) -> Operation:
        """Write the key down, then ask; where that was done before, look first for what came of it."""
        actuator = action.actuator
        if change.reference:
            seen: Operation = await self._steadily(lambda: actuator.observe(change.reference))
            return seen
        if again:
            found: Operation | None = await self._steadily(lambda: actuator.find(request, change.key))
            if found is not None:
                return found
        else:
            await self._write(change, actor, INTENDED)
        # An unanswered start may have had its effect. The same key has one, so it is simply asked again.
        began: Operation = await self._steadily(lambda: actuator.start(request, change.key))
        return began

    async def _steadily(self, ask: Callable[[], Any]) -> Any:
        pause = FIRST_PAUSE
        for _ in range(ATTEMPTS - 1):
            try:
                return await ask()
            except ConsoleError as problem:
                wait = problem.retry_after.total_seconds() if isinstance(problem, RateLimited) else pause
                if not problem.transient or wait > LONGEST_PAUSE:
                    raise
            await self._clock.sleep(wait)
            pause *= 2
        return await ask()

    async def _conclude(self, change: Change, actor: Actor) -> None:
        """Write down how it stands, and observe it while it runs."""
        seen = change.seen
        if seen is None:
            return
        await self._record(change, actor, outcome_of(seen.status))
        if not seen.status.is_terminal and change.following is None:
            following = self._follow(change, actor)
            change.following = asyncio.get_running_loop().create_task(following, name=f"{ACT} {change.request_id}")

    async def _follow(self, change: Change, actor: Actor) -> None:
        actuator, pause = self._action(change.provider, change.action).actuator, FIRST_PAUSE
        while change.seen is not None and not change.seen.status.is_terminal:
            rhythm = change.seen.poll_after
            await self._clock.sleep(rhythm.total_seconds() if rhythm else pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE)
            try:
                change.saw(await actuator.observe(change.seen.reference))
            except ConsoleError as problem:
                if not problem.transient:
                    change.seen = dataclasses.replace(
                        change.seen, status=OperationStatus.LOST, detail=f"It cannot be observed: {problem.what}"
                    )
            except Exception:
                log.exception("Observing %s failed; it is tried again.", change.subject)
        if change.seen is not None:
            await self._record(change, actor, outcome_of(change.seen.status))

    def _remember(self, change: Change) -> None:
        self._changes[change.request_id] = change
        ended = [name for name, one in self._changes.items() if one.seen is None or one.seen.status.is_terminal]
        for name in ended[: max(0, len(self._changes) - MOST_REMEMBERED)]:
            del self._changes[name]  # the audit knows them still

    async def _recall(self, request_id: str) -> Change | None:
        """What the audit knows of a request id."""
        if request_id in self._changes:
            return self._changes[request_id]
        found = (await self._read_record()).get(request_id)
        return None if found is None else recall(found)

    async def _read_record(self) -> dict[str, Recorded]:
        return read_changes(await self._ledger.audit(since=self._clock.now() - REMEMBERED, limit=MOST_ROWS))

    async def _take_up(self, recorded: Recorded) -> None:
        """Follow what was begun; look for what may have been. Nothing is begun anew: nobody asks for it now."""
        try:
            action = self._action(recorded.provider, recorded.action)
            async with self._locks.setdefault(recorded.request_id, asyncio.Lock()):
                if recorded.request_id in self._changes:
                    return
                change = recall(recorded)
                if not change.reference:
                    await self._look_for(recorded, change, action)
                    return
                change.seen = Operation(change.reference, OperationStatus.RUNNING, recorded.detail)
                self._remember(change)
                following = self._follow(change, recorded.actor)
                change.following = asyncio.create_task(following, name=f"{ACT} {recorded.request_id}")
        except ConsoleError as problem:
            log.warning("The change %s (%s) was not taken up: %s", recorded.request_id, recorded.subject, problem)

    async def _look_for(self, recorded: Recorded, change: Change, action: Action[Any]) -> None:
        """Find what was asked for without an answer, where the audit has enough of the request."""
        given = _given_of(recorded, action)
        if given is None:
            return
        since = self._clock.now() - change.key.intended_at
        if since < SHOWS_WITHIN:
            await self._clock.sleep((SHOWS_WITHIN - since).total_seconds())
        request = read_arguments(action.request, given, change.key.intended_at)
        found = await self._steadily(lambda: action.actuator.find(request, change.key))
        if found is None:
            words = "Nothing of it is at the platform; the worker had ended in the middle of it."
            await self._record(change, recorded.actor, FAILED, problem=words)
            return
        change.saw(found)
        self._remember(change)
        await self._conclude(change, recorded.actor)

    async def _record(self, change: Change, actor: Actor, outcome: str, *, problem: str = "") -> None:
        """Write a row; what was done is not worth failing for it."""
        with suppress(StoreError):
            await self._write(change, actor, outcome, problem=problem)

    async def _write(self, change: Change, actor: Actor, outcome: str, *, problem: str = "") -> None:
        at = change.key.intended_at if outcome == INTENDED else self._clock.now()
        await self._ledger.record_audit(change.entry(at, actor, outcome, problem))

    def _action(self, provider: str, name: str) -> Action[Any]:
        actions = find_connection(self._connections, provider).desk.actions
        found: Action[Any] = find_entry("action", provider, name, actions)
        return found


def _given_of(recorded: Recorded, action: Action[Any]) -> dict[str, object] | None:
    """The arguments on record; None where secrets are not among them, or they were too long to be kept."""
    try:
        given = json.loads(recorded.arguments)
    except ValueError:
        return None
    return None if not isinstance(given, dict) or any(given.get(name) for name in action.secrets) else given


def _ask_first(provider: str, name: str, action: Action[Any], arguments: str) -> Refused:
    about = action.about.rstrip(".")
    return Refused(
        f"{name} needs a yes: it cannot be taken back, or stops what serves. Nothing was done.",
        f"It would, on {provider}: {about[:1].lower()}{about[1:]}, with {arguments}",
        "Say so with --yes.",
    )
