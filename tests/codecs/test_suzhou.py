"""A case exchange as Chinese cities run it: one string parameter, a gb2312 document in it, a CDATA section that holds
a second document with the case and a file. Rebuilt from its description, with made-up content."""

from __future__ import annotations

import base64
from typing import Any

from adapters.codecs.decoder import compile_decoders
from adapters.codecs.encoder import compile_encoders
from adapters.codecs.model import Decode, Encode
from adapters.mapping.functions import CompileContext
from adapters.mapping.scope import Scope
from adapters.mapping.template import compile_template
from adapters.reply import RawReply

CONTEXT = CompileContext()
FILE = "申请书：朱镕、张䶮".encode("gb18030")
INNER = (
    '<?xml version="1.0" encoding="GBK"?><XMLDATA><XtCaseInfo><CaseNo>20260001</CaseNo><SqrName>张䶮</SqrName></XtCaseInfo>'
    f"<FileData>{base64.b64encode(FILE).decode()}</FileData></XMLDATA>"
)
OUTER = f'<?xml version="1.0" encoding="gb2312"?><ROOT><Head><Code>0</Code></Head><Body><![CDATA[{INNER}]]></Body></ROOT>'
DECODE = [
    {"at": "out", "xml": {"charset": "gb2312"}},
    {"at": "out.Body", "xml": {}},
    {"at": "out.Body.FileData", "chain": [{"base64": {}}, {"charset": "gb2312"}]},
]
READ = {
    "Head": {"Code": "0"},
    "Body": {"XtCaseInfo": {"CaseNo": "20260001", "SqrName": "张䶮"}, "FileData": FILE.decode("gb18030")},
}


def test_the_reply_is_read_through_all_levels() -> None:
    decode = compile_decoders([Decode.model_validate(one) for one in DECODE], CONTEXT)
    assert decode({"out": OUTER}, RawReply(200, "text/xml", b"")) == {"out": READ}


def test_the_reply_is_read_from_bytes_too() -> None:
    """Where the outer string is base64 of the document's own bytes."""
    first = {"at": "out", "chain": [{"base64": {}}, {"xml": {"charset": "gb2312"}}]}
    decode = compile_decoders([Decode.model_validate(one) for one in [first, *DECODE[1:]]], CONTEXT)
    packed = base64.b64encode(OUTER.encode("gb18030")).decode()
    assert decode({"out": packed}, RawReply(200, "text/xml", b"")) == {"out": READ}


def test_a_list_of_cases_does_not_unpack_the_files_that_nobody_selected() -> None:
    decoders = compile_decoders([Decode.model_validate(one) for one in DECODE], CONTEXT)
    protocol, decode = decoders.pruned({"out": {"Body": {"XtCaseInfo": {"CaseNo": None}}}})
    assert protocol == {"out": None}
    assert decode({"out": OUTER}, RawReply(200, "text/xml", b"")) == {
        "out": {"Body": {"XtCaseInfo": {"CaseNo": "20260001"}}}
    }


def test_the_request_is_what_the_other_side_reads() -> None:
    template: dict[str, Any] = {
        "dataXml": {
            "ROOT": {
                "Head": {"Code": "0"},
                "Body": {
                    "XMLDATA": {
                        "XtCaseInfo": {"CaseNo": "$args.number", "SqrName": "张䶮"},
                        "FileData": FILE.decode("gb18030"),
                    }
                },
            }
        }
    }
    encode = compile_encoders(
        [
            Encode.model_validate(one)
            for one in (
                {
                    "at": "body.dataXml.ROOT.Body.XMLDATA.FileData",
                    "chain": [{"charset": "gb2312"}, {"base64": {}}],
                },
                {"at": "body.dataXml.ROOT.Body", "xml": {"charset": "GBK"}},
                {"at": "body.dataXml", "xml": {"charset": "gb2312", "cdata": ["Body"]}},
            )
        ],
        CONTEXT,
    )
    fill = encode.around("body", compile_template(template, CONTEXT), keeps_bytes=True)
    assert fill(Scope({"args": {"number": "20260001"}}))["dataXml"] == OUTER
