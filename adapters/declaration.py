"""Frozen models of one declaration file: one legacy system, as its department describes it. No I/O, no checks
that need another file (those are in `validate.py`).

The JSON Schema for editors is generated from these models (`declaration_schema`), so descriptions here are what
people see on hover.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from adapters.auth.model import Auth, SoapHeader
from adapters.auth.wss.model import SoapSecurity
from adapters.codecs.model import Decode, Encode, RecordsStep
from adapters.codecs.sign_model import RequestSign
from adapters.file_model import FileKind, FileRule
from adapters.harvest_model import Harvest, Push
from adapters.mapping.dates import parse_offset
from adapters.mapping.errors import ExpressionError
from adapters.migration_model import Migration
from adapters.ticket_model import Ticket
from adapters.traffic_model import Cache, MaintenanceWindow, Traffic
from adapters.write_model import Accepts, Reconcile, WriteAnswer, WriteFailure
from schema.canonical import RECORDS, VERBS, WRITES, Record
from schema.vocabulary import ENUMS

__all__ = [
    "Batch",
    "Cache",
    "Connector",
    "Connectors",
    "Declaration",
    "Failure",
    "FileRule",
    "GraphQLSource",
    "MaintenanceWindow",
    "OwnField",
    "OwnTypes",
    "Paging",
    "Request",
    "RestSource",
    "SoapSource",
    "Source",
    "SystemInfo",
    "Ticket",
    "Traffic",
    "Write",
    "declaration_schema",
]


def _checked_offset(text: str) -> str:
    try:
        parse_offset(text)
    except ExpressionError as error:
        raise ValueError(f"{error.message}: {error.allowed}") from None
    return text


Offset = Annotated[str, AfterValidator(_checked_offset)]
SystemCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$", max_length=40)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, regex_engine="python-re")


class SystemInfo(Model):
    """Who the system is 存量系统."""

    code: SystemCode = Field(
        description="Stable code of the system, unique in the network, e.g. JT-PERMIT 系统编码."
    )
    name: str = Field(min_length=1, description="Name as its users know it 系统名称.")
    name_en: str = Field(default="", description="Name in English.")
    owner: str = Field(description="Department that owns it: its unified social credit code 主管部门.")
    vendor: str = Field(default="", description="Supplier 承建单位.")
    lifecycle: Literal["DISCOVERED", "CONNECTED", "READ_ONLY", "FROZEN", "MERGED", "RETIRED"] = Field(
        default="CONNECTED", description="Where the system stands on its way out 生命周期."
    )
    regions: tuple[str, ...] = Field(
        default=(),
        description="Division codes it serves, with all below them; empty means the whole city 服务区划.",
    )
    items: tuple[str, ...] = Field(
        default=(), description="Base codes of the items it handles; empty means not known 受理事项."
    )
    utc_offset: Offset = Field(default="+08:00", description="Offset of its times that carry none 时区.")


class SoapSource(Model):
    """A SOAP 1.1 or 1.2 service described by a WSDL."""

    wsdl: str = Field(description="Address or file (relative to this declaration) of the WSDL.")
    service: str | None = Field(default=None, description="wsdl:service, if there is more than one.")
    port: str | None = Field(default=None, description="wsdl:port, if there is more than one.")
    address: str | None = Field(default=None, description="Where to send calls, if not where the WSDL says.")
    charset: str | None = Field(
        default=None, description="Charset of replies, where what they declare is wrong."
    )
    auth: Auth | None = Field(
        default=None, description="How the gateway shows who it is, by HTTP or in a session 认证方式."
    )
    security: SoapSecurity | None = Field(
        default=None, description="WS-Security: what stands in the envelope 报文安全."
    )
    soap_header: tuple[SoapHeader, ...] = Field(
        default=(), description="Elements of the SOAP header of every call 报文头."
    )
    secrets: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Name -> secret, by reference: ${env:NAME} or ${file:/path}. Templates of `soapHeader` say $secrets.NAME.",
    )
    addressing: Literal["1.0", "2004/08", "none"] | None = Field(
        default=None,
        description="WS-Addressing: To, Action, MessageID, ReplyTo; if absent, where the WSDL requires it.",
    )
    attachments: Literal["inline", "mtom", "swa"] | None = Field(
        default=None,
        description="How bytes of a request are sent 附件: as base64 in place, as MTOM, as SOAP with Attachments; if absent, "
        "inline, or MTOM where the WSDL requires it. Replies are read either way.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict, repr=False, description="HTTP headers of every call."
    )


class RestSource(Model):
    """A service called by HTTP, JSON or XML."""

    base_url: str = Field(description="Address that all paths are put behind.")
    format: Literal["json", "xml", "csv", "raw"] = Field(
        default="json", description="What its replies are; raw: bytes that `decode` reads."
    )
    csv: RecordsStep | None = Field(
        default=None,
        description="How rows are written, if not with commas, quotes and a header row (format csv) 分隔格式.",
    )
    charset: str | None = Field(default=None, description="Charset of bodies both ways, e.g. gb18030.")
    auth: Auth | None = Field(default=None, description="How the gateway shows who it is 认证方式.")
    headers: dict[str, str] = Field(
        default_factory=dict, repr=False, description="HTTP headers of every call."
    )
    sign: RequestSign | None = Field(default=None, description="Signs every request 请求签名.")


class GraphQLSource(Model):
    """A GraphQL service asked with fixed documents."""

    url: str = Field(description="Address of the GraphQL endpoint.")
    auth: Auth | None = Field(default=None, description="How the gateway shows who it is 认证方式.")
    headers: dict[str, str] = Field(
        default_factory=dict, repr=False, description="HTTP headers of every call."
    )


class Source(Model):
    """How the system is reached: exactly one of soap, rest, graphql."""

    soap: SoapSource | None = None
    rest: RestSource | None = None
    graphql: GraphQLSource | None = None

    @model_validator(mode="after")
    def _one(self) -> Source:
        if sum(value is not None for value in (self.soap, self.rest, self.graphql)) != 1:
            raise ValueError("give exactly one of soap, rest, graphql")
        return self

    @property
    def protocol(self) -> Literal["soap", "rest", "graphql"]:
        return "soap" if self.soap is not None else "rest" if self.rest is not None else "graphql"

    @property
    def auth(self) -> Auth | None:
        one = self.soap or self.rest or self.graphql
        return one.auth if one is not None else None


class Failure(Model):
    """When a reply that arrived is a failure all the same. Expressions over the reply, `$status`, `$fault`."""

    when: str | None = Field(default=None, description='e.g. code != "0".')
    not_found: str | None = Field(default=None, description="The number asked for does not exist.")
    unavailable: str | None = Field(default=None, description="The system is down: worth another attempt.")
    message: str | None = Field(default=None, description="Where the system's own words stand.")


class Paging(Model):
    """How a list goes on."""

    style: Literal["none", "page", "offset", "cursor", "link", "pull"] = Field(
        default="none",
        description="page: numbers. offset: rows. cursor: a token. link: the next address, also $link.next of a Link "
        "header. pull: what the last record holds (next is read from it) asks for the following ones.",
    )
    size: int = Field(default=50, ge=1, le=1000, description="Records asked for at once: $page.size.")
    first: int = Field(default=1, ge=0, description="Number of the first page (style page): $page.number.")
    total: str | None = Field(default=None, description="Where the number of all records stands.")
    next: str | None = Field(
        default=None,
        description="Where the next cursor ($page.cursor) or link stands, empty at the end; $link.next for a Link header.",
    )
    more: str | None = Field(default=None, description="Condition that there is a further page.")

    @model_validator(mode="after")
    def _next(self) -> Paging:
        if self.style in ("cursor", "link", "pull") and not self.next:
            raise ValueError(f"paging style {self.style} needs `next`")
        return self


class Request(Model):
    """What is sent, and how what comes back is unpacked."""

    operation: str | None = Field(default=None, description="SOAP: operation of the port.")
    method: Literal["GET", "POST", "PUT", "PATCH"] = Field(default="GET", description="REST: method.")
    path: str = Field(
        default="", description="REST: path below baseUrl; {expressions} are filled in, encoded."
    )
    query: dict[str, Any] = Field(
        default_factory=dict, description="REST: query parameters; nulls are left out."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="REST: further headers.")
    body: Any = Field(
        default=None,
        description="SOAP: arguments of the operation. REST: JSON body, or for XML one element and what is in it.",
    )
    soap_header: tuple[SoapHeader, ...] = Field(
        default=(), description="SOAP: further elements of the envelope's header 报文头."
    )
    form: dict[str, Any] | None = Field(default=None, description="REST: form body, instead of `body`.")
    document: str | None = Field(default=None, description="GraphQL: the operation.")
    variables: dict[str, Any] = Field(default_factory=dict, description="GraphQL: its variables.")
    encode: tuple[Encode, ...] = Field(
        default=(),
        description="What the templates filled in becomes what is sent, in order 报文编码.",
    )
    decode: tuple[Decode, ...] = Field(
        default=(),
        description="What stands inside fields of the reply becomes what rules and map read, in order 报文解码.",
    )


class Connector(Request):
    """One thing that the system can be asked."""

    numbers: str | None = Field(
        default=None,
        description="Regular expression of this system's case numbers; others are not asked for here.",
    )
    ticket: Ticket | None = Field(
        default=None, description="Its answer is a ticket; the result is polled for 回执轮询."
    )
    paging: Paging = Paging()
    order: Literal["newest-first", "any"] = Field(
        default="newest-first",
        description="Order of a list by appliedAt; `any`: all pages are read and sorted.",
    )
    records: str | None = Field(default=None, description="Where the records stand in the reply.")
    failure: Failure = Failure()
    map: dict[str, Any] | None = Field(
        default=None,
        description="Canonical field -> expression. `cases` without a map uses the map of `case`.",
    )
    safe: bool = Field(default=True, description="Reading only: may be retried and cached.")


class Write(Request):
    """One thing that the system can be told: sent once, through the outbox 申报发件箱."""

    safe: ClassVar[bool] = False

    method: Literal["GET", "POST", "PUT", "PATCH"] = Field(default="POST", description="REST: method.")
    timeout_ms: int | None = Field(
        default=None,
        ge=50,
        le=120000,
        description="Longest wait for the answer; without it `traffic.timeoutMs`.",
    )
    accepts: Accepts = Accepts()
    answer: WriteAnswer = WriteAnswer()
    failure: WriteFailure = WriteFailure()
    reconcile: Reconcile | None = Field(
        default=None, description="How an unknown outcome is found out; without it a person must 核对."
    )


class Connectors(Model):
    """The canonical verbs 标准动作; leave out what the system cannot do."""

    items: Connector | None = Field(default=None, description="Items it handles 事项.")
    case: Connector | None = Field(default=None, description="One case by number 办件: $args.number.")
    cases: Connector | None = Field(
        default=None,
        description="Cases, newest first 办件列表: $args.applicant.idNumber, $args.from, $args.to, $args.department, ...",
    )
    changes: Connector | None = Field(default=None, description="Changes since a time 变更: $args.since.")
    submit: Write | None = Field(default=None, description="Files an application 申报.")
    supplement: Write | None = Field(
        default=None, description="Hands in what was missing 补正: $args.case.number."
    )
    withdraw: Write | None = Field(
        default=None, description="Takes an application back 撤回: $args.case.number."
    )
    appointment: Write | None = Field(
        default=None, description="Books an appointment 预约: $args.slot.start."
    )

    reserve: Write | None = Field(
        default=None,
        description="Hands out a case number before there is a case 预取编号, for what is filed with its successor.",
    )

    def declared(self) -> dict[str, Connector]:
        """Verb -> connector, of those that are there."""
        return {verb: one for verb in VERBS if (one := getattr(self, verb)) is not None}

    def writes(self) -> dict[str, Write]:
        """Operation -> what is declared of it, of those that are there."""
        return {name: one for name in WRITES if (one := getattr(self, name)) is not None}

    def sent(self) -> dict[str, Write]:
        """The writes, and `reserve`: whatever goes through the outbox."""
        return self.writes() | ({"reserve": self.reserve} if self.reserve is not None else {})


class Batch(Model):
    """Many objects asked for in one call."""

    key: dict[str, str] = Field(
        min_length=1,
        description="Name of `$this` -> where its value stands in each record of the reply. Requests send the list "
        "`$batch.<name>`.",
    )
    size: int = Field(default=50, ge=1, le=1000, description="Objects in one call at most.")


class RowReach(Model):
    """Whose a row is, each an expression on the system's record; a row that names no department is its system's owner's."""

    department: str | None = Field(default=None, description="Its department's code 部门.")
    region: str | None = Field(default=None, description="Its division's code, as the registry has it 区划.")
    applicant: str | None = Field(default=None, description="Its applicant's identity number 申请人.")
    case: str | None = Field(default=None, description="The id of the case that it belongs to 办件.")

    @model_validator(mode="after")
    def _some(self) -> RowReach:
        if not self.given():
            raise ValueError("give one or more of department, region, applicant, case")
        return self

    def given(self) -> dict[str, str]:
        return {name: str(value) for name, value in self if value is not None}


