"""`quanyu record` and `quanyu replay`: what was exchanged with the sample city is kept without its people, and holds
without the city."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.recording.testing import case_files, check_case
from samples.catalogue import SYSTEMS
from samples.credentials import DEFAULTS
from schema.identifiers import check_resident_id
from tests.cli.conftest import Run
from tests.e2e.gateways import ROOT, SAMPLES
from tests.e2e.stubs import Request, Writer, declaration, http, row, stub
from tests.e2e.truth import cases_of

CITIZEN = SAMPLES[0]


@pytest.fixture(scope="session")
def recorded(city_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of declarations with cases of every system, recorded from the running city."""
    folder = tmp_path_factory.mktemp("recorded")
    for path in (ROOT / "systems").glob("*.yaml"):
        shutil.copy(path, folder)
    return folder


@pytest.fixture(params=list(SYSTEMS))
def system(request: pytest.FixtureRequest, run: Run, city_environ: dict[str, str], recorded: Path) -> str:
    code = str(request.param)
    if not (recorded / "cases" / code.lower()).is_dir():
        result = record(run, city_environ, recorded, code)
        assert result.exit_code == 0, result.output
    return code


def record(run: Run, environ: dict[str, str], folder: Path, *words: str) -> Any:
    own = {"QUANYU_SECRET_RECORDING": "key of this test"}
    since = ("--since", "2017-11-20") if "changes" in words or len(words) == 1 else ()
    # the one declaration: checking all of them takes most of a command's time
    declared = folder / f"{words[0].lower()}.yaml"
    return run("record", *words, "--systems", declared, *since, environ=environ | own)


def test_recorded_cases_hold_without_the_system_and_its_secrets(
    run: Run, system: str, recorded: Path
) -> None:
    result = run(
        "replay", system, "--systems", recorded, "--json"
    )  # nothing of the city is in the environment
    told = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    assert told["ok"] is True
    assert {one["case"].partition("-")[0] for one in told["cases"]} >= {"case", "cases"}
    shown = run("replay", system, "--systems", recorded / f"{system.lower()}.yaml")
    assert f"{len(told['cases'])} as expected" in shown.stderr


