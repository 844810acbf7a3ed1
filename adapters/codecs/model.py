"""What declarations say about codecs: `decode` and `encode` of a connector. Signatures are in `sign_model.py`.

Models only, with what editors show; what they mean is compiled in `compile.py`. Imports nothing else of this project,
so that `declaration.py` can use them.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from adapters.codecs.sign_model import (
    KEY,
    CodecModel,
    HashName,
    KeyEncoding,
    Nonce,
    Sign,
    Stamp,
    TextForm,
    Verify,
)

__all__ = ["DECODE_STEPS", "ENCODE_STEPS", "Decode", "Encode", "Steps", "WriteSteps"]

MaxBytes = Annotated[int, Field(ge=1, le=256 * 1024 * 1024)]
OneSign = Annotated[str, StringConstraints(min_length=1, max_length=1)]
Mark = Annotated[str, StringConstraints(min_length=1, max_length=8)]
_LIMIT = "More than this is refused, in bytes (or characters, where text is read); 16 MiB by default."
_CHARSET = "Charset; gb2312 and gbk are read and written as gb18030 字符集."


class XmlStep(CodecModel):
    """An XML document inside the value; paths go on inside its outer element 字段内的XML."""

    charset: str | None = Field(
        default=None,
        description="Decode: charset of bytes, where the document declares a wrong one; text is never decoded again. "
        "Encode: what the document declares; UTF-8 if left out.",
    )
    declaration: bool = Field(default=True, description="Encode: write the <?xml ...?> line.")
    cdata: tuple[str, ...] = Field(default=(), description="Encode: elements whose text is a CDATA section.")
    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)


class JsonStep(CodecModel):
    """A JSON document inside the value 字段内的JSON."""

    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)


class Base64Step(CodecModel):
    """Base64 <-> bytes; both alphabets are read."""

    url: bool = Field(default=False, description="Encode: with - and _ instead of + and /.")
    padding: bool = Field(default=True, description="Encode: with = at the end.")


class HexStep(CodecModel):
    """Hexadecimal digits <-> bytes."""

    upper: bool = Field(default=False, description="Encode: in capitals.")


class GzipStep(CodecModel):
    """Compressed bytes <-> bytes 压缩."""

    format: Literal["gzip", "zlib", "deflate"] = Field(
        default="gzip", description="Which wrapping; deflate has none."
    )
    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)


class ZipStep(CodecModel):
    """One file of a zip archive <-> bytes."""

    entry: str | None = Field(
        default=None, description="Name of the file; may be left out to read the only one."
    )
    charset: str = Field(default="gb18030", description="Of file names that are not marked as UTF-8.")
    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)


class FormStep(CodecModel):
    """name=value&... <-> an object 表单."""

    charset: str = Field(default="utf-8", description=_CHARSET)
    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)


class RecordsStep(CodecModel):
    """Rows of separated fields <-> a list of objects: CSV, tab- or pipe-separated 分隔记录."""

    names: tuple[str, ...] = Field(
        default=(), description="Names of the fields in order; else `header` gives them."
    )
    header: bool = Field(
        default=False, description="The first row holds the names (and is skipped if `names` are given)."
    )
    separator: Mark = Field(default=",", description='Between fields: ",", "|", "\\t", "^|" ...')
    row: Mark = Field(default="\n", description="What ends a row; a line feed also takes CR LF.")
    quote: OneSign | None = Field(
        default=None,
        description="Sign around fields that hold separators, e.g. a double quote; doubled inside.",
    )
    escape: OneSign | None = Field(
        default=None, description="Sign before a sign that is meant as it is, e.g. a backslash."
    )
    skip: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Decode: rows at the start that are no records, such as a title; before the header row 表头前的行.",
    )
    skip_last: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Decode: rows at the end that are no records, such as a sum or a checksum 表尾的行.",
    )
    single: bool = Field(default=False, description="Exactly one row: the value is that object, not a list.")
    trim: bool = Field(default=False, description="Blanks around fields are taken off.")
    ragged: Literal["refuse", "pad"] = Field(
        default="refuse",
        description="Rows with missing or surplus fields: an error, or missing ones empty and surplus empty ones dropped.",
    )
    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.names and not self.header:
            raise ValueError("records needs `names`, or `header: true`")
        if len(set(self.names)) != len(self.names):
            raise ValueError("records: a name stands twice in `names`")
        starts = [mark[0] for mark in (self.separator, self.row, self.quote, self.escape) if mark]
        if len(set(starts)) != len(starts):
            raise ValueError("records: separator, row, quote and escape must begin with different signs")
        return self


class ColumnModel(CodecModel):
    """One field of a fixed-width row."""

    name: str = Field(min_length=1, description="Name of the field.")
    width: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Its width, in the unit of the step; left out in the last column: all the rest of the row.",
    )
    align: Literal["left", "right"] = Field(
        default="left", description="Where the value stands; padding is on the other side."
    )
    pad: OneSign = Field(default=" ", description="Sign that fills the rest; taken off again when reading.")


class FixedWidthStep(CodecModel):
    """Rows of fields of fixed width <-> a list of objects 定长记录."""

    columns: tuple[ColumnModel, ...] = Field(min_length=1, description="Fields in order.")
    count: Literal["characters", "bytes"] = Field(default="characters", description="What widths count.")
    charset: str = Field(
        default="gb18030", description="Of the bytes that widths count, where they count bytes."
    )
    row: Mark | None = Field(
        default="\n", description="What ends a row; null where rows follow each other directly."
    )
    single: bool = Field(default=False, description="Exactly one row: the value is that object, not a list.")
    short: bool = Field(default=False, description="Rows may lack blanks at their end.")
    max_bytes: MaxBytes = Field(default=16 * 1024 * 1024, description=_LIMIT)

    @model_validator(mode="after")
    def _rest_is_last(self) -> Self:
        if any(column.width is None for column in self.columns[:-1]):
            raise ValueError("fixedWidth: only the last column may be without a width")
        if self.columns[-1].width is None and self.row is None and not self.single:
            raise ValueError("fixedWidth: a last column without a width needs `row`, or `single: true`")
        return self


class UrlDecodeStep(CodecModel):
    """Percent-encoded text <-> text."""

    charset: str = Field(default="utf-8", description=_CHARSET)
    plus: bool = Field(default=True, description="A + is a blank, as in forms.")


class UnescapeXmlStep(CodecModel):
    """Text with &lt; &amp; ... <-> text, one level of it."""


class TrimPrefixStep(CodecModel):
    """Fixed text around the value: callback( ... ), data: ... ."""

    prefix: str = Field(default="", description="Text before the value.")
    suffix: str = Field(default="", description="Text after the value.")
    absent: Literal["refuse", "keep"] = Field(
        default="refuse", description="What to do where they are not there."
    )


class CipherStep(CodecModel):
    """Ciphertext bytes <-> plain bytes 加解密."""

    key: str = Field(repr=False, description=KEY)
    key_encoding: KeyEncoding = Field(default="utf8", description="How the key is written.")
    mode: Literal["CBC", "ECB", "GCM"] = Field(
        default="CBC", description="Mode of operation; GCM has its 16-byte tag at the end."
    )
    padding: Literal["pkcs7", "zero", "none"] = Field(default="pkcs7", description="Padding; GCM has none.")
    iv: str | None = Field(
        default=None,
        repr=False,
        description="A fixed initialisation vector, in `ivEncoding`; `prefix` (or left out): it stands before the ciphertext.",
    )
    iv_encoding: KeyEncoding = Field(default="utf8", description="How the iv is written.")


class RsaStep(CodecModel):
    """RSA in blocks of the key's size: decode needs privateKey, encode publicKey."""

    private_key: str | None = Field(default=None, repr=False, description=KEY + " PEM or base64 of PKCS #8.")
    public_key: str | None = Field(default=None, repr=False, description="PEM, or base64 of its DER.")
    padding: Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"] = Field(
        default="pkcs1v15", description="Padding scheme."
    )


