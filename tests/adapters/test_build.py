"""Declarations with their WSDLs: what the WSDL does not have is found before any call, and everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.responses import Response

from adapters.build import Loaded, build_source, load_declarations
from adapters.problems import DeclarationError
from adapters.traffic.errors import SourceUnavailable
from adapters.validate import Known
from tests.adapters.doubles import MINIMAL_MAP, ask, lookup, rest_yaml, serving, surroundings
from tests.adapters.soap.services import WRAPPED, write_wsdl
from tests.services import free_port


def soap_yaml(wsdl: str, case: str, *, code: str = "S", extra: str = "") -> str:
    return (
        f"system: {{code: {code}, name: 测试, owner: o}}\n"
        f"source: {{soap: {{wsdl: '{wsdl}'{extra}}}}}\n"
        "tables: {status: {A: ACCEPTED}}\n"
        "connectors:\n"
        "  case:\n"
        f"{case}"
    )


RIGHT = """    operation: getCase
    body: {no: $args.number}
    records: return
    map:
      localNo: no
      state: st | table("status")
      appliedAt: at
"""


async def load_all(*paths: Path, tolerate: bool = False) -> Loaded:
    return await load_declarations(paths, lookup(), Known(), tolerate_unreachable=tolerate)


async def found(folder: Path, text: str, wsdl: str = WRAPPED) -> list[tuple[int, int, str, str, str]]:
    write_wsdl(folder, wsdl)
    path = folder / "one.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = await load_all(path)
    assert bool(loaded.declarations) is not bool(loaded.problems)
    return [(one.line, one.column, one.code, one.message, one.allowed) for one in loaded.problems]


async def test_a_right_declaration_is_loaded(tmp_path: Path) -> None:
    assert await found(tmp_path, soap_yaml("s.wsdl", RIGHT)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "operation: getCase",
            "operation: getCas",
            (
                6,
                16,
                "UNKNOWN_OPERATION",
                "the WSDL has no operation 'getCas'",
                "allowed: getCase; did you mean 'getCase'?",
            ),
        ),
        (
            "{no: $args.number}",
            "{no: $args.number, nr: 1}",
            (7, 30, "UNKNOWN_ELEMENT", "getCase takes no element 'nr'", "allowed: area, no"),
        ),
        (
            "{no: $args.number}",
            "{area: $args.number}",
            (7, 5, "MISSING_ELEMENT", "getCase needs element 'no' (type string)", ""),
        ),
        (
            "records: return",
            "records: retrun",
            (
                8,
                14,
                "UNKNOWN_ELEMENT",
                "the reply's getCaseResponse has no 'retrun'",
                "allowed: return; did you mean 'return'?",
            ),
        ),
        (
            "appliedAt: at",
            "appliedAt: att",
            (
                12,
                18,
                "UNKNOWN_ELEMENT",
                "the reply's getCaseResponse.return has no 'att'",
                "allowed: @kind, at, log, no, st; did you mean 'at'?",
            ),
        ),
        (
            "appliedAt: at",
            "appliedAt: at.time",
            (
                12,
                18,
                "UNKNOWN_ELEMENT",
                "the reply's getCaseResponse.return.at is a simple value (string); nothing is below it",
                "allowed: nothing",
            ),
        ),
        (
            "appliedAt: at",
            "appliedAt: at\n      events: {each: log, occurredAt: when}",
            (
                13,
                39,
                "UNKNOWN_ELEMENT",
                "the reply's getCaseResponse.return.log has no 'when'",
                "allowed: at, name",
            ),
        ),
        (
            "records: return",
            "records: return\n    failure: {when: 'code != 0'}",
            (9, 21, "UNKNOWN_ELEMENT", "the reply's getCaseResponse has no 'code'", "allowed: return"),
        ),
        (
            "records: return",
            "records: return ?? retrun",
            (
                8,
                14,
                "UNKNOWN_ELEMENT",
                "the reply's getCaseResponse has no 'retrun'",
                "allowed: return; did you mean 'return'?",
            ),
        ),
    ],
)
async def test_what_the_wsdl_does_not_have_is_told(
    tmp_path: Path, old: str, new: str, expected: tuple[int, int, str, str, str]
) -> None:
    problems = await found(tmp_path, soap_yaml("s.wsdl", RIGHT.replace(old, new)))
    assert problems[0][:4] == expected[:4]
    assert problems[0][4].startswith(expected[4])
    # where the records are not found, nothing in them is either
    assert len(problems) == 1 or "records: " in new


async def test_everything_that_the_wsdl_does_not_have_comes_at_once(tmp_path: Path) -> None:
    text = soap_yaml("s.wsdl", RIGHT.replace("{no:", "{nr:").replace("appliedAt: at", "appliedAt: a"))
    assert [(line, code) for line, _, code, _, _ in await found(tmp_path, text)] == [
        (7, "MISSING_ELEMENT"),
        (7, "UNKNOWN_ELEMENT"),
        (12, "UNKNOWN_ELEMENT"),
    ]


async def test_a_mistake_elsewhere_does_not_hide_what_the_wsdl_does_not_have(tmp_path: Path) -> None:
    text = soap_yaml(
        "s.wsdl", RIGHT.replace("getCase", "getCas").replace("localNo: no", "localNo: no\n      titel: no")
    )
    # regression: the WSDL is looked at only when all else is right: two rounds instead of one
    assert {code for _, _, code, _, _ in await found(tmp_path, text)} == {
        "UNKNOWN_OPERATION",
        "UNKNOWN_FIELD",
    }


@pytest.mark.parametrize(
    ("wsdl", "content", "part"),
    [
        ("gone.wsdl", WRAPPED, "gone.wsdl: No such file or directory"),
        ("s.wsdl", "<html><body>login</body></html>", "s.wsdl"),
        ("s.wsdl", "not xml", "s.wsdl"),
        (
            "s.wsdl",
            WRAPPED.replace(
                "<wsdl:types>",
                '<wsdl:import namespace="urn:x" location="http://127.0.0.2/x.wsdl"/><wsdl:types>',
            ),
            "another host",
        ),
    ],
)
async def test_a_wsdl_that_cannot_be_read_is_told_where_it_is_named(
    tmp_path: Path, wsdl: str, content: str, part: str
) -> None:
    [(line, column, code, message, _)] = await found(tmp_path, soap_yaml(wsdl, RIGHT), content)
    assert (line, column, code) == (2, 23, "WSDL")
    assert part in message


async def test_a_wsdl_that_does_not_answer_is_a_problem_for_a_check_and_none_for_a_gateway(
    tmp_path: Path,
) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(soap_yaml(f"http://127.0.0.1:{free_port()}/s?wsdl", RIGHT), encoding="utf-8")
    strict, tolerant = await load_all(path), await load_all(path, tolerate=True)
    assert [(one.line, one.code) for one in strict.problems] == [(2, "WSDL_UNREACHABLE")]
    assert (tolerant.problems, list(tolerant.absent)) == ([], ["S"])
    assert [one.system.code for one in tolerant.declarations] == ["S"]


async def test_a_wsdl_that_sends_calls_elsewhere_needs_an_address(tmp_path: Path) -> None:
    async with serving(
        lambda _request, _body: Response(WRAPPED.replace("{address}", "http://inner.example/s"))
    ) as (origin, _):
        path = tmp_path / "one.yaml"
        path.write_text(soap_yaml(f"{origin}/s?wsdl", RIGHT), encoding="utf-8")
        [problem] = (await load_all(path)).problems
        assert (problem.line, problem.code) == (2, "FOREIGN_ADDRESS")
        assert "set `address`" in problem.allowed
        path.write_text(
            soap_yaml(f"{origin}/s?wsdl", RIGHT, extra=f", address: '{origin}/s'"), encoding="utf-8"
        )
        assert (await load_all(path)).problems == []


async def test_problems_of_all_files_come_at_once_in_order(tmp_path: Path) -> None:
    case = f"case: {{path: /c, map: {MINIMAL_MAP}}}"
    (tmp_path / "a.yaml").write_text("system: [\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(rest_yaml(case, head="trafic: {}"), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(rest_yaml(case), encoding="utf-8")
    (tmp_path / "d.yml").write_text(rest_yaml(case), encoding="utf-8")
    (tmp_path / "e.yaml").write_bytes("system: 中".encode("gb18030"))
    (tmp_path / ".hidden.yaml").write_text("nonsense", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nonsense", encoding="utf-8")
    loaded = await load_all(tmp_path, tmp_path / "gone")
    assert [(one.file.name, one.code) for one in loaded.problems] == [
        ("a.yaml", "YAML_SYNTAX"),
        ("b.yaml", "UNKNOWN_KEY"),
        ("c.yaml", "DUPLICATE_SYSTEM"),
        ("d.yml", "DUPLICATE_SYSTEM"),
        ("e.yaml", "FILE_UNREADABLE"),
        ("gone", "FILE_MISSING"),
    ]
    assert loaded.declarations == []
    with pytest.raises(DeclarationError) as caught:
        loaded.raise_if_bad()
    assert len(str(caught.value).splitlines()) == 6


async def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    assert [one.code for one in (await load_all(tmp_path)).problems] == ["NO_DECLARATIONS"]


async def test_a_wsdl_is_found_beside_the_declaration(tmp_path: Path) -> None:
    (tmp_path / "wsdl").mkdir()
    write_wsdl(tmp_path / "wsdl", WRAPPED)
    path = tmp_path / "one.yaml"
    path.write_text(soap_yaml("wsdl/s.wsdl", RIGHT), encoding="utf-8")
    loaded = await load_all(path)
    loaded.raise_if_bad()
    source = build_source(loaded.declarations[0], loaded.services["S"], surroundings())
    with pytest.raises(SourceUnavailable):
        await ask(source, "case", {"number": "1"})
    await source.wire.close()
