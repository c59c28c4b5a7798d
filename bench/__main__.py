"""`make bench`: bring up a playground, measure, print a table. Nothing here fails a build; a missed bar says so.

What takes long has a playground and options of its own: `python -m bench loss --help`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.figures import Figure, table
from bench.start import QUARTERDECK

SECTIONS = ("start", "adapters", "idle", "many_services", "rollback", "log_flood")
NEEDS_LOAD = {"rollback"}
ALONE = ("loss", "detection", "kills", "faults", "transfer", "uploads", "switching")
"""Measurements that bring up what they need, each with options of its own."""


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in ALONE:
        alone = importlib.import_module(f"bench.{sys.argv.pop(1)}")
        sys.exit(alone.main())
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all by default")
    options.add_argument("--format", choices=["text", "json"], default="text")
    chosen = options.parse_args()
    unknown = set(chosen.sections) - set(SECTIONS)
    if unknown:
        options.error(f"unknown sections: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="qd-bench-") as directory:
        home = Path(directory)
        _quarterdeck(home, "playground", "up")
        try:
            for section in chosen.sections or SECTIONS:
                _quarterdeck(home, "playground", "traffic", "--rps", "50" if section in NEEDS_LOAD else "0")
                figures += importlib.import_module(f"bench.{section}").measure(home)
        finally:
            _quarterdeck(home, "worker", "stop", check=False)
            _quarterdeck(home, "playground", "down", check=False)
    print(json.dumps([asdict(figure) for figure in figures], indent=2) if chosen.format == "json" else table(figures))


def _quarterdeck(home: Path, *arguments: str, check: bool = True) -> None:
    subprocess.run([QUARTERDECK, "--home", str(home), *arguments], check=check, capture_output=True)


if __name__ == "__main__":
    main()
