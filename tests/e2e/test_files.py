"""Documents of cases pass through the gateway in pieces, to those who may see the case and to nobody else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.gateways import CITIZEN, CLERK, SAMPLES, Client, child_gateway, here
from tests.e2e.stubs import Behaviour, Request, Stub, answering, declaration, row, stub
from tests.e2e.waiting import until

OWN = SAMPLES[0].id_number
ROWS = [row("PAPER-1", who=OWN), row("PAPER-2", who=SAMPLES[1].id_number)]
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 2000
FILES = """
files:
  result: {title: 许可证, path: "/file/{$args.number}/result", extension: pdf}
  paper: {path: /file, query: {no: $args.number, id: $args.file}, contentType: application/pdf, maxMb: 0.01}
"""
CASE_FILES = "query ($id: ID!) { case(id: $id) { files { kind title url } } }"


def paper_office(then: Behaviour | None = None) -> Behaviour:
    """Cases as the other stubs have them, and files below /file; `asked`: the heads of requests for those."""
    cases = answering(ROWS)

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if not request.target.startswith("/file"):
            await cases(request, writer)
        elif then is not None:
            await then(request, writer)
        else:
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: {len(PDF)}\r\n\r\n"
            writer.write(head.encode() + PDF)

    return behave


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stub, Client]]:
    tmp_path = tmp_path_factory.mktemp("files")
    with stub(paper_office()) as server:
        systems = tmp_path / "systems"
        systems.mkdir()
        text = declaration("PAPER", server.url, timeout_ms=3000)
        (systems / "paper.yaml").write_text(text + FILES, "utf-8")
        with here(tmp_path, systems, {}) as client:
            yield server, client


@pytest.fixture
def office(started: tuple[Stub, Client]) -> tuple[Stub, Client]:
    """The one gateway of this file, before a system that behaves."""
    started[0].behave = paper_office()
    return started


def url_of(client: Client, kind: str = "result") -> str:
    files = client.data(CASE_FILES, {"id": "PAPER:PAPER-1"})["case"]["files"]
    return str(next(one["url"] for one in files if one["kind"] == kind))


def get(client: Client, url: str, token: str | None = CLERK) -> tuple[int, bytes, dict[str, str]]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    reply = client.http.get(url, headers=headers)
    return reply.status_code, reply.content, dict(reply.headers)


def code_of(client: Client, url: str, token: str | None = CLERK) -> tuple[int, str]:
    reply = client.http.get(url, headers={"authorization": f"Bearer {token}"} if token else {})
    return reply.status_code, reply.json()["errors"][0]["extensions"]["code"]


def test_a_file_comes_as_its_system_gives_it_out(office: tuple[Stub, Client]) -> None:
    _, client = office
    files = client.data(CASE_FILES, {"id": "PAPER:PAPER-1"})["case"]["files"]
    assert [(one["kind"], one["title"]) for one in files] == [("result", "许可证"), ("paper", None)]
    status, body, headers = get(client, files[0]["url"])
    assert (status, hashlib.sha256(body).digest()) == (200, hashlib.sha256(PDF).digest())
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''PAPER_PAPER-1-result.pdf"
    assert headers["content-length"] == str(len(PDF))
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


def test_a_head_request_gives_no_body(office: tuple[Stub, Client]) -> None:
    _, client = office
    reply = client.http.head(url_of(client), headers={"authorization": f"Bearer {CLERK}"})
    assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", str(len(PDF)))


def test_who_may_not_see_the_case_does_not_get_its_file(office: tuple[Stub, Client]) -> None:
    server, client = office
    url = url_of(client)
    assert get(client, url, CITIZEN)[0] == 200
    seen = server.calls
    assert code_of(client, url.replace("PAPER-1", "PAPER-2"), CITIZEN) == (404, "CASE_NOT_FOUND")
    assert code_of(client, url, None)[0] == 401
    assert code_of(client, url, "nonsense") == (401, "UNAUTHENTICATED")
    assert server.calls == seen + 1  # of the other's case, and of no file
    assert get(client, url.replace("PAPER-1", "PAPER-2"))[0] == 200


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "BAD_USER_INPUT"),
        ("case=PAPER:PAPER-1", 400, "BAD_USER_INPUT"),
        ("case=PAPER:PAPER-1&kind=" + "k" * 500, 400, "BAD_USER_INPUT"),
        ("case=PAPER:PAPER-1&kind=licence", 404, "FILE_NOT_FOUND"),
        ("case=PAPER:PAPER-9&kind=result", 404, "CASE_NOT_FOUND"),
        ("case=NOBODY:1&kind=result", 404, "SYSTEM_UNKNOWN"),
    ],
)
def test_what_is_not_there_is_told(office: tuple[Stub, Client], query: str, status: int, code: str) -> None:
    assert code_of(office[1], f"/files?{query}") == (status, code)


def test_other_methods_are_refused(office: tuple[Stub, Client]) -> None:
    reply = office[1].http.post("/files?case=PAPER:PAPER-1&kind=result")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")


def answer(head: str, body: bytes = b"") -> Behaviour:
    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    return behave


@pytest.mark.parametrize(
    ("head", "body", "status", "code"),
    [
        ("404 Not Found\r\ncontent-length: 0", b"", 404, "FILE_NOT_FOUND"),
        ("500 Oops\r\ncontent-length: 0", b"", 502, "SOURCE_UNAVAILABLE"),
        ("403 No\r\ncontent-length: 0", b"", 502, "SOURCE_REFUSED"),
        ("302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0", b"", 502, "SOURCE_BAD_DATA"),
        ("200 OK\r\ncontent-type: text/html\r\ncontent-length: 5", b"<html", 502, "SOURCE_BAD_DATA"),
        ("nonsense", b"", 502, "SOURCE_BAD_DATA"),
        (f"200 OK\r\ncontent-type: a/b\r\ncontent-length: {101 * 1024 * 1024}", b"x", 502, "SOURCE_BAD_DATA"),
    ],
)
def test_what_a_system_answers_in_place_of_a_file_is_an_error(
    office: tuple[Stub, Client], head: str, body: bytes, status: int, code: str
) -> None:
    server, client = office
    server.behave = paper_office(answer(head, body))
    assert code_of(client, url_of(client)) == (status, code)


def test_a_file_that_breaks_off_is_not_taken_for_whole(office: tuple[Stub, Client]) -> None:
    """Nor is one without a length that grows past its limit: the connection to the client ends in the middle."""
    server, client = office
    cut = answer("200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 1000", b"half")
    large = answer("200 OK\r\ncontent-type: application/pdf", b"x" * 200_000)
    for behave, kind in ((cut, "result"), (large, "paper")):
        server.behave = paper_office(behave)
        with pytest.raises(Exception, match=r"(?i)peer closed|incomplete|disconnect"):
            get(client, url_of(client, kind))


def test_one_of_several_files_is_asked_for_by_its_id(office: tuple[Stub, Client]) -> None:
    server, client = office
    targets: list[str] = []

    async def told(request: Request, writer: asyncio.StreamWriter) -> None:
        targets.append(request.target)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n%P")

    server.behave = paper_office(told)
    get(client, url_of(client, "paper") + "&file=a%26b")
    assert targets == ["/file?no=PAPER-1&id=a%26b"]


def test_a_large_file_costs_little_memory(tmp_path: Path) -> None:
    size = 64 * 1024 * 1024
    block = bytes(1 << 20)

    async def large(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-length: {size}\r\n\r\n".encode())
        for _ in range(size // len(block)):
            writer.write(block)
            await writer.drain()

    with stub(paper_office(large)) as server:
        systems = tmp_path / "systems"
        systems.mkdir()
        (systems / "paper.yaml").write_text(declaration("PAPER", server.url) + FILES, "utf-8")
        with child_gateway(tmp_path, systems, {}) as child:
            url = url_of(child.client)
            before, received, most = _rss(child.process.pid), 0, 0
            with child.client.http.stream("GET", url, headers={"authorization": f"Bearer {CLERK}"}) as reply:
                for piece in reply.iter_raw():
                    received += len(piece)
                    if received % (8 << 20) < len(piece):
                        most = max(most, _rss(child.process.pid))
            assert received == size
            assert most - before < 24 * 1024 * 1024


def test_a_client_that_hangs_up_frees_the_place(office: tuple[Stub, Client]) -> None:
    server, client = office
    begun = 0

    async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\n\r\n" + b"x" * 1000)
        await writer.drain()
        await asyncio.Event().wait()

    url = url_of(client)
    server.behave = paper_office(endless)
    headers = {"authorization": f"Bearer {CLERK}"}
    for _ in range(6):  # more than may be passed on at once

        def answered() -> bool:
            with client.http.stream("GET", url, headers=headers) as reply:
                return reply.status_code == 200

        until(answered, what="a place is free")
    assert begun == 6


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4096