class OwnField(Connector):
    """How one field of the system's own types is answered, or an entity of its own by its key."""

    batch: Batch | None = Field(
        default=None, description="Where the system answers for many objects in one call 批量查询."
    )
    reach: RowReach | Literal["open"] | None = Field(
        default=None,
        description="By what its rows are held to the caller's reach 可见范围; `open` shows them to whoever may use the field.",
    )
    value: str | None = Field(
        default=None, description="Instead of `map`, for a field of a scalar or an enum: the expression."
    )


class OwnTypes(Model):
    """GraphQL types and fields that the system adds to the graph 系统自有类型."""

    sdl: str | None = Field(default=None, description="The types, in GraphQL's own language (SDL).")
    file: str | None = Field(
        default=None, description="A file beside this one that holds them, instead of `sdl`."
    )
    fields: dict[str, OwnField] = Field(
        default_factory=dict,
        description="`Type.field` -> how it is answered; `Type` alone for an entity of its own, by its key.",
    )

    @model_validator(mode="after")
    def _one(self) -> OwnTypes:
        if (self.sdl is None) is (self.file is None):
            raise ValueError("give exactly one of sdl, file")
        return self


class Declaration(Model):
    """One legacy system joins the network with this file 接入声明."""

    system: SystemInfo
    source: Source
    traffic: Traffic = Traffic()
    tables: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Code tables 代码表: raw value -> canonical value."
    )
    connectors: Connectors = Connectors()
    harvest: Harvest = Harvest()
    push: Push | None = None
    types: OwnTypes | None = Field(
        default=None, description="GraphQL types and fields of its own 系统自有类型."
    )
    migration: Migration | None = Field(
        default=None, description="The system that this one takes the place of 迁移接替."
    )
    files: dict[FileKind, FileRule] = Field(
        default_factory=dict, description="Files of a case that can be fetched 办件文件: kind -> how."
    )


