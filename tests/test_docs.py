"""The documentation says what the code does: every name has its place, links resolve, examples hold."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import graphql
import pytest
import yaml
from pydantic import BaseModel

from adapters.declaration import Declaration, declaration_schema
from adapters.loader import load
from adapters.mapping.compiler import compile_expression
from adapters.mapping.expression import parse, paths_of
from adapters.mapping.functions import FUNCTIONS, CompileContext
from adapters.mapping.scope import Scope
from adapters.own.sdl import read_sdl
from adapters.references import Lookup
from adapters.validate import check_document
from gateway.cli import main
from gateway.directory import known_codes, read_registry
from gateway.planner.deferrals import with_defer
from gateway.settings import Settings, settings_table
from gateway.telemetry.metrics import Metrics
from schema.canonical import RECORDS
from schema.compose import SubgraphSchema, compose
from schema.subgraphs import CASES, HOUSE, MIGRATION, cases_sdl, house_sdl, migration_sdl
from schema.vocabulary import ENUMS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

CODE = re.compile(r"(?=.{4})[A-Z]+(?:_[A-Z0-9]+)*")
PROBLEM_MAKERS = {"Finding", "_at", "problem", "Problem", "_problem"}
CODE_MAKERS = PROBLEM_MAKERS | {
    "CompositionError",
    "CompositionHint",
    "DocumentRefused",
    "Exhausted",
    "FileRefused",
    "FormProblem",
    "HttpRequestError",
    "LimitBroken",
    "OperationError",
    "QuestionRefused",
    "HarvestFault",
    "NotCloudEvents",
    "SignatureRefused",
    "_failure",
    "add",
    "_from_graphql",
    "answer_error",
    "error_body",
    "given_up",
}
"""Calls that take an error code as one of their arguments."""


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(path: Path, heading: str) -> str:
    """The text below a heading, up to the next one of the first three levels."""
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#{{1,3}} |\Z)", text_of(path), re.M | re.S)
    assert match, f"{page_id(path)} has no heading {heading!r}"
    return match[1].strip()


def first_cells(text: str) -> list[str]:
    """Every `code` in the first cells of the tables."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return [name for cell in rows for name in re.findall(r"`([^`]+)`", cell)]


def fences(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(path), re.M | re.S)


# --- names that code and documentation share ---


def test_the_settings_page_holds_the_table_that_the_command_prints() -> None:
    assert settings_table() in text_of(REFERENCE / "settings.md")


def test_every_setting_named_in_the_pages_exists() -> None:
    free = {"QUANYU_CONFIG", "QUANYU_PROT"}  # the file's own name, and a misspelling that is shown
    for path in PAGES:
        for name in re.findall(r"\bQUANYU_[A-Z_]+\b", text_of(path)):
            known = name.removeprefix("QUANYU_").lower() in Settings.model_fields
            assert (
                known or name in free or name.startswith(("QUANYU_SECRET_", "QUANYU_SAMPLE_", "QUANYU_TEST_"))
            ), (
                page_id(path),
                name,
            )


COMPOSER = ROOT / "schema" / "compose"
"""Its codes are Apollo's public ones, and have a page of their own."""


@cache
def codes_in_the_code(*, composer: bool = False) -> dict[str, frozenset[str]]:
    """Error code -> what makes it: `class`, `value`, or the name of a call. Of the composer, or of everything else."""
    found: dict[str, set[str]] = {}
    for room in ("gateway", "adapters", "schema", "cache"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.is_relative_to(COMPOSER) is not composer:
                continue
            for code, maker in _codes(ast.parse(text_of(path))):
                found.setdefault(code, set()).add(maker)
    return {code: frozenset(makers) for code, makers in found.items()}


def _codes(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id == "code":
                yield from ((code, "value") for code in _constants(node.value))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code":
                    yield from ((code, "value") for code in _constants(value))
        elif isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "code":
                    yield from ((code, "value") for code in _constants(keyword.value))
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CODE_MAKERS:
                for argument in node.args:
                    if not isinstance(argument, ast.Call):
                        yield from ((code, name) for code in _constants(argument))


def _constants(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and CODE.fullmatch(one.value):
            yield one.value


def test_the_scan_for_codes_sees_what_is_known_to_be_there() -> None:
    """Guards the two tests below against a scan that finds nothing."""
    known = {
        "SOURCE_TIMEOUT",
        "CASE_NOT_FOUND",
        "UNKNOWN_KEY",
        "WSDL",
        "LIMIT_EXCEEDED",
        "FORBIDDEN",
    }
    assert known <= codes_in_the_code().keys()
    assert "NO_QUERIES" in codes_in_the_code(composer=True)


def test_every_error_code_has_its_place() -> None:
    documented = _documented_codes("errors.md") | _documented_codes("declaration-problems.md")
    assert codes_in_the_code().keys() - documented == set()


def test_every_code_of_the_composer_is_on_its_page() -> None:
    """Its sentences are held to the code by tests/compose/test_codes_documented.py."""
    documented = set(first_cells(text_of(REFERENCE / "composition.md")))
    assert codes_in_the_code(composer=True).keys() - documented == set()


def test_every_problem_code_is_on_the_page_of_problems() -> None:
    made = {code for code, makers in codes_in_the_code().items() if makers & PROBLEM_MAKERS}
    assert made - _documented_codes("declaration-problems.md") == set()


@pytest.mark.parametrize("page", ["errors.md", "declaration-problems.md"])
def test_no_page_tells_of_a_code_that_is_gone(page: str) -> None:
    cells = {name for name in first_cells(text_of(REFERENCE / page)) if CODE.fullmatch(name)}
    assert cells - codes_in_the_code().keys() == set()


def _documented_codes(page: str) -> set[str]:
    return set(re.findall(rf"`({CODE.pattern})`", text_of(REFERENCE / page)))


def test_every_function_of_the_mapping_language_has_its_row_and_no_other() -> None:
    names = {
        re.split(r"\W", name)[0] for name in first_cells(section(REFERENCE / "mapping.md", "Functions 函数"))
    }
    assert names == set(FUNCTIONS)


def test_every_metric_is_listed() -> None:
    listed = set(first_cells(section(DOCS / "run-quanyu.md", "Metrics 指标")))
    names = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in Metrics().registry.collect()
    }
    assert listed == names


# --- declarations ---

SECTIONS: dict[str, tuple[str, ...]] = {
    "": (),
    "system": ("system",),
    "source": ("source",),
    "source.soap": ("source", "soap"),
    "source.rest": ("source", "rest"),
    "source.graphql": ("source", "graphql"),
    "traffic": ("traffic",),
    "traffic.maintenance": ("traffic", "maintenance"),
    "traffic.cache": ("traffic", "cache"),
    "connectors": ("connectors",),
    "files.KIND": ("files",),
    "connectors.VERB": ("connectors", "case"),
    "connectors.VERB.ticket": ("connectors", "case", "ticket"),
    "connectors.VERB.ticket.poll": ("connectors", "case", "ticket", "poll"),
    "connectors.VERB.paging": ("connectors", "case", "paging"),
    "connectors.VERB.failure": ("connectors", "case", "failure"),
    "harvest": ("harvest",),
    "push": ("push",),
    "types": ("types",),
    "types.fields.NAME": ("types", "fields"),
    "types.fields.NAME.batch": ("types", "fields", "batch"),
    "types.fields.NAME.reach": ("types", "fields", "reach"),
    "migration": ("migration",),
    "migration.compare.FIELD": ("migration", "compare"),
    "connectors.WRITE": ("connectors", "submit"),
    "connectors.WRITE.accepts": ("connectors", "submit", "accepts"),
    "connectors.WRITE.accepts.FIELD": ("connectors", "submit", "accepts", "fields"),
    "connectors.WRITE.accepts.MATERIAL": ("connectors", "submit", "accepts", "materials"),
    "connectors.WRITE.answer": ("connectors", "submit", "answer"),
    "connectors.WRITE.failure": ("connectors", "submit", "failure"),
    "connectors.WRITE.reconcile": ("connectors", "submit", "reconcile"),
}
"""Heading of docs/reference/declaration.md -> the place in the model that it describes."""


def _model_at(place: tuple[str, ...]) -> type[BaseModel]:
    model: Any = Declaration
    for step in place:
        field = next(one for name, one in model.model_fields.items() if step in (name, one.alias))
        model = _inner_model(field.annotation)
        assert model is not None, place
    return model  # type: ignore[no-any-return]  # found by walking annotations


def _inner_model(annotation: Any) -> Any:
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((one for one in getattr(annotation, "__args__", ()) if hasattr(one, "model_fields")), None)


def _models(model: type[BaseModel]) -> set[type[BaseModel]]:
    inner = {
        one for field in model.model_fields.values() if (one := _inner_model(field.annotation)) is not None
    }
    return {model}.union(*(_models(one) for one in inner))


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_of_a_declaration_has_its_row_and_no_other(heading: str) -> None:
    rows = section(REFERENCE / "declaration.md", heading or "(top)").split("\n\n")
    table = next(part for part in rows if part.startswith("| Key | Value |"))
    keys = [field.alias or name for name, field in _model_at(SECTIONS[heading]).model_fields.items()]
    assert first_cells(table) == keys


def test_every_part_of_a_declaration_has_a_section() -> None:
    # these have pages of their own, held to the code by test_reference.py of tests/codecs and tests/auth
    elsewhere = ("adapters.codecs", "adapters.auth")
    parts = {one for one in _models(Declaration) if not one.__module__.startswith(elsewhere)}
    assert {_model_at(place) for place in SECTIONS.values()} == parts


@pytest.mark.parametrize("name", RECORDS)
def test_every_canonical_field_has_its_row_and_no_other(name: str) -> None:
    fields = [field.name for field in RECORDS[name].fields]
    assert first_cells(section(REFERENCE / "declaration.md", name)) == fields


@pytest.mark.parametrize(
    "name",
    sorted({f.type[5:] for record in RECORDS.values() for f in record.fields if f.type.startswith("enum:")}),
)
def test_every_canonical_value_has_its_row_and_no_other(name: str) -> None:
    values = [member.name for member in ENUMS[name]]
    assert first_cells(section(REFERENCE / "declaration.md", name)) == values


def test_the_json_schema_is_what_the_command_prints() -> None:
    """If this fails: `quanyu schema declaration > docs/reference/declaration.schema.json`."""
    assert json.loads(text_of(REFERENCE / "declaration.schema.json")) == declaration_schema()


def _full_declarations() -> list[tuple[str, str]]:
    marked = re.compile(r"<!-- full declaration -->\n```yaml\n(.*?)^```", re.M | re.S)
    return [(page_id(path), text) for path in PAGES for text in marked.findall(text_of(path))]


@pytest.mark.parametrize(("page", "text"), _full_declarations(), ids=lambda value: value[:40])
def test_every_full_declaration_passes_its_check(page: str, text: str) -> None:
    checked = check_document(
        load(Path(page), text), Lookup({}, text_of), known_codes(read_registry(ROOT / "samples" / "data"))
    )
    assert [str(problem) for problem in checked.document.problems] == []


def test_there_are_full_declarations() -> None:
    assert len(_full_declarations()) >= 2


# --- examples ---


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_yaml_example_is_yaml(path: Path) -> None:
    for text in fences(path, "yaml"):
        # examples may use an anchor that another one sets
        known = re.sub(r"(<<: )?\*(\w+)", r"\1{}", text)
        assert yaml.compose(known, Loader=yaml.SafeLoader) is not None


@cache
def _api_schema() -> graphql.GraphQLSchema:
    routes = read_sdl(text_of(ROOT / "systems" / "jt-permit.graphql")).completed
    composition = compose(
        [
            SubgraphSchema(HOUSE, None, house_sdl()),
            SubgraphSchema(CASES, None, cases_sdl()),
            SubgraphSchema(MIGRATION, None, migration_sdl()),
            SubgraphSchema("JT-PERMIT", None, routes),
        ]
    )
    assert composition.api_schema is not None
    return with_defer(composition.api_schema)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_graphql_example_is_valid(path: Path) -> None:
    for text in fences(path, "graphql"):
        assert [error.message for error in graphql.validate(_api_schema(), graphql.parse(text))] == [], text


def _mapping_examples() -> list[tuple[str, str, str]]:
    rows = section(REFERENCE / "mapping.md", "Examples").replace("\\|", "\x00").splitlines()
    cells = [
        [cell.strip().replace("\x00", "|") for cell in row.split("|")[1:4]] for row in rows if "`" in row
    ]
    return [
        (expression.strip("`"), given.strip("`"), result.strip("`"))
        for expression, given, result in cells
        if given.startswith("`")
    ]


