"""Whatever goes wrong in whatever order: at most one filing, and a receipt that says what is there.

A model of a system and of the processes around the outbox, driven by Hypothesis. Time is simulated; the rows, the states
and the steps are the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import event, given, settings
from hypothesis import strategies as st

from adapters.submission.desk import Desk, Order
from adapters.submission.dispatcher import Dispatcher
from adapters.submission.memory import MemoryOutbox
from adapters.submission.row import Submission
from adapters.submission.seal import BodySeal
from adapters.submission.states import LEADS_TO, Found, Kind, Verdict
from adapters.submission.writer import Writer
from adapters.write_model import Reconcile
from schema.vocabulary import SubmissionState as S

SETTLE_S = 100
RULE = Reconcile(verb="cases", match="itemCode == $args.itemCode", settleS=SETTLE_S)  # type: ignore[call-arg]  # its alias
SEAL = BodySeal([b"key"], hash_key=b"key")


class Died(BaseException):
    """The process is gone."""


@dataclass
class Model:
    """What each send and each query meets; when the lists are empty all goes well."""

    sends: list[tuple[str, int]]
    queries: list[str]
    now: int = 1_000_000
    filed: list[int] = field(default_factory=list)
    """When each filing happened or will happen."""
    sent: int = 0

    def there(self) -> list[str]:
        return [f"N{index}" for index, at in enumerate(self.filed) if at <= self.now]


class ModelWriter:
    code = "T-ONE"

    def __init__(self, model: Model) -> None:
        self.model = model
        self.source = SimpleNamespace(traffic=SimpleNamespace(policy=SimpleNamespace(timeout_s=1.0)))

    def declared(self, _operation: str) -> Any:
        return SimpleNamespace(reconcile=RULE)

    def timeout_s(self, _operation: str) -> float:
        return 1.0

    async def send(
        self, _operation: str, _args: Mapping[str, Any], *, before: Callable[[], Awaitable[bool]]
    ) -> Verdict:
        model = self.model
        what, delay = model.sends.pop(0) if model.sends else ("answered", 0)
        if what == "not connected":
            return Verdict(Kind.NOT_TAKEN, "no connection")
        if what == "died before":
            raise Died
        if not await before():
            return Verdict(Kind.NOT_TAKEN)
        model.sent += 1
        if what in ("answered", "unheard", "died after"):
            model.filed.append(model.now)
        if what in ("late", "died, late"):
            model.filed.append(model.now + delay * 1000)
        if what.startswith("died"):
            raise Died
        if what == "answered":
            return Verdict(Kind.FILED, number=model.there()[-1])
        if what == "refused":
            return Verdict(Kind.REFUSED)
        if what == "busy":
            return Verdict(Kind.NOT_TAKEN)
        return Verdict(Kind.UNKNOWN)

    async def find(
        self, _row: Submission, _args: Any, *, deadline: float, among: Collection[str] = ()
    ) -> Found:
        del deadline
        what = self.model.queries.pop(0) if self.model.queries else "answered"
        if what == "died":
            raise Died
        if what == "failed":
            return Found(certain=False)
        return Found(tuple(one for one in self.model.there() if one not in among))


SENDS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "answered",
                "unheard",
                "lost",
                "late",
                "refused",
                "busy",
                "not connected",
                "died before",
                "died after",
                "died, late",
                "died, lost",
            ]
        ),
        st.integers(0, SETTLE_S - 5),
    ),
    max_size=6,
)
QUERIES = st.lists(st.sampled_from(["answered", "failed", "died"]), max_size=8)


@settings(max_examples=400)
@given(sends=SENDS, queries=QUERIES, jumps=st.lists(st.integers(1, 90), min_size=1, max_size=30))
def test_it_is_filed_at_most_once_and_the_receipt_knows(
    sends: list[tuple[str, int]], queries: list[str], jumps: list[int]
) -> None:
    model = Model(list(sends), list(queries))
    row = asyncio.run(_run(model, jumps))
    assert len(model.filed) <= 1, (row.history, sends, queries)
    event(str(row.state))
    if row.state == S.FILED:
        assert row.number == "N0"
        assert len(model.filed) == 1
    elif row.state == S.REFUSED:
        assert model.filed == []
    for before, after in zip(row.history, row.history[1:], strict=False):
        assert before.state == after.state or S(after.state) in LEADS_TO[S(before.state)]


async def _run(model: Model, jumps: list[int]) -> Submission:
    outbox, writer = MemoryOutbox(), cast(Writer, ModelWriter(model))

    @contextlib.contextmanager
    def lend() -> Iterator[Mapping[str, Writer]]:
        yield {"T-ONE": writer}

    def born(index: int) -> Dispatcher:
        return Dispatcher(outbox, lend, SEAL, holder=str(index), lease_s=5, now=lambda: model.now)

    dispatcher = born(0)
    order = Order("submit", "T-ONE", "D", {}, {}, "who", "key", {}, lane=("one",))
    row = await Desk(outbox, SEAL, dispatcher).take(order, wait_s=0)
    for index in range(400):
        for task in list(dispatcher._running.values()):
            with contextlib.suppress(Died):
                await task
        await dispatcher.round()
        row = await outbox.by_token(row.token) or row
        if row.settled or row.state == S.NEEDS_PERSON:
            return row
        model.now += jumps[index % len(jumps)] * 1000
        dispatcher = born(index + 1)
    return replace(row)
