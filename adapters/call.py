"""What is sent to a system, compiled by its protocol."""

from __future__ import annotations

from adapters.auth.dress import Dress
from adapters.codecs.encoder import compile_encoders
from adapters.declaration import Connector, Declaration, Write
from adapters.exchange import Call
from adapters.mapping.errors import ExpressionError
from adapters.mapping.functions import CompileContext
from adapters.mapping.template import compile_template
from adapters.rest.exchange import graphql_call, rest_call
from adapters.soap.call import soap_call
from adapters.soap.wsdl import SoapService

__all__ = ["call_of"]


def call_of(
    declaration: Declaration,
    service: SoapService | None,
    connector: Connector | Write,
    context: CompileContext,
    dress: Dress | None,
) -> Call:
    """The request of a connector or of a write, by its protocol. Raises ExpressionError."""
    source = declaration.source
    if source.soap is not None:
        if service is None or connector.operation not in service.operations:
            raise ExpressionError(
                f"{declaration.system.code}: no operation {connector.operation!r} in the WSDL"
            )
        encoders = compile_encoders(connector.encode, context)
        filled = compile_template(connector.body or {}, context)
        arguments = encoders.around("body", filled, keeps_bytes=True)
        return soap_call(
            source.soap,
            service,
            service.operations[connector.operation],
            arguments,
            dress,
            headers=connector.soap_header,
            context=context,
        )
    if source.graphql is not None:
        return graphql_call(source.graphql, connector, context)
    assert source.rest is not None  # noqa: S101 - the model has exactly one
    return rest_call(source.rest, connector, context)
