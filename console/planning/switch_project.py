"""Prepare the project that data comes to: what authentication and Postgres are told, and the buckets. Pure.

Settings stand in the plan as text with what they were before; those that are references to secrets stand there as
references, and what the platform hides of them cannot be put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.config.projects import BucketSettings
from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.switch_over import HIDDEN, SettingChange, SwitchWish
from console.planning.draft import Draft, chain

PARTS = {"auth": "authentication", "postgres": "Postgres"}
SHOWN = 3
BUCKET_STAYS = "A bucket that stays does no harm; nothing of the old product looks there."


def plan_project(draft: Draft, wish: SwitchWish, database: str) -> tuple[Step, ...]:
    """A step for each part that is not as wanted, one after the other; none where all is."""
    facts = draft.live.switch
    found = {"auth": facts.auth, "postgres": facts.postgres}
    parts = [_set_part(draft, database, part, changes) for part, changes in found.items() if changes]
    buckets = [_see_to(draft, database, name, wanted) for name, wanted in wanted_buckets(draft, wish, database).items()]
    return chain([*parts, *(step for step in buckets if step is not None)])


def wanted_buckets(draft: Draft, wish: SwitchWish, database: str) -> Mapping[str, BucketSettings]:
    """Those that the configuration names, and the one that files go to."""
    declared = draft.placement(database).project.buckets
    if not wish.files:
        return declared
    given = declared.get(wish.bucket, BucketSettings())
    return {**declared, wish.bucket: given.model_copy(update={"public": given.public or wish.public})}


def refuse_project(draft: Draft, wish: SwitchWish, database: str) -> Iterator[str]:
    """Buckets that are there with other limits: nobody can tell who needs those."""
    for name, wanted in wanted_buckets(draft, wish, database).items():
        there = draft.live.switch.buckets.get(name)
        if there is None:
            continue
        if wanted.file_size_limit not in (None, there.largest):
            yield f"The bucket {name} takes files of {there.largest or 'any'} bytes, not {wanted.file_size_limit}."
        if wanted.mime_types and set(wanted.mime_types) != set(there.types):
            takes = ", ".join(there.types) or "all types"
            yield f"The bucket {name} takes {takes}, not {', '.join(wanted.mime_types)}."


def _set_part(draft: Draft, database: str, part: str, changes: Sequence[SettingChange]) -> Step:
    names = [change.name for change in changes]
    place: dict[str, object] = {"project": draft.placement(database).id, "part": part}
    back = {change.name: change.before for change in changes if change.before != HIDDEN}
    lost = [change.name for change in changes if change.before == HIDDEN]
    undo = Undo(StepKind.RESTORE_PROJECT, f"Put {PARTS[part]} of {database} back", {**place, "back": back})
    return draft.step_of(
        database,
        f"project-{part}",
        f"Set {_listed(names)} of {PARTS[part]}",
        StepKind.PREPARE_PROJECT,
        Phase.MIGRATE,
        arguments={
            **place,
            "changes": [{"name": c.name, "before": c.before, "after": c.after} for c in changes],
            "lost": lost,
        },
        undo=undo if back else None,
        no_undo="" if back else "The platform keeps the earlier values to itself.",
    )


def _see_to(draft: Draft, database: str, name: str, wanted: BucketSettings) -> Step | None:
    there = draft.live.switch.buckets.get(name)
    place: dict[str, object] = {"project": draft.placement(database).id, "bucket": name}
    if there is not None:
        if there.public or not wanted.public:
            return None
        return draft.step_of(
            database,
            f"bucket-{name}",
            f"Let everybody read the bucket {name}",
            StepKind.PREPARE_BUCKET,
            Phase.MIGRATE,
            arguments={**place, "change": True, "public": True},
            undo=Undo(
                StepKind.PREPARE_BUCKET,
                f"Let nobody read the bucket {name} without asking",
                {**place, "change": True, "public": False},
            ),
        )
    limits = {"file_size_limit": wanted.file_size_limit, "mime_types": list(wanted.mime_types)}
    return draft.step_of(
        database,
        f"bucket-{name}",
        f"Make the bucket {name}",
        StepKind.PREPARE_BUCKET,
        Phase.MIGRATE,
        arguments={**place, "public": wanted.public, **{key: value for key, value in limits.items() if value}},
        no_undo=BUCKET_STAYS,
    )


def project_notes(steps: Sequence[Step]) -> Iterator[str]:
    """What a rollback cannot put back."""
    for step in steps:
        lost = step.arguments.get("lost")
        if isinstance(lost, list) and lost:
            names = ", ".join(map(str, lost))
            yield f"A rollback cannot put back {names}: the platform keeps earlier values to itself."


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
