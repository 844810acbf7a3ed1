"""The sample that moves a department off its SOAP system runs to its end."""

from __future__ import annotations

from samples.migrate import migrate


def test_a_department_is_moved_under_load_and_no_request_fails() -> None:
    """All that the sample asserts: 10 differences explained, 2 real, noise not reported, gates that refuse, the mapping
    mended, a fault rolled back by itself, retirement; UnexpectedError otherwise."""
    said: list[str] = []
    migrate(clients=2, say=said.append)
    assert "none failed" in said[-1]
