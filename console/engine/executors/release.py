"""Steps that put a release somewhere, wake or rest a place, and give a place back what ran there before."""

from __future__ import annotations

from console.engine.executors.configuration import record_configuration
from console.engine.executors.drain import await_drained
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from providers.contract import Deploy, Operation, Promote, Resume, RollBack, Suspend


async def deploy(work: Work) -> Outcome:
    release = work.deployment.plan.release
    request = Deploy(str(work.argument("target")), release, serve=bool(work.argument("serve", True)))
    await record_configuration(work, request.target)
    drained = await await_drained(work)
    if isinstance(drained, Skipped):
        what = f"{work.argument('arm', request.target)} still gets traffic, so nothing is deployed there."
        return Failed(what, f"step {work.step.id}", "Somebody else moves this route. Find out who, then deploy again.")
    ended = await work.perform(work.capabilities().deploy, request, f"deploy {release.name} to {request.target}")
    return _outcome(ended)


async def resume(work: Work) -> Outcome:
    target = str(work.argument("target"))
    return _outcome(await work.perform(work.capabilities().resume, Resume(target), f"start {target}"))


async def suspend(work: Work) -> Outcome:
    target = str(work.argument("target"))
    drained = await await_drained(work)
    if isinstance(drained, Skipped):
        return drained
    ended = await work.perform(work.capabilities().suspend, Suspend(target), f"suspend {target}")
    if isinstance(ended, Failed):
        return ended
    words = "; ".join(filter(None, (drained.words, ended.detail)))
    return Done(words, {**ended.outputs, **(drained.outputs or {})})


async def promote(work: Work) -> Outcome:
    target = str(work.argument("target"))
    deployment = str(work.argument("deployment"))
    request = Promote(target, deployment)
    return _outcome(await work.perform(work.capabilities().promote, request, f"promote {deployment}"))


async def roll_back_release(work: Work) -> Outcome:
    """Return to the deployment that was live when the step ran, or when the plan was made.

    What still gets traffic goes back all the same: it is led away first where anybody could take over.
    """
    target = str(work.argument("target"))
    outputs = work.argument("outputs", {})
    deployment = (outputs.get("previous") if isinstance(outputs, dict) else None) or work.argument("deployment", "-")
    if deployment == "-":
        return Failed(f"Nothing is known to return {target} to.", f"step {work.step.id}", "Deploy a release by hand.")
    await await_drained(work)
    request = RollBack(target, str(deployment))
    return _outcome(await work.perform(work.capabilities().roll_back, request, f"return to {deployment}"))


def _outcome(ended: Operation | Failed) -> Outcome:
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)
