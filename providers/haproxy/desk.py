"""Everything that people do at HAProxy by hand, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.contract import Action, Desk, Nothing, Reading, Unsupported
from providers.haproxy.checks import CheckReader, Checks
from providers.haproxy.servers import OneServer, ServerReader, Servers, make_drain, make_state
from providers.haproxy.traffic import Routes

if TYPE_CHECKING:
    from providers.haproxy.client import HAProxyClient
    from providers.haproxy.settings import HAProxySettings

NO_RELOAD = Unsupported(
    "A reload is asked of the master process, not of the runtime socket.",
    "Use `systemctl reload haproxy`; weights survive it as docs/haproxy.md says.",
)


def build_desk(client: HAProxyClient, settings: HAProxySettings) -> Desk:
    reader = ServerReader(client)
    return Desk(
        readings={
            "servers": Reading("Servers: state, weights, sessions, counts.", Servers, reader.fetch_servers),
            "process": Reading("HAProxy itself: version, uptime, connections.", Nothing, reader.fetch_process),
            "checks": Reading(
                "What would lose requests or weights, or keep a release from being judged.",
                Checks,
                CheckReader(client, Routes(client, settings), settings).fetch_checks,
            ),
        },
        actions={
            "drain": Action(
                "Give a server no new visitors, and wait until none is left.", OneServer, make_drain(client), True
            ),
            "maintenance": Action(
                "Take a server out at once.", OneServer, make_state(client, "maint", "in maintenance"), True
            ),
            "ready": Action(
                "Put a server back; without weight it gets requests from the next shift on.",
                OneServer,
                make_state(client, "ready", "ready"),
            ),
            "reload": NO_RELOAD,
        },
    )
