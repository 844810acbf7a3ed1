"""The SDL of a running subgraph, and in what it differs from the one that is written down."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLSyntaxError, parse, print_ast

from adapters.problems import Problem
from adapters.remote.subgraph import RemoteSubgraph
from adapters.traffic.errors import SourceError

__all__ = ["SERVICE_QUERY", "SdlUnavailable", "ask_for_sdl", "drift"]

SERVICE_QUERY = "query SubgraphSdl { _service { sdl } }"
"""Apollo Federation subgraph specification: every subgraph answers it."""

_MACHINERY = frozenset({"_Any", "_Entity", "_Service", "_entities", "_service", "_FieldSet", "FieldSet"})


class SdlUnavailable(Exception):
    """The service did not tell its SDL; `reason` is a sentence."""

    code = "SDL_UNAVAILABLE"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


async def ask_for_sdl(subgraph: RemoteSubgraph, *, timeout_s: float) -> str:
    """Raises SdlUnavailable."""
    try:
        answer = await subgraph.ask(SERVICE_QUERY, timeout_s=timeout_s)
    except SourceError as error:
        raise SdlUnavailable(error.message) from error
    if answer.errors:
        said = answer.errors[0].message
        raise SdlUnavailable(f"It answers {{ _service {{ sdl }} }} with an error: {said}")
    service = (answer.data or {}).get("_service")
    sdl = service.get("sdl") if isinstance(service, dict) else None
    if not isinstance(sdl, str) or not sdl.strip():
        raise SdlUnavailable("It gives no SDL for { _service { sdl } }; is it a federation subgraph?")
    return sdl


def drift(written: str, running: str) -> tuple[list[str], list[str]]:
    """Definitions that only the file has, and that only the service has, as lines like `Lift.code: ID!`.

    Order, descriptions, comments and the machinery of federation make no difference.
    """
    try:
        one, other = set(_lines(written)), set(_lines(running))
    except GraphQLSyntaxError:
        return ([], ["an SDL that cannot be parsed"])
    return sorted(one - other), sorted(other - one)


def drift_warning(problem: Problem, written: str, running: str) -> Problem | None:
    """`problem` with what differs as its message, or None where nothing does."""
    only_file, only_service = drift(written, running)
    parts = [f"only the file has {_some(only_file)}"] if only_file else []
    parts += [f"only the service has {_some(only_service)}"] if only_service else []
    if not parts:
        return None
    message = f"the SDL file is used, but the service differs: {'; '.join(parts)}"
    return Problem(problem.file, problem.line, problem.column, "SDL_DRIFT", message)


def _some(lines: list[str], most: int = 3) -> str:
    more = f" and {len(lines) - most} more" if len(lines) > most else ""
    return ", ".join(f"`{line}`" for line in lines[:most]) + more


def _lines(sdl: str) -> Iterator[str]:
    for node in parse(sdl, no_location=True).definitions:
        named = getattr(node, "name", None)
        if named is None or named.value in _MACHINERY or node.kind == "directive_definition":
            continue
        name = named.value
        directives = " ".join(sorted(print_ast(one) for one in getattr(node, "directives", None) or ()))
        yield f"{name} {directives}".strip()
        for field in getattr(node, "fields", None) or ():
            if field.name.value not in _MACHINERY:
                arguments = ", ".join(_bare(one) for one in getattr(field, "arguments", None) or ())
                inside = f"({arguments})" if arguments else ""
                yield f"{name}.{field.name.value}{inside}: {_bare_type(field)}"
        for value in getattr(node, "values", None) or ():
            yield f"{name}.{value.name.value}"
        for member in getattr(node, "types", None) or ():
            yield f"{name} = {member.name.value}"


def _bare(argument: object) -> str:
    name = argument.name.value  # type: ignore[attr-defined]  # an InputValueDefinitionNode
    return f"{name}: {_bare_type(argument)}"


def _bare_type(node: object) -> str:
    text = print_ast(node.type)  # type: ignore[attr-defined]  # fields and arguments have a type
    default = getattr(node, "default_value", None)
    text += f" = {print_ast(default)}" if default else ""
    directives = " ".join(sorted(print_ast(one) for one in getattr(node, "directives", None) or ()))
    return f"{text} {directives}".strip()
