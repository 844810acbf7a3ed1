"""Frozen models of one subgraph file: a GraphQL service that a department runs itself and that joins the network as
it is. No I/O, and no checks that need another file (those are in `validate.py`).

Files stand in the folder `subgraphs` beside the declarations of legacy systems. The JSON Schema for editors is
generated from these models (`subgraph_schema`), so descriptions here are what people see on hover.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from adapters.auth.model import ServiceAuth
from adapters.declaration import Model, Traffic

__all__ = [
    "HeaderRules",
    "PropagatedHeader",
    "Sdl",
    "SubgraphDeclaration",
    "SubgraphInfo",
    "Subscriptions",
    "streams_url",
    "subgraph_schema",
]

SubgraphName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=40)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=100)]


class Sdl(Model):
    """Where the schema is known from. With both, the file is used, and a service that differs is a warning."""

    file: str | None = Field(
        default=None, description="SDL file, relative to this declaration; it is used where it is given."
    )
    introspect: bool = Field(default=True, description="Ask the service for its SDL: { _service { sdl } }.")

    @model_validator(mode="after")
    def _some(self) -> Sdl:
        if self.file is None and not self.introspect:
            raise ValueError("give `file`, or let `introspect` be true: the schema must come from somewhere")
        return self


class PropagatedHeader(Model):
    """One header of the client's request that is sent on."""

    name: HeaderName = Field(description="Header of the client's request.")
    send_as: HeaderName | None = Field(default=None, description="Under this name, if not its own.")
    default: str | None = Field(default=None, description="Sent where the client did not send it.")


def _form_of(rule: object) -> str:
    return "text" if isinstance(rule, str) else "rule"


Propagated = Annotated[
    Annotated[HeaderName, Tag("text")] | Annotated[PropagatedHeader, Tag("rule")], Discriminator(_form_of)
]
"""A header under its own name, or one with more to say."""


class HeaderRules(Model):
    """What of a client's request the subgraph sees. Nothing is sent on that is not named here."""

    propagate: tuple[Propagated, ...] = Field(
        default=(), description="Headers of the client's request to send on 透传请求头. Never a pattern."
    )
    static: dict[HeaderName, str] = Field(
        default_factory=dict, repr=False, description="Headers of every call, with fixed values."
    )


class Subscriptions(Model):
    """How the service gives its event streams 订阅."""

    protocol: Literal["graphql-transport-ws", "sse"] = Field(
        default="graphql-transport-ws",
        description="graphql-transport-ws: a WebSocket for each stream. sse: server-sent events in answer to a POST.",
    )
    url: str | None = Field(
        default=None,
        description="Where streams are asked for (ws, wss, http or https), if not at `subgraph.url`.",
    )
    max_open: int = Field(default=200, ge=1, le=10_000, description="Streams open at once, per process.")
    idle_s: float | None = Field(
        default=None,
        gt=0,
        description="sse: a stream that is silent for longer is lost. For services that send comments to keep it open.",
    )
    headers_in_init: bool = Field(
        default=False,
        description="graphql-transport-ws: repeat the headers of the handshake in the payload of connection_init.",
    )


class SubgraphInfo(Model):
    """A GraphQL service as a subgraph 子图."""

    name: SubgraphName = Field(description="Name in the network, unique, e.g. zjj-lift 子图名称.")
    title: str = Field(default="", description="Name as its users know it 名称.")
    owner: str | None = Field(
        default=None, description="Department that runs it: its unified social credit code 主管部门."
    )
    url: str = Field(description="Address of its GraphQL endpoint.")
    sdl: Sdl = Sdl()
    auth: ServiceAuth | None = Field(default=None, description="The gateway's own credentials there.")
    headers: HeaderRules = HeaderRules()
    subscriptions: Subscriptions = Subscriptions()


def streams_url(info: SubgraphInfo) -> str:
    """Where streams are asked for, as http or https; the scheme of a WebSocket is the same place."""
    url = info.subscriptions.url or info.url
    scheme = url[:4].lower()
    if scheme == "wss:":
        return "https" + url[3:]
    return "http" + url[2:] if scheme.startswith("ws:") else url


class SubgraphDeclaration(Model):
    """One GraphQL service joins the network with this file 子图接入声明."""

    subgraph: SubgraphInfo
    traffic: Traffic = Traffic()

    @property
    def name(self) -> str:
        return self.subgraph.name


def subgraph_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a subgraph file."""
    schema = SubgraphDeclaration.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Quanyu declaration of a remote subgraph"
    return schema
