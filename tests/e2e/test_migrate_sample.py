"""The sample that moves a department off its SOAP system, `samples/migrate.sh`, goes to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from click.testing import CliRunner

from gateway.cli import main
from samples.migrate import Told, migrate


def in_this_process(words: Sequence[str], environment: Mapping[str, str]) -> Told:
    """The same command without the start of a Python for each."""
    result = CliRunner().invoke(main, list(words), env=dict(environment), catch_exceptions=False)
    return Told(result.exit_code, result.stdout, result.stderr)


def test_a_department_is_moved_under_load_and_no_request_fails() -> None:
    """All that the sample holds to: ten differences explained, two real, noise left out, gates that refuse, the
    mapping mended, a fault rolled back by itself, retirement; UnexpectedError otherwise."""
    said: list[str] = []
    migrate(clients=2, say=said.append, command=in_this_process)
    assert [line.split()[0] for line in said if line.startswith("\n")][:7] == list("1234567")
    assert "none failed" in said[-1]
