"""`config`, `secrets` and `worker`."""

from __future__ import annotations

from console.cli.grammar import Commands, add_command, add_group
from console.cli.options import add_environment, add_reason, add_services, add_timeout, add_wait, add_yes, count


def add(commands: Commands) -> None:
    """Add them to the command line."""
    _add_config(add_group(commands, "config", "the configuration, and the variables of services"))
    _add_secrets(add_group(commands, "secrets", "where secrets are kept and used, and new ones for old"))
    _add_worker(add_group(commands, "worker", "the process that does the work"))


def _add_config(actions: Commands) -> None:
    add_command(actions, "check", "console.cli.configuring:check", "say every problem of the configuration")
    add_command(
        actions, "show", "console.cli.configuring:show_settings", "the settings in force; secrets stay references"
    )
    words = "print the JSON Schema that editors complete and check with"
    schema = add_command(actions, "schema", "console.cli.configuring:schema", words)
    schema.add_argument(
        "of",
        metavar="WHAT",
        nargs="?",
        choices=("config", "pipeline"),
        default="config",
        help="config, or pipeline for the files of custom pipelines (config)",
    )
    words = "variables of services: set, wanted, and what the live release ran with"
    diff = add_command(actions, "diff", "console.cli.comparing:diff", words)
    add_environment(diff)
    diff.add_argument("--with", dest="other", default="", metavar="ENV", help="compare with another environment")
    add_services(diff)
    diff.add_argument("--all", action="store_true", help="also what is equal")
    words = "set the variables that differ from the configuration; shows them first"
    sync = add_command(actions, "sync", "console.cli.syncing:sync", words)
    add_environment(sync)
    add_services(sync)
    add_reason(sync)
    sync.add_argument("--undo", action="store_true", help="take back the last sync")
    add_yes(sync)
    add_timeout(sync)


def _add_secrets(actions: Commands) -> None:
    words = "what is unresolved, open to others, shared, unused or old"
    check = add_command(actions, "check", "console.cli.secrets:check", words)
    check.add_argument("--max-age", type=count, default=90, metavar="DAYS", help="days after which one is old (90)")
    words = "put a new secret in the place of an old one, and give the old one up last"
    rotate = add_command(actions, "rotate", "console.cli.rotation:rotate", words)
    add_environment(rotate)
    rotate.add_argument("name", metavar="NAME", help="variable by which services get the secret")
    rotate.add_argument(
        "--kind", choices=("variable", "api-key", "database"), default="variable", help="what it is (variable)"
    )
    rotate.add_argument("--provider", default="", metavar="PROVIDER", help="who issues it; for an API key")
    add_services(rotate, "find it by these")
    add_reason(rotate)
    add_yes(rotate)
    add_wait(rotate, is_default=True)


def _add_worker(actions: Commands) -> None:
    handler = "console.cli.worker:worker"
    add_command(actions, "run", handler, "run the worker in the foreground, as under systemd")
    add_command(actions, "start", handler, "start a worker in the background")
    add_command(actions, "stop", handler, "stop it; running deployments go on with the next one")
    add_command(actions, "status", handler, "whether one runs, and what it does")
