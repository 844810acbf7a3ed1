"""The version of this build, as the package's metadata has it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["VERSION"]

try:
    VERSION = version("quanyu")
except PackageNotFoundError:  # a checkout that was not installed
    VERSION = "0.1.0"
