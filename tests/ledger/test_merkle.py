"""The tree against RFC 6962's definitions and the published vectors of its reference implementation."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Span,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    node_hash,
    perfect_subtrees,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first n leaves: test data of the Certificate Transparency project, which RFC 6962 describes."""
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def mth(leaves: list[bytes]) -> bytes:
    """MTH as section 2.1 defines it, word for word."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()


def tree(leaves: list[bytes]) -> Frontier:
    found = Frontier()
    for leaf in leaves:
        found.append(leaf_hash(leaf))
    return found


def hashes(leaves: list[bytes], spans: list[Span]) -> list[bytes]:
    return [mth(leaves[start:end]) for start, end in spans]


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == sha256().digest()


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_the_reference(count: int) -> None:
    assert tree(LEAVES[:count]).root().hex() == ROOTS[count - 1]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_reference(index: int, size: int, proof: list[str]) -> None:
    found = hashes(LEAVES, inclusion_spans(index, size))
    assert [value.hex() for value in found] == proof
    assert verify_inclusion(index, size, leaf_hash(LEAVES[index]), found, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference(old: int, new: int, proof: list[str]) -> None:
    found = hashes(LEAVES, consistency_spans(old, new))
    assert [value.hex() for value in found] == proof
    roots = bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1])
    assert verify_consistency(old, new, *roots, found)


sizes = st.integers(1, 300)


@given(sizes)
def test_a_frontier_has_the_root_of_the_definition(size: int) -> None:
    assert tree(numbered(size)).root() == mth(numbered(size))


@given(st.data(), sizes)
def test_every_leaf_has_a_proof_and_no_other_leaf_passes_it(data: st.DataObject, size: int) -> None:
    leaves = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = hashes(leaves, inclusion_spans(index, size)), mth(leaves)
    assert verify_inclusion(index, size, leaf_hash(leaves[index]), proof, root)
    assert not verify_inclusion(index, size, leaf_hash(b"another"), proof, root)
    assert not verify_inclusion(index, size, leaf_hash(leaves[index]), [*proof, root], root)
    if size > 1:
        elsewhere = (index + 1) % size
        assert not verify_inclusion(elsewhere, size, leaf_hash(leaves[index]), proof, root)
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:at], sha256(proof[at]).digest(), *proof[at + 1 :]]
        assert not verify_inclusion(index, size, leaf_hash(leaves[index]), bent, root)


@given(st.data(), sizes)
def test_every_prefix_has_a_proof_and_no_other_tree_passes_it(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    leaves = numbered(new)
    proof = hashes(leaves, consistency_spans(old, new))
    old_root, new_root = mth(leaves[:old]), mth(leaves)
    assert verify_consistency(old, new, old_root, new_root, proof)
    assert not verify_consistency(old, new, sha256(old_root).digest(), new_root, proof)
    assert not verify_consistency(old, new, old_root, sha256(new_root).digest(), proof)
    if old < new:
        assert not verify_consistency(old + 1, new, old_root, new_root, proof)
        assert not verify_consistency(old, new, old_root, new_root, proof[:-1])


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_span_falls_into_adjoining_subtrees_that_a_frontier_takes(start: int, length: int) -> None:
    covered = list(perfect_subtrees(start, start + length))
    at = start
    for level, index in covered:
        assert index << level == at
        at += 1 << level
    assert at == start + length


@given(st.data(), sizes)
def test_a_tree_can_be_finished_with_the_subtrees_that_are_left(data: st.DataObject, size: int) -> None:
    """What an export of a part rests on: hashes before it, its leaves, hashes after it."""
    leaves = numbered(size)
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))

    def subtree(level: int, index: int) -> bytes:
        return mth(leaves[index << level : (index + 1) << level])

    frontier = Frontier(start, [subtree(*one) for one in perfect_subtrees(0, start)])
    for leaf in leaves[start:end]:
        frontier.append(leaf_hash(leaf))
    for level, index in perfect_subtrees(end, size):
        frontier.append(subtree(level, index), level)
    assert (frontier.size, frontier.root()) == (size, mth(leaves))


def test_a_subtree_out_of_place_is_refused() -> None:
    frontier = tree(numbered(3))
    with pytest.raises(ValueError, match="cannot begin at 3"):
        frontier.append(b"", 1)


def test_completed_nodes_are_told_from_the_leaf_up() -> None:
    frontier = tree(LEAVES[:3])
    made = frontier.append(leaf_hash(LEAVES[3]))
    assert [(level, index) for level, index, _ in made] == [(0, 3), (1, 1), (2, 0)]
    assert made[-1][2].hex() == ROOTS[3]
    assert root_of([node_hash(b"a", b"b")]) == node_hash(b"a", b"b")


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_spans(index, size)
    assert not verify_inclusion(index, size, b"", [], EMPTY_ROOT)


def test_a_smaller_tree_does_not_follow_a_larger_one() -> None:
    with pytest.raises(ValueError, match="does not follow"):
        consistency_spans(4, 3)
    assert not verify_consistency(4, 3, b"", b"", [b""])
