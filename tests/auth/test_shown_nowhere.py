"""Secrets do not show where people look: `quanyu try`, whatever form they were sent in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from adapters.auth.model import Auth
from adapters.auth.secrets import secret_forms, secret_values
from gateway.cli import main
from tests.adapters.doubles import case_row, rest_yaml
from tests.auth.sources import CASE, PASSWORD
from tests.auth.test_sessions_in_sources import session

TOKEN = "session-8472391"


class Login(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._say({"code": "0", "data": {"sid": TOKEN}})

    def do_GET(self) -> None:
        self._say(case_row("N1", echo=self.headers["X-Session"]))

    def _say(self, value: object) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = orjson.dumps(value)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Login)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_quanyu_try_shows_neither_password_nor_session(origin: str, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    connectors = CASE.replace("path:", "query: {sid: $session.token}, path:")
    path.write_text(rest_yaml(connectors, base=origin, source=session()), encoding="utf-8")
    environment = {"T_PASSWORD": PASSWORD, "COLUMNS": "300"}
    result = CliRunner().invoke(main, ["try", "T-ONE", "case", "N1", "--systems", str(path)], env=environment)
    assert result.exit_code == 0, result.output
    assert "(secret)" in result.output
    assert "1 record(s)" in result.output
    assert TOKEN not in result.output
    assert "pa$$" not in result.output


def test_secrets_are_known_in_every_form_they_are_sent() -> None:
    forms = secret_forms('a b&"<')
    assert forms >= {'a b&"<', "a%20b%26%22%3C", "a+b%26%22%3C", 'a b&amp;"&lt;', 'a b&\\"<'}
    assert secret_forms("abc") == set()


def test_every_hidden_value_is_known() -> None:
    auth = Auth.model_validate(
        {
            "session": {
                "login": {"path": "/l"},
                "secrets": {"p": "s-one"},
                "take": {"token": "sid"},
            },
            "headers": {"X": "s-two"},
            "hmac": {"algorithm": "md5", "key": "s-three", "put": {"header": "X"}},
        }
    )
    assert set(secret_values(auth)) == {"s-one", "s-two", "s-three"}
