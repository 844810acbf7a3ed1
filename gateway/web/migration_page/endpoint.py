"""GET /migration: where each system stands on its way to its successor, for people with the scope `migration`.

Who asks is known as everywhere (bearer token, client certificate), or by the cookie that the sign-in form sets. Nothing
on the page changes anything but that cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.fetch import Caller
from gateway.database import DatabaseUnavailable
from gateway.migration.board import read_board
from gateway.migration.desk import Desk
from gateway.web.body import whole_body
from gateway.web.entrance import Entrance
from gateway.web.errors import HttpRequestError
from gateway.web.exchange import exchange_of
from gateway.web.migration_page.render import render, render_sign_in
from gateway.web.migration_page.session import SESSION_S, Sessions

__all__ = ["PATH", "MigrationPage"]

PATH: Final = "/migration"
SCOPE: Final = "migration"
LONGEST_FORM: Final = 16_384
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class _NotAllowed(Exception):
    """Signed in, without the scope."""


@dataclass(frozen=True, slots=True)
class MigrationPage:
    """desk: once the application lives."""

    desk: Callable[[], Desk | None]
    sessions: Sessions

    def routes(self, entrance: Entrance) -> list[BaseRoute]:
        at = _At(self, entrance)
        return [
            Route(PATH, at.show, methods=["GET"]),
            Route(f"{PATH}/sign-in", at.sign_in, methods=["POST"]),
            Route(f"{PATH}/sign-out", at.sign_out, methods=["POST"]),
            Route(f"{PATH}/page.css", _style, methods=["GET"]),
        ]


@dataclass(frozen=True, slots=True)
class _At:
    page: MigrationPage
    entrance: Entrance

    async def show(self, request: Request) -> Response:
        try:
            name = await self._who(request)
        except _NotAllowed as error:
            return _refused(403, str(error))
        except HttpRequestError as error:
            return _refused(error.status, str(error), dict(error.headers))
        if name is None:
            return _refused(401, None, {"www-authenticate": "Bearer"})
        desk = self.page.desk()
        if desk is None:
            return _refused(503, "STARTING", {"retry-after": "1"})
        system = request.query_params.get("system")
        try:
            board = await read_board(desk, system)
        except DatabaseUnavailable:
            return _refused(503, "DATABASE", {"retry-after": "5"})
        known = board.chosen is not None or system is None
        by_cookie = self.page.sessions.cookie in request.cookies
        return _html(render(board, who=name, asked=system, can_sign_out=by_cookie), 200 if known else 404)

    async def sign_in(self, request: Request) -> Response:
        """The form: `token`. Its page only: a site elsewhere must not sign a browser in as somebody else."""
        if not _from_here(request):
            return _refused(403, "ELSEWHERE")
        try:
            token = _token(await whole_body(request, LONGEST_FORM))
            address = self.entrance.address(request.scope)
            caller = await self.entrance.identify(f"Bearer {token}", address)
        except HttpRequestError as error:
            return _refused(error.status, str(error), dict(error.headers))
        exchange_of(request.scope).facts["caller"] = caller.name
        if SCOPE not in caller.scopes:
            return _refused(403, caller.name)
        sessions = self.page.sessions
        answer = RedirectResponse(PATH, 303)
        answer.set_cookie(
            sessions.cookie,
            sessions.sign(caller.name, caller.expires_at),
            max_age=int(SESSION_S),
            path="/",
            secure=sessions.secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def sign_out(self, request: Request) -> Response:
        if not _from_here(request):
            return _refused(403, "ELSEWHERE")
        answer = RedirectResponse(PATH, 303)
        sessions = self.page.sessions
        answer.delete_cookie(
            sessions.cookie, path="/", secure=sessions.secure, httponly=True, samesite="strict"
        )
        return answer

    async def _who(self, request: Request) -> str | None:
        """The name of whoever may look; None for nobody. Raises _NotAllowed, HttpRequestError."""
        authorization = request.headers.get("authorization")
        sessions, address = self.page.sessions, self.entrance.address(request.scope)
        if authorization is None and (session := sessions.read(request.cookies.get(sessions.cookie))):
            exchange_of(request.scope).facts["caller"] = session.name
            await self.entrance.admit(Caller(session.name), address)
            return session.name
        caller = await self.entrance.identify(authorization, address)
        await self.entrance.admit(caller, address)
        if SCOPE in caller.scopes:
            exchange_of(request.scope).facts["caller"] = caller.name
            return caller.name
        if caller.name == "anonymous":
            return None
        raise _NotAllowed(caller.name)


def _from_here(request: Request) -> bool:
    """Whether the page itself sent the form (W3C Fetch Metadata; Origin for what is older). Whatever says neither is
    no browser, and no browser can be made to ask through it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _token(body: bytes) -> str:
    try:
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4)
    except ValueError:
        raise HttpRequestError(400, "BAD_REQUEST", "The form has one field, `token`") from None
    # people paste what curl takes, too
    return form.get("token", [""])[0].strip().removeprefix("Bearer ").strip()


def _refused(status: int, why: str | None, headers: dict[str, str] | None = None) -> Response:
    return _html(render_sign_in(status, why), status, headers)


def _html(text: str, status: int = 200, headers: dict[str, Any] | None = None) -> Response:
    return HTMLResponse(
        text, status, {"content-security-policy": POLICY, "vary": "cookie", **(headers or {})}
    )


async def _style(_request: Request) -> Response:
    return FileResponse(Path(__file__).parent / "page.css", headers={"cache-control": "public, max-age=300"})
