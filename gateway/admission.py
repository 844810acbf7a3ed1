"""Whether a prepared operation may run with these variables: their size, what it costs, what the caller has left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from adapters.fetch import RequestContext
from gateway.operation import OperationError, PreparedOperation
from gateway.request import GraphQLAnswer, GraphQLRequest
from gateway.security.allowances import Allowances, Exhausted
from gateway.security.limits import VariableLimits, oversized_variables

__all__ = ["COST_HEADER", "Admission", "Admitted"]

COST_HEADER: Final = "quanyu-cost"
"""Of a request: tell the cost with the answer, as `extensions.cost` of the request does."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What goes out with the answer."""

    headers: Mapping[str, str] = field(default_factory=dict)
    cost: Mapping[str, Any] | None = None

    def told(self, answer: GraphQLAnswer) -> GraphQLAnswer:
        if not self.headers and self.cost is None:
            return answer
        answer = replace(answer, headers={**answer.headers, **self.headers})
        if self.cost is None:
            return answer
        # no longer what others got, who ran it together
        return replace(answer, extensions={**answer.extensions, "cost": self.cost}, encoded=None)


_NOTHING_TO_TELL: Final = Admitted()


@dataclass(frozen=True, slots=True)
class Admission:
    """most: what one operation may cost, None for no bound."""

    most: float | None
    variables: VariableLimits
    allowances: Allowances

    async def admit(
        self, operation: PreparedOperation, request: GraphQLRequest, context: RequestContext
    ) -> Admitted | GraphQLAnswer:
        """The answer is a refusal."""
        if request.variables:
            oversized = oversized_variables(request.variables, self.variables)
            if oversized is not None:
                return _refusal(operation, 400, OperationError("LIMIT_EXCEEDED", oversized))
        if operation.cost is None:
            return _NOTHING_TO_TELL
        if operation.cost.unsized:
            return _refusal(
                operation, 400, OperationError("LIST_SIZE_REQUIRED", "; ".join(operation.cost.unsized))
            )
        cost = operation.cost.of(request.variables)
        told: Mapping[str, Any] | None = None
        if request.extensions.get("cost") is True or COST_HEADER in context.headers:
            told = {"estimated": cost, "allowed": self.most}
        if self.most is not None and cost > self.most:
            text = f"the operation may cost {cost:g}; {self.most:g} is allowed: ask for smaller pages, or for fewer in one another"
            return _refusal(operation, 400, OperationError("COST_ESTIMATED_TOO_EXPENSIVE", text), cost=told)
        try:
            headers = await self.allowances.cost(context.caller, context.address, cost)
        except Exhausted as error:
            return _refusal(
                operation,
                error.status,
                OperationError(error.code, str(error)),
                cost=told,
                headers=error.headers,
            )
        return Admitted(headers, told) if headers or told is not None else _NOTHING_TO_TELL


def _refusal(
    operation: PreparedOperation,
    status: int,
    error: OperationError,
    *,
    cost: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> GraphQLAnswer:
    return GraphQLAnswer(
        errors=[error.formatted()],
        extensions={} if cost is None else {"cost": cost},
        status_hint=status,
        operation=operation.kind,
        operation_name=operation.name,
        headers=headers or {},
    )
