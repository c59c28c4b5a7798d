"""What an operator does on Render's dashboard, as one table."""

from __future__ import annotations

from providers.contract import Action, Desk, Nothing, Reading
from providers.render import maintenance, scaling, services
from providers.render.client import RenderClient


def build_desk(client: RenderClient, owner: str) -> Desk:
    reader = services.ServiceReader(client, owner)
    runs = maintenance.MaintenanceRuns(client, owner)
    return Desk(
        readings={
            "services": Reading("Services of every type.", services.Services, reader.fetch_services),
            "service": Reading("One service in full.", services.OneService, reader.fetch_service),
            "platform-maintenance": Reading("Maintenance that Render has planned or done.", Nothing, runs.fetch),
        },
        actions={
            "scale": Action("Run a fixed number of instances.", scaling.Scale, scaling.make_scale(reader)),
            "set-autoscaling": Action(
                "Let the number of instances follow the load.",
                scaling.SetAutoscaling,
                scaling.make_autoscaling(reader),
            ),
            "remove-autoscaling": Action(
                "Return to a fixed number of instances.", scaling.RemoveAutoscaling, scaling.make_fixed(reader)
            ),
            "maintenance-on": Action(
                "Show a maintenance page instead of the service.",
                maintenance.MaintenanceOn,
                maintenance.make_maintenance_on(reader),
                destroys=True,
            ),
            "maintenance-off": Action(
                "Show the service again.", maintenance.MaintenanceOff, maintenance.make_maintenance_off(reader)
            ),
            "hold-auto-deploy": Action(
                "Let no push deploy the service.", services.HoldAutoDeploy, services.make_holding(reader)
            ),
            "lift-auto-deploy": Action(
                "Let pushes deploy the service again.", services.LiftAutoDeploy, services.make_lifting(reader)
            ),
        },
    )
