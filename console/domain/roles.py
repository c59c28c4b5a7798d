"""Who may do what. Roles are ordered: each may do everything that the one before it may."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    NONE = 0
    VIEWER = 1
    DEPLOYER = 2
    APPROVER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        return self.name.lower()


RESTORE = "restore"
"""The right to replace what a database holds by a backup; a rollback that does so takes it, too."""
EMERGENCY = "emergency"
"""The right to pass gates in an emergency: approvers have it, and deployers to whom it is given."""

NEEDED: dict[str, Role] = {
    "view": Role.VIEWER,
    "ask": Role.VIEWER,
    "deploy": Role.DEPLOYER,
    "rollback": Role.DEPLOYER,
    "pause": Role.DEPLOYER,
    "resume": Role.DEPLOYER,
    "promote": Role.DEPLOYER,
    "promote-full": Role.DEPLOYER,
    "abort": Role.DEPLOYER,
    "retry": Role.DEPLOYER,
    "skip": Role.DEPLOYER,
    "renew": Role.DEPLOYER,
    "act": Role.DEPLOYER,
    "schedule": Role.DEPLOYER,
    "cancel-schedule": Role.DEPLOYER,
    "freeze": Role.APPROVER,
    "lift-freeze": Role.APPROVER,
    "approve": Role.APPROVER,
    "reject": Role.APPROVER,
    EMERGENCY: Role.APPROVER,
    RESTORE: Role.APPROVER,
    "rollback-data": Role.APPROVER,
    "review": Role.APPROVER,
    "destroy": Role.ADMIN,
    "stop-worker": Role.ADMIN,
}


def may(role: Role, action: str) -> bool:
    """Say whether the role covers the action; an action nobody listed needs the highest."""
    return role >= NEEDED.get(action, Role.ADMIN)
