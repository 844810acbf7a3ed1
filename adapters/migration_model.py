"""What a declaration says of the system that it replaces: `migration`. Frozen models, no I/O."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

__all__ = ["CompareRule", "Migration"]

Path = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]*(\[\])?(\.[A-Za-z][A-Za-z0-9]*)*$", max_length=120)
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$", max_length=40)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        regex_engine="python-re",
    )


class CompareRule(_Model):
    """Why two answers of one field may differ and still say the same 比对规则."""

    ignore: bool = Field(default=False, description="Never compared 不比对.")
    same_instant: bool = Field(default=False, description="Times of different offsets are one moment 时区.")
    round: Literal["second", "minute", "hour", "day"] | float | None = Field(
        default=None, description="Times to this unit; numbers to a multiple of this 取整."
    )
    codes: dict[str, str] = Field(
        default_factory=dict, description="Code of the old system -> of the new one 代码对照."
    )
    by_key: tuple[str, ...] = Field(
        default=(), description="A list in no order: its elements are matched by these fields 列表主键."
    )
    null_is_empty: bool = Field(
        default=False, description="Nothing, empty text and an empty list are one 空值."
    )
    text: Literal["exact", "folded"] = Field(
        default="exact", description="folded: width of signs, case and blanks make no difference 全半角."
    )
    why: str = Field(default="", description="The reason, for reports 理由.")

    @model_validator(mode="after")
    def _positive(self) -> CompareRule:
        if isinstance(self.round, float) and self.round <= 0:
            raise ValueError("round must be a unit of time or a number above 0")
        return self


class Migration(_Model):
    """This system takes the place of another one 迁移接替."""

    replaces: Code = Field(
        description="Code of the system that it replaces; cases keep their ids 被替换系统."
    )
    numbers: Literal["same", "mapped"] = Field(
        default="same",
        description="same: cases bear the old numbers here too. mapped: the identifier map tells 办件编号对照.",
    )
    dual_write: tuple[Literal["SHADOW", "CANARY", "PRIMARY_NEW"], ...] | None = Field(
        default=None,
        description="Given (an empty list will do): the system takes writes, and has the word on them from PRIMARY_NEW on. "
        "The phases: what one side has taken is filed with the other one too 双写.",
    )
    compare: dict[Path, CompareRule] = Field(
        default_factory=dict,
        description="Canonical field (`events[].opinion` inside lists) -> how it is compared 比对规则.",
    )
    critical: tuple[Path, ...] = Field(
        default=("state", "appliedAt", "acceptedAt", "decidedAt", "closedAt", "applicant.idNumber"),
        description="Fields whose difference keeps the gates shut 关键字段.",
    )
