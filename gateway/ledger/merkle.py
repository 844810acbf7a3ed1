"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): roots, inclusion and consistency. Pure.

A perfect subtree is named (level, index): level 0 is a leaf, and (k, i) has the leaves from i * 2^k on, 2^k of them.
Proofs are given as the spans of leaves whose hashes they consist of, so that whoever keeps the tree reads only those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "Span",
    "consistency_spans",
    "inclusion_spans",
    "leaf_hash",
    "node_hash",
    "perfect_subtrees",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

Span = tuple[int, int]
"""Leaves from the first to before the second."""

EMPTY_ROOT = sha256(b"").digest()
_BLOCK = 8
"""Levels whose nodes are kept by those who keep a tree (`tree_store.KEPT_EVERY`)."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, as the roots of its perfect subtrees from left to right: log2(n) hashes."""

    __slots__ = ("_levels", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """hashes: of `perfect_subtrees(0, size)`, in order."""
        self.size = size
        subtrees = list(perfect_subtrees(0, size))
        if len(subtrees) != len(hashes):
            raise ValueError(f"a tree of {size} leaves has {len(subtrees)} subtrees, not {len(hashes)}")
        self._levels = [(level, value) for (level, _), value in zip(subtrees, hashes, strict=True)]

    def append(self, value: bytes, level: int = 0) -> list[tuple[int, int, bytes]]:
        """Adds a leaf, or a whole subtree that begins where the tree ends; the nodes (level, index, hash) that became
        complete by it, itself first. Raises ValueError for a subtree that is out of place."""
        index, rest = divmod(self.size, 1 << level)
        if rest:
            raise ValueError(f"a subtree of level {level} cannot begin at {self.size}")
        self.size += 1 << level
        made = [(level, index, value)]
        while index & 1:
            _, left = self._levels.pop()
            value = node_hash(left, value)
            index >>= 1
            level += 1
            made.append((level, index, value))
        self._levels.append((level, value))
        return made

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Adds leaves, level by level in blocks of up to 256, which takes a third of the time of one after the other;
        the nodes of every eighth level that became complete by it."""
        made: list[tuple[int, int, bytes]] = []
        at = 0
        for level, _ in _blocks(self.size, self.size + len(leaves)):
            hashes = leaves[at : at + (1 << level)]
            at += 1 << level
            for _step in range(level):
                pairs = iter(hashes)
                hashes = [
                    sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)
                ]
            made += [one for one in self.append(hashes[0], level) if one[0] % _BLOCK == 0 and one[0]]
        return made

    @property
    def hashes(self) -> list[bytes]:
        return [value for _, value in self._levels]

    def root(self) -> bytes:
        return root_of(self.hashes)


def root_of(subtrees: Sequence[bytes]) -> bytes:
    """The hash of adjoining perfect subtrees that a tree's (or a span's) leaves fall into, from left to right."""
    if not subtrees:
        return EMPTY_ROOT
    found = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        found = node_hash(left, found)
    return found


def perfect_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The fewest perfect subtrees (level, index) that a span of leaves consists of, from left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def _blocks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """As `perfect_subtrees`, none larger than 2^8 leaves."""
    for level, index in perfect_subtrees(start, end):
        more = max(level - _BLOCK, 0)
        for part in range(1 << more):
            yield level - more, (index << more) + part


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH(index, D[size]) of section 2.1.1, nearest the leaf first. Raises ValueError for a leaf that is not there."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """PROOF(old, D[new]) of section 2.1.2; empty where there is nothing to prove. Raises ValueError if old > new."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not follow one of {old}")
    if old in (0, new):
        return []
    spans: list[Span] = []
    start, end = 0, new
    whole = True  # the old tree's root is known to the verifier as long as it is a subtree of its own
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
            whole = False
    if not whole:
        spans.append((start, end))
    return spans[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for value in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(value, found)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = node_hash(found, value)
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not 0 < old < new or not proof:
        return False
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    found_old = found_new = path[0]
    for value in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            found_old, found_new = node_hash(value, found_old), node_hash(value, found_new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found_new = node_hash(found_new, value)
        at >>= 1
        last >>= 1
    return last == 0 and found_old == old_root and found_new == new_root


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)
