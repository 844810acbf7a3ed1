"""GraphQL over HTTP as bytes: reads a request's parameters and negotiates the answer's media type. Does no I/O.

Follows the GraphQL over HTTP specification: sections 4 (media types), 5 (request) and 6 (response).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from gateway.web.errors import HttpRequestError
from gateway.web.ports import AnswerPart, GraphQLAnswer, GraphQLRequest, LaterAnswer

__all__ = [
    "EVENT_STREAM",
    "GRAPHQL_JSON",
    "JSON",
    "PARTS",
    "check_content_type",
    "check_encoding",
    "encode",
    "encode_part",
    "names_json",
    "negotiate",
    "prefers_html",
    "read_body",
    "read_document",
    "read_query",
    "takes_events",
    "takes_parts",
]

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
PARTS = "multipart/mixed"
HTML = "text/html"

DOCUMENT_IDS = ("documentId", "id", "doc_id")
"""Members that name a document in place of `query`: GraphQL over HTTP's proposal, Relay's two."""
LONGEST_ID = 256
_SHORT = 200
"""Characters of an `Accept` header that is remembered."""
_UNSET = object()


def negotiate(accept: str | None) -> str:
    """The media type of the answer to an `Accept` header: GRAPHQL_JSON where it is asked for, else JSON; EVENT_STREAM
    or PARTS where nothing else is acceptable.

    Raises HttpRequestError 406 where none is acceptable.
    """
    if not accept:
        return JSON
    weights = _weights(accept)
    exact, legacy = _weight(weights, GRAPHQL_JSON), _weight(weights, JSON)
    if exact > 0 and GRAPHQL_JSON in weights and exact >= legacy:
        return GRAPHQL_JSON
    if legacy > 0:
        return JSON
    if exact > 0:
        return GRAPHQL_JSON
    if weights.get(EVENT_STREAM, 0.0) > 0:
        return EVENT_STREAM
    if takes_parts(accept):
        return PARTS
    raise HttpRequestError(
        406,
        "NOT_ACCEPTABLE",
        f"Accept one of {GRAPHQL_JSON}, {JSON}, {EVENT_STREAM} or {PARTS}; found {accept[:200]!r}",
    )


def takes_events(accept: str | None) -> bool:
    """Whether an event stream is acceptable, for an operation that needs one."""
    return bool(accept) and _weights(accept or "").get(EVENT_STREAM, 0.0) > 0


def names_json(accept: str | None) -> bool:
    """Whether a type of GraphQL's is named, not only taken with others: no image or script tag does that."""
    weights = _weights(accept or "")
    return any(weights.get(media, 0.0) > 0 for media in (GRAPHQL_JSON, JSON, EVENT_STREAM))


def takes_parts(accept: str | None) -> bool:
    """Whether an answer in parts is acceptable, in the one form that there is here: that of August 2022."""
    if not accept or "multipart" not in accept.lower():
        return False
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        found = {
            name.strip(): value.strip(' "') for name, _, value in (one.partition("=") for one in parameters)
        }
        other = {"incrementalspec", "subscriptionspec"} & found.keys()
        if media == PARTS and not other and found.get("deferspec", "20220824") == "20220824":
            return _weight(_weights(part), PARTS) > 0
    return False


def prefers_html(accept: str | None) -> bool:
    """Whether a browser asks for a page: text/html is named and is wanted at least as much as JSON."""
    if not accept or HTML not in accept.lower():
        return False
    weights = _weights(accept)
    html = weights.get(HTML, 0.0)
    return html > 0 and html >= max(weights.get(GRAPHQL_JSON, 0.0), weights.get(JSON, 0.0))


