"""Replace a secret as a rollout: new beside old, every consumer moved and verified, the old one given up last.

A platform uses a variable from the next deploy or build on. So each consumer gets the release that it runs already once
more, the way any release gets there, with the new value set before; the old value is valid until all of them are well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from console.domain.ids import ServiceName, StepId
from console.domain.plan import Phase, Plan, Step, StepKind, Undo
from console.domain.release import Release
from console.domain.rotation import API_KEY, NEW, Rotation
from console.domain.variables import UNREADABLE, Reconfiguration, VariableChange
from console.planning.assembly import join, order_services, wait_for_approvals
from console.planning.draft import Draft, Flow
from console.planning.flows import flow_of
from console.planning.live import LiveService
from console.planning.login_rotation import await_unused, notes, refuse_turn, told, undo_of_revoke, words
from console.planning.risk import judge_risk
from console.planning.secret_uses import SecretUses, find_uses, projects_of

MAKE, REVOKE = StepId("secret.make"), StepId("secret.revoke")
REVOKE_LIMIT = timedelta(hours=6)
"""A platform that is down is waited for: whether it has deleted the old key already nobody can say."""


def plan_rotation(draft: Draft, rotation: Rotation, refusals: Sequence[str]) -> Plan:
    """Write the plan; what forbids it is among its refusals."""
    uses = find_uses(draft.settings, draft.wish, rotation)
    chosen = [name for name in order_services(draft) if name in uses.names]
    found = [*refusals, *uses.refusals, *_refuse(draft, uses, chosen), *refuse_turn(draft, rotation, chosen)]
    commits = {draft.live_of(name).live_commit for name in chosen}
    commit = next(iter(commits), "")
    same = commit == draft.release.commit
    named = same and draft.release.name != commit
    release = draft.release if named else Release(commit, commit[:8])
    empty = Plan(draft.wish.environment, rotation.strategy, release, (), refusals=tuple(found))
    if found:
        return empty
    draft = replace(draft, release=release, live=replace(draft.live, services=_changed(draft, uses)))
    flows = {name: flow_of(draft, name) for name in chosen}
    found = [refusal for each in flows.values() for refusal in each.refusals]
    before = wait_for_approvals(draft)
    make = _make(draft, uses, rotation, [step.id for step in before])
    body = tuple(_informed(step) for step in join(draft, flows, (*before, make)))
    steps = (*before, make, *body)
    turn = draft.live.secret.turn
    if turn is not None:
        steps = (*steps, await_unused(draft, turn, {**make.arguments}, steps))
    steps = (*steps, _revoke(draft, uses, rotation, steps))
    return replace(
        empty,
        steps=steps,
        services=tuple(ServiceName(name) for name in chosen),
        current={name: draft.live_of(name).live_commit for name in chosen},
        candidate_arms={name: each.candidate_arm for name, each in flows.items() if each.candidate_arm},
        risk=judge_risk(draft, steps, tuple(flows.values())),
        refusals=tuple(found),
        notes=tuple(dict.fromkeys(_notes(draft, uses, chosen, flows))),
    )


def _refuse(draft: Draft, uses: SecretUses, chosen: Sequence[str]) -> Iterator[str]:
    if uses.refusals:
        return
    secret = draft.live.secret
    if secret.problem:
        yield f"The secret cannot be replaced: {secret.problem}"
        return
    for name in chosen:
        live, placement = draft.live_of(name), draft.placement(name)
        serving = placement.places[live.stable_arm].id if live.stable_arm else _targets(draft, name)[0]
        if live.problem:
            yield f"{name} could not be read: {live.problem}"
        elif not live.live_commit:
            yield f"{name} runs nothing: deploy it first, then rotate."
        elif serving not in secret.actual:
            yield f"{name}: its platform has no variables that can be set."
        else:
            now = secret.actual[serving]
            unlike = [key for key in uses.names[name] if now.get(key) not in (secret.digest, UNREADABLE)]
            if unlike:
                told = f"{name}: {', '.join(unlike)} is not what {uses.reference} holds."
                yield f"{told} Run `quarterdeck config sync {draft.wish.environment}`, deploy, then rotate."
    commits = {draft.live_of(name).live_commit for name in chosen} - {""}
    if len(commits) > 1:
        yield f"{', '.join(chosen)} run different releases and share the secret. Bring them to one release first."


def _targets(draft: Draft, name: str) -> list[str]:
    placement = draft.placement(name)
    return [arm.id for arm in placement.places.values()] or [placement.id]


def _changed(draft: Draft, uses: SecretUses) -> Mapping[ServiceName, LiveService]:
    """What is live, with the new value as one more variable that must change at every consumer."""
    services = dict(draft.live.services)
    for name, keys in uses.names.items():
        live, placement = draft.live_of(name), draft.placement(name)
        arms = {
            arm: replace(state, configuration=_with_new(draft, state.configuration, placement.places[arm].id, keys))
            for arm, state in live.arms.items()
        }
        own = _with_new(draft, live.configuration, placement.id, keys) if not arms else live.configuration
        services[ServiceName(name)] = replace(live, arms=arms, configuration=own)
    return services


def _with_new(draft: Draft, planned: Reconfiguration, target: str, keys: Sequence[str]) -> Reconfiguration:
    actual = draft.live.secret.actual.get(target, {})
    before = {key: actual.get(key, "") for key in keys}
    others = tuple(change for change in planned.changes if change.name not in before)
    back = {key: planned.back.get(key, digest) for key, digest in before.items() if digest != UNREADABLE}
    lost = {key for key, digest in before.items() if digest == UNREADABLE}
    return replace(
        planned,
        changes=(*others, *(VariableChange(key, digest, NEW) for key, digest in before.items())),
        back={**planned.back, **back},
        lost=tuple(sorted({*planned.lost, *lost})),
        hidden={key: digest for key, digest in planned.hidden.items() if key not in before},
    )


def _make(draft: Draft, uses: SecretUses, rotation: Rotation, needs: Sequence[str]) -> Step:
    reference = {"reference": uses.reference, **_issued(draft, rotation)}
    name, undo, _, _ = words(rotation, draft.live.secret.turn)
    return draft.step(
        MAKE,
        name,
        StepKind.MAKE_SECRET,
        Phase.PREPARE,
        provider=rotation.provider,
        arguments={**reference, "old": draft.live.secret.digest},
        needs=needs,
        undo=Undo(StepKind.UNMAKE_SECRET, undo, reference),
    )


def _informed(step: Step) -> Step:
    """A step that sets variables learns the new value's digest from the step that made it."""
    if step.kind is not StepKind.CONFIGURE:
        return step
    return replace(step, arguments={**step.arguments, "digest_from": MAKE}, needs=(*step.needs, MAKE))


