"""Which database a setting names."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.database import DatabaseUrlInvalid, address_of


def test_without_a_setting_it_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    address = address_of("", tmp_path)
    assert (address.kind, address.file, address.embedded) == ("sqlite", tmp_path / "quanyu.db", True)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_a_postgresql_url_is_spoken_to_by_asyncpg(scheme: str, tmp_path: Path) -> None:
    address = address_of(f"{scheme}://clerk:pw@db.example:5433/records", tmp_path)
    assert (address.kind, address.url.drivername, address.embedded) == (
        "postgresql",
        "postgresql+asyncpg",
        False,
    )


def test_no_message_shows_the_password(tmp_path: Path) -> None:
    address = address_of("postgresql://clerk:open-sesame@db.example/records", tmp_path)
    assert "open-sesame" not in address.shown + repr(address)
    with pytest.raises(DatabaseUrlInvalid) as refused:
        address_of("mysql://clerk:open-sesame@db.example/records", tmp_path)
    assert "open-sesame" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["no url", "mysql://db.example/records", "sqlite://", "sqlite:///:memory:", "postgresql://db.example"],
)
def test_what_names_no_database_is_refused_with_what_is_allowed(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUrlInvalid, match="database_url"):
        address_of(url, tmp_path)
