"""`quanyu plan 'query'`: who would be asked what, in which order; nobody is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from adapters.problems import one_of
from gateway.cli.compose import composed_for_cli
from gateway.cli.plan_tree import Reasons, reasons, show_tree
from gateway.executor.shown import compiled_text
from gateway.planner import PlanError, QueryPlan, plan_operation, pretty
from gateway.planner.deferrals import Deferral, defer_variables, with_defer
from gateway.planner.emit import in_parallel, in_sequence
from gateway.planner.nodes import (
    ConditionNode,
    DeferNode,
    ParallelNode,
    PlanNode,
    SequenceNode,
    SubscriptionNode,
)
from gateway.planner.plan import find_operation
from gateway.planner.query_graph import QueryGraph
from gateway.planner.selections import read_selections
from gateway.planner.why import FetchWhy
from gateway.supergraph_file import read_supergraph_file
from schema.compose import Composition, Supergraph

__all__ = ["plan"]


@click.command()
@click.argument("query")
@click.option(
    "--systems",
    "paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="As PATH of `compose`; several may be given.",
)
@click.option("--operation", "name", help="Name of the operation, if the document has several.")
@click.option("--variables", help="JSON object: what @skip, @include and @defer decide by is decided.")
@click.option("--json", "as_json", is_flag=True, help="Apollo's JSON form.")
@click.option(
    "--why", "with_why", is_flag=True, help="A tree with the reasons; in JSON, as `extensions.why`."
)
@click.option(
    "--stage",
    type=click.Choice(["plan", "compiled"]),
    default="plan",
    help="compiled: the source that the gateway runs for it, in place of the plan.",
)
@click.option(
    "--label", "labels", multiple=True, help="Override label that holds; may be given several times."
)
@click.option(
    "--supergraph",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Finished supergraph file to plan over, in place of --systems.",
)
@click.option(
    "--introspect", is_flag=True, help="Ask the services for their SDL; without it nobody is asked."
)
def plan(
    query: str,
    paths: tuple[Path, ...],
    name: str | None,
    variables: str | None,
    as_json: bool,
    with_why: bool,
    stage: str,
    labels: tuple[str, ...],
    file: Path | None,
    introspect: bool,
) -> None:
    """Show the query plan of QUERY: the text of an operation, or a file that holds it, or - for standard input."""
    composition = _composition(file, paths, introspect=introspect)
    assert composition.supergraph is not None and composition.api_schema is not None  # noqa: S101, PT018
    why: list[FetchWhy] = []
    try:
        document = parse(_text(query))
        operation = find_operation(document, name)
        if invalid := validate(with_defer(composition.api_schema), document):
            _stop([_told(error) for error in invalid])
        graph = QueryGraph(composition.supergraph).under(_known(labels, composition.supergraph))
        coerced = None if variables is None else _coerced(composition.api_schema, operation, variables)
        deferring = deferred_by(document, coerced)
        made = plan_operation(graph, document, name, why=why, deferring=deferring)
    except GraphQLSyntaxError as error:
        _stop([_told(error)])
    except PlanError as error:
        _stop([f"{error.code}: {error}"])
    told = reasons(made, why)
    if coerced is not None:
        made = decided(made, coerced)
    if stage == "compiled":
        click.echo(_compiled(made, composition.api_schema, document, operation, graph), nl=False)
    else:
        _show(made, told, as_json=as_json, with_why=with_why)
    fetches = made.fetches()
    asked = ", ".join(sorted({one.subgraph for one in fetches})) or "nobody"
    click.echo(
        f"{len(fetches)} fetch{'es' * (len(fetches) != 1)}, {depth_of(made.node)} deep: {asked}", err=True
    )


def _compiled(
    made: QueryPlan,
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    graph: QueryGraph,
) -> str:
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - validation refuses operations without a root type
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    return compiled_text(
        made, schema, root, read_selections(operation.selection_set, fragments), graph.objects
    )


def _composition(file: Path | None, paths: tuple[Path, ...], *, introspect: bool) -> Composition:
    """Of the file, or of the declarations; exits where there is none."""
    if file is not None:
        if paths or introspect:
            raise click.UsageError("--supergraph is in place of --systems and --introspect")
        read = read_supergraph_file(file)
        return _stop([str(problem) for problem in read]) if isinstance(read, list) else read
    composition, problems, _ = composed_for_cli(paths or (Path("systems"),), introspect=introspect)
    if composition is None or composition.supergraph is None:
        _stop([str(problem) for problem in problems])
    return composition


def _known(labels: Sequence[str], supergraph: Supergraph) -> frozenset[str]:
    known = supergraph.override_labels()
    for label in labels:
        if label not in known:
            raise click.BadParameter(f"no override has the label {label!r}; {one_of(label, known)}")
    return frozenset(labels)


def _show(made: QueryPlan, told: Reasons, *, as_json: bool, with_why: bool) -> None:
    if as_json:
        found = made.to_json()
        if with_why:
            found["extensions"] = {"why": [told[id(one)].to_json() for one in made.fetches()]}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif with_why:
        show_tree(made, told)
    else:
        click.echo(pretty(made))


def decided(made: QueryPlan, variables: Mapping[str, Any]) -> QueryPlan:
    """The plan without its conditions, as they are with these variables."""
    return QueryPlan(_decided(made.node, variables))


def depth_of(node: PlanNode | None) -> int:
    """Fetches that wait for one another, at most."""
    if node is None:
        return 0
    if isinstance(node, SequenceNode):
        return sum(map(depth_of, node.nodes))
    if isinstance(node, ParallelNode):
        return max(map(depth_of, node.nodes), default=0)
    if isinstance(node, ConditionNode):
        return max(depth_of(node.if_clause), depth_of(node.else_clause))
    if isinstance(node, SubscriptionNode):
        return 1 + depth_of(node.rest)
    if isinstance(node, DeferNode):
        return _depth_of_parts(node)
    return 1


def _depth_of_parts(node: DeferNode) -> int:
    """A part waits for those that it builds on, at most."""
    found: dict[Deferral | None, int] = {None: depth_of(node.primary)}
    for part in node.deferred:  # each after those that it builds on
        around = part.deferral.parent
        while around not in found:
            around = around.parent if around is not None else None
        found[part.deferral] = found[around] + depth_of(part.node)
    return max(found.values())


def deferred_by(document: DocumentNode, variables: Mapping[str, Any] | None) -> frozenset[str] | None:
    """Variables by which fragments are deferred: all that are true, or all that could be; None if nothing ever is."""
    names = defer_variables(document)
    if names is None or variables is None:
        return names
    return frozenset(name for name in names if variables.get(name, True))


def _decided(node: PlanNode | None, variables: Mapping[str, Any]) -> PlanNode | None:
    if isinstance(node, ConditionNode):
        return _decided(node.if_clause if variables.get(node.condition) else node.else_clause, variables)
    if isinstance(node, SequenceNode):
        return in_sequence(_decided(child, variables) for child in node.nodes)
    if isinstance(node, ParallelNode):
        return in_parallel(_decided(child, variables) for child in node.nodes)
    if isinstance(node, SubscriptionNode):
        return replace(node, rest=_decided(node.rest, variables))
    if isinstance(node, DeferNode):
        parts = tuple(replace(part, node=_decided(part.node, variables)) for part in node.deferred)
        return DeferNode(_decided(node.primary, variables), parts)
    return node


def _coerced(schema: GraphQLSchema, operation: OperationDefinitionNode, text: str) -> Mapping[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--variables") from error
    if not isinstance(given, dict):
        raise click.BadParameter("a JSON object is needed", param_hint="--variables")
    found = get_variable_values(schema, operation.variable_definitions or (), given)
    if isinstance(found, list):
        _stop([error.message for error in found])
    return dict(found.coerced)


def _text(query: str) -> str:
    if query == "-":
        return sys.stdin.read()
    if query.endswith((".graphql", ".gql")):
        try:
            return Path(query).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(f"{query}: {error}") from error
    return query


def _told(error: GraphQLError) -> str:
    places = "".join(f"{one.line}:{one.column}: " for one in (error.locations or ())[:1])
    return f"{places}{error.message}"


def _stop(problems: Sequence[str]) -> NoReturn:
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    sys.exit(1)