@pytest.mark.parametrize(("expression", "given", "result"), _mapping_examples())
def test_every_example_of_the_mapping_language_gives_what_it_says(
    expression: str, given: str, result: str
) -> None:
    record: Any = given
    for path in paths_of(parse(expression)):
        for step in reversed(path.steps):
            record = {step: record}
    assert str(compile_expression(expression, CompileContext())(record, Scope())) == result


# --- commands ---


def _commands() -> dict[str, click.Command]:
    assert isinstance(main, click.Group)
    return dict(main.commands)


def test_every_command_has_its_section_and_no_other() -> None:
    headings = re.findall(r"^## quanyu (\S+)$", text_of(REFERENCE / "commands.md"), re.M)
    assert sorted(headings) == sorted(_commands())


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_option_of_a_command_has_its_row_and_no_other(name: str) -> None:
    options = {flag for one in _commands()[name].params if isinstance(one, click.Option) for flag in one.opts}
    listed = first_cells(section(REFERENCE / "commands.md", f"quanyu {name}"))
    assert {flag for flag in listed if flag.startswith("-")} == options


# --- links and addresses ---


def _slug(heading: str) -> str:
    """A heading's anchor as code hosts make it: small letters, spaces to hyphens, punctuation dropped."""
    plain = re.sub(r"`|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    kept = [sign for sign in plain if sign in "-_ " or unicodedata.category(sign)[0] in "LN"]
    return "".join(kept).replace(" ", "-")


def _links(path: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text_of(path), flags=re.M | re.S)
    return re.findall(r"\[[^]]*\]\(([^)\s]+)\)", prose)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_link_resolves(path: Path) -> None:
    for link in _links(path):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in {
                _slug(heading) for heading in re.findall(r"^#+ (.+)$", text_of(target), re.M)
            }, link


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (path.parent / link.partition("#")[0]).resolve()
        for path in PAGES
        for link in _links(path)
        if link[0] != "#"
    }
    assert [page_id(path) for path in PAGES[1:] if path not in linked] == []


IDENTIFIERS = "specs.apollo.dev"
"""Host of the names that Federation's specifications have in `@link`: nobody is asked there."""


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_no_page_names_a_machine_or_a_foreign_host(path: Path) -> None:
    hosts = set(re.findall(r"\b(?:https?|rediss?)://([\w.-]+)", text_of(path))) - {IDENTIFIERS}
    assert {host for host in hosts if host != "127.0.0.1" and not host.endswith(".example")} == set()
    assert re.findall(r"(?<![\w.])/(?:root|home|work|tmp|Users)/\S*", text_of(path)) == []
