"""Checks a trail, leaf by leaf, and names what does not fit: altered, removed, inserted, re-ordered, forged. Pure.

It is fed in the order of the leaves, with the records that belong to them; then with the records that no leaf has.
The same check serves a database and an export. It holds one entry for each stream and the leaves of one checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from gateway.ledger.checkpoint import Checkpoint, CheckpointError, Verifier, read_checkpoint
from gateway.ledger.findings import FindingKind, Flaw, Found
from gateway.ledger.gaps import take_from, without
from gateway.ledger.merkle import Frontier, leaf_hash
from gateway.ledger.records import FORMAT, NO_RECORD, RecordRef, Stream, columns_of, named_by, read_body

__all__ = ["TrailCheck"]

MOST_FINDINGS = 100


@dataclass(slots=True)
class _StreamState:
    seq: int = 0
    leaf: str = NO_RECORD
    other: str | None = None
    gaps: list[list[int]] = field(default_factory=list)
    """[first, last, leaf where it was noticed] of numbers that were passed over."""
    claimed: int = 0
    claimed_by: str = ""
    ended: bool = False


class TrailCheck:
    """verifier: whose signature checkpoints must have; None takes them unsigned (then nothing is proved of who)."""

    def __init__(self, verifier: Verifier | None, *, frontier: Frontier | None = None) -> None:
        self._verifier = verifier
        self._frontier = frontier or Frontier()
        self.records = self.unsealed = self.dropped = 0
        self.last_at_us: int | None = None
        self.checkpoint: Checkpoint | None = None
        self.nodes: list[tuple[int, int, bytes]] = []
        """Complete subtrees of every eighth level since it was last emptied: (level, index, hash). See `grow`."""
        self._streams: dict[tuple[int, str], _StreamState] = {}
        self._partial = (
            self._frontier.size > 0
        )  # begins in the middle: streams are known from their first record on
        self._known: set[tuple[int, str]] = set()
        self._findings: list[Flaw] = []
        self._since: list[bytes] = []
        """Leaves since the last checkpoint. They follow each other without a gap: one that does not breaks the tree."""
        self._grown = 0
        """How many of them the frontier has."""
        self._others: dict[int, bytes] = {}
        """Place in `_since` -> what that leaf may have been instead."""
        self._before = (self._frontier.size, self._frontier.hashes)
        self._tree_broken = False
        self._next = self._frontier.size
        self._forgiving = False
        self._leaf_gaps: list[list[int]] = []
        self._missing: list[list[Any]] = []
        self._retained: list[tuple[str, int, int]] = []

    @property
    def size(self) -> int:
        self.grow()
        return self._frontier.size

    @property
    def tree_broken(self) -> bool:
        """Whether a root was wrong already: what follows of the tree says nothing more."""
        return self._tree_broken

    # --- what is fed ---

    def sound(
        self,
        index: int,
        stream: Stream,
        value: bytes,
        raw: bytes,
        own: bytes | None = None,
        columns: Sequence[Any] | None = None,
    ) -> dict[str, Any] | None:
        """A leaf whose record is as it should be in all that `leaf` looks at: its body, counted. None where anything
        at all differs, and for what is rare; nothing is changed then, and `leaf` finds what it is.

        own: its column leaf, if that is another. columns: what else the database has of it, writer and number first.
        Hardly anything differs in a trail of millions, so this is what a check costs: one hash, one parse, one
        comparison of tuples for each record.
        """
        if index != self._next or self._partial or self._tree_broken or stream is Stream.CHANGE_RECORD:
            return None
        if type(raw) is not bytes or sha256(b"\x00" + raw).digest() != value or own not in (None, value):
            return None
        try:
            body: dict[str, Any] = orjson.loads(raw)
            record, at, seq, writer = body["record"], body["at"], body["seq"], body["writer"]
            told = (writer, seq, at, *named_by(stream, record))
            state = self._streams[stream, writer]
            if body["v"] != FORMAT or body["stream"] != stream.table or type(record) is not dict:
                return None
            if tuple(columns) != told if columns is not None else type(seq) is not int:
                return None
            if seq != state.seq + 1 or state.other is not None or body["prev"] != state.leaf:
                return None
            if at > (self.last_at_us or 0):
                self.last_at_us = at
        except (ValueError, KeyError, TypeError):
            return None
        state.seq, state.leaf = seq, value.hex()
        self.records += 1
        self._next = index + 1
        self._since.append(value)
        return body

    def leaf(
        self, index: int, ref: RecordRef, value: bytes, record: Mapping[str, Any] | None
    ) -> Mapping[str, Any] | None:
        """One leaf with its record's columns (body and leaf too), or None where there is no record. The body, if it
        can be read."""
        self._in_order(index)
        body, other = None, None
        if record is None:
            self._miss(index, ref)
        else:
            self.records += 1
            body, other = self._record(index, ref, value, record)
        self._follow(index, ref, value.hex(), other.hex() if other else None, body)
        self._put(value, other)
        return body

    def alone(self, index: int, ref: RecordRef, value: bytes, record: Mapping[str, Any] | None) -> None:
        """One record by itself, whose place in the tree is proved elsewhere."""
        self._tree_broken = True
        if record is None:
            self.dropped += 1
        else:
            self.records += 1
            self._record(index, ref, value, record)

    def further(self, level: int, value: bytes) -> None:
        """A perfect subtree of leaves that are not fed, right after those that are."""
        self.grow()
        if not self._tree_broken:
            self._frontier.append(value, level)

    def stray(self, index: int, value: bytes) -> None:
        """A leaf whose row names no stream that there is."""
        self._in_order(index)
        self._found("ALTERED", f"ledger_leaf {index}", "it names no stream that there is", index)
        self._put(value, None)

    def checkpoint_at(self, size: int, note: str) -> None:
        """The checkpoint over the leaves so far. Called in order of size, as soon as there are so many leaves."""
        what = f"checkpoint {size}"
        try:
            checkpoint = read_checkpoint(note, self._verifier)
        except CheckpointError as error:
            self._found("FORGED", what, str(error), size - 1)
            self._next_stretch()
            return
        if self._verifier is not None and checkpoint.origin != self._verifier.name:
            self._found("FORGED", what, f"its origin is {checkpoint.origin}", size - 1)
        elif checkpoint.size != size:
            self._found("ALTERED", what, f"its note is of {checkpoint.size} leaves", size - 1)
        else:
            self._compare_root(checkpoint, what)
            self.checkpoint = checkpoint
        self._next_stretch()

    def node(self, level: int, index: int, expected: bytes, kept: bytes | None) -> None:
        """A subtree that the database keeps, beside what the leaves give."""
        if kept != expected and not self._tree_broken:
            reason = "it is not there" if kept is None else "it is not the hash of what is below it"
            self._found("ALTERED", f"ledger_node {level}/{index}", reason, ((index + 1) << level) - 1)

    def loose(self, ref: RecordRef, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A record that no leaf has, in the order of its stream: after all leaves."""
        state = self._streams.setdefault((ref.stream, ref.writer), _StreamState())
        self.records += 1
        if take_from(state.gaps, ref.seq):
            self._found("REMOVED", str(ref), "the record is there, its leaf is not")
            return None
        if ref.seq <= state.seq:
            self._found("INSERTED", str(ref), "it was never sealed, and later ones were")
            return None
        self.unsealed += 1
        computed = leaf_hash(bytes(record["body"]))
        before = len(self._findings)
        body, _ = self._record(None, ref, bytes(record["leaf"]), record)
        expected = state.leaf
        if (
            len(self._findings) == before
            and body is not None
            and ref.seq == state.seq + 1
            and body["prev"] != expected
        ):
            self._found("INSERTED", str(ref), "it does not follow the record before it")
        if ref.seq != state.seq + 1:
            reason = f"the record after it is {ref.seq}"
            self._found("REMOVED", str(RecordRef(ref.stream, ref.writer, state.seq + 1)), reason)
        state.seq, state.leaf = ref.seq, computed.hex()
        return body

    def forgive_missing(self) -> None:
        """Bodies that are not there are only counted: for a part of a trail, in which retention may not show."""
        self._forgiving = True

    def report(self, finding: Flaw) -> None:
        """What someone else has found: a link, a witness."""
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(finding)

    def finish(self) -> Found:
        """All that is wrong, in the order of the trail."""
        self.grow()
        if self._since and not self._tree_broken:
            first = self._before[0]
            self._found(
                "REMOVED",
                f"checkpoint after leaf {first}",
                "leaves are there that no checkpoint covers",
                first,
            )
        for first, last, noticed in self._leaf_gaps:
            more = f" to {last}" if last > first else ""
            self._found("REMOVED", f"leaf {first}{more}", f"the next leaf is {noticed}", first)
        for (stream, writer), state in self._streams.items():
            for first, _last, noticed in state.gaps:
                ref = RecordRef(Stream(stream), writer, first)
                self._found("REMOVED", str(ref), "its stream goes on without it", noticed)
            if state.claimed > state.seq:
                ref = RecordRef(Stream(stream), writer, state.seq + 1)
                self._found(
                    "REMOVED", str(ref), f"the tail is cut: {state.claimed_by} knew {state.claimed} records"
                )
        self._settle_missing()
        last = len(self._findings)
        ordered = sorted(
            enumerate(self._findings),
            key=lambda one: (one[1].leaf if one[1].leaf is not None else 1 << 62, one[0]),
        )
        return Found(
            self._frontier.size,
            self.records,
            self.unsealed,
            self.dropped,
            self.last_at_us,
            self.checkpoint,
            tuple(one for _, one in ordered[:last]),
        )

    # --- records ---

    def _record(
        self, index: int | None, ref: RecordRef, value: bytes, record: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, bytes | None]:
        """The body, if it is good enough to be read; and another hash that this leaf may have had."""
        raw, own = bytes(record["body"]), bytes(record["leaf"])
        computed = leaf_hash(raw)
        try:
            body = read_body(raw)
            columns = columns_of(ref.stream, body)
        except (ValueError, KeyError, TypeError):
            body = None
        if body is not None and self._is_of_another_place(ref, body):
            self._found("REORDERED", str(ref), f"its body is that of number {body['seq']}", index)
            return None, None
        if computed != value:
            self._found("ALTERED", str(ref), "its body is not what was sealed", index)
            # where record and leaf row disagree, the next root says which of them is right
            return None, computed if own == computed else None
        if own != value:
            self._found("ALTERED", str(ref), "its column leaf is not the hash of its body", index)
        if body is None:
            self._found("ALTERED", str(ref), "its body cannot be read", index)
            return None, None
        self._columns(index, ref, body, columns, record)
        self._remember(ref, body)
        return body, None

    def _is_of_another_place(self, ref: RecordRef, body: Mapping[str, Any]) -> bool:
        return (body["stream"], body["writer"]) == (ref.stream.table, ref.writer) and body["seq"] != ref.seq

    def _columns(
        self,
        index: int | None,
        ref: RecordRef,
        body: Mapping[str, Any],
        columns: Mapping[str, Any],
        record: Mapping[str, Any],
    ) -> None:
        if body["stream"] != ref.stream.table:
            self._found("INSERTED", str(ref), f"its body is of {body['stream']}", index)
            return
        for name, told in columns.items():
            if record[name] != told:
                self._found("ALTERED", str(ref), f"its column {name} is not what its body says", index)
                return

    def _remember(self, ref: RecordRef, body: Mapping[str, Any]) -> None:
        """What later checks need of the records of changes: heads that were claimed, and what retention took."""
        if self.last_at_us is None or body["at"] > self.last_at_us:
            self.last_at_us = body["at"]
        if ref.stream is not Stream.CHANGE_RECORD:
            return
        record = body["record"]
        detail = record.get("detail") or {}
        if record["action"] in ("writer.heartbeat", "writer.ended"):
            for name, seq in (detail.get("heads") or {}).items():
                state = self._streams.setdefault((Stream[name.upper()], ref.writer), _StreamState())
                if seq > state.claimed:
                    state.claimed, state.claimed_by = seq, str(ref)
        elif record["action"] == "retention.applied":
            self._retained += [(detail["stream"], first, last) for first, last in detail["leaves"]]

    def _follow(
        self, index: int, ref: RecordRef, value: str, other: str | None, body: Mapping[str, Any] | None
    ) -> None:
        """The record's place in its stream. other: what its leaf may have been instead."""
        key = (ref.stream, ref.writer)
        state = self._streams.setdefault(key, _StreamState())
        if self._partial and key not in self._known:
            self._known.add(key)
            state.seq, state.leaf = ref.seq - 1, body["prev"] if body is not None else ""
        if ref.seq == state.seq + 1:
            if body is not None and state.leaf and body["prev"] not in (state.leaf, state.other):
                self._found("ALTERED", str(ref), "it does not follow the record before it", index)
        elif ref.seq > state.seq:
            state.gaps.append([state.seq + 1, ref.seq - 1, index])
        else:
            if take_from(state.gaps, ref.seq):
                self._found("REORDERED", str(ref), "a later record of its stream was sealed before it", index)
            else:
                self._found("INSERTED", str(ref), "a record of this number was sealed before", index)
            return
        state.seq, state.leaf, state.other = ref.seq, value, other

    # --- what may be missing ---

    def _in_order(self, index: int) -> None:
        if index > self._next:
            self._leaf_gaps.append([self._next, index - 1, index])
            self._tree_broken = True
        elif index < self._next:
            kind: FindingKind = "REORDERED" if take_from(self._leaf_gaps, index) else "INSERTED"
            self._found(kind, f"leaf {index}", f"it comes after leaf {self._next - 1}", index)
            self._tree_broken = True
        self._next = max(self._next, index + 1)

    def _miss(self, index: int, ref: RecordRef) -> None:
        if self._missing and self._missing[-1][1] == index - 1 and self._missing[-1][2].stream == ref.stream:
            self._missing[-1][1] = index
        else:
            self._missing.append([index, index, ref])

    def _settle_missing(self) -> None:
        """Bodies that are gone are in order where retention says that it took them."""
        allowed: dict[str, list[tuple[int, int]]] = {}
        for stream, first, last in self._retained:
            allowed.setdefault(stream, []).append((first, last))
        for first, last, ref in self._missing:
            left = without(first, last, allowed.get(ref.stream.table, []))
            self.dropped += last - first + 1 - sum(end - start + 1 for start, end in left)
            if self._forgiving:
                self.dropped += sum(end - start + 1 for start, end in left)
                continue
            for start, end in left[:1]:
                what = str(ref) if start == first else f"record of leaf {start}"
                more = f", and {end - start} after it" if end > start else ""
                self._found("REMOVED", what, f"its leaf is there, the record is not{more}", start)

    # --- the tree ---

    def grow(self) -> None:
        """The tree takes in what it was given: many leaves at a time cost less."""
        if self._grown < len(self._since):
            self.nodes += self._frontier.extend(self._since[self._grown :])
            self._grown = len(self._since)

    def _put(self, value: bytes, other: bytes | None) -> None:
        if self._tree_broken:
            return
        if other is not None:
            self._others[len(self._since)] = other
        self._since.append(value)

    def _next_stretch(self) -> None:
        self.grow()
        self._since.clear()
        self._others.clear()
        self._grown = 0
        self._before = (self._frontier.size, self._frontier.hashes)

    def _compare_root(self, checkpoint: Checkpoint, what: str) -> None:
        self.grow()
        if self._tree_broken:
            return
        if checkpoint.size != self._frontier.size:
            first = min(checkpoint.size, self._frontier.size)
            self._broken("REMOVED", f"leaf {first}", f"{what} is of more leaves than there are", first)
            return
        if self._frontier.root() == checkpoint.root or self._with_others(checkpoint):
            return
        self._tree_broken = True
        first = self._before[0] if self._since else checkpoint.size - 1
        if not self._explained(first, checkpoint.size):
            what = f"leaves {first} to {checkpoint.size - 1}"
            self._found("ALTERED", what, f"their root is not that of checkpoint {checkpoint.size}", first)

    def _explained(self, first: int, end: int) -> bool:
        """Whether something was found among these leaves that a wrong root may come from."""
        noticed = [one.leaf for one in self._findings]
        noticed += [gap[2] for state in self._streams.values() for gap in state.gaps]
        return any(leaf is not None and first <= leaf < end for leaf in noticed)

    def _with_others(self, checkpoint: Checkpoint) -> bool:
        """Whether the root is right with the records' own hashes: then the leaf rows were altered, not the records."""
        if not self._others:
            return False
        first = self._before[0]
        others = {first + at for at in self._others}
        frontier = Frontier(*self._before)
        nodes = frontier.extend([self._others.get(at, value) for at, value in enumerate(self._since)])
        if frontier.root() != checkpoint.root:
            return False
        self._findings = [
            Flaw(
                "ALTERED",
                f"ledger_leaf {one.leaf}",
                "its hash is not that of its record, which fits the root",
                one.leaf,
            )
            if one.leaf in others
            else one
            for one in self._findings
        ]
        self._frontier, self.nodes = frontier, nodes
        return True

    def _broken(self, kind: FindingKind, what: str, reason: str, leaf: int) -> None:
        self._found(kind, what, reason, leaf)
        self._tree_broken = True

    def _found(self, kind: FindingKind, what: str, reason: str, leaf: int | None = None) -> None:
        self.report(Flaw(kind, what, reason, leaf))
