"""Relay connections: the shapes shared by every list, and how a slice of rows becomes one."""

from collections.abc import Callable
from typing import Annotated, Generic, Self, TypeVar

import strawberry

from schema.paging import Slice

__all__ = ["After", "Connection", "Edge", "First", "PageInfo"]

N = TypeVar("N")
R = TypeVar("R")

First = Annotated[int | None, strawberry.argument(description="At most so many, 1 to 100 每页条数.")]
After = Annotated[str | None, strawberry.argument(description="Cursor to go on after 起始游标.")]


@strawberry.federation.type(shareable=True, description="Where a page stands in its list 分页信息.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow 是否有下一页.")
    has_previous_page: bool = strawberry.field(description="Whether some come before 是否有上一页.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first entry 起始游标.")
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last entry: the next `after` 结束游标."
    )


@strawberry.type(description="One entry of a list 列表条目.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(description="Opaque position of the entry 游标.")
    node: N = strawberry.field(description="The entry itself 条目.")


@strawberry.type(description="One page of a list 分页列表.")
class Connection(Generic[N]):
    edges: list[Edge[N]] = strawberry.field(description="Entries with their cursors 条目与游标.")
    nodes: list[N] = strawberry.field(description="Entries alone 条目.")
    page_info: PageInfo = strawberry.field(description="Where the page stands 分页信息.")
    total_count: int | None = strawberry.field(description="Entries in the whole list, where known 总数.")

    @classmethod
    def of(cls, page: Slice[R], build: Callable[[R], N]) -> Self:
        nodes = [build(row) for row in page.rows]
        cursors = page.cursors
        return cls(
            edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)],
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=cursors[0] if cursors else None,
                end_cursor=cursors[-1] if cursors else None,
            ),
            total_count=page.total,
        )
