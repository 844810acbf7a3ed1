"""The runtime lock as a software bill of materials: CycloneDX 1.6, JSON. The same lock gives the same bytes.

A component's hashes are those of all its files on the package index, as the lock has them: whichever of them was
installed, its hash is there. They stand at the reference to the index, since a component's own would be of one file.
"""

from __future__ import annotations

import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements/runtime.txt"
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of the lock. marker: where it is installed at all; empty for everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{self.version}"


def read_lock(text: str) -> Iterator[Pin]:
    """Raises ValueError for a line that pins nothing, or a pin without a hash."""
    for block in re.split(r"\n(?=\S)", text.strip()):
        first, *rest = block.splitlines()
        pin = _PIN.match(first)
        hashes = tuple(sorted(_HASH.findall("\n".join(rest))))
        if pin is None or not hashes:
            raise ValueError(f"the lock has a line that pins nothing by a hash: {first[:80]}")
        yield Pin(pin["name"], pin["version"], (pin["marker"] or "").strip(), hashes)


def bill_of(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """project: the table of that name of pyproject.toml."""
    pins = sorted(read_lock(lock), key=lambda pin: pin.purl)
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own + sha256(lock.encode()).hexdigest())}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "purl": own,
                "description": project["description"],
            }
        },
        "components": [_component(pin) for pin in pins],
        "dependencies": [
            {"ref": own, "dependsOn": [pin.purl for pin in pins]},
            *({"ref": pin.purl} for pin in pins),
        ],
    }


def _component(pin: Pin) -> dict[str, Any]:
    marked = [{"name": "quanyu:environment-marker", "value": pin.marker}] if pin.marker else []
    reference = {
        "type": "distribution",
        "url": pin.purl,
        "hashes": [{"alg": "SHA-256", "content": one} for one in pin.hashes],
    }
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        "externalReferences": [reference],
        **({"properties": marked} if marked else {}),
    }


def main(arguments: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    if "version" not in project:  # where the build takes it from the code
        sys.path[0] = str(ROOT)
        from gateway.version import VERSION

        project = {**project, "version": VERSION}
    text = orjson.dumps(bill_of(LOCK.read_text("utf-8"), project), option=orjson.OPT_INDENT_2) + b"\n"
    if arguments:
        Path(arguments[0]).write_bytes(text)
    else:
        sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
