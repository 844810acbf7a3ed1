"""Signed notes: what is written, what is refused."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.checkpoint import (
    Checkpoint,
    CheckpointError,
    Signer,
    Verifier,
    cosign,
    cosigned_by,
    read_checkpoint,
    sign_checkpoint,
)

SIGNER = Signer.from_seed("city.example/trail", bytes(range(32)))
WITNESS = Signer.from_seed("audit.example/witness", bytes(range(1, 33)))
CHECKPOINT = Checkpoint("city.example/trail", 15_368_405, sha256(b"root").digest(), 1_764_000_000_000_000)
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)


def test_a_note_has_the_form_of_c2sp() -> None:
    """signed-note and tlog-checkpoint, read by hand with nothing of ours."""
    text, signatures = NOTE.split("\n\n")
    origin, size, root, extension = text.split("\n")
    assert (origin, size, base64.b64decode(root)) == ("city.example/trail", "15368405", CHECKPOINT.root)
    assert extension == "time 1764000000000000"
    dash, name, blob = signatures.rstrip("\n").split(" ")
    assert (dash, name) == ("—", "city.example/trail")
    public = SIGNER.verifier.public
    raw = base64.b64decode(blob)
    assert raw[:4] == sha256(b"city.example/trail\n\x01" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], (text + "\n").encode())


def test_a_note_reads_back() -> None:
    assert read_checkpoint(NOTE, SIGNER.verifier) == CHECKPOINT


def test_a_verifier_key_reads_back_and_a_bent_one_is_refused() -> None:
    text = SIGNER.verifier.text()
    assert Verifier.parse(text) == SIGNER.verifier
    assert Verifier.parse(WITNESS.verifier.text(witness=True)) == WITNESS.verifier
    with pytest.raises(CheckpointError, match="not copied whole"):
        Verifier.parse(text.replace("city", "town"))
    with pytest.raises(CheckpointError, match="name"):
        Verifier.parse("nothing")


def test_another_key_of_the_same_name_is_refused() -> None:
    other = Signer.from_seed("city.example/trail", bytes(range(2, 34)))
    with pytest.raises(CheckpointError, match="not signed by"):
        read_checkpoint(NOTE, other.verifier)


@given(st.data())
def test_no_character_of_a_note_can_be_changed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(NOTE) - 1))
    other = data.draw(st.characters(exclude_characters=NOTE[at]))
    with pytest.raises(CheckpointError):
        read_checkpoint(NOTE[:at] + other + NOTE[at + 1 :], SIGNER.verifier)


def test_a_cosignature_has_the_form_of_c2sp_and_tells_when() -> None:
    line = cosign(NOTE, WITNESS, time_s=1_764_000_001)
    raw = base64.b64decode(line.rstrip("\n").split(" ")[2])
    public = WITNESS.verifier.public
    assert raw[:4] == sha256(b"audit.example/witness\n\x04" + public).digest()[:4]
    message = "cosignature/v1\ntime 1764000001\n" + NOTE.split("\n\n")[0] + "\n"
    Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], message.encode())
    assert cosigned_by(NOTE, [line], WITNESS.verifier) == 1_764_000_001
    assert cosigned_by(NOTE + line, [], WITNESS.verifier) == 1_764_000_001


def test_a_cosignature_of_another_checkpoint_does_not_count() -> None:
    other = sign_checkpoint(Checkpoint(CHECKPOINT.origin, 1, CHECKPOINT.root, 1), SIGNER)
    line = cosign(other, WITNESS, time_s=1)
    assert cosigned_by(NOTE, [line], WITNESS.verifier) is None
    assert cosigned_by(NOTE, [cosign(NOTE, SIGNER, time_s=1)], WITNESS.verifier) is None


@pytest.mark.parametrize("name", ["", "with space", "with+plus", "x" * 256])
def test_a_name_that_a_note_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a key"):
        Signer.from_seed(name, bytes(32))
