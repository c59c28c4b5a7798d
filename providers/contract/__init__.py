"""What a platform can do for Quarterdeck, and how it is asked.

A connection answers with `Capabilities`: one field for each thing a provider may do, holding either the object that
does it or `Unsupported(reason, remedy)`. No method exists only to raise.

Everything that changes the world is an `Actuator` with three verbs: `start`, `observe`, `find`. Its laws, run on
every provider by one suite: the same key twice has one effect, also when the first reply was lost; `find` tells the
truth, also from a new connection; an ended operation stays ended; an unknown reference is LOST, not an exception;
each kind of bad answer becomes its own error; no secret appears in any text.
"""

from providers.contract.connection import (
    NOT_OFFERED,
    Capabilities,
    Connection,
)
from providers.contract.desk import Action, Desk, Nothing, Reading
from providers.contract.logins import Login, Logins, RoleSessions, TurnFacts
from providers.contract.operations import (
    Actuator,
    Operation,
    OperationKey,
    OperationStatus,
    Unsupported,
)
from providers.contract.requests import (
    Announce,
    Cancel,
    Deploy,
    Maintain,
    Migrate,
    MigrateDown,
    MigrationFile,
    Promote,
    Restart,
    Resume,
    RollBack,
    Scale,
    SetAutoDeploy,
    SetVariables,
    ShiftTraffic,
    Suspend,
)
from providers.contract.roles import (
    Account,
    AccountReport,
    ApiKey,
    ArmCounters,
    CheckSource,
    CounterSource,
    Inventory,
    KeySource,
    LogSource,
    MetricSource,
    MigrationSource,
    Page,
    PageSource,
    ProbeRequest,
    ProbeResult,
    ProbeSource,
    ReleaseSource,
    Router,
    TagSource,
    Target,
    VariableSource,
)

__all__ = [
    "NOT_OFFERED",
    "Account",
    "AccountReport",
    "Action",
    "Actuator",
    "Announce",
    "ApiKey",
    "ArmCounters",
    "Cancel",
    "Capabilities",
    "CheckSource",
    "Connection",
    "CounterSource",
    "Deploy",
    "Desk",
    "Inventory",
    "KeySource",
    "LogSource",
    "Login",
    "Logins",
    "Maintain",
    "MetricSource",
    "Migrate",
    "MigrateDown",
    "MigrationFile",
    "MigrationSource",
    "Nothing",
    "Operation",
    "OperationKey",
    "OperationStatus",
    "Page",
    "PageSource",
    "ProbeRequest",
    "ProbeResult",
    "ProbeSource",
    "Promote",
    "Reading",
    "ReleaseSource",
    "Restart",
    "Resume",
    "RoleSessions",
    "RollBack",
    "Router",
    "Scale",
    "SetAutoDeploy",
    "SetVariables",
    "ShiftTraffic",
    "Suspend",
    "TagSource",
    "Target",
    "TurnFacts",
    "Unsupported",
    "VariableSource",
]
