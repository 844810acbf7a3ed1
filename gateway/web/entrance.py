"""What every operation passes before the engine, whatever transport it came by: who asks, from where, how often, and
which document is meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import Headers
from starlette.types import Scope

from adapters.fetch import Caller
from gateway.documents import DocumentRefused, Documents
from gateway.security.allowances import Allowances, Exhausted, Network, client_address
from gateway.security.identity import UnauthenticatedError
from gateway.web.errors import HttpRequestError, error_body
from gateway.web.ports import Authenticator, GraphQLAnswer, GraphQLRequest

__all__ = ["Entrance"]


class Entrance:
    """trusted_proxies: whose `X-Forwarded-For` is believed."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        allowances: Allowances | None = None,
        documents: Documents | None = None,
        trusted_proxies: Iterable[Network] = (),
    ) -> None:
        self.authenticator = authenticator
        self.allowances = allowances or Allowances()
        self.documents = documents or Documents()
        self.trusted_proxies = tuple(trusted_proxies)

    def address(self, scope: Scope) -> str:
        """The client's; empty where the server does not say."""
        client = scope.get("client")
        headers = Headers(scope=scope)
        forwarded = ",".join(headers.getlist("x-forwarded-for")) if self.trusted_proxies else None
        return client_address(client[0] if client else "", forwarded, self.trusted_proxies)

    async def identify(self, authorization: str | None, address: str) -> Caller:
        """Raises HttpRequestError: 401, or 429 where too many wrong tokens came from the address."""
        try:
            return await self.authenticator.authenticate(authorization)
        except UnauthenticatedError as error:
            await self.admit(Caller(), address)
            raise HttpRequestError(401, "UNAUTHENTICATED", str(error), www_authenticate="Bearer") from None

    async def admit(self, caller: Caller, address: str, count: int = 1) -> Mapping[str, str]:
        """Headers for the answer. Raises HttpRequestError 429."""
        try:
            return await self.allowances.request(caller, address, count)
        except Exhausted as error:
            refusal = HttpRequestError(error.status, error.code, str(error))
            refusal.headers = error.headers
            raise refusal from None

    async def document(self, request: GraphQLRequest) -> GraphQLRequest | GraphQLAnswer:
        """The request with its text, or why there is none."""
        try:
            return await self.documents.resolve(request)
        except DocumentRefused as error:
            return GraphQLAnswer(errors=error_body(error.code, str(error))["errors"], status_hint=400)

    async def keep(self, request: GraphQLRequest, answer: GraphQLAnswer) -> None:
        """Whoever ran may be asked for by its hash from now on."""
        if answer.status_hint == 200 and request.extensions.get("persistedQuery"):
            await self.documents.keep(request)
