"""Frozen models of `ticket`: a call whose answer is a ticket, and the one that asks whether the result is ready."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from adapters.codecs.model import Decode, Encode

__all__ = ["Poll", "Ticket"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")


class Poll(_Model):
    """The call that asks for the result 轮询; its expressions see `$ticket` beside `$args` and `$page`."""

    operation: str | None = Field(default=None, description="SOAP: operation of the port.")
    method: Literal["GET", "POST", "PUT", "PATCH"] = Field(default="GET", description="REST: method.")
    path: str = Field(default="", description="REST: path below baseUrl, e.g. /results/{$ticket.id}.")
    query: dict[str, Any] = Field(default_factory=dict, description="REST: query parameters.")
    headers: dict[str, str] = Field(default_factory=dict, description="REST: further headers.")
    body: Any = Field(default=None, description="SOAP: arguments. REST: body.")
    form: dict[str, Any] | None = Field(default=None, description="REST: form body, instead of `body`.")
    encode: tuple[Encode, ...] = Field(
        default=(), description="What the poll's templates filled in becomes what is sent 报文编码."
    )


class Ticket(_Model):
    """The connector's own call gives a ticket 回执; `poll` is asked until the result is there, and is what records,
    failure and map read."""

    take: dict[str, str] = Field(
        min_length=1, description="What is taken from the first reply: name -> expression, then $ticket.name."
    )
    decode: tuple[Decode, ...] = Field(
        default=(),
        description="What stands inside the first reply, as `decode` of the connector does for the polls' 报文解码.",
    )
    poll: Poll
    pending: str = Field(description="Condition of a poll's reply: the result is not ready yet.")
    every_ms: int = Field(default=500, ge=20, le=60000, description="Pause between polls, in milliseconds.")
    life_s: int = Field(
        default=300,
        ge=1,
        le=86400,
        description="Seconds for which an unfinished ticket may be asked for again.",
    )
