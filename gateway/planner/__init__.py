"""Operations into query plans. Pure: knows supergraphs and documents, and does no I/O."""

from gateway.planner.errors import PlanError
from gateway.planner.nodes import QueryPlan
from gateway.planner.plan import plan, plan_operation
from gateway.planner.pretty import pretty
from gateway.planner.query_graph import QueryGraph

__all__ = ["PlanError", "QueryGraph", "QueryPlan", "plan", "plan_operation", "pretty"]
