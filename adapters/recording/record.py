"""Systems asked once each, and what was exchanged made into cases: credentials taken out, people replaced, and every case
replayed before it is handed over, so that what is written is known to hold.

The expected records are those of the replay, read from the replaced replies by the source's own code; that they are the
replaced originals is checked, and so is that nothing personal that was learned is left.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from adapters.build import Surroundings, build_source
from adapters.mapping.scope import Gap
from adapters.recording.case import Ask, CannedReply, Case, Exchange, Expected, SentRequest
from adapters.recording.hide import (
    Hider,
    declared_secrets,
    headers_of,
    kept_reply_headers,
    kept_request_headers,
)
from adapters.recording.leaves import body_leaves, differences, flat, leaves, path_leaves
from adapters.recording.names import is_sure_name, kind_of_field
from adapters.recording.people import People
from adapters.recording.replay import all_fields, expected_of, replay_case, text_of
from adapters.recording.subject import Subject
from adapters.recording.text import as_text
from adapters.recording.wires import ListeningWire, Taken
from adapters.source import Page, Source
from adapters.traffic.errors import SourceError
from adapters.wire.model import WireResponse
from cache.embedded import EmbeddedStore
from cache.single_flight import SingleFlight

__all__ = ["Recorded", "Recorder", "Take", "case_name", "case_of", "clean_path", "record_cases"]

ASK_S = 30.0
CLOCK_STEP_S = 1.2
"""A replay this much later shows what of a request is made of the time, in seconds."""
KEEP_DATA = "if the system holds invented data only, record it with --keep-data"
_SECURITY = re.compile(r"<(\w+:)?Security\b.*?</\1Security>", re.DOTALL)
"""WS-Security holds times, nonces and user names: it is made anew each time, and never compared."""
_NATURAL = ("NATURAL", None, "UNKNOWN")


@dataclass(slots=True)
class Take:
    """One question to the living system: what went over the wire, and what was read. Personal data stands in it."""

    ask: Ask
    taken: list[Taken]
    page: Page | None
    error: SourceError | None
    gaps: list[Gap]
    hide: Hider
    charset: str | None


@dataclass(slots=True)
class Recorded:
    """case: what may be written; refused: why nothing may. notes: what to look at."""

    name: str
    verb: str
    case: Case | None = None
    records: int = 0
    refused: str = ""
    notes: list[str] = field(default_factory=list)


class Recorder:
    """Asks one system through its own source; use as an async context manager."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._wires: list[ListeningWire] = []

    async def __aenter__(self) -> Recorder:
        def wire_for(*parts: Any) -> ListeningWire:
            self._wires.append(ListeningWire(*parts))
            return self._wires[-1]

        around = Surroundings(EmbeddedStore(), SingleFlight(), None, b"record", wire_for=wire_for)
        self.source: Source = build_source(self.subject.declaration, self.subject.service, around)
        self._credentials: list[Taken] = []
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.source.close()

    async def take(self, ask: Ask) -> Take:
        """Never raises for what the system does."""
        wire = self._wires[0]
        gaps: list[Gap] = []
        page, error = None, None
        try:
            await self._log_in(wire)
            wire.taken = []
            page = await self.source.ask(
                ask.verb,
                ask.args,
                fields=all_fields(ask.verb),
                deadline=asyncio.get_running_loop().time() + ASK_S,
                position=ask.position,
                gaps=gaps,
            )
        except SourceError as caught:
            error = caught
        hide = Hider(declared_secrets(self.subject.declaration), self.source.credentials.held_values())
        charset = getattr(self.source.exchange, "charset", None)
        return Take(ask, [*self._credentials, *wire.taken], page, error, gaps, hide, charset)

    async def _log_in(self, wire: ListeningWire) -> None:
        """Apart from the calls, so that its exchanges are known as what they are."""
        if not self.source.credentials.renewable or self._credentials:
            return
        wire.purpose = "credentials"
        try:
            await self.source.credentials.grant()
        finally:
            wire.purpose = "call"
            self._credentials = list(wire.taken)


