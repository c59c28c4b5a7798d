"""What is particular when two login roles of a database take turns: its words, its arguments, what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from console.config.settings import Settings
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.rotation import DATABASE, Rotation, Turn
from console.planning.draft import Draft

UNUSED = StepId("secret.unused")
GAP = (
    "A Postgres role has one password at a time, so a new one beside the old takes two login roles. "
    "One role alone (`postgres` of a Supabase project: dashboard, Database, Reset password) changes at once, and "
    "services fail until they are deployed with it; that is not done from here."
)


def refuse_logins(settings: Settings, environment: str, rotation: Rotation) -> tuple[str, ...]:
    """Why the configuration does not say enough."""
    if rotation.kind != DATABASE or rotation.name in settings.environments[environment].logins:
        return ()
    table = f"[environments.{environment}.logins.{rotation.name}]"
    return (f"{GAP} Write {table} with admin and roles into the configuration, then rotate.",)


def refuse_turn(draft: Draft, rotation: Rotation, chosen: Sequence[str]) -> Iterator[str]:
    """An arm that keeps running with the old address would lose its database with the last step."""
    turn = draft.live.secret.turn
    if rotation.kind != DATABASE or turn is None or draft.environment.keep != "forever":
        return
    for name in chosen:
        if draft.placement(name).arms:
            what = f"{name} keeps its old arm running for ever (keep), and that arm logs in as {turn.old}."
            yield f"{what} Set keep to a time, then rotate."


def words(rotation: Rotation, turn: Turn | None) -> tuple[str, str, str, str]:
    """Names of the first step, of its undo, of the last one, and of that one's undo."""
    if turn is None:
        name = rotation.name
        return f"Make a new {name} beside the old one", f"Put the old {name} back", f"Give up the old {name}", ""
    verb = "Let the login role {} log in again" if turn.exists else "Make the login role {}"
    return (
        f"{verb.format(turn.new)} beside {turn.old}, with a password of its own",
        f"Put {turn.old}'s address back and take {turn.new}'s login away",
        f"Take {turn.old}'s login away",
        f"Give {turn.old} its login back",
    )


def told(draft: Draft, rotation: Rotation) -> Mapping[str, object]:
    """What the executors must know of the turn; nothing for another kind of secret."""
    turn = draft.live.secret.turn
    if turn is None:
        return {}
    where = {"environment": str(draft.wish.environment), "name": rotation.name}
    return {"login": {**where, "old": turn.old, "new": turn.new, "owner": turn.owner, "exists": turn.exists}}


def await_unused(draft: Draft, turn: Turn, arguments: Mapping[str, object], steps: Sequence[Step]) -> Step:
    needed = {need for step in steps for need in step.needs}
    return draft.step(
        UNUSED,
        f"Wait until nobody is logged in as {turn.old}",
        StepKind.AWAIT_UNUSED,
        Phase.CLOSE,
        arguments=arguments,
        needs=[step.id for step in steps if step.id not in needed],
        no_undo="It changes nothing.",
        time_limit=max(draft.environment.limits.deploy, timedelta(minutes=1)),
    )


def undo_of_revoke(turn: Turn | None, name: str, arguments: Mapping[str, object], made_by: StepId) -> Undo | None:
    if turn is None:
        return None
    return Undo(StepKind.RESTORE_SECRET, name, {**arguments, "made_by": str(made_by)})


def notes(turn: Turn) -> Iterator[str]:
    yield (
        f"{turn.old} and {turn.new} act as {turn.owner}: what either makes belongs to it. "
        "current_user stays the same for services; session_user changes."
    )
    yield (
        f"Afterwards {turn.old} may not log in and has no password; for thirty days a rollback gives both back, "
        "on this host, whose kept/ has the old address until then."
    )
