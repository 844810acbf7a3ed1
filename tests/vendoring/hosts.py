"""Web servers with documents: what a department publishes, by path and query."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Host", "hosting"]


class Host:
    """documents: target -> body, or an address to redirect to. May be changed while it runs."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self.documents = dict(documents)
        self.asked: list[str] = []
        self.url = ""

    @property
    def authority(self) -> str:
        return self.url.partition("://")[2]


@contextlib.contextmanager
def hosting(documents: Mapping[str, str]) -> Iterator[Host]:
    host = Host(documents)

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            body = host.documents.get(self.path)
            if body is not None and body.startswith("http://"):
                self.send_response(302)
                self.send_header("Location", body)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = (body or "").replace("{host}", host.url).encode()
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Tests read their own output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