def _revoke(draft: Draft, uses: SecretUses, rotation: Rotation, steps: Sequence[Step]) -> Step:
    needed = {need for step in steps for need in step.needs}
    moved = {
        step.arguments["target"] for step in steps if step.kind is StepKind.CONFIGURE and step.arguments["changes"]
    }
    places = [
        {"provider": draft.service(name).provider, "target": target, "name": key}
        for name, keys in uses.names.items()
        for target in _targets(draft, name)
        if target in moved
        for key in keys
    ]
    issued = {"reference": uses.reference, **_issued(draft, rotation)}
    _, _, name, undo = words(rotation, draft.live.secret.turn)
    back = undo_of_revoke(draft.live.secret.turn, undo, issued, MAKE)
    return draft.step(
        REVOKE,
        name,
        StepKind.REVOKE_SECRET,
        Phase.CLOSE,
        provider=rotation.provider,
        arguments={
            "old": draft.live.secret.digest,
            "digest_from": MAKE,
            "places": places,
            **issued,
        },
        needs=[step.id for step in steps if step.id not in needed],
        undo=back,
        no_undo="" if back else _why_final(rotation),
        time_limit=REVOKE_LIMIT,
    )


def _why_final(rotation: Rotation) -> str:
    if rotation.provider:
        return f"{rotation.provider} deletes the old key for good."
    return "The old value is kept nowhere afterwards."


def _issued(draft: Draft, rotation: Rotation) -> Mapping[str, object]:
    """What its issuer must be told of a secret that a platform makes; nothing for one that we make."""
    if rotation.kind != API_KEY:
        return told(draft, rotation)
    project = projects_of(draft.settings, draft.wish.environment, rotation.provider)[0]
    secret = draft.live.secret
    return {"project": project, "key": secret.key, "key_kind": secret.key_kind, "variable": rotation.name}


def _notes(draft: Draft, uses: SecretUses, chosen: Sequence[str], flows: Mapping[str, Flow]) -> Iterator[str]:
    yield f"{uses.reference} gets the new value; nothing else has to be changed by hand afterwards."
    turn = draft.live.secret.turn
    if turn is not None:
        yield from notes(turn)
    else:
        yield "Until the last step everything can be taken back. After it the old value is gone for good."
    for each in flows.values():
        yield from each.notes
        if each.candidate_arm:
            yield f"{each.service}: the arm that rests afterwards has the old value until it is deployed to again."
    for name in chosen:
        if draft.service(name).health is None:
            yield f"{name} has no health settings: that its deploy ended well is all that is verified."
