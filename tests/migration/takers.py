"""Two systems that take applications, with numbers of their own: neither knows what filing twice is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.mapping.dates import NETWORK_OFFSET
from tests.e2e.stubs import declaration
from tests.submission.fault_proxy import FaultProxy, fault_proxy

__all__ = ["ITEM", "Books", "Pair", "two_takers"]

ITEM = "500116001000"

WRITES = """
  submit:
    path: /submit
    body: {{ref: $args.reference, who: $args.applicant.idNumber, no: $args.case.number, site: $args.fields.site}}
    accepts:
      items: ["{item}"]
      fields: {{site: {{label: 地点}}}}
    failure: {{refused: refused == true, message: why}}
    answer: {{number: no}}
    reconcile: {{verb: cases, match: externalRefs.ref == $args.reference, settleS: 1}}
  withdraw:
    path: /withdraw
    body: {{ref: $args.reference, no: $args.case.number}}
    failure: {{refused: refused == true}}
    answer: {{filed: ok == true}}
    reconcile: {{verb: case, number: $args.case.number, match: state == "WITHDRAWN", settleS: 1}}
"""
RESERVE = """
  reserve:
    path: /reserve
    body: {ref: $args.reference}
    failure: {refused: refused == true}
    answer: {number: no}
    reconcile: {style: resend}
"""


@dataclass
class Books:
    """What a system holds. filed: reference -> numbers; reserved: the same of numbers without a case."""

    code: str
    takes_numbers: bool = False
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    filed: dict[str, list[str]] = field(default_factory=dict)
    reserved: dict[str, str] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    refuses: bool = False
    calls: int = 0
    next: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self) -> str:
        self.next += 1
        return f"{self.code}-{self.next}"

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        with self.lock:
            self.calls += 1
            if path.startswith("/case/"):
                return self.rows.get(path.rpartition("/")[2], {"missing": True})
            if path.startswith("/cases"):
                return {"total": len(self.rows), "rows": list(self.rows.values())}
            if self.refuses:
                return {"refused": True, "why": "closed"}
            if path == "/reserve":
                if body["ref"] not in self.reserved:
                    self.reserved[body["ref"]] = self.number()
                return {"no": self.reserved[body["ref"]]}
            if path == "/withdraw":
                self.withdrawn.append(body["no"])
                if body["no"] not in self.rows:
                    return {"refused": True}
                self.rows[body["no"]]["status"] = "CX"
                return {"ok": True}
            number = body["no"] if self.takes_numbers and body.get("no") else self.number()
            self.filed.setdefault(body["ref"], []).append(number)
            self.rows[number] = {
                "no": number,
                "title": f"{self.code} {number}",
                "who": body["who"],
                "phone": "13800001234",
                "status": "SL",
                "applied": _now(),
                "ref": body["ref"],
                "steps": [],
            }
            return {"no": number}

    @property
    def numbers(self) -> list[str]:
        return [one for filed in self.filed.values() for one in filed]


def _now() -> str:
    return datetime.now(NETWORK_OFFSET).isoformat(timespec="seconds")


@contextmanager
def _serving(books: Books) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._tell({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._tell(json.loads(body))

        def _tell(self, body: dict[str, Any]) -> None:
            data = json.dumps(books.answer(urlsplit(self.path).path, body), ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Pair:
    """Old and new, each behind a proxy of the test's own."""

    old: Books
    new: Books
    old_proxy: FaultProxy
    new_proxy: FaultProxy
    systems: Path


def _text(code: str, url: str) -> str:
    text = declaration(code, url, timeout_ms=700).replace("BJ: CLOSED", "BJ: CLOSED, CX: WITHDRAWN")
    text = text.replace(
        "      appliedAt: applied\n", "      appliedAt: applied\n      externalRefs: {ref: ref}\n"
    )
    return text + WRITES.format(item=ITEM).lstrip("\n")


@contextmanager
def two_takers(
    tmp: Path, *, numbers: str = "mapped", dual: str = "[CANARY, PRIMARY_NEW]", reserve: bool = True
) -> Iterator[Pair]:
    systems = tmp / "systems"
    systems.mkdir(exist_ok=True)
    same = numbers == "same"
    old, new = Books("OLD"), Books("OLD" if same else "NEW", takes_numbers=same)
    old.takes_numbers = True
    with ExitStack() as stack:
        proxies = [stack.enter_context(fault_proxy(stack.enter_context(_serving(one)))) for one in (old, new)]
        reserved = RESERVE.lstrip("\n") if reserve else ""
        (systems / "old.yaml").write_text(_text("OLD", proxies[0].url) + reserved, encoding="utf-8")
        text = _text("NEW", proxies[1].url)
        if same:
            text = text.replace(r"'NEW-\d+'", r"'OLD-\d+'")
        text += f"migration:\n  replaces: OLD\n  numbers: {numbers}\n  dualWrite: {dual}\n"
        (systems / "new.yaml").write_text(text, encoding="utf-8")
        yield Pair(old, new, *proxies, systems)
