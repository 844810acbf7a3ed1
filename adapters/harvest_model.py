"""What a declaration says of how a system's cases are followed."""

# No `from __future__ import annotations` here: pydantic reads the annotations at run time.

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["Harvest"]


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
    since: str | None = Field(
        default=None,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="First day that is asked for; without it all that the system has 起始日期.",
    )