def declaration_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a declaration, with the canonical fields of each verb's map spelt out."""
    schema = Declaration.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    for record in RECORDS.values():
        definitions[f"map.{record.name}"] = _map_schema(record)
    for verb, record in VERBS.items():
        connector = {**definitions["Connector"], "properties": dict(definitions["Connector"]["properties"])}
        connector["properties"]["map"] = {"$ref": f"#/$defs/map.{record.name}"}
        definitions[f"Connector.{verb}"] = connector
        old = definitions["Connectors"]["properties"][verb]
        definitions["Connectors"]["properties"][verb] = {
            "$ref": f"#/$defs/Connector.{verb}",
            "description": old.get("description", ""),
        }
    del definitions["Connector"]
    definitions["Push"]["properties"]["map"] = {"$ref": "#/$defs/map.CaseChange"}
    _loosen(schema)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Quanyu declaration of a legacy system"
    return schema


def _map_schema(record: Record) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    inner: dict[str, Any]
    for field in record.fields:
        kind, _, target = field.type.partition(":")
        described = field.doc + (" Required." if field.required else "")
        if kind == "enum":
            described += " One of: " + ", ".join(member.name for member in ENUMS[target]) + "."
        if kind == "record":
            inner = {"anyOf": [{"$ref": f"#/$defs/map.{target}"}, {"type": "null"}]}
            properties[field.name] = {**inner, "description": described}
        elif kind == "list":
            inner = _map_schema(RECORDS[target])
            inner["properties"]["each"] = {
                "type": "string",
                "description": "Where the list stands in the record.",
            }
            # null takes away what `<<` merged in
            inner["type"] = ["object", "null"]
            properties[field.name] = {**inner, "description": described, "required": ["each"]}
        elif kind == "json":
            properties[field.name] = {"type": ["object", "string", "null"], "description": described}
        else:
            properties[field.name] = {"type": ["string", "null"], "description": described}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "description": record.doc,
    }


def _loosen(schema: Any) -> None:
    """Editors see numbers and booleans as YAML gives them; our loader reads code tables as text either way."""
    if isinstance(schema, dict):
        table = schema.get("properties", {}).get("tables")
        if isinstance(table, dict):
            table["additionalProperties"]["additionalProperties"] = {"type": "string"}
        for value in schema.values():
            _loosen(value)
    elif isinstance(schema, list):
        for value in schema:
            _loosen(value)
