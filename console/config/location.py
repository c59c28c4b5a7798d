"""Where the configuration file is."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "QUARTERDECK_CONFIG"
NAME = "config.toml"


def locate(home: Path, explicit: Path | None = None) -> Path:
    """Name the configuration file: the explicit one, `$QUARTERDECK_CONFIG`, `HOME/config.toml`, or the user's.

    The file named need not exist; where none does, it is the one in the home directory.
    """
    import platformdirs

    if explicit is not None:
        return explicit
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    own = home / NAME
    users = platformdirs.user_config_path("quarterdeck") / NAME
    return users if not own.exists() and users.exists() else own
