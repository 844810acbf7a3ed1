"""`quanyu.asgi:app` for an ASGI server of your own; settings come from the environment.

The application is built when it is first asked for (PEP 562): importing this module opens nothing.
"""

from __future__ import annotations

import os
from typing import Any

from gateway.app import create_app
from gateway.settings import load_settings

__all__ = ["app"]

app: Any


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    application = create_app(load_settings(os.environ))
    globals()["app"] = application
    return application
