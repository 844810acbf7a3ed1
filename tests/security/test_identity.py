"""Static bearer tokens: who is who, and a tokens file that is wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gateway.security.identity import ANONYMOUS, TokensFileError, UnauthenticatedError, load_tokens


def written(tmp_path: Path, text: str, name: str = "tokens.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_hashed_token_in_json_is_known_with_its_scopes_and_subject(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"a long secret").hexdigest()
    path = written(
        tmp_path,
        f'{{"tokens": [{{"token_sha256": "{digest}", "name": "citizen", "scopes": ["cases:own"], '
        '"subject": "500229197001010010"}]}',
        "tokens.json",
    )
    caller = await load_tokens(path).authenticate("bearer a long secret")
    assert (caller.name, caller.subject) == ("citizen", "500229197001010010")
    assert caller.scopes == {"cases:own", "public"}
    assert "500229197001010010" not in repr(caller)


async def test_nobody_is_anonymous_with_the_public_scope() -> None:
    assert await load_tokens(None).authenticate(None) is ANONYMOUS
    assert ANONYMOUS.scopes == {"public"}


@pytest.mark.parametrize(
    "header", ["Bearer unknown-token", "Bearer", "Bearer  ", "Basic abc", "known-token-1"]
)
async def test_anything_else_is_refused(tmp_path: Path, header: str) -> None:
    directory = load_tokens(written(tmp_path, "tokens: [{token: known-token-1, name: a}]"))
    assert (await directory.authenticate("Bearer known-token-1")).name == "a"
    with pytest.raises(UnauthenticatedError):
        await directory.authenticate(header)


def test_all_problems_of_a_tokens_file_are_told_at_once_without_a_token(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
tokens:
  - {token: first-secret, name: a, scope: [x]}
  - {token: short, name: b}
  - {name: c}
  - {token: fourth-secret, token_sha256: abc, name: d}
  - {token: fifth-secret, name: "", scopes: all, subject: 500229197001010010}
  - just text
  - {token: twice-secret, name: e}
  - {token: twice-secret, name: f}
""",
    )
    with pytest.raises(TokensFileError) as caught:
        load_tokens(path)
    text = str(caught.value)
    assert (
        "token 1: unknown key 'scope'; allowed: department, name, region, scopes, subject, token, token_sha256"
        in text
    )
    assert "token 2: give either `token`" in text
    assert "token 3: give either" in text
    assert "token 4: give either" in text
    assert "token 5: `name` must be text" in text
    assert "token 5: `scopes` must be a list of text" in text
    assert "token 5: `subject` must be text (put the number in quotes)" in text
    assert "token 6: expected keys" in text
    assert "token 8 (f): the same token as e" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "text", ["", "tokens: {}", "- a", "tokens: []\nmore: 1", "tokens: [{token: 'secret-in-line"]
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TokensFileError) as caught:
        load_tokens(written(tmp_path, text))
    assert "secret-in-line" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokensFileError, match=r"none\.yaml: cannot be read"):
        load_tokens(tmp_path / "none.yaml")


def test_a_token_may_bear_a_role_and_no_role_that_there_is_not(tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text(
        'tokens: [{token: a-clerks-token, name: a, scopes: ["role:clerk"], department: D}]', "utf-8"
    )
    caller = load_tokens(file).find("a-clerks-token")
    assert caller is not None
    assert {"cases:department", "cases:file"} <= caller.scopes
    file.write_text(
        'tokens: [{token: a-clerks-token, name: anonymous, scopes: ["role:king"]}]',
        "utf-8",
    )
    with pytest.raises(TokensFileError) as caught:
        load_tokens(file)
    assert "no role 'role:king'; there is role:public" in str(caught.value)
    assert "`name` may not be anonymous" in str(caught.value)
