"""What running an operation gave -> the answer that leaves: with errors of withheld fields, without people's numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.fetch import RequestContext
from gateway.operation import ExecutionAnswer, PreparedOperation
from gateway.request import GraphQLAnswer, GraphQLRequest
from gateway.security.authorise import Denied
from gateway.telemetry.logs import mask_personal_data

__all__ = ["answered", "asked_of", "without_persons"]


def answered(
    answer: ExecutionAnswer,
    operation: PreparedOperation,
    denied: tuple[Denied, ...],
    request: GraphQLRequest,
    context: RequestContext,
) -> GraphQLAnswer:
    """denied: fields that were withheld."""
    if not answer.executed:
        errors = [without_persons(error) for error in answer.errors]
        return GraphQLAnswer(errors=errors, status_hint=400, operation=operation.kind)
    said = answer.errors
    if denied:
        anonymous = context.caller.name == "anonymous"
        asked = asked_of(denied, operation, request)
        said = [one.formatted(anonymous=anonymous) for one in asked] + answer.errors
    return GraphQLAnswer(
        answer.data,
        [without_persons(error) for error in said],
        answer.extensions,
        operation=operation.kind,
        operation_name=operation.name,
        headers=_kept_for(operation, context) if operation.max_age_s and not said else {},
    )


def _kept_for(operation: PreparedOperation, context: RequestContext) -> Mapping[str, str]:
    """Of a whole answer. It is the same for everyone; but what somebody asked is theirs to keep only."""
    who = "public" if context.caller.name == "anonymous" else "private"
    return {"cache-control": f"{who}, max-age={operation.max_age_s}"}


def asked_of(denied: Iterable[Denied], operation: PreparedOperation, request: GraphQLRequest) -> list[Denied]:
    """The withheld fields that are asked for with these variables."""
    coerced = operation.coerce(request.variables)
    variables = coerced if isinstance(coerced, dict) else {}
    return [one for one in denied if one.applies(variables)]


def without_persons(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Messages quote what was sent; an identity number that was put in a wrong place must not come back."""
    message = str(error.get("message", ""))
    safe = mask_personal_data(message)
    return error if safe == message else {**error, "message": safe}
