"""CSV replies as lists of records: by the header row, or by names that the declaration gives."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.codecs.errors import CodecError
from adapters.codecs.records import Records
from adapters.codecs.step import Context
from adapters.exchange import Read
from adapters.mapping.tree import Wanted
from adapters.reply import RawReply, decode_text, looks_like_html
from adapters.traffic.errors import SourceBadData

__all__ = ["CsvExchange"]


@dataclass(frozen=True, slots=True)
class CsvExchange:
    """The tree is the list of rows, each {name: text}; an empty reply is an empty list."""

    system: str
    records: Records
    charset: str | None = None

    def read(self, reply: RawReply, wanted: Wanted | None) -> Read:
        """Raises SourceBadData."""
        del wanted  # rows are cut as a whole
        if looks_like_html(reply.body):
            raise SourceBadData(
                self.system, f"An HTML page came instead of CSV (HTTP status {reply.status}).", retryable=True
            )
        text = decode_text(self.system, reply, self.charset)
        try:
            return Read(self.records.decode(text, Context()))
        except CodecError as error:
            raise SourceBadData(
                self.system, f"The reply is not the CSV that was declared: {error}."
            ) from error
