"""`python -m console.server`: run the worker of one state directory in this process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from console.client.places import find_home


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="quarterdeck worker run", description=__doc__)
    parser.add_argument("--home", type=Path, help="state directory")
    parser.add_argument("--config", type=Path, help="configuration file")
    parser.add_argument("--ready", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    from console.server.process import run_worker

    return run_worker(find_home(options.home), config=options.config, ready=options.ready)


if __name__ == "__main__":
    sys.exit(main())
