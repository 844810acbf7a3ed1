"""A headless Chromium for tests, driven by its own DevTools protocol over a WebSocket: no driver, no download.

The browser is the machine's (Debian: `apt-get install chromium`; elsewhere `QUANYU_TEST_CHROMIUM` names it).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.e2e.waiting import until

__all__ = ["Browser", "chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Browser:
    """One page. Whatever the page asks for is in `requested`, whatever it complains of in `complaints`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._ids = socket, count(1)
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = self._next()
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']}"
                return dict(told["result"])

    def open(self, url: str) -> None:
        self._loaded = False
        self.call("Page.navigate", url=url)
        self.loaded()

    def loaded(self) -> None:
        """Until the page that is under way has loaded."""
        while not self._loaded:
            self._next()

    def press(self, selector: str) -> None:
        """Clicks what leads to another page, and waits for it."""
        self._loaded = False
        self.run(f"document.querySelector({json.dumps(selector)}).click()")
        self.loaded()

    def run(self, script: str) -> Any:
        """The value of an expression, as JSON. By the protocol, so that the page's policy for scripts does not matter."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def size(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        """The whole page, as PNG."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))

    def _next(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._socket.recv(timeout=30))
        match told.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(told["params"]["request"]["url"])
            case "Log.entryAdded" if told["params"]["entry"]["source"] != "network":
                self.complaints.append(told["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]))
        return told


def _found() -> str:
    named = os.environ.get("QUANYU_TEST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: apt-get install chromium")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """profile: a folder of its own, so that no other browser shares its cookies."""
    command = [
        _found(),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--no-proxy-server",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
    ]
    with (profile.parent / "chromium.log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        place = profile / "DevToolsActivePort"
        until(lambda: place.exists() and place.read_text().count("\n") >= 1, what="Chromium", timeout_s=60)
        port = place.read_text().splitlines()[0]
        with connect(f"ws://127.0.0.1:{port}{_page(port)}", max_size=64 * 1024 * 1024, proxy=None) as socket:
            yield Browser(socket)
    finally:
        child.terminate()
        child.wait(20)


def _page(port: str) -> str:
    found: list[dict[str, str]] = []

    def there() -> bool:
        found[:] = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
        return any(one["type"] == "page" for one in found)

    until(there, what="a page of Chromium")
    page = next(one for one in found if one["type"] == "page")
    return page["webSocketDebuggerUrl"].partition(port)[2]
