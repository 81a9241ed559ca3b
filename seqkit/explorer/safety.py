"""Who may ask the explorer: the holder of its token, by an address of this machine.

Any page in the user's browser can send requests to 127.0.0.1. The token, as Jupyter has it, keeps them
out; the Host header shows a name that was made to point here (DNS rebinding); the policy in every answer
forbids the page to fetch anything from elsewhere.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Plotly sets styles and makes images of its figures; all else is the server's own."""


class Guard:
    """Middleware that lets through requests with the token and a Host of this machine, and sets headers.

    Args:
        app: The application behind.
        token: The secret of the address.
        host: The address that the server binds.
    """

    def __init__(self, app: ASGIApp, *, token: str, host: str) -> None:
        self.app, self.token, self.host = app, token, host
        self.cookie = f"seqkit-{secrets.token_hex(4)}"  # cookies of other ports are sent here, too

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from starlette.responses import RedirectResponse

        headers = {
            b"content-security-policy": _POLICY.encode(),
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"no-referrer",
            b"cross-origin-resource-policy": b"same-origin",
        }

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *headers.items()]
            await send(message)

        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not is_own_host(given.get("host", ""), self.host):
            response: Any = _refusal("This address is not one of this machine.")
        elif self._has_cookie(given.get("cookie", "")):
            await self.app(scope, receive, send_guarded)
            return
        else:
            query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if any(name == "token" and self._matches(value) for name, value in query):
                rest = urlencode([(name, value) for name, value in query if name != "token"])
                target = scope["path"] if scope["path"].startswith("/") else "/"
                target = "/" + target.lstrip("/")  # "//elsewhere" would be another host
                response = RedirectResponse(f"{target}?{rest}" if rest else target, status_code=303)
                response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
            else:
                response = _refusal(
                    "This page needs the token of its address: open the address that "
                    "<code>seqkit explore</code> printed, with <code>?token=…</code> at its end."
                )
        await response(scope, receive, send_guarded)

    def _has_cookie(self, header: str) -> bool:
        try:
            value = SimpleCookie(header).get(self.cookie)
        except Exception:  # a header that is no cookie
            return False
        return value is not None and self._matches(value.value)

    def _matches(self, value: str) -> bool:
        return secrets.compare_digest(value.encode("latin-1", "replace"), self.token.encode())


def is_own_host(header: str, bound: str) -> bool:
    """Return whether a Host header names this machine: an address, localhost, or the name that was bound."""
    name = header.rpartition("]")[0].lstrip("[") if header.startswith("[") else header.partition(":")[0]
    name = name.lower()
    if name in ("localhost", bound.lower()) and name:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        everywhere = bound in ("0.0.0.0", "::")
        return everywhere and name in (socket.gethostname().lower(), socket.getfqdn().lower())
    return True  # a name that points here in bad faith is a name


def _refusal(sentence: str) -> Any:
    from starlette.responses import HTMLResponse

    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>seqkit explore</title>'
        f"<p>{sentence}</p></html>",
        status_code=403,
    )
