"""Systems that fail while they are told something, real ones behind a proxy: what the outbox makes of it, and what was
filed. Time is a clock of the tests, which jumps from one look at the outbox to the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.build import build_source, load_declarations
from adapters.submission.desk import Desk, Order
from adapters.submission.dispatcher import Dispatcher, wall_ms
from adapters.submission.memory import MemoryOutbox
from adapters.submission.row import Submission
from adapters.submission.seal import BodySeal
from adapters.submission.writer import Writer, build_writer
from adapters.validate import Known
from gateway.app import file_lookup
from tests.adapters.doubles import surroundings
from tests.submission.conftest import Declare, Taker
from tests.submission.fault_proxy import Fault, Hold, answers, resets

SEAL = BodySeal([b"a key of these tests"], hash_key=b"another key of these tests")
JUMP_MS = 3000


class Clock:
    def __init__(self) -> None:
        self.ms = wall_ms()

    def __call__(self) -> int:
        return self.ms


class Counter:
    """A desk, its dispatcher and one system. Nothing runs by itself: `work` takes the next step."""

    def __init__(self, writer: Writer, taker: Taker, person: str) -> None:
        self.writer, self.taker, self.person = writer, taker, person
        self.clock, self.outbox = Clock(), MemoryOutbox()
        self.dispatcher = self.another()
        self.desk = Desk(self.outbox, SEAL, self.dispatcher)

    def another(self, holder: str = "first") -> Dispatcher:
        @contextlib.contextmanager
        def lend() -> Iterator[Mapping[str, Writer]]:
            yield {self.writer.code: self.writer}

        return Dispatcher(self.outbox, lend, SEAL, holder=holder, lease_s=1, now=self.clock)

    def order(self, operation: str = "submit", *, key: str = "key-1", **changed: Any) -> Order:
        args: dict[str, Any] = {
            "applicant": {
                "kind": "NATURAL",
                "name": "王小明",
                "idType": "RESIDENT_ID",
                "idNumber": self.person,
                "mobile": "13800001234",
            },
            "itemCode": self.taker.item,
            "fields": self.taker.fields,
            "materials": {},
        }
        given: dict[str, Any] = {
            "operation": operation,
            "system": self.taker.code,
            "department": "115000000090001627",
            "args": args,
            "asked": {"person": self.person, "fields": self.taker.fields},
            "who": "tests",
            "key": key,
            "echo": {},
            "lane": ("applicant", self.person),
            "item_code": self.taker.item,
        }
        return Order(**(given | changed))

    async def hand_in(self, order: Order | None = None, *, wait_s: float = 30) -> Submission:
        return await self.desk.take(order or self.order(), wait_s=wait_s)

    async def work(self, token: str, *, rounds: int = 40) -> Submission:
        """Until nothing more is due for this submission, or it is settled."""
        row = await self.outbox.by_token(token)
        for _ in range(rounds):
            assert row is not None
            if row.settled or row.state == "NEEDS_PERSON":
                return row
            self.clock.ms += JUMP_MS
            await self.dispatcher.round()
            row = await self.outbox.by_token(token)
        raise AssertionError(f"not settled: {row}")

    def filed(self) -> list[str]:
        return self.taker.filed(self.person)


@pytest.fixture
async def counter(
    declare: Declare, environ: dict[str, str], taker: Taker, person: str
) -> AsyncIterator[Counter]:
    async with counter_of(declare(taker.code, settle_s=20, timeout_ms=1000), environ, taker, person) as made:
        yield made


@contextlib.asynccontextmanager
async def counter_of(
    folder: Path, environ: dict[str, str], taker: Taker, person: str
) -> AsyncIterator[Counter]:
    loaded = await load_declarations([folder], file_lookup(environ), Known())
    loaded.raise_if_bad()
    [declaration] = loaded.declarations
    service = loaded.services.get(taker.code)
    source = build_source(declaration, service, surroundings())
    yield Counter(build_writer(source, service), taker, person)
    await source.close()


def states(row: Submission) -> list[str]:
    return [step.state for step in row.history]


async def test_it_is_filed_and_numbered(counter: Counter) -> None:
    row = await counter.hand_in()
    row = await counter.work(row.token)
    assert row.state == "FILED"
    assert counter.filed() == [row.number]


async def test_the_body_is_gone_once_it_is_filed(counter: Counter) -> None:
    row = await counter.hand_in()
    assert counter.person.encode() not in (row.sealed or b"")
    row = await counter.work(row.token)
    assert row.sealed is None
    assert counter.person not in repr(row)


FILED_AND_UNHEARD: dict[str, Fault] = {
    "reset after filing": resets(files=True),
    "500 after filing": answers(b"<h1>error</h1>", status="500 Server Error", content_type="text/html"),
    "an HTML page after filing": answers(b"<html><body>ok</body></html>", content_type="text/html"),
    "garbage after filing": answers(b"\x00\xff{[<", content_type="application/octet-stream"),
    "JSON of another kind after filing": answers(b'{"status": "done"}'),
    "XML of another kind after filing": answers(b"<done/>", content_type="text/xml"),
    "nothing at all after filing": answers(b""),
    "502 after filing": answers(b"", status="502 Bad Gateway", content_type="text/plain"),
}


@pytest.mark.parametrize("name", FILED_AND_UNHEARD)
async def test_what_was_filed_without_an_answer_is_found_and_not_sent_again(
    counter: Counter, name: str
) -> None:
    counter.taker.proxy.once(counter.taker.marker, FILED_AND_UNHEARD[name])
    row = await counter.work((await counter.hand_in()).token)
    assert row.state == "FILED"
    assert "UNKNOWN" in states(row)
    assert counter.filed() == [row.number]
    assert counter.taker.proxy.times(counter.taker.marker) == 1


async def test_a_time_out_is_an_unknown_outcome(counter: Counter) -> None:
    hold = Hold(files_first=True)
    counter.taker.proxy.once(counter.taker.marker, hold)
    row = await counter.hand_in()
    assert row.state in ("UNKNOWN", "RECONCILING", "FILED")
    row = await counter.work(row.token)
    assert (row.state, counter.filed()) == ("FILED", [row.number])
    assert counter.taker.proxy.times(counter.taker.marker) == 1
    hold.release()


async def test_what_is_filed_only_after_we_gave_up_is_found(counter: Counter) -> None:
    """It is looked for and not there; the time to settle is not over, so nothing is sent; then it appears."""
    hold = Hold(files_first=False)
    counter.taker.proxy.once(counter.taker.marker, hold)
    row = await counter.hand_in()
    while row.queries < 2:
        counter.clock.ms += JUMP_MS
        await counter.dispatcher.round()
        row = await counter.outbox.by_token(row.token) or row
    assert counter.filed() == []
    assert row.state == "UNKNOWN"
    hold.release()
    row = await counter.work(row.token)
    assert (row.state, counter.filed()) == ("FILED", [row.number])
    assert counter.taker.proxy.times(counter.taker.marker) == 1


NOT_FILED: dict[str, Fault] = {
    "reset before filing": resets(files=False),
    "503 without filing": answers(b"busy", status="503 Unavailable", content_type="text/plain", files=False),
    "an HTML page without filing": answers(b"<html>login</html>", content_type="text/html", files=False),
}


@pytest.mark.parametrize("name", NOT_FILED)
async def test_what_was_certainly_not_filed_is_sent_again(counter: Counter, name: str) -> None:
    counter.taker.proxy.once(counter.taker.marker, NOT_FILED[name])
    row = await counter.work((await counter.hand_in()).token)
    assert (row.state, counter.filed()) == ("FILED", [row.number])
    order = states(row)
    assert order.index("UNKNOWN") < order.index("NOT_FILED") < len(order) - 1


async def test_a_system_that_is_away_gets_it_when_it_is_back(counter: Counter) -> None:
    counter.taker.proxy.stop()
    row = await counter.hand_in(wait_s=1)
    assert row.state == "RECORDED"
    counter.taker.proxy.start()
    row = await counter.work(row.token)
    assert (row.state, counter.filed()) == ("FILED", [row.number])
    assert "UNKNOWN" not in states(row)


async def test_a_refusal_is_certain_and_its_words_are_masked(counter: Counter) -> None:
    """The system quotes the applicant; the receipt does not."""
    counter.dispatcher._mask = lambda text: text.replace(counter.person, "***")
    args = {**counter.order().args, "fields": {}}
    row = await counter.work((await counter.hand_in(counter.order(args=args))).token)
    assert (row.state, row.code) == ("REFUSED", "SUBMISSION_REFUSED")
    assert "不能为空" in (row.reason or "")
    assert counter.person not in (row.reason or "")
    assert counter.filed() == []


async def test_an_older_case_of_the_applicant_is_not_taken_for_this_one(counter: Counter) -> None:
    """Filed at the counter a moment ago, for the same item; ours got lost."""
    first = await counter.work((await counter.hand_in()).token)
    counter.outbox.rows.clear()  # the gateway knows nothing of it
    counter.taker.proxy.once(counter.taker.marker, resets(files=False))
    row = await counter.work((await counter.hand_in(counter.order(key="key-2"))).token)
    assert row.state == "FILED"
    assert sorted(counter.filed()) == sorted([str(first.number), str(row.number)])


async def test_two_applications_of_one_person_are_each_found(counter: Counter) -> None:
    """Both unheard; they go one after the other, so none is taken for the other."""
    for _ in range(2):
        counter.taker.proxy.once(counter.taker.marker, resets(files=True))
    one, other = [await counter.hand_in(counter.order(key=key), wait_s=0) for key in ("key-1", "key-2")]
    rows = [await counter.work(row.token) for row in (one, other)]
    assert [row.state for row in rows] == ["FILED", "FILED"]
    assert sorted(counter.filed()) == sorted(str(row.number) for row in rows)


async def test_a_dispatcher_that_died_is_followed_by_another(counter: Counter) -> None:
    """The lease of the dead one runs out; what it was sending is looked for and not sent again."""
    hold = Hold(files_first=True)
    counter.taker.proxy.once(counter.taker.marker, hold)
    row = await counter.hand_in(wait_s=0)
    await asyncio.to_thread(hold.there.wait, 20)
    await counter.dispatcher.stop(grace_s=0)
    second = counter.another("second")
    await second.round()
    left = await counter.outbox.by_token(row.token)
    assert left is not None
    assert left.state == "DISPATCHING"
    counter.dispatcher, counter.clock.ms = second, counter.clock.ms + 60_000
    row = await counter.work(row.token)
    assert (row.state, counter.filed()) == ("FILED", [row.number])
    assert counter.taker.proxy.times(counter.taker.marker) == 1
    hold.release()


async def test_many_dispatchers_send_it_once(counter: Counter) -> None:
    others = [counter.another(f"number {index}") for index in range(8)]
    row = await counter.hand_in(wait_s=0)
    await asyncio.gather(*(one.round() for one in others), counter.dispatcher.round())
    row = await counter.work(row.token)
    assert (row.state, counter.filed()) == ("FILED", [row.number])
    assert counter.taker.proxy.times(counter.taker.marker) == 1


async def test_the_same_key_and_body_at_once_is_one_submission(counter: Counter) -> None:
    rows = await asyncio.gather(*(counter.hand_in() for _ in range(20)))
    assert len({row.token for row in rows}) == 1
    row = await counter.work(rows[0].token)
    assert counter.filed() == [row.number]


async def test_a_withdrawal_handed_in_before_the_number_is_known_follows_it(counter: Counter) -> None:
    hold = Hold(files_first=False)
    counter.taker.proxy.once(counter.taker.marker, hold)
    submitted = await counter.hand_in(wait_s=0)
    await asyncio.to_thread(hold.there.wait, 20)
    withdrawal = counter.order(
        "withdraw",
        key="key-2",
        args={"reason": "不办了", "fields": {}, "materials": {}},
        lane=submitted.lane,
        follows=submitted.token,
    )
    withdrawn = await counter.hand_in(withdrawal, wait_s=0)
    await counter.dispatcher.round()
    waiting = await counter.outbox.by_token(withdrawn.token)
    assert waiting is not None
    assert waiting.state == "RECORDED"
    hold.release()
    submitted = await counter.work(submitted.token)
    withdrawn = await counter.work(withdrawn.token)
    assert (submitted.state, withdrawn.state) == ("FILED", "FILED")


async def test_what_follows_a_refused_application_is_given_up(counter: Counter) -> None:
    bad = counter.order(args={**counter.order().args, "fields": {}})
    submitted = await counter.work((await counter.hand_in(bad)).token)
    assert submitted.state == "REFUSED"
    after = counter.order(
        "withdraw",
        key="key-2",
        args={"reason": "不办了", "fields": {}, "materials": {}},
        lane=submitted.lane,
        follows=submitted.token,
    )
    row = await counter.work((await counter.hand_in(after)).token)
    assert (row.state, row.code) == ("REFUSED", "SUBMISSION_WITHOUT_CASE")


async def test_without_reconcile_an_unheard_appointment_needs_a_person(
    declare: Declare, rest_taker: Taker, person: str
) -> None:
    environ = {"QUANYU_SAMPLE_GSJ_LICENSE_URL": rest_taker.proxy.url}
    async with counter_of(declare(rest_taker.code), environ, rest_taker, person) as counter:
        rest_taker.proxy.once(b"/yysl", resets(files=True))
        slot = {"start": "2026-12-01T09:30:00+08:00", "end": None, "place": None}
        order = counter.order(
            "appointment", args={**counter.order().args, "slot": slot, "fields": {}}, lane=None
        )
        row = await counter.work((await counter.hand_in(order)).token)
        assert row.state == "NEEDS_PERSON"
        assert rest_taker.proxy.times(b"/yysl") == 1


async def test_a_system_that_knows_our_reference_gets_an_unheard_appointment_again(
    declare: Declare, soap_taker: Taker, person: str
) -> None:
    environ = {"QUANYU_SAMPLE_JT_PERMIT_URL": soap_taker.proxy.url}
    async with counter_of(declare(soap_taker.code), environ, soap_taker, person) as counter:
        soap_taker.proxy.once(b"BookInspection", resets(files=True))
        slot = {"start": "2026-12-01T09:30:00+08:00", "end": None, "place": None}
        order = counter.order(
            "appointment", args={**counter.order().args, "slot": slot, "fields": {}}, lane=None
        )
        row = await counter.work((await counter.hand_in(order)).token)
        assert (row.state, row.starts_at) == ("FILED", "2026-12-01T09:30:00+08:00")
        assert soap_taker.proxy.times(b"BookInspection") == 2