def case_name(ask: Ask) -> str:
    """Of the question as it is asked of the replay: no person's number stands in a file's name."""
    told = [ask.verb]
    if "number" in ask.args:
        told.append(str(ask.args["number"]))
    told += [
        name
        for name, value in ask.args.items()
        if name != "number" and value not in (None, "", {}) and not isinstance(value, list)
    ]
    if ask.position is not None:
        told.append(f"at-{ask.position}")
    return re.sub(r"[^\w.-]+", "-", "-".join(told)).strip("-")[:80]


# --- replacing ---


def learn(take: Take, people: People) -> None:
    """Everything personal in what was asked, sent, received and read."""
    records = take.page.records if take.page is not None else []
    people.keep = people.keep | _numbers_of_cases(take, records)
    for record in records:
        _learn_record(record, people)
    applicant = take.ask.args.get("applicant")
    if isinstance(applicant, Mapping):
        _learn_leaves(
            ((("applicant", str(name)), str(value)) for name, value in applicant.items() if value), people
        )
    for one in take.taken:
        _learn_leaves(leaves(take.hide(text_of(one.request.body, _content_type(one)))), people)
        if one.response is not None:
            content_type = one.response.headers.get("content-type") or ""
            found = as_text(one.response.body, content_type, take.charset)
            if found is not None:
                _learn_leaves(leaves(found[0]), people)


