"""The launcher: puts the house (gateway, adapters, schema, cache) on the import path.

In a wheel the four folders lie under `quanyu/app`, so that the wheel owns one top-level name only
(PyPI has a package called `schema`); in a checkout they lie beside this folder.
"""

import sys
from pathlib import Path

__version__ = "0.1.0"

_here = Path(__file__).resolve().parent
_house = _here / "app"
HOUSE = _house if _house.is_dir() else _here.parent

if str(HOUSE) not in sys.path:
    sys.path.insert(0, str(HOUSE))
