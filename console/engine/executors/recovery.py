"""Steps that bring a service back without another release, and those about pushes that a platform makes live itself."""

from __future__ import annotations

from console.domain.plan import Phase
from console.domain.release import Release
from console.engine.executors.configuration import record_configuration
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from providers.contract import Deploy, Operation, Restart, Scale, SetAutoDeploy


async def restart(work: Work) -> Outcome:
    target = str(work.argument("target"))
    return _outcome(await work.perform(work.capabilities().restart, Restart(target), f"restart {target}"))


async def scale(work: Work) -> Outcome:
    target, instances = str(work.argument("target")), int(work.argument("instances"))
    asked = Scale(target, instances)
    return _outcome(await work.perform(work.capabilities().scale, asked, f"run {instances} instances of {target}"))


async def redeploy(work: Work) -> Outcome:
    target, commit = str(work.argument("target")), str(work.argument("commit"))
    await record_configuration(work, target)
    asked = Deploy(target, Release(commit, commit[:8]))
    return _outcome(await work.perform(work.capabilities().deploy, asked, f"deploy {commit[:8]} to {target}"))


async def hold_pushes(work: Work) -> Outcome:
    target = str(work.argument("target"))
    asked = SetAutoDeploy(target, on=False)
    ended = await work.perform(work.capabilities().auto_deploy, asked, f"hold pushes of {target}")
    if isinstance(ended, Failed) and work.step.phase is not Phase.ROLLBACK:
        return Skipped(f"{ended.what} Pushes still go live by themselves: see to it at the platform.")
    return _outcome(ended)


async def lift_hold(work: Work) -> Outcome:
    """At the end of a deployment a trouble here takes nothing back: the hold stays, and `promote` lifts it later."""
    target = str(work.argument("target"))
    asked = SetAutoDeploy(target, on=True)
    ended = await work.perform(work.capabilities().auto_deploy, asked, f"let pushes of {target} go live")
    if isinstance(ended, Failed) and not work.argument("alone", False):
        later = f"`quarterdeck promote {work.deployment.environment}`"
        return Skipped(f"{ended.what} Pushes are still held; {later} lets them go live.")
    return _outcome(ended)


def _outcome(ended: Operation | Failed) -> Outcome:
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)