def _numbers_of_cases(take: Take, records: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Codes that look like people's numbers, and are none."""
    names = ("localNo", "itemCode", "taskCode", "regionCode", "departmentCode", "localCode", "id")
    kept = {str(one[name]) for one in records for name in names if one.get(name)}
    kept |= {
        str(event["departmentCode"])
        for one in records
        for event in one.get("events") or ()
        if event.get("departmentCode")
    }
    if "number" in take.ask.args:
        kept.add(str(take.ask.args["number"]))
    return frozenset(kept)


def _learn_record(record: Mapping[str, Any], people: People) -> None:
    applicant = record.get("applicant")
    if isinstance(applicant, Mapping):
        sure = applicant.get("kind") in _NATURAL
        for kind, name in (("number", "idNumber"), ("phone", "mobile")):
            people.learn(kind, str(applicant.get(name) or ""))  # type: ignore[arg-type]  # two of the kinds
        people.learn("name", str(applicant.get("name") or ""), sure=sure)
        people.learn("name", str(applicant.get("legalRepresentative") or ""), sure=True)
    for event in record.get("events") or ():
        people.learn("name", str(event.get("actor") or ""))


def _learn_leaves(found: Iterable[tuple[tuple[str, ...], str]], people: People) -> None:
    for place, value in found:
        names = tuple(one for one in place if not one.startswith("["))
        kind = kind_of_field(names)
        if kind is not None and value:
            people.learn(kind, value, sure=is_sure_name(names))


def case_of(take: Take, people: People, subject: Subject, now: datetime) -> Case:
    """Replaced, without expectation yet. Raises ValueError where a replaced text cannot be written in its charset."""
    exchanges = [_exchange(one, one.response, take, people) for one in take.taken if one.response is not None]
    args = _replaced(take.ask.args, people)
    ask = Ask(verb=take.ask.verb, args=args, position=_replaced(take.ask.position, people))
    return Case(
        case=case_name(ask),
        system=subject.code,
        recorded_at=now,
        ask=ask,
        exchanges=exchanges,
        expect=Expected(),
    )


def _exchange(taken: Taken, response: WireResponse, take: Take, people: People) -> Exchange:
    def clean(text: str) -> str:
        return people.replace(take.hide(text))

    url = taken.request.url if isinstance(taken.request.url, str) else taken.request.url.path
    path = re.sub(r"^https?://[^/?]*", "", url) or "/"
    sent = _SECURITY.sub("", text_of(taken.request.body, _content_type(taken)))
    request = SentRequest(
        method=taken.request.method,
        path=clean_path(take.hide(path), people),
        headers=kept_request_headers(headers_of(taken.request.headers)),
        body=_clean_form(clean(sent), _content_type(taken), people),
    )
    content_type = response.headers.get("content-type") or ""
    headers = {
        name: people.replace(value) for name, value in kept_reply_headers(response.headers, take.hide).items()
    }
    found = as_text(response.body, content_type, take.charset)
    if found is None:
        packed = base64.b64encode(response.body).decode("ascii")
        reply = CannedReply(status=response.status, headers=headers, base64=packed)
    else:
        text, charset = found
        reply = CannedReply(status=response.status, headers=headers, charset=charset, body=clean(text))
    return Exchange(
        purpose="credentials" if taken.purpose == "credentials" else "call", request=request, reply=reply
    )


def clean_path(path: str, people: People) -> str:
    """Each percent-encoded part by itself, and only where something is replaced, so that the rest stays as it was sent."""

    def clean(found: re.Match[str]) -> str:
        part = found.group()
        content = unquote_to_bytes(part.replace("+", " "))
        for charset in ("utf-8", "gb18030"):
            try:
                plain = content.decode(charset)
            except UnicodeDecodeError:
                continue
            new = people.replace(plain)
            return part if new == plain else quote_plus(new, encoding=charset)
        return part

    return re.sub(r"[^/?&=]+", clean, path)


def _clean_form(body: str, content_type: str, people: People) -> str:
    return clean_path(body, people) if "form-urlencoded" in content_type else body


def _replaced(value: Any, people: People) -> Any:
    if isinstance(value, str):
        return people.replace(value)
    if isinstance(value, Mapping):
        return {name: _replaced(one, people) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(one, people) for one in value]
    return value


def _content_type(taken: Taken) -> str:
    return next(
        (value for name, value in headers_of(taken.request.headers) if name.lower() == "content-type"), ""
    )


# --- the whole ---


async def record_cases(
    takes: Sequence[Take],
    people: People | None,
    subject: Subject,
    now: datetime,
    on_case: Callable[[str], None] = lambda _name: None,
) -> list[Recorded]:
    """people: None where the system holds invented data only, and nothing is replaced."""
    whom = people if people is not None else _Nobody(key=b"nobody")
    whom.keep = whom.keep | _constants(subject)
    for one in takes:
        learn(one, whom)
    await asyncio.sleep(CLOCK_STEP_S if takes and _tells_the_time(subject) else 0)
    recorded = []
    for one in takes:
        recorded.append(await _recorded(one, whom, subject, now))
        on_case(recorded[-1].name)
    return recorded


def _tells_the_time(subject: Subject) -> bool:
    """Whether requests may hold a time or a nonce; templates themselves have no clock, and SOAP headers are not compared."""
    source = subject.declaration.source
    signs = source.rest is not None and source.rest.sign is not None
    has_hmac = source.auth is not None and source.auth.hmac is not None
    return signs or has_hmac or any(one.encode for one in subject.declaration.connectors.declared().values())


def _constants(subject: Subject) -> frozenset[str]:
    """Texts that the declaration itself puts into records: nobody's."""
    maps = [one.map for one in subject.declaration.connectors.declared().values() if one.map is not None]
    return frozenset(
        text
        for one in maps
        for expression in flat(one).values()
        for pair in re.findall(r'"([^"]+)"|\'([^\']+)\'', expression)
        for text in pair
        if text
    )


class _Nobody(People):
    def learn(self, kind: Any, value: str, *, sure: bool = False) -> None:
        """Nothing is personal."""

    def replace(self, text: str) -> str:
        return text


async def _recorded(take: Take, people: People, subject: Subject, now: datetime) -> Recorded:
    told = Recorded(case_name(Ask(verb=take.ask.verb, args=_replaced(take.ask.args, people))), take.ask.verb)
    if not any(one.response is not None and one.purpose == "call" for one in take.taken):
        told.refused = (
            f"no answer came: {take.error.code if take.error else 'nothing was asked'}: {take.error or ''}"
        )
        return told
    if not isinstance(people, _Nobody) and not all(_is_text(one, take.charset) for one in take.taken):
        told.refused = f"a reply is no text, so nobody in it can be replaced; {KEEP_DATA}"
        return told
    try:
        case = case_of(take, people, subject, now)
    except ValueError as error:
        told.refused = f"cannot be written: {error}"
        return told
    told.name = case.case
    first = await replay_case(case, subject)
    # what differs in the request although nothing was changed is made of time and chance
    volatile = sorted(
        {one.place for one in first.differences if one.place.startswith(("request.", "credentials."))}
    )
    volatile = sorted({*volatile, *_of_today(case, now)})
    lost = [one for one in first.differences if one.place in ("request", "credentials")]
    if lost:
        told.refused = f"cannot be replayed: {lost[0]}"
        return told
    case = case.model_copy(update={"ignore": volatile, "expect": first.got})
    told.records = len(first.got.records or ())
    told.refused = _otherwise_read(take, people, case) or _left(case, people)
    told.notes += _notes(case, people)
    told.case = case if not told.refused else None
    return told


def _is_text(taken: Taken, charset: str | None) -> bool:
    if taken.response is None:
        return True
    content_type = taken.response.headers.get("content-type") or ""
    return as_text(taken.response.body, content_type, charset) is not None


def _of_today(case: Case, now: datetime) -> Iterable[str]:
    """Places of requests that hold today's date and were not asked for: minutes do not change within a second."""
    asked = " ".join(flat(case.ask.args).values())
    stamps = [one for one in (f"{now:%Y%m%d}", f"{now:%Y-%m-%d}") if one not in asked]
    for one in case.exchanges:
        query = {f"request.query.{name}": value for name, value in path_leaves(one.request.path)[1].items()}
        body = {f"request.body.{name}": value for name, value in body_leaves(one.request.body).items()}
        yield from (
            place for place, value in (query | body).items() if any(stamp in value for stamp in stamps)
        )


def _otherwise_read(take: Take, people: People, case: Case) -> str:
    """Why the replaced reply does not give the replaced records; empty where it does."""
    if take.error is not None or take.page is None:
        code = take.error.code if take.error is not None else None
        got = case.expect.error
        return (
            "" if got == code else f"the replay ends with {got or 'records'}, the system's answer was {code}"
        )
    if case.expect.error is not None:
        return (
            f"the replaced reply is not read as the original was: {case.expect.error}; "
            f"is the payload signed, or of fixed size? {KEEP_DATA}"
        )
    original = _replaced(expected_of(take.page, take.gaps).model_dump(mode="json"), people)
    found = list(differences(flat(original), flat(case.expect.model_dump(mode="json"))))
    if not found:
        return ""
    place, _, _ = found[0]
    more = f" and {len(found) - 1} more are" if len(found) > 1 else " is"
    return (
        f"{place}{more} read otherwise once people are replaced; the payload may be packed or "
        f"encrypted. {KEEP_DATA}"
    )


def _left(case: Case, people: People) -> str:
    """A learned value that is still in the case; those that stand for others do not count."""
    learned = people.learned()
    made = set(learned.values())
    text = case.text()
    for value in learned:
        if value not in made and len(value) > 1 and people.replace(value) != value and _stands(value, text):
            return f"personal data is left in it ({len(value)} characters, beginning {value[0]!r})"
    return ""


def _stands(value: str, text: str) -> bool:
    if not value.isascii():
        return value in text
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", text) is not None


def _notes(case: Case, people: People) -> list[str]:
    notes = []
    free = sorted(
        {
            place[-1]
            for one in case.exchanges
            for place, value in leaves(one.reply.body or "")
            if place and sum("\u4e00" <= sign <= "\u9fff" for sign in value) >= 25
        }
    )
    if free and not isinstance(people, _Nobody):
        notes.append(f"free text, look through it: {', '.join(free[:6])}")
    return notes
