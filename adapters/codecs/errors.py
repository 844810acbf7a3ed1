"""
CodecError
├── CodecDeclared    CODEC_DECLARED    a step that cannot work as declared: a key's length, an unknown charset
├── CodecInput       CODEC_INPUT       a reply holds something else than the step expects
├── CodecValue       CODEC_VALUE       a request's value cannot be written as declared
├── CodecTooLarge    CODEC_TOO_LARGE   what comes out is larger than `maxBytes`, or than a whole reply may unfold to
└── CodecSignature   CODEC_SIGNATURE   a reply's signature or checksum does not fit its content

A message says which step, where, and what was expected; never the value, which may be personal or secret.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["CodecDeclared", "CodecError", "CodecInput", "CodecSignature", "CodecTooLarge", "CodecValue"]


class CodecError(Exception):
    """`step`: its name in declarations. `place`: path of the value, set by whoever walked there."""

    code: ClassVar[str] = "CODEC"

    def __init__(self, step: str, message: str, *, place: str = "") -> None:
        self.step, self.message, self.place = step, message, place
        super().__init__(step, message)

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        return f"{self.step}{where}: {self.message}"


class CodecDeclared(CodecError):
    """The step cannot work as declared."""

    code = "CODEC_DECLARED"


class CodecInput(CodecError):
    """The value in the reply is not what the step expects."""

    code = "CODEC_INPUT"


class CodecValue(CodecError):
    """The value for the request cannot be written as declared."""

    code = "CODEC_VALUE"


class CodecTooLarge(CodecError):
    """More comes out than is allowed."""

    code = "CODEC_TOO_LARGE"


class CodecSignature(CodecError):
    """Signature and content do not belong together."""

    code = "CODEC_SIGNATURE"
