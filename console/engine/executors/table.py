"""Which executor does which kind of step."""

from __future__ import annotations

from collections.abc import Mapping

from console.domain.plan import StepKind
from console.engine.executors import (
    announcement,
    configuration,
    failover,
    gates,
    judgement,
    logins,
    maintenance,
    measures,
    own,
    recovery,
    release,
    rotation,
    schema,
    traffic,
    trial,
)
from console.engine.runner import Executor

EXECUTORS: Mapping[StepKind, Executor] = {
    StepKind.CHECK_COMMIT: gates.check_commit,
    StepKind.APPROVAL: gates.approval,
    StepKind.ANNOUNCE: announcement.announce,
    StepKind.MIGRATE: schema.migrate,
    StepKind.MIGRATE_DOWN: schema.migrate_down,
    StepKind.CONFIGURE: configuration.configure,
    StepKind.RESTORE_CONFIGURATION: configuration.restore,
    StepKind.MAKE_SECRET: rotation.make,
    StepKind.UNMAKE_SECRET: rotation.unmake,
    StepKind.REVOKE_SECRET: rotation.revoke,
    StepKind.AWAIT_UNUSED: logins.await_unused,
    StepKind.RESTORE_SECRET: logins.restore,
    StepKind.RESUME: release.resume,
    StepKind.SUSPEND: release.suspend,
    StepKind.DEPLOY: release.deploy,
    StepKind.ROLL_BACK_RELEASE: release.roll_back_release,
    StepKind.PROMOTE: release.promote,
    StepKind.HEALTH: trial.health,
    StepKind.INTEGRATION: trial.integration,
    StepKind.BENCHMARK: trial.benchmark,
    StepKind.MEASURE: measures.measure,
    StepKind.SHIFT: traffic.shift,
    StepKind.BAKE: judgement.hold,
    StepKind.VERIFY: judgement.hold,
    StepKind.RESTART: recovery.restart,
    StepKind.SCALE: recovery.scale,
    StepKind.REDEPLOY: recovery.redeploy,
    StepKind.HOLD_PUSHES: recovery.hold_pushes,
    StepKind.LIFT_HOLD: recovery.lift_hold,
    StepKind.COMMAND: own.command,
    StepKind.REQUEST: own.request,
    StepKind.CHECK_STANDBY: failover.check,
    StepKind.FENCE: failover.fence,
    StepKind.UNFENCE: failover.unfence,
    StepKind.PROMOTE_STANDBY: failover.promote,
    StepKind.POINT_NAME: failover.point_name,
    StepKind.VERIFY_FAILOVER: failover.verify,
    StepKind.AWAIT_RESOLVERS: failover.await_resolvers,
    StepKind.MAINTAIN: maintenance.maintain,
}
