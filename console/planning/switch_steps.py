"""The steps that bring data and files over, and that close where they come from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.switch_over import SwitchWish
from console.planning.draft import Draft

LOAD, FENCE, REST = StepId("data.load"), StepId("data.fence"), StepId("data.rest")
FILES, LAST_FILES = StepId("files.load"), StepId("files.rest")
FILES_A_SECOND = 20
ROWS_A_SECOND = 40_000
"""Rows that are loaded, indexed and proven in a second, as a first guess; later ones come from what it took."""


@dataclass(frozen=True)
class Bringing:
    """Before the source is closed: `load`, then `files`. After it: `fence`, `rest`, then `last` files."""

    load: Step
    files: Step | None
    fence: Step | None
    rest: Step
    last: Step | None

    @property
    def before(self) -> tuple[Step, ...]:
        return (self.load, self.files) if self.files else (self.load,)

    def after(self, prepared: Sequence[StepId]) -> tuple[Step, ...]:
        """What waits until everything is prepared, so that the source is closed for as short as it can be."""
        first, *others = [step for step in (self.fence, self.rest, self.last) if step]
        return (replace(first, needs=tuple(dict.fromkeys((*first.needs, *prepared)))), *others)

    @property
    def proven(self) -> StepId:
        """The step after which everything is over there, and nothing is written where it was."""
        return (self.last or self.rest).id


def plan_bringing(draft: Draft, wish: SwitchWish, database: str, needs: Sequence[StepId]) -> Bringing:
    """Everything that moves. `needs`: what the first of it waits for."""
    writer = _Writer(draft, wish, database)
    load, fence = writer.load(needs), None if wish.leave_open else writer.fence()
    files, last = (writer.files(), writer.last_files()) if wish.files else (None, None)
    return Bringing(load, files, fence, writer.rest(), last)


class _Writer:
    """Writes the steps, with what they all repeat."""

    def __init__(self, draft: Draft, wish: SwitchWish, database: str) -> None:
        self._draft = draft
        self._wish = wish
        self._database = database
        self._source: dict[str, object] = {"source": wish.source}
        self._whole: dict[str, object] = {
            **self._source,
            "schema": wish.schema,
            "rules": wish.rules,
            "keep_case": wish.keep_case,
            "address": draft.placement(database).database_url,
        }
        self._folder: dict[str, object] = {
            "project": draft.placement(database).id,
            "bucket": wish.bucket,
            "files": wish.files,
            "prefix": wish.prefix,
        }
        self._name = _last_part(wish.source)
        self._loaded = FILES if wish.files else LOAD
        self._guess = timedelta(seconds=2 + draft.live.switch.rows / ROWS_A_SECOND)

    def load(self, needs: Sequence[StepId]) -> Step:
        words = f"Save rows written since, then drop {self._name}'s tables"
        step = self._of_data(
            LOAD,
            f"Bring {self._name} into {self._database}",
            StepKind.TRANSFER_DATA,
            {"task": "load", **self._whole, "quarantine_ok": self._wish.quarantine_ok},
        )
        undo = Undo(StepKind.TAKE_BACK_DATA, words, self._whole)
        return replace(step, needs=tuple(needs), undo=undo, forecast=step.forecast or self._guess)

    def rest(self) -> Step:
        step = self._of_data(
            REST,
            f"Bring the rest of {self._name}, and prove every row",
            StepKind.TRANSFER_DATA,
            {"task": "rest", **self._whole, "quarantine_ok": self._wish.quarantine_ok},
        )
        needs = (self._loaded if self._wish.leave_open else FENCE,)
        return replace(step, needs=needs, no_undo="It goes with what was brought first.", forecast=self._guess)

    def fence(self) -> Step:
        given, names = self._source, self._name
        if self._wish.files:
            provider = self._draft.service(self._database).provider
            given = {**given, **self._folder, "provider": provider}
            names = f"{names} and {_last_part(self._wish.files)}"
        step = self._of_data(FENCE, f"Let {names} take no more writes", StepKind.FENCE_SOURCE, given)
        undo = Undo(StepKind.OPEN_SOURCE, f"Let {names} take writes again", given)
        return replace(step, needs=(self._loaded,), undo=undo, forecast=timedelta(seconds=1))

    def files(self) -> Step:
        name = _last_part(self._wish.files)
        return self._bring(FILES, f"Bring {name} into the bucket {self._wish.bucket}", LOAD, {})

    def last_files(self) -> Step:
        words, more = f"Bring files that came to {_last_part(self._wish.files)} meanwhile", dict[str, object]()
        if self._wish.rewrite:
            words += f", and rewrite references in {', '.join(self._wish.rewrite)}"
            more = {"rewrite": list(self._wish.rewrite), "old_prefixes": list(self._wish.old_prefixes)}
            more["address"] = self._whole["address"]
        return self._bring(LAST_FILES, words, REST, {"until_still": True, **more})

    def _bring(self, step_id: StepId, words: str, need: StepId, more: dict[str, object]) -> Step:
        wish, draft = self._wish, self._draft
        step = draft.step(
            step_id,
            words,
            StepKind.TRANSFER_FILES,
            Phase.MIGRATE,
            service=self._database,
            provider=draft.service(self._database).provider,
            arguments={**self._folder, "leave_ok": wish.leave_ok, **more},
            needs=(need,),
            no_undo="The copies stay in the bucket; nothing of the old product looks there.",
            time_limit=draft.environment.limits.transfer,
        )
        guess = timedelta(seconds=2 + draft.live.switch.files / FILES_A_SECOND)
        return replace(step, forecast=step.forecast or guess)

    def _of_data(self, step_id: StepId, words: str, kind: StepKind, arguments: dict[str, object]) -> Step:
        step = self._draft.step(
            step_id,
            words,
            kind,
            Phase.MIGRATE,
            service=self._database,
            arguments=arguments,
            time_limit=self._draft.environment.limits.transfer,
        )
        return replace(step, provider=None)


def _last_part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