class DigestStep(CodecModel):
    """The value's digest instead of it 摘要."""

    algorithm: HashName = Field(description="Which digest.")
    form: TextForm = Field(default="hex", description="How it is written.")


class HmacStep(CodecModel):
    """The value's HMAC instead of it."""

    algorithm: HashName = Field(description="Which digest is beneath.")
    key: str = Field(repr=False, description=KEY)
    key_encoding: KeyEncoding = Field(default="utf8", description="How the key is written.")
    form: TextForm = Field(default="hex", description="How it is written.")


class Crc32Step(CodecModel):
    """The value's CRC-32 instead of it 校验和."""

    form: TextForm = Field(default="hex", description="How it is written; decimal for a whole number.")


class Steps(CodecModel):
    """One step that goes both ways: give exactly one."""

    xml: XmlStep | None = None
    json_: JsonStep | None = Field(default=None, alias="json")
    base64: Base64Step | None = None
    hex: HexStep | None = None
    gzip: GzipStep | None = None
    zip: ZipStep | None = None
    charset: str | None = Field(
        default=None, description="Bytes <-> text in this charset; gb2312 and gbk as gb18030."
    )
    form: FormStep | None = None
    records: RecordsStep | None = None
    fixed_width: FixedWidthStep | None = None
    urldecode: UrlDecodeStep | None = None
    unescape_xml: UnescapeXmlStep | None = None
    trim_prefix: TrimPrefixStep | None = None
    aes: CipherStep | None = None
    triple_des: CipherStep | None = None
    sm4: CipherStep | None = None
    rsa: RsaStep | None = None

    def given(self) -> list[tuple[str, Any]]:
        """(key in YAML, model) of what is there, `at` and `into` aside."""
        return [
            (info.alias or name, value)
            for name, info in type(self).model_fields.items()
            if name not in ("at", "into") and (value := getattr(self, name)) is not None
        ]

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name, _ in self.given()]
        if len(given) != 1:
            known = ", ".join(
                info.alias or name
                for name, info in type(self).model_fields.items()
                if name not in ("at", "into")
            )
            found = (
                f"found {' and '.join(given)}"
                if given
                else "found none (an empty one is written `base64: {}`)"
            )
            raise ValueError(f"give exactly one of {known}; {found}")
        return self