def test_no_person_and_no_secret_is_in_any_file(system: str, recorded: Path) -> None:
    held = cases_of(system)
    people = {one.applicant.id_number for one in held if one.applicant.kind == "NATURAL"}
    people |= {one.applicant.mobile for one in held}
    secrets = [value for name, value in DEFAULTS.items() if name.endswith(("PASSWORD", "KEY", "SECRET"))]
    for path in (recorded / "cases" / system.lower()).rglob("*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert [one for one in people if one in text] == [], path
        assert [one for one in secrets if one in text] == [], path


def test_invented_people_have_valid_numbers_in_reply_and_record_alike(system: str, recorded: Path) -> None:
    seen = 0
    for path in case_files(recorded / "cases" / system.lower()):
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        for one in tree["expect"].get("records") or []:
            applicant = one.get("applicant") or {}
            if applicant.get("kind") == "NATURAL":
                seen += 1
                assert check_resident_id(applicant["idNumber"]) == applicant["idNumber"]
                reply = tree["exchanges"][-1]["reply"]["body"]
                assert applicant["idNumber"] in reply
                name = applicant["name"]
                assert name in reply or json.dumps(name)[1:-1] in reply  # one of them writes \\u9648
    assert seen or system in ("GA-ENTRY", "GHJ-PLAN", "SLJ-WATER", "JT-PERMIT")


def test_one_person_is_one_person_in_every_system(
    run: Run, city_environ: dict[str, str], recorded: Path
) -> None:
    numbers, names = set(), set()
    for code in ("FGW-INVEST", "RSJ-SOCIAL", "MZJ-CIVIL"):
        number = next(one.number for one in cases_of(code) if one.applicant == CITIZEN)
        folder = recorded / "one" / code
        assert record(run, city_environ, recorded, code, "case", number, "--into", str(folder)).exit_code == 0
        tree = yaml.safe_load(case_files(folder)[0].read_text(encoding="utf-8"))
        applicant = tree["expect"]["records"][0]["applicant"]
        numbers.add(applicant["idNumber"])
        names.add(applicant["name"])
    assert len(numbers) == len(names) == 1
    assert CITIZEN.id_number not in numbers


def test_what_the_caller_asked_for_is_replaced_too(
    run: Run, city_environ: dict[str, str], recorded: Path
) -> None:
    folder = recorded / "asked"
    words = ("cases", "--applicant", CITIZEN.id_number, "--into", str(folder))
    assert record(run, city_environ, recorded, "GSJ-LICENSE", *words).exit_code == 0
    tree = yaml.safe_load(case_files(folder)[0].read_text(encoding="utf-8"))
    asked = tree["ask"]["args"]["applicant"]["idNumber"]
    assert asked != CITIZEN.id_number
    assert asked in tree["exchanges"][-1]["request"]["path"] + tree["exchanges"][-1]["request"].get(
        "body", ""
    )
    assert {one["applicant"]["idNumber"] for one in tree["expect"]["records"]} == {asked}


def test_a_number_that_does_not_exist_is_a_case_too(
    run: Run, city_environ: dict[str, str], recorded: Path
) -> None:
    folder = recorded / "missing"
    result = record(run, city_environ, recorded, "GHJ-PLAN", "case", "GH2017Z99999", "--into", str(folder))
    assert result.exit_code == 0, result.output
    assert yaml.safe_load(case_files(folder)[0].read_text(encoding="utf-8"))["expect"] == {
        "error": "NOT_FOUND"
    }
    assert run("replay", folder, "--systems", recorded).exit_code == 0


def changed_copy(recorded: Path, tmp_path: Path, old: str, new: str) -> None:
    """JT-PERMIT's declaration with a change."""
    text = (recorded / "jt-permit.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "jt-permit.yaml").write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("title: CaseName", "title: ItemCode", "records[0].title"),
        ("SPCL: UNDER_REVIEW", "SPCL: ACCEPTED", "records[0].state"),
        ("body: {caseNo: $args.number}", 'body: {caseNo: $args.number | prefix("X")}', "request.body.QueryCase.caseNo"),
        ('ApplyTime | date("yyyyMMddHHmmss")', 'ApplyTime | date("yyyyMMdd")', "troubles"),
        ("records: Case\n", "records: Cases\n", "error"),
    ],
)  # fmt: skip
def test_a_changed_declaration_differs_where_it_was_changed(
    run: Run, city_environ: dict[str, str], recorded: Path, tmp_path: Path, old: str, new: str, place: str
) -> None:
    if not (recorded / "cases" / "jt-permit").is_dir():
        assert record(run, city_environ, recorded, "JT-PERMIT").exit_code == 0
    changed_copy(recorded, tmp_path, old, new)
    result = run("replay", recorded / "cases" / "jt-permit", "--systems", tmp_path, "--json")
    assert result.exit_code == 1, result.output
    places = {one["place"] for case in json.loads(result.stdout)["cases"] for one in case["differences"]}
    assert any(one.startswith(place) for one in places), places


def test_differences_are_shown_with_expected_and_found(
    run: Run, city_environ: dict[str, str], recorded: Path, tmp_path: Path
) -> None:
    if not (recorded / "cases" / "jt-permit").is_dir():
        assert record(run, city_environ, recorded, "JT-PERMIT").exit_code == 0
    changed_copy(recorded, tmp_path, "title: CaseName", "title: '\"其他\"'")
    result = run("replay", recorded / "cases" / "jt-permit", "--systems", tmp_path)
    assert result.exit_code == 1
    assert "records[0].title" in result.stdout
    assert "其他" in result.stdout


def test_a_case_is_a_test_of_ones_own(system: str, recorded: Path) -> None:
    for file in case_files(recorded / "cases" / system.lower()):
        check_case(file, systems=[recorded], environment={})


def test_a_case_of_ones_own_that_differs_says_where(
    run: Run, city_environ: dict[str, str], recorded: Path, tmp_path: Path
) -> None:
    if not (recorded / "cases" / "jt-permit").is_dir():
        assert record(run, city_environ, recorded, "JT-PERMIT").exit_code == 0
    changed_copy(recorded, tmp_path, "title: CaseName", "title: ItemCode")
    file = next(one for one in case_files(recorded / "cases" / "jt-permit") if one.stem.startswith("case-"))
    with pytest.raises(AssertionError, match=r"records\[0\]\.title: expected"):
        check_case(file, systems=[tmp_path], environment={})


# --- what cannot be made safe ---

