"""Frozen model of `files`: documents of a case that a system gives out, such as a result or a licence."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

__all__ = ["FileKind", "FileRule"]

FileKind = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9]{0,39}$")]


class FileRule(BaseModel):
    """One kind of file of a case 办件文件: how the system is asked for it. REST only; it is passed on in pieces."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")

    title: str = Field(default="", description="What it is, for people, e.g. 许可证 or result notice.")
    method: Literal["GET", "POST"] = Field(default="GET", description="Method.")
    path: str = Field(
        description="Path below baseUrl; {expressions} are filled in, of $args.number and $args.file."
    )
    query: dict[str, Any] = Field(default_factory=dict, description="Query parameters; nulls are left out.")
    headers: dict[str, str] = Field(default_factory=dict, description="Further headers.")
    body: Any = Field(default=None, description="JSON or XML body, as of a connector.")
    form: dict[str, Any] | None = Field(default=None, description="Form body, instead of `body`.")
    content_type: str | None = Field(
        default=None,
        pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$",
        description="What it is, where the system says otherwise, e.g. application/pdf.",
    )
    extension: str = Field(
        default="", pattern=r"^[a-z0-9]{0,8}$", description="Ending of its name, e.g. pdf."
    )
    max_mb: float = Field(default=100, gt=0, le=4096, description="Larger files are refused, or cut off.")
