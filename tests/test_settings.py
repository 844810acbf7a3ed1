"""Settings: where they come from, what is refused, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError, load_settings, secret_key_bytes, settings_table


def problems(environ: dict[str, str], **overrides: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, **overrides)
    return str(caught.value)


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "quanyu.yaml"
    file.write_text("port: 1\nhost: file\nmax_first: 7\n")
    settings = load_settings(
        {"QUANYU_CONFIG": str(file), "QUANYU_HOST": "env", "QUANYU_PORT": "2"}, port=3, host=None
    )
    assert (settings.port, settings.host, settings.max_first, settings.max_query_depth) == (3, "env", 7, 15)


def test_a_toml_file_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "quanyu.toml"
    file.write_text('cors_origins = ["https://a.example"]\nwatch = false\n')
    settings = load_settings({"QUANYU_CONFIG": str(file)})
    assert (settings.cors_origins, settings.watch) == (("https://a.example",), False)


def test_lists_are_comma_separated_in_the_environment() -> None:
    settings = load_settings({"QUANYU_CORS_ORIGINS": "https://a.example, https://b.example"})
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_all_mistakes_are_told_at_once_with_their_place_and_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "quanyu.yaml"
    file.write_text("port: 80a\nporrt: 1\nport: 3\n")
    text = problems({"QUANYU_CONFIG": str(file), "QUANYU_HOTS": "x", "QUANYU_LOG_LEVEL": "loud"})
    assert f"{file}:2: no setting 'porrt'; did you mean port?" in text
    assert f"{file}:3: port is there twice" in text
    assert f"{file}:1: port: input should be a valid integer" in text
    assert "environment variable QUANYU_HOTS: no such setting; did you mean QUANYU_HOST?" in text
    assert "environment variable QUANYU_LOG_LEVEL: log_level: input should be 'debug'" in text


def test_variables_of_declarations_and_tests_are_free() -> None:
    environ = {
        "QUANYU_SAMPLE_JT_URL": "x",
        "QUANYU_SECRET_GSJ_KEY": "y",
        "QUANYU_TEST_REDIS_URL": "z",
        "HOME": "/",
    }
    assert load_settings(environ) == Settings()


@pytest.mark.parametrize("text", ["- a", "port: [", "just text", "\x00"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "quanyu.yaml"
    file.write_text(text)
    assert str(file) in problems({"QUANYU_CONFIG": str(file)})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "none.yaml: cannot be read" in problems({"QUANYU_CONFIG": str(tmp_path / "none.yaml")})


def test_a_default_deadline_past_the_longest_is_refused() -> None:
    text = problems({"QUANYU_DEFAULT_DEADLINE_MS": "20000"})
    assert "longer than max_deadline_ms (10000 ms)" in text


def test_secrets_come_from_files_and_variables_and_are_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "redis"
    file.write_text("redis://:hunter2@cache:6379\n")
    settings = load_settings(
        {"QUANYU_REDIS_URL": f"file:{file}", "QUANYU_SECRET_KEY": "env:MY_KEY", "MY_KEY": "hunter3"}
    )
    assert settings.redis_url.get_secret_value() == "redis://:hunter2@cache:6379"
    assert secret_key_bytes(settings) == b"hunter3"
    assert "hunter" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_a_secret_that_cannot_be_had_is_named() -> None:
    text = problems({"QUANYU_REDIS_URL": "file:/nowhere/at/all", "QUANYU_SECRET_KEY": "env:NOT_SET"})
    assert "the file that redis_url names cannot be read" in text
    assert "secret_key names the environment variable NOT_SET, which is not set" in text


def test_a_secret_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    settings = load_settings({}, data_dir=tmp_path / "data")
    key = secret_key_bytes(settings)
    assert len(key) == 64
    assert secret_key_bytes(settings) == key
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_the_table_has_every_setting_with_a_sentence() -> None:
    table = settings_table()
    for name in Settings.model_fields:
        assert f"| `{name}` | `QUANYU_{name.upper()}` |" in table
    assert all(info.description and info.description.endswith(".") for info in Settings.model_fields.values())
    assert "| `10000` ms |" in table