PACKED = """
connectors:
  case:
    path: /case/{{$args.number}}
    decode: [{{at: data, chain: {steps}}}]
    map:
      localNo: data.no
      state: data.status | table("status")
      appliedAt: data.applied
      applicant: {{idNumber: data.who, mobile: data.phone}}
"""


def packed(steps: str, url: str) -> str:
    head = declaration("AA", url).partition("connectors:")[0]
    return head + PACKED.format(steps=steps)


def test_people_inside_packed_payloads_are_replaced_too(run: Run, tmp_path: Path) -> None:
    inner = base64.b64encode(json.dumps(row("AA-1")).encode()).decode()
    with stub(http(json.dumps({"data": inner}).encode())) as server:
        (tmp_path / "aa.yaml").write_text(
            packed("[{base64: {}}, {charset: utf-8}, {json: {}}]", server.url), encoding="utf-8"
        )
        result = record(run, {}, tmp_path, "AA", "case", "AA-1")
    assert result.exit_code == 0, result.output
    file = case_files(tmp_path / "cases")[0]
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    unpacked = base64.b64decode(json.loads(tree["exchanges"][0]["reply"]["body"])["data"]).decode()
    assert row("AA-1")["who"] not in unpacked
    assert tree["expect"]["records"][0]["applicant"]["idNumber"] in unpacked
    assert run("replay", "AA", "--systems", tmp_path).exit_code == 0


def test_people_that_cannot_be_replaced_are_not_written(run: Run, tmp_path: Path) -> None:
    """Hex hides them from whoever looks at texts."""
    inner = json.dumps(row("AA-1")).encode().hex()
    with stub(http(json.dumps({"data": inner}).encode())) as server:
        (tmp_path / "aa.yaml").write_text(
            packed("[{hex: {}}, {charset: utf-8}, {json: {}}]", server.url), encoding="utf-8"
        )
        refused = record(run, {}, tmp_path, "AA", "case", "AA-1")
        assert refused.exit_code == 1
        assert "--keep-data" in refused.stdout
        assert not (tmp_path / "cases").exists()
        kept = record(run, {}, tmp_path, "AA", "case", "AA-1", "--keep-data")
    assert kept.exit_code == 0, kept.output
    assert "nobody was replaced" in kept.stdout
    assert run("replay", "AA", "--systems", tmp_path).exit_code == 0


def test_a_reply_of_bytes_is_not_written_unless_the_data_is_invented(run: Run, tmp_path: Path) -> None:
    text = declaration("AA", "{url}").replace("{url}", "URL").replace('"URL"}', '"URL", format: raw}')
    with stub(http(b"\x00\xff\x00", content_type="application/octet-stream")) as server:
        (tmp_path / "aa.yaml").write_text(text.replace("URL", server.url), encoding="utf-8")
        refused = record(run, {}, tmp_path, "AA", "case", "AA-1")
        kept = record(run, {}, tmp_path, "AA", "case", "AA-1", "--keep-data")
    assert refused.exit_code == 1
    assert "no text" in refused.stdout
    assert kept.exit_code == 0, kept.output
    tree = yaml.safe_load(case_files(tmp_path / "cases")[0].read_text(encoding="utf-8"))
    assert tree["exchanges"][0]["reply"]["base64"] == base64.b64encode(b"\x00\xff\x00").decode()
    assert run("replay", "AA", "--systems", tmp_path).exit_code == 0


def test_a_system_that_does_not_answer_gives_no_case(run: Run, tmp_path: Path) -> None:
    with stub(http(b"{}")) as server:
        url = server.url
    (tmp_path / "aa.yaml").write_text(declaration("AA", url), encoding="utf-8")
    result = record(run, {}, tmp_path, "AA", "case", "AA-1")
    assert result.exit_code == 1
    assert "SOURCE_UNAVAILABLE" in result.stdout


SIGNED = """\
rest:
    baseUrl: "URL"
    sign:
      algorithm: md5
      key: "${env:APP_SECRET:-not-known-here}"
      canonical: [$pairs, $key]
      form: hexUpper
      timestamp: {put: {query: ts}}
      nonce: {put: {query: nonce}}
      put: {query: sign}"""


def counting() -> Callable[[Request, Writer], Any]:
    async def behave(request: Request, writer: Writer) -> None:
        await http(json.dumps(row(request.target.rpartition("/")[2].partition("?")[0])).encode())(
            request, writer
        )

    return behave