def check_content_type(content_type: str | None) -> None:
    """Raises HttpRequestError 415 for a body that is not UTF-8 JSON.

    The types that a web page may send without asking first (form, multipart, text/plain) are thereby refused:
    no page elsewhere can make a visitor's browser send an operation.
    """
    media, _, parameters = (content_type or "").partition(";")
    if media.strip().lower() != JSON:
        raise HttpRequestError(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"Send the body as Content-Type: {JSON}; found {(content_type or 'none')[:100]!r}",
        )
    charset = re.search(r'charset\s*=\s*"?([^\s";]+)', parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise HttpRequestError(
            415, "UNSUPPORTED_CHARSET", f"JSON is UTF-8 here; found charset {charset[1][:40]!r}"
        )


def check_encoding(content_encoding: str | None) -> None:
    """Raises HttpRequestError 415 for a compressed body: a small one could unfold to a huge one."""
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise HttpRequestError(
            415,
            "UNSUPPORTED_ENCODING",
            f"Send the body uncompressed; found Content-Encoding {content_encoding[:40]!r}",
            accept_encoding="identity",
        )


def read_body(body: bytes, *, max_batch: int = 0) -> GraphQLRequest | list[GraphQLRequest]:
    """The request in a POST body, or a list of them up to `max_batch`. Raises HttpRequestError 400."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = "it is not UTF-8" if not _is_utf8(body) else str(error)
        raise HttpRequestError(400, "MALFORMED_JSON", f"The body cannot be read as JSON: {reason}") from None
    if isinstance(document, list):
        return _batch(document, max_batch)
    if not isinstance(document, dict):
        raise HttpRequestError(400, "BAD_REQUEST", "The body must be a JSON object with `query`")
    return read_document(document)


def _batch(documents: list[Any], max_batch: int) -> list[GraphQLRequest]:
    if not max_batch:
        raise HttpRequestError(
            400, "BATCHING_NOT_SUPPORTED", "Send one operation a request; lists of operations are refused"
        )
    if not 0 < len(documents) <= max_batch:
        text = f"A list holds 1 to {max_batch} operations; found {len(documents)}"
        raise HttpRequestError(400, "BATCH_TOO_LARGE", text)
    if not all(isinstance(one, dict) for one in documents):
        raise HttpRequestError(400, "BAD_REQUEST", "Each operation of a list must be a JSON object")
    return [read_document(one) for one in documents]


def read_document(document: Mapping[str, Any]) -> GraphQLRequest:
    """The request in the members of a JSON object. Raises HttpRequestError 400."""
    return _request(document, read_only=False)


def read_query(parameters: Mapping[str, str]) -> GraphQLRequest:
    """The request in the parameters of a GET; `variables` and `extensions` hold JSON. Raises HttpRequestError 400."""
    document: dict[str, Any] = {}
    for name in ("query", "operationName", *DOCUMENT_IDS):
        if name in parameters:
            document[name] = parameters[name]
    for name in ("variables", "extensions"):
        if parameters.get(name):
            try:
                document[name] = orjson.loads(parameters[name])
            except orjson.JSONDecodeError:
                raise HttpRequestError(
                    400, "MALFORMED_JSON", f"The parameter `{name}` must hold a JSON object"
                ) from None
    return _request(document, read_only=True)


def encode(answer: GraphQLAnswer, media: str) -> tuple[int, bytes]:
    """Status and body of an answer. `application/json` says 200 to what is well-formed HTTP, as older clients expect."""
    executed = answer.status_hint == 200
    shared = answer.encoded
    if shared is not None and shared.body is not None:
        return answer.status_hint, shared.body
    body: dict[str, Any] = {}
    if answer.errors:
        body["errors"] = answer.errors
    if executed:
        body["data"] = answer.data
    if answer.extensions:
        body["extensions"] = answer.extensions
    status = 200 if media == JSON and answer.status_hint == 400 else answer.status_hint
    encoded = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS, default=_encode_other)
    if shared is not None:
        shared.body = encoded
    return status, encoded


def encode_part(part: AnswerPart) -> bytes:
    """One part of an answer: the first as an answer, later ones as what they add to it."""
    body: dict[str, Any] = {}
    if part.answer is not None:
        if part.answer.errors:
            body["errors"] = part.answer.errors
        if part.answer.status_hint == 200:
            body["data"] = part.answer.data
        if part.answer.extensions:
            body["extensions"] = part.answer.extensions
    if part.later:
        body["incremental"] = [_later(one) for one in part.later]
    body["hasNext"] = part.has_next
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS, default=_encode_other)


def _later(one: LaterAnswer) -> dict[str, Any]:
    found: dict[str, Any] = {"data": one.data, "path": one.path}
    if one.label is not None:
        found["label"] = one.label
    if one.errors:
        found["errors"] = one.errors
    return found


def _request(document: Mapping[str, Any], *, read_only: bool) -> GraphQLRequest:
    named = next((document[key] for key in DOCUMENT_IDS if document.get(key) is not None), None)
    if named is not None and not (isinstance(named, str) and 0 < len(named) <= LONGEST_ID):
        raise HttpRequestError(
            400, "BAD_REQUEST", f"a document's id must be text of 1 to {LONGEST_ID} characters"
        )
    query = document.get("query", _UNSET)
    extensions = document.get("extensions")
    is_named = named is not None or (isinstance(extensions, dict) and "persistedQuery" in extensions)
    if is_named and (query is _UNSET or query is None):
        query = ""
    elif query is _UNSET or query == "":
        raise HttpRequestError(400, "QUERY_MISSING", "`query` is missing: it holds the GraphQL document")
    if not isinstance(query, str):
        raise HttpRequestError(400, "BAD_REQUEST", "`query` must be text")
    name = document.get("operationName")
    if name is not None and not isinstance(name, str):
        raise HttpRequestError(400, "BAD_REQUEST", "`operationName` must be text or null")
    for key in ("variables", "extensions"):
        if not isinstance(document.get(key), dict | None):
            raise HttpRequestError(400, "BAD_REQUEST", f"`{key}` must be an object or null")
    return GraphQLRequest(
        query,
        document.get("variables") or {},
        name or None,
        document.get("extensions") or {},
        read_only=read_only,
        document_id=named,
    )


def _weights(accept: str) -> Mapping[str, float]:
    """As `_read_weights`, which clients ask again and again with the same few headers."""
    return _known_weights(accept) if len(accept) <= _SHORT else _read_weights(accept)


@lru_cache(maxsize=256)
def _known_weights(accept: str) -> Mapping[str, float]:
    return _read_weights(accept)


def _read_weights(accept: str) -> Mapping[str, float]:
    """Media type -> its q; RFC 9110 section 12.5.1. A type in a charset that is not UTF-8 does not count."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = (piece.strip() for piece in parameter.partition("="))
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
            elif name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
                quality = 0.0
        weights[media] = max(quality, weights.get(media, 0.0))
    return weights


def _weight(weights: Mapping[str, float], media: str) -> float:
    """The most exact range that holds `media` counts."""
    for key in (media, "application/*", "*/*"):
        if key in weights:
            return weights[key]
    return 0.0


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _encode_other(value: Any) -> Any:
    """Mappings and sequences that are no dict, list or tuple."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"not JSON: {type(value).__name__}")