class WriteSteps(Steps):
    """One step of a request: give exactly one."""

    digest: DigestStep | None = None
    hmac: HmacStep | None = None
    crc32: Crc32Step | None = None


class Decode(Steps):
    """What stands at a place of the reply becomes what the map reads; in the order of the list 报文解码."""

    at: str = Field(
        default=".",
        description="Path of the value, from the reply's root (. is all of it); lists on the way: each element.",
    )
    into: str | None = Field(
        default=None, description="Name beside the value for what comes out; else it takes the value's place."
    )
    chain: tuple[Steps, ...] | None = Field(
        default=None, min_length=1, description="Several steps, in order."
    )
    verify: Verify | None = None

    @model_validator(mode="after")
    def _into(self) -> Self:
        if self.into is not None and (self.at == "." or self.verify is not None):
            raise ValueError("`into` needs a name in `at` and something that comes out")
        return self


class Encode(WriteSteps):
    """What the templates filled in becomes what is sent; in the order of the list 报文编码."""

    at: str = Field(description="Path of the value, starting with body, form, query, headers or variables.")
    chain: tuple[WriteSteps, ...] | None = Field(
        default=None, min_length=1, description="Several steps, in order."
    )
    sign: Sign | None = Field(
        default=None,
        description="Puts a signature or checksum here; paths start at the object that holds this place.",
    )
    timestamp: Stamp | None = Field(default=None, description="Puts the time now here.")
    nonce: Nonce | None = Field(default=None, description="Puts a text here that no other request has.")


DECODE_STEPS = tuple(info.alias or name for name, info in Steps.model_fields.items())
ENCODE_STEPS = tuple(info.alias or name for name, info in WriteSteps.model_fields.items())
