"""XML signature wrapping on WS-Security replies, XSW 1 to 8, over real HTTP against a source that verifies replies.

The eight placements are those of Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012,
section 4), with the SOAP Body in place of the assertion: the signature stays good for the original Body, which is put
where the application does not look, and a forged one stands where it does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from starlette.responses import Response

from adapters.auth.wss.names import DS, WSU
from adapters.traffic.errors import SourceBadData
from tests.adapters.doubles import serving
from tests.auth.sources import asked
from tests.auth.test_profiles_in_sources import signed_reply, signing_security, soap_source

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ID = f"{{{WSU}}}Id"
Node = etree._Element


class Reply:
    """A signed reply taken apart: the signed Body is out, a forged one without an Id is in its place."""

    def __init__(self) -> None:
        self.root = etree.fromstring(signed_reply(number="SIGNED"))
        self.signed = self.the(f"{{{SOAP}}}Body")
        self.signature = self.the(f".//{{{DS}}}Signature")
        self.header = self.the(f"{{{SOAP}}}Header")
        self.forged = copy.deepcopy(self.signed)
        del self.forged.attrib[ID]
        for one in self.forged.iter():
            if one.text == "SIGNED":
                one.text = "FORGED"
        self.root.replace(self.signed, self.forged)

    def the(self, path: str) -> Node:
        found = self.root.find(path)
        assert found is not None
        return found

    def with_the_id(self, text: str = "") -> None:
        """Gives the forged Body the Id that is signed, or another."""
        self.forged.set(ID, text or str(self.signed.get(ID)))


def xsw1(reply: Reply) -> None:
    """The original inside the Signature, the forged under its Id."""
    reply.with_the_id()
    reply.signature.append(reply.signed)


def xsw2(reply: Reply) -> None:
    """The original beside the Signature, which is detached from it; the forged under its Id."""
    reply.with_the_id()
    reply.signature.addnext(reply.signed)


def xsw3(reply: Reply) -> None:
    """The forged before the original, as siblings, under an Id of its own."""
    reply.with_the_id("forged")
    reply.forged.addnext(reply.signed)


def xsw4(reply: Reply) -> None:
    """The original as a child of the forged."""
    reply.with_the_id("forged")
    reply.forged.append(reply.signed)


def xsw5(reply: Reply) -> None:
    """The forged has the Id; the original, without its own, comes at the end."""
    reply.with_the_id()
    del reply.signed.attrib[ID]
    reply.root.append(reply.signed)


def xsw6(reply: Reply) -> None:
    """As 5, with the original inside the Signature."""
    reply.with_the_id()
    del reply.signed.attrib[ID]
    reply.signature.append(reply.signed)


def xsw7(reply: Reply) -> None:
    """The original in an element of the header whose content is anything (Extensions there)."""
    etree.SubElement(reply.header, "{urn:any}Extensions").append(reply.signed)


def xsw8(reply: Reply) -> None:
    """The original in an Object of the Signature, the forged under its Id."""
    reply.with_the_id()
    etree.SubElement(reply.signature, f"{{{DS}}}Object").append(reply.signed)


WRAPPINGS = [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8]


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("id_too", [False, True], ids=["", "forged-has-the-id"])
async def test_a_wrapped_reply_is_refused_and_nothing_of_the_forged_is_read(
    wrap: Callable[[Reply], None], id_too: bool, tmp_path: Path
) -> None:
    reply = Reply()
    wrap(reply)
    if id_too:
        reply.with_the_id()
    body = etree.tostring(reply.root)
    assert b"FORGED" in body
    async with serving(lambda _request, _body: Response(body, media_type="text/xml")) as (origin, _):
        source = soap_source(origin, tmp_path, security=signing_security(tmp_path))
        with pytest.raises(SourceBadData, match="not signed as declared") as caught:
            await asked(source)
        assert "FORGED" not in str(caught.value)
        await source.close()


async def test_the_same_reply_is_read_where_nobody_touched_it(tmp_path: Path) -> None:
    """So that the others are refused for what was done to them."""
    body = signed_reply(number="SIGNED")
    async with serving(lambda _request, _body: Response(body, media_type="text/xml")) as (origin, _):
        source = soap_source(origin, tmp_path, security=signing_security(tmp_path))
        assert await asked(source) == "SIGNED"
        await source.close()