def test_times_nonces_and_signatures_of_requests_are_known_and_not_compared(run: Run, tmp_path: Path) -> None:
    signed = declaration("AA", "URL").replace('rest: {baseUrl: "URL"}', SIGNED)
    with stub(counting()) as server:
        (tmp_path / "aa.yaml").write_text(signed.replace("URL", server.url), encoding="utf-8")
        result = record(run, {}, tmp_path, "AA", "case", "AA-1")
    assert result.exit_code == 0, result.output
    tree = yaml.safe_load(case_files(tmp_path / "cases")[0].read_text(encoding="utf-8"))
    assert set(tree["ignore"]) >= {"request.query.ts", "request.query.nonce", "request.query.sign"}
    assert run("replay", "AA", "--systems", tmp_path).exit_code == 0


def test_wrong_words_are_told(run: Run, city_environ: dict[str, str], recorded: Path) -> None:
    assert run("record", "NOPE", "--systems", recorded).exit_code == 1
    assert "no connector 'items'" in record(run, city_environ, recorded, "GHJ-PLAN", "items").stderr
    assert run("record", "JT-PERMIT", "delete").exit_code == 2
    assert "neither a path nor a system" in run("replay", "NOPE", "--systems", recorded).stderr


def test_a_case_of_a_system_that_is_not_declared_is_told(
    run: Run, system: str, recorded: Path, tmp_path: Path
) -> None:
    result = run("replay", recorded / "cases" / system.lower(), "--systems", tmp_path)
    assert result.exit_code == 1
    assert f"no system '{system}'" in result.stdout


SESSION = """\
rest:
    baseUrl: "URL"
    auth:
      session:
        login: {method: POST, path: /login, body: {user: quanyu, word: $secrets.word}}
        secrets: {word: "${env:AA_WORD}"}
        take: {token: sid}
        attach: {headers: {X-Sid: $session.token}}
        logout: {method: POST, path: /logout, body: {sid: $session.token}}"""
TOKEN, WORD = "session-token-4711", "open-sesame-4712"


async def with_session(request: Request, writer: Writer) -> None:
    """A system behind a login."""
    if request.target == "/login":
        await http(json.dumps({"sid": TOKEN}).encode())(request, writer)
    elif f"x-sid: {TOKEN}".encode() in request.head.lower():
        await http(json.dumps(row("AA-1") | {"echo": TOKEN}).encode())(request, writer)
    else:
        await http(b"{}", status="401 Unauthorized")(request, writer)


def test_a_login_is_part_of_the_case_and_neither_password_nor_token_is(run: Run, tmp_path: Path) -> None:
    text = declaration("AA", "URL").replace('rest: {baseUrl: "URL"}', SESSION)
    with stub(with_session) as server:
        (tmp_path / "aa.yaml").write_text(text.replace("URL", server.url), encoding="utf-8")
        result = record(run, {"AA_WORD": WORD}, tmp_path, "AA", "case", "AA-1")
    assert result.exit_code == 0, result.output
    written = case_files(tmp_path / "cases")[0].read_text(encoding="utf-8")
    assert TOKEN not in written
    assert WORD not in written
    tree = yaml.safe_load(written)
    assert [one.get("purpose", "call") for one in tree["exchanges"]] == ["credentials", "call"]
    assert json.loads(tree["exchanges"][0]["reply"]["body"]) == {"sid": "recorded-token"}
    replayed = run("replay", "AA", "--systems", tmp_path)  # the password is not in the environment
    assert replayed.exit_code == 0, replayed.output


def test_fixed_headers_that_hold_no_secret_do_not_spoil_replies(run: Run, tmp_path: Path) -> None:
    """Their values stand in replies too."""
    text = declaration("AA", "URL").replace(
        '"URL"}', '"URL", headers: {Accept: application/json, X-Key: key-4713}}'
    )
    answer = json.dumps(row("AA-1") | {"note": "key-4713"}).encode()
    with stub(http(answer, content_type="application/json")) as server:
        (tmp_path / "aa.yaml").write_text(text.replace("URL", server.url), encoding="utf-8")
        result = record(run, {}, tmp_path, "AA", "case", "AA-1")
    assert result.exit_code == 0, result.output
    written = case_files(tmp_path / "cases")[0].read_text(encoding="utf-8")
    assert "key-4713" not in written
    headers = yaml.safe_load(written)["exchanges"][0]["reply"]["headers"]
    assert list(headers.values()) == ["application/json"]
