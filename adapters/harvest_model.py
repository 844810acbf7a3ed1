"""What a declaration says of how a system's cases are followed."""

# No `from __future__ import annotations` here: pydantic reads the annotations at run time.

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

__all__ = ["Harvest", "Push"]


class Harvest(BaseModel):
    """How the network learns what happens in the system 归集."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    by: Literal["auto", "changes", "cases", "none"] = Field(
        default="auto",
        description="What it is asked again and again: `changes`, else (where it has none) `cases`; none: it is not asked "
        "归集方式.",
    )
    every_s: float | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Seconds between two runs; without it the setting `harvest_every_s` 归集间隔.",
    )
    overlap_h: float = Field(
        default=24.0,
        ge=0,
        le=24 * 366,
        description="Hours before what is known that are asked for again in each run, for what the system tells late 重叠时段.",
    )
    recheck_s: float = Field(
        default=3600.0,
        ge=1,
        le=7 * 86_400,
        description="Seconds after which an open case is asked for again, where the system has no `changes` 复查间隔.",
    )
    since: str | None = Field(
        default=None,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="First day that is asked for; without it all that the system has 起始日期.",
    )


class Push(BaseModel):
    """How the system tells of itself: CloudEvents 1.0 to `/events/SYSTEM` 推送."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    secrets: dict[str, Annotated[str, StringConstraints(min_length=16)]] = Field(
        min_length=1,
        max_length=5,
        repr=False,
        description="Name -> what it signs with, 16 characters or more, by reference: ${env:NAME} or ${file:/path}; several "
        "while one is replaced 签名密钥.",
    )
    sources: tuple[str, ...] = Field(
        default=(), description="Values of `source` that are taken; empty takes every one 事件来源."
    )
    types: tuple[str, ...] = Field(
        default=(),
        description="Values of `type` that are changes of cases; others are acknowledged and left out; empty takes every "
        "one 事件类型.",
    )
    records: str | None = Field(
        default=None, description="Where in `data` the changes stand; without it `data` is one change."
    )
    map: dict[str, Any] | None = Field(
        default=None,
        description="Field of a change -> expression over `data`; $reply is the whole event, such as $reply.subject. "
        "Without a map that of `changes` is used.",
    )
    tolerance_s: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="Furthest that the time of a signature may be from now 时间容差(秒).",
    )
