"""Every setting of the gateway in one table, read once from the environment and one optional file.

Precedence: what the command line says, then `QUANYU_*` environment variables, then the file that `QUANYU_CONFIG`
names (TOML or YAML, flat), then the default. All mistakes are reported at once. It opens no other file than these.
"""

# No `from __future__ import annotations` here: pydantic reads the annotations at run time.

import difflib
import ipaddress
import os
import secrets
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from gateway.production import SAFE, insecure_settings, unknown_names

__all__ = [
    "Settings",
    "SettingsError",
    "kept_secret",
    "load_settings",
    "secret_key_bytes",
    "settings_table",
]

PREFIX = "QUANYU_"
CONFIG_VARIABLE = "QUANYU_CONFIG"
FREE_PREFIXES = ("QUANYU_SAMPLE_", "QUANYU_SECRET_", "QUANYU_TEST_")
"""Variables that declarations and tests name themselves; they are no settings and never an error."""


class SettingsError(Exception):
    """The settings are wrong. `problems` has one line each: where, what was found, what is allowed."""

    code = "SETTINGS_INVALID"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _setting(default: Any, doc: str, *, unit: str = "", **limits: Any) -> Any:
    """One row of the table; `Any` because pydantic's own Field is typed by where it is assigned."""
    return Field(default, description=doc, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseModel):
    """Names, types, defaults with their unit and a sentence each; immutable, unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    mode: Literal["development", "production"] = _setting(
        "development", "`production` has safer defaults and refuses to start with insecure settings 生产模式."
    )
    allow_insecure: tuple[str, ...] = _setting(
        (), "Names of insecure settings that production starts with all the same 明示允许的风险."
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0 takes any free one.", ge=0, le=65535)
    choose_port: bool = _setting(False, "Take the next free port, and say so, where `port` is taken.")
    systems_dir: Path = _setting(Path("systems"), "Folder with one declaration a legacy system 系统声明目录.")
    supergraph: Path | None = _setting(
        None, "Finished supergraph file 超图文件 that is run in place of composing; empty composes."
    )
    registry_dir: Path = _setting(
        Path("samples/data"), "Folder with regions, departments and service items 区划、部门、事项目录."
    )
    data_dir: Path = _setting(Path(".quanyu"), "Folder that the gateway writes to; made if it is not there.")
    calendar_files: tuple[str, ...] = _setting(
        (), "Files of working days that add years to the built-in calendar, or replace some 工作日历."
    )
    warning_rules: str = _setting("", "File of warning rules 预警规则; empty takes the built-in ones.")
    redis_url: SecretStr = _setting(
        SecretStr(""), "Redis for the shared cache; empty keeps the cache in the process."
    )
    database_url: SecretStr = _setting(
        SecretStr(""),
        "Database of the records 台账数据库: `postgresql://USER:PASSWORD@HOST/NAME` or `sqlite:///FILE`; empty keeps "
        "`quanyu.db` in `data_dir`.",
    )
    database_pool: int = _setting(
        5, "Most connections of one process to the database.", unit="connections", ge=2, le=100
    )
    ledger_key: SecretStr = _setting(
        SecretStr(""),
        "Secret that the trail's checkpoints are signed with, 32 characters or more, the same on all instances; empty "
        "makes one and keeps it in `data_dir`.",
    )
    subject_key: SecretStr = _setting(
        SecretStr(""),
        "Secret between people and their references and kept values 主体标识密钥, 32 characters or more, the same on all "
        "instances, never changed; empty makes one and keeps it in `data_dir`.",
    )
    ledger_origin: str = _setting("quanyu/trail", "Name of the trail in its checkpoints: no space, no '+'.")
    access_records: bool = _setting(
        True, "Record every look at a case or a person before its answer leaves 查阅留痕."
    )
    access_record_wait_s: float = _setting(
        2.0,
        "How long an answer waits for the record of its look before it is refused 留痕等待.",
        unit="s",
        gt=0,
        le=60,
    )
    disclosure_delay_days: float = _setting(
        90.0,
        "After how long a person is told of looks at their data for the purposes in `disclosure_delayed` 延迟公开.",
        unit="days",
        ge=0,
    )
    disclosure_delayed: tuple[str, ...] = _setting(
        ("AUDIT", "COMPLAINT"), "Purposes of looks that a person is told of later 延迟公开的查阅目的."
    )
    disclosure_withheld: tuple[str, ...] = _setting(
        (), "Purposes of looks that a person is never told of 不公开的查阅目的; only where a law says so."
    )
    witness_file: str = _setting(
        "",
        "File, best on someone else's disk, that remembers checkpoints and co-signs them; empty has no witness.",
    )
    witness_url: str = _setting(
        "",
        "Address of a witness that co-signs checkpoints by C2SP tlog-witness, beside the file's; empty has none.",
    )
    witness_key: str = _setting("", "Verifier key of the witness at `witness_url`: name+hash+key.")
    outbox_keys: SecretStr = _setting(
        SecretStr(""),
        "Keys of the bodies in the outbox 发件箱密钥, the newest first, with blanks between; empty uses `secret_key`.",
    )
    outbox_poll_s: float = _setting(
        2.0, "How often the outbox is looked at for what is due.", unit="s", gt=0, le=3600
    )
    outbox_lease_s: float = _setting(
        30.0,
        "Slack, beyond twice the longest call, after which what a process was sending is taken up by another.",
        unit="s",
        gt=0,
        le=3600,
    )
    outbox_keep_days: float = _setting(
        365.0, "How long receipts and idempotency keys of settled submissions are kept.", unit="days", gt=0
    )
    harvest: bool = _setting(
        True, "Harvest systems and scan clocks in this process 归集; false leaves both to `quanyu worker`."
    )
    harvest_every_s: float = _setting(
        60.0,
        "Time between two harvests of a system whose declaration says none (`harvest.everyS`).",
        unit="s",
        ge=1,
        le=86_400,
    )
    harvest_at_once: int = _setting(
        4, "Most systems that one process harvests at the same time.", unit="systems", ge=1, le=200
    )
    harvest_lease_s: float = _setting(
        60.0,
        "Time after which a system that a process was harvesting, and did not get on with, is taken up by another; longer "
        "than a page of any system takes.",
        unit="s",
        ge=1,
        le=3600,
    )
    secret_key: SecretStr = _setting(
        SecretStr(""),
        "Key of opaque ids and cursors, the same on all instances; empty makes one and keeps it in `data_dir`.",
    )
    identity_file: Path | None = _setting(
        None, "YAML file with the issuers (OpenID Connect) whose tokens are taken 统一身份认证."
    )
    local_issuer: bool = _setting(
        False, "Take tokens of `quanyu token`, made with a key in `data_dir`: for development only."
    )
    client_certificate_header: str = _setting(
        "",
        "Request header in which a trusted proxy names the client's certificate 客户端证书头; empty takes none.",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        "Addresses or networks of the proxies whose headers are believed 可信代理, such as `10.0.0.4` or `10.0.0.0/28`: "
        "that one, and `X-Forwarded-For`.",
    )
    certificates_file: Path | None = _setting(
        None, "YAML file that says who the bearer of a client certificate is 客户端证书名录."
    )
    policy_file: Path | None = _setting(None, "YAML file of the rules behind `@policy` 策略规则.")
    policy_hook: str = _setting(
        "", "`module:function` that is asked for every other policy: `(policy, caller) -> bool`."
    )
    contract_include: tuple[str, ...] = _setting(
        (), "Tags of `@tag` that a field or its type must bear to be served here; empty serves all 合约标签."
    )
    contract_exclude: tuple[str, ...] = _setting(
        (), "Tags of `@tag` whose fields and types are unknown here."
    )
    tokens_file: str = _setting("", "YAML or JSON file of bearer tokens; empty leaves everyone anonymous.")

    default_deadline_ms: int = _setting(
        2000, "Time for the sources of a list where the query says none.", unit="ms", ge=1
    )
    max_deadline_ms: int = _setting(10_000, "Longest time one request may take in all.", unit="ms", ge=1)
    max_first: int = _setting(100, "Largest page of a connection.", unit="records", ge=1, le=10_000)
    max_body_bytes: int = _setting(1_048_576, "Largest request body.", unit="bytes", ge=1)
    body_timeout_s: float = _setting(
        10.0, "Longest wait for the head, and for the body, of a request.", unit="s", gt=0
    )
    max_connections: int = _setting(
        5000, "Connections open at once in this process; more are closed at once.", unit="connections", ge=1
    )
    max_query_characters: int = _setting(65_536, "Longest query.", unit="characters", ge=1)
    max_query_tokens: int = _setting(2000, "Longest query.", unit="tokens", ge=1)
    max_query_fields: int = _setting(
        1000, "Most fields of a query, fragments written out.", unit="fields", ge=1
    )
    max_query_depth: int = _setting(15, "Deepest selection.", unit="levels", ge=1)
    max_query_aliases: int = _setting(50, "Most aliases in a query.", unit="aliases", ge=0)
    max_query_directives: int = _setting(
        50, "Most directives in a query, and no more than 5 at one place.", unit="directives", ge=0
    )
    max_query_cost: float = _setting(
        50_000, "What one operation may cost 查询成本, by `@cost` and `@listSize`; 0 has no bound.", ge=0
    )
    max_list_items: int = _setting(1000, "Longest list in a query or its variables.", unit="values", ge=1)
    max_variable_values: int = _setting(10_000, "Most values in the variables.", unit="values", ge=1)
    max_variable_depth: int = _setting(
        16, "Lists and objects within each other in variables.", unit="levels", ge=1
    )
    rate_per_caller: float = _setting(
        0, "Requests of one token in a minute 限流; 0 has no bound.", unit="requests", ge=0
    )
    rate_per_address: float = _setting(
        0,
        "Requests without a token, or with a wrong one, of one network address in a minute; 0 has no bound.",
        unit="requests",
        ge=0,
    )
    cost_per_caller: float = _setting(
        0, "What the operations of one token may cost in a minute; 0 has no bound.", ge=0
    )
    cost_per_address: float = _setting(
        0, "The same without a token, of one network address; 0 has no bound.", ge=0
    )
    max_batch: int = _setting(
        0,
        "Most operations in one request, as a JSON list 批量; 0 refuses lists.",
        unit="operations",
        ge=0,
        le=100,
    )
    csrf_header: bool = _setting(
        False,
        "Refuse every GET that a web page could send unasked: it needs a header such as `graphql-require-preflight`.",
    )
    compression: bool = _setting(True, "Compress answers (zstd, gzip) for clients that accept it.")
    compress_from_bytes: int = _setting(1024, "Smallest answer that is compressed.", unit="bytes", ge=64)
    persisted_queries: bool = _setting(
        True, "Keep documents that ran under their hash, so that clients need not send them again (APQ)."
    )
    trusted_documents: tuple[str, ...] = _setting(
        (), "Manifests of the documents that clients were built with 可信文档: Apollo's or Relay's format."
    )
    trusted_documents_mode: Literal["log", "known", "id"] = _setting(
        "known",
        "With manifests: `known` runs only their documents, `id` only by their ids, `log` runs all and logs the others.",
    )
    operation_cache_entries: int = _setting(
        1000, "Most operations kept parsed and planned; 0 keeps none.", unit="operations", ge=0
    )
    operation_cache_mb: int = _setting(
        64, "What the kept operations may take in memory, as estimated, in each worker.", unit="MB", ge=1
    )

    max_loop_lag_ms: float = _setting(
        250.0,
        "How late the event loop may run before new requests get 503 with Retry-After 过载保护; 0 lets all in.",
        unit="ms",
        ge=0,
    )
    share_queries: bool = _setting(
        True, "Run identical queries of one caller that are under way at the same time once 在途查询合并."
    )

    override_labels: tuple[str, ...] = _setting(
        (), "Labels of progressive `@override` that hold for everyone 渐进迁移标签 (comma-separated)."
    )
    override_label_header: str = _setting(
        "", "Request header that names further labels, for callers with the scope `overrides:choose`."
    )
    override_label_hook: str = _setting(
        "", "`module:function` that is asked for every other label: `(label, request) -> bool`."
    )
    override_sticky: str = _setting(
        "caller",
        "What `percent(n)` hangs on: `caller`, `variable:NAME` of the operation (a case's id), or `header:NAME`.",
        pattern=r"^(caller|(variable|header):\s*[A-Za-z0-9_.-]+\s*)$",
    )

    migration_policy: str = _setting(
        "", "File of the gates of migrations 迁移门禁; empty takes the built-in ones."
    )
    migration_four_eyes: bool = _setting(
        False, "A step of a migration needs a second person 双人复核; rolling back and freezing do not."
    )
    migration_poll_s: float = _setting(
        0.4, "How often a process looks where migrations stand.", unit="s", gt=0, le=60
    )
    migration_window_s: float = _setting(
        60.0, "Length of a window by which a migration is rolled back by itself.", unit="s", gt=0, le=3600
    )

    introspection: bool = _setting(True, "Answer introspection; GraphiQL needs it.")
    suggestions: bool = _setting(True, 'Say "Did you mean …" where a field or argument is not known.')
    graphiql: bool = _setting(True, "Show GraphiQL to browsers at /graphql.")
    graphiql_cdn: bool = _setting(
        False, "Load GraphiQL's files from a CDN, unasked, where they are not installed."
    )
    graphiql_samples: Path | None = _setting(
        None, "Folder of further queries (NAME.graphql, variables in NAME.json), each a tab of GraphiQL."
    )
    graphiql_token: SecretStr = _setting(
        SecretStr(""),
        "Bearer token that GraphiQL starts with: everyone who opens the page gets it, so for demonstrations only.",
    )
    max_streams: int = _setting(
        5000, "Event streams (subscriptions) open at once in this process 订阅上限; more are refused.", ge=1
    )
    cors_origins: tuple[str, ...] = _setting(
        (), "Web origins that may call from a browser (comma-separated in the environment)."
    )

    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "Least severe line that is logged."
    )
    log_format: Literal["json", "console"] = _setting(
        "json", "One JSON object a line, or coloured text for a person."
    )
    metrics: bool = _setting(True, "Serve Prometheus metrics at /metrics.")
    otel: bool = _setting(False, "Send OpenTelemetry traces; needs `quanyu[otel]` and its OTEL_* variables.")

    watch: bool = _setting(True, "Reload declarations, calendars and warning rules when their files change.")
    reload_poll_s: float = _setting(
        1.0, "How often changes are looked for where the system does not tell.", unit="s", gt=0
    )
    subgraph_poll_s: float = _setting(
        0.0,
        "How often remote subgraphs are asked whether their SDL has changed 子图轮询; 0 asks at reloads only.",
        unit="s",
        ge=0,
    )
    drain_s: float = _setting(15.0, "Longest wait for requests in flight after SIGTERM.", unit="s", ge=0)
    drain_notice_s: float = _setting(
        1.0,
        "Part of `drain_s` in which /health/ready says 503 while new requests are still served.",
        unit="s",
        ge=0,
    )


def load_settings(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Settings from `environ` and the file it names. `overrides`: by name, from the command line; None means not given.

    Raises SettingsError with every problem at once.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    file_name = environ.get(CONFIG_VARIABLE, "")
    layers = [_from_file(Path(file_name), problems)] if file_name else []
    layers += [_from_environment(environ, problems), _from_overrides(overrides)]
    for layer in layers:
        for name, (value, origin) in layer.items():
            values[name] = value
            origins[name] = origin
    _dereference_secrets(values, origins, environ, problems)
    if values.get("mode") == "production":
        values = {**SAFE, **values}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems += [_explain(detail, origins) for detail in error.errors(include_url=False)]
        raise SettingsError(problems) from None
    if settings.default_deadline_ms > settings.max_deadline_ms:
        where = origins.get("default_deadline_ms") or origins.get("max_deadline_ms", "defaults")
        problems.append(
            f"{where}: default_deadline_ms ({settings.default_deadline_ms} ms) is longer than "
            f"max_deadline_ms ({settings.max_deadline_ms} ms); lower the one or raise the other"
        )
    problems += _of_production(settings, origins)
    problems += _of_certificates(settings, origins)
    problems += _of_proxies(settings, origins)
    if problems:
        raise SettingsError(problems)
    return settings


def _of_certificates(settings: Settings, origins: Mapping[str, str]) -> list[str]:
    """A header that nobody may be believed for, or one that every request has."""
    header = settings.client_certificate_header
    where = origins.get("client_certificate_header", "client_certificate_header")
    if not header:
        return []
    problems = []
    if header.lower() in ("authorization", "host", "cookie", "content-type", "x-request-id"):
        problems.append(f"{where}: {header} has another meaning; name a header of the proxy's own")
    if not settings.trusted_proxies:
        problems.append(f"{where}: trusted_proxies is empty; name the proxies that set {header}")
    if settings.certificates_file is None:
        problems.append(f"{where}: certificates_file is empty; it says who the bearers are")
    return problems


def _of_proxies(settings: Settings, origins: Mapping[str, str]) -> list[str]:
    """Whose word counts must be some machines, not all."""
    where = origins.get("trusted_proxies", "trusted_proxies")
    problems = []
    for text in settings.trusted_proxies:
        try:
            if ipaddress.ip_network(text).prefixlen == 0:
                problems.append(f"{where}: {text} is everyone; name the proxies")
        except ValueError:
            problems.append(f"{where}: {text!r} is no address or network")
    return problems


def _of_production(settings: Settings, origins: Mapping[str, str]) -> list[str]:
    """What a gateway in production does not start with."""
    where = origins.get("allow_insecure", "allow_insecure")
    problems = [
        f"{where}: {name!r} is no insecure setting" for name in unknown_names(settings.allow_insecure)
    ]
    if settings.mode != "production":
        return problems
    values = {name: _plain(getattr(settings, name)) for name in Settings.model_fields}
    return problems + [f"{origins.get(name, 'default')}: {text}" for name, text in insecure_settings(values)]


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def settings_table() -> str:
    """The settings as a Markdown table, for the documentation and `quanyu settings`."""
    rows = ["| Setting | Environment | Type | Default | Meaning |", "| --- | --- | --- | --- | --- |"]
    for name, info in Settings.model_fields.items():
        rows.append(
            f"| `{name}` | `{_variable(name)}` | {_type_text(info)} | {_default_text(info)} | {info.description} |"
        )
    return "\n".join(rows) + "\n"


def secret_key_bytes(settings: Settings) -> bytes:
    """The secret key, kept in `data_dir/secret_key` where none is given. Raises OSError where it cannot be kept."""
    return kept_secret(settings.secret_key, settings.data_dir / "secret_key")


def kept_secret(given: SecretStr, path: Path) -> bytes:
    """`given`, or where it is empty what the file holds; the first call makes it: 32 random bytes in hex, mode 0600.

    Safe against several processes starting at once: the first file stays. Raises OSError where it cannot be kept.
    """
    if given.get_secret_value():
        return given.get_secret_value().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)  # atomic, and fails where another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes().strip()


_Layer = dict[str, tuple[Any, str]]


def _from_overrides(overrides: Mapping[str, Any]) -> _Layer:
    return {name: (value, f"option {name}") for name, value in overrides.items() if value is not None}


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> _Layer:
    layer: _Layer = {}
    names = {_variable(name): name for name in Settings.model_fields}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        if variable in names:
            name = names[variable]
            layer[name] = (_split(name, environ[variable]), f"environment variable {variable}")
        elif not variable.startswith(FREE_PREFIXES):
            problems.append(f"environment variable {variable}: no such setting{_nearest(variable, names)}")
    return layer


def _from_file(path: Path, problems: list[str]) -> _Layer:
    try:
        text = path.read_text(encoding="utf-8")
        entries = list(_toml_entries(text) if path.suffix == ".toml" else _yaml_entries(text))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(
            f"{path}: cannot be read ({error}); {CONFIG_VARIABLE} must name a readable UTF-8 file"
        )
        return {}
    except (yaml.YAMLError, tomllib.TOMLDecodeError, _NotFlatError) as error:
        problems.append(f"{path}: not understood: {' '.join(str(error).split())}")
        return {}
    layer: _Layer = {}
    for name, value, line in entries:
        where = f"{path}:{line}"
        if name in layer:
            problems.append(f"{where}: {name} is there twice (first at {layer[name][1]}); keep one")
        elif name in Settings.model_fields:
            layer[name] = (value, where)
        else:
            problems.append(f"{where}: no setting {name!r}{_nearest(name, Settings.model_fields)}")
    return layer


class _NotFlatError(Exception):
    """The file is not one flat table of names and values."""


def _toml_entries(text: str) -> Iterator[tuple[str, Any, int]]:
    lines = text.splitlines()
    for name, value in tomllib.loads(text).items():
        # tomllib keeps no positions: the line that starts with the key is good enough to jump to.
        line = next((at for at, row in enumerate(lines, 1) if row.lstrip().lstrip('["').startswith(name)), 1)
        yield name, value, line


def _yaml_entries(text: str) -> Iterator[tuple[str, Any, int]]:
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return
        if not isinstance(root, yaml.MappingNode):
            raise _NotFlatError("expected `setting: value` lines")
        for key, value in root.value:
            yield str(key.value), loader.construct_object(value, deep=True), key.start_mark.line + 1
    finally:
        loader.dispose()


def _dereference_secrets(
    values: dict[str, Any], origins: Mapping[str, str], environ: Mapping[str, str], problems: list[str]
) -> None:
    """`file:PATH` and `env:NAME` in a secret setting are replaced by what they name."""
    for name, info in Settings.model_fields.items():
        value = values.get(name)
        if info.annotation is not SecretStr or not isinstance(value, str):
            continue
        kind, _, target = value.partition(":")
        if kind == "file":
            try:
                values[name] = Path(target).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"{origins[name]}: the file that {name} names cannot be read ({error})")
        elif kind == "env":
            if target in environ:
                values[name] = environ[target]
            else:
                problems.append(
                    f"{origins[name]}: {name} names the environment variable {target}, which is not set"
                )


def _split(name: str, text: str) -> Any:
    if Settings.model_fields[name].annotation == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _explain(detail: Any, origins: Mapping[str, str]) -> str:
    """One of pydantic's error dictionaries as a line; never repeats a secret's value."""
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"{origins.get(name, name)}: no setting {name!r}{_nearest(name, Settings.model_fields)}"
    found = "" if Settings.model_fields[name].annotation is SecretStr else f", found {detail['input']!r}"
    return f"{origins.get(name, name)}: {name}: {detail['msg'].lower()}{found}"


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "; `quanyu settings` lists them all"


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _type_text(info: FieldInfo) -> str:
    annotation: Any = info.annotation
    if annotation is SecretStr:
        return "secret: text, `file:PATH` or `env:NAME`"
    if annotation == tuple[str, ...]:
        return "list of text"
    if annotation is Path:
        return "path"
    choices = getattr(annotation, "__args__", ())
    if type(None) in choices:
        given = [one for one in choices if one is not type(None)]
        return _type_text(FieldInfo(annotation=given[0])) if len(given) == 1 else "text"
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    return {int: "whole number", float: "number", bool: "true or false", str: "text"}.get(
        annotation or str, "text"
    )


def _default_text(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    default = info.default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if default in ("", ()):
        return "empty"
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}` {unit}".rstrip()
