"""What a declaration says of a write beside its request: what an application must hold, what the answer means, and how
it is found out whether something was filed when no answer came. Frozen models, no I/O."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

__all__ = ["Accepts", "FormField", "MaterialRule", "Reconcile", "WriteAnswer", "WriteFailure"]


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")


class FormField(Rules):
    """One field of the form that a system wants filled in."""

    type: Literal["text", "integer", "decimal", "boolean", "date", "datetime", "choice"] = Field(
        default="text", description="What it takes."
    )
    label: str = Field(default="", description="Its name for people 名称.")
    required: bool = Field(default=False, description="Whether an application without it is not taken 必填.")
    pattern: str | None = Field(default=None, description="Regular expression that the whole text must fit.")
    max_length: int = Field(default=1000, ge=1, le=100_000, description="Most characters of a text.")
    least: float | None = Field(default=None, description="Smallest number.")
    most: float | None = Field(default=None, description="Largest number.")
    choices: dict[str, str] = Field(
        default_factory=dict, description="Values of a choice -> what they mean 可选值."
    )


class MaterialRule(Rules):
    """One paper that may or must come with it 申报材料."""

    name: str = Field(default="", description="Its name for people 材料名称.")
    required: bool = Field(default=False, description="Whether it must be there 必要.")
    max_kb: int = Field(default=512, ge=1, le=65536, description="Largest size, in KiB.")
    types: tuple[str, ...] = Field(
        default=(), description="Media types that are taken, e.g. application/pdf; empty takes any."
    )


class Accepts(Rules):
    """What is taken. Everything else is refused before anything is sent, with the field named."""

    items: tuple[str, ...] = Field(
        default=(), description="Base codes of the items that can be applied for here; empty: `system.items`."
    )
    applicant: tuple[Literal["name", "mobile", "legalRepresentative"], ...] = Field(
        default=("name",), description="What must be known of the applicant beside the number 申请人信息."
    )
    fields: dict[str, FormField] = Field(
        default_factory=dict, description="Name -> field: $args.fields.NAME."
    )
    materials: dict[str, MaterialRule] = Field(
        default_factory=dict,
        description="Code -> paper: $args.materials.CODE.content (base64), .name, .mediaType.",
    )


class WriteAnswer(Rules):
    """What a good reply says. A reply that says none of it is no answer: the outcome is unknown."""

    filed: str | None = Field(default=None, description='Condition that it was taken, e.g. code == "0".')
    number: str | None = Field(
        default=None, description="Where the number stands: of the case, or of the appointment 办件编号."
    )
    ticket: str | None = Field(
        default=None, description="Where the system's own ticket stands, if the number comes later 受理凭据."
    )
    starts_at: str | None = Field(default=None, description="appointment: when it is, as a date expression.")
    place: str | None = Field(default=None, description="appointment: where it is.")


class WriteFailure(Rules):
    """What a bad reply means. Anything that is not told here and is not the protocol's own sign of a refusal is an
    unknown outcome, never a refusal."""

    refused: str | None = Field(
        default=None, description="Certain: nothing was filed, and the same again is refused again."
    )
    not_taken: str | None = Field(
        default=None, description="Certain: nothing was filed; it may be sent again, such as when it is busy."
    )
    unknown: str | None = Field(
        default=None, description="It may have been filed, such as 'submitted already': it is looked for."
    )
    message: str | None = Field(default=None, description="Where the system's own words stand.")


class Reconcile(Rules):
    """How it is found out whether something was filed. Without it a person must."""

    style: Literal["query", "resend"] = Field(
        default="query",
        description="query: by a connector that reads. resend: the system takes $args.reference once and answers its "
        "repetition with the same case.",
    )
    verb: Literal["case", "cases"] = Field(default="cases", description="query: the connector that is asked.")
    number: str | None = Field(
        default=None,
        description="query, verb case: the number to ask for; $args.reference, $args.case.number, $answer.ticket.",
    )
    match: str | None = Field(
        default=None,
        description="query: condition on a mapped case that it is this one, e.g. itemCode == $args.itemCode.",
    )
    baseline: bool = Field(
        default=True,
        description="query, verb cases: ask before sending as well, so that an older case is not taken for this one.",
    )
    settle_s: float = Field(
        default=600,
        ge=0,
        le=604800,
        description="Seconds after sending in which the system may still file it. Only then 'not found' counts.",
    )
    skew_s: float = Field(
        default=300,
        ge=0,
        le=86400,
        description="Seconds by which its clock may differ from ours: $sent.from.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Reconcile:
        if self.style == "query" and self.verb == "case" and not self.number:
            raise ValueError("reconcile with verb case needs `number`")
        if self.style == "query" and self.verb == "cases" and not self.match:
            raise ValueError("reconcile with verb cases needs `match`")
        return self
