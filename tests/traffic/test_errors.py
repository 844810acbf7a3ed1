"""The error tree is an interface: codes are stable and the drawing is true."""

from __future__ import annotations

import adapters.traffic.errors as errors
from adapters.traffic.errors import SourceError, SourceUnavailable


def test_every_error_is_in_the_drawing_with_its_own_code() -> None:
    drawing = errors.__doc__ or ""
    tree = SourceError.__subclasses__()
    assert len({error.code for error in tree}) == len(tree)
    for error in tree:
        assert any(error.__name__ in line and error.code in line for line in drawing.splitlines())
        assert error.__name__ in errors.__all__


def test_the_message_names_the_system_and_what_happened() -> None:
    assert str(SourceUnavailable("registry")) == "registry: The system cannot be reached."
    assert str(SourceUnavailable("registry", "HTTP 503")) == "registry: HTTP 503"


def test_a_system_can_say_that_trying_again_is_of_no_use() -> None:
    assert SourceUnavailable("registry").retryable
    assert not SourceUnavailable("registry", retryable=False).retryable
