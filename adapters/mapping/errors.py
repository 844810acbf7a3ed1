"""
MappingError
├── ExpressionError   an expression that cannot be read: position and what was expected
└── ValueProblem      a value that does not fit: which field, what was wanted (never the value itself)
"""

from __future__ import annotations

__all__ = ["ExpressionError", "MappingError", "ValueProblem"]


class MappingError(Exception):
    code = "MAPPING"


class ExpressionError(MappingError):
    """`offset` counts characters of the expression, from 0; `allowed` says what could stand there."""

    code = "EXPRESSION"

    def __init__(self, message: str, offset: int = 0, allowed: str = "") -> None:
        self.message, self.offset, self.allowed = message, offset, allowed
        super().__init__(message)


class ValueProblem(MappingError):
    """Raised while one value is read. The value is not part of the message: it may be personal."""

    code = "SOURCE_BAD_DATA"
