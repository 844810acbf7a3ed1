"""The only I/O of a plan: fetches, merges, projects. Knows plans and the fetch seam, no server and no wire format."""

from gateway.executor.compile import compile_parts, compile_plan, shared_paths
from gateway.executor.introspection import compile_introspection
from gateway.executor.parts import LaterPart, Payload, PlanInParts
from gateway.executor.projection import compile_first_part, compile_projection
from gateway.executor.run import RunState, Step
from gateway.executor.subscribe import EventStream, compile_subscription

__all__ = [
    "EventStream",
    "LaterPart",
    "Payload",
    "PlanInParts",
    "RunState",
    "Step",
    "compile_first_part",
    "compile_introspection",
    "compile_parts",
    "compile_plan",
    "compile_projection",
    "compile_subscription",
    "shared_paths",
]
