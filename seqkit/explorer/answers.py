"""JSON addresses from plain functions: checked parameters, errors as sentences, work in threads."""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from seqkit.errors import Remedy, SeqkitError, UsageError
from seqkit.explorer.opening import Item

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from seqkit.explorer.background import Jobs

MAX_BODY = 1 << 20
"""Bytes of a request."""
MAX_TEXT = 20_000
"""Characters of a text in a request."""
_WORKERS = 8
_MOST_CACHED = 100
_log = logging.getLogger("seqkit")


class Explorer:
    """The opened items, by name, and the jobs in the background."""

    def __init__(self, items: Collection[Item], jobs: Jobs) -> None:
        self.items = {item.name: item for item in items}
        self.jobs = jobs
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()
        self._locks: dict[tuple[Any, ...], threading.Lock] = {}

    def cached(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """Return what ``compute`` returned first for a key; other threads that ask for it wait.

        A result of the last hundred keys is kept. An error is not: the next call computes again.
        """
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is not None:
                return kept
            value = compute()
            with self._lock:
                self._kept[key] = value
                while len(self._kept) > _MOST_CACHED:
                    oldest = next(iter(self._kept))
                    del self._kept[oldest], self._locks[oldest]
            return value


class Values:
    """The parameters of a request: each is checked when it is read.

    Raises UsageError, which names the parameter, for one that is absent or wrong.
    """

    def __init__(self, values: Mapping[str, Any], explorer: Explorer) -> None:
        self._values, self._explorer = values, explorer

    def has(self, name: str) -> bool:
        """Return whether the request has this parameter, not empty."""
        return self._values.get(name) not in (None, "")

    def text(self, name: str, default: str | None = None, *, most: int = MAX_TEXT) -> str:
        """Return a text of at most ``most`` characters."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            got = "none" if value is None else f"{value!r:.80}"
            raise UsageError(f"expected {name} to be a text, got {got}")
        if len(value) > most:
            raise UsageError(f"expected {name} of at most {most:,} characters, got {len(value):,}")
        return _unicode(name, value)

    def texts(self, name: str, *, most: int = MAX_TEXT, count: int = 1000) -> list[str]:
        """Return a list of texts; of an address, those of a repeated parameter."""
        value = self._values.get(name, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise UsageError(f"expected {name} to be a list of texts, got {value!r:.80}")
        if len(value) > count or any(len(each) > most for each in value):
            raise UsageError(f"expected at most {count:,} {name} of at most {most:,} characters each")
        return [_unicode(name, each) for each in value]

    def integers(self, name: str, *, count: int = 1000, most: int = 1 << 53) -> list[int]:
        """Return a list of at most ``count`` whole numbers from 0 to ``most``; none if it is absent."""
        value = self._values.get(name, [])
        whole = isinstance(value, list) and all(type(each) is int and 0 <= each <= most for each in value)
        if not whole or len(value) > count:
            raise UsageError(f"expected {name} to be at most {count:,} whole numbers, got {value!r:.80}")
        return list(value)

    def number(
        self, name: str, default: float | None = None, *, least: float = -math.inf, most: float = math.inf
    ) -> float:
        """Return a finite number from ``least`` to ``most``."""
        value = self._values.get(name, default)
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not least <= number <= most or math.isinf(number):
            raise UsageError(f"expected {name} to be a number from {least:g} to {most:g}, got {value!r:.80}")
        return number

    def integer(self, name: str, default: int | None = None, *, least: int, most: int) -> int:
        """Return a whole number from ``least`` to ``most``."""
        number = self.number(name, default, least=least, most=most)
        if number != int(number):
            raise UsageError(f"expected {name} to be a whole number, got {number}")
        return int(number)

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """Return one of ``choices``."""
        value = self._values.get(name, default)
        if not isinstance(value, str) or value not in choices:
            raise UsageError(f"expected {name} to be one of {', '.join(choices)}, got {value!r:.80}")
        return value

    def item(self, items: Collection[Item] | None = None, name: str = "item") -> Item:
        """Return the item that is named, one of ``items`` (the view's own) or of all that were opened."""
        known = {item.name: item for item in items} if items is not None else self._explorer.items
        return known[self.choice(name, known)]


def _unicode(name: str, text: str) -> str:
    """Return a text. Raise UsageError for one with halves of characters, which JSON can hold."""
    if any("\ud800" <= character < "\ue000" for character in text):
        raise UsageError(f"expected {name} to be a text in Unicode, got {text!r:.80}")
    return text


Function = Callable[[Explorer, Values], Any]
"""The work of an address: what it returns is sent as JSON, unless it is a Response."""


def endpoint(path: str, function: Function, *, method: str = "GET") -> Route:
    """Return a route that calls a function in a thread and answers with JSON.

    Args:
        path: The address, ``/<view>/…``.
        function: Called with the explorer and the checked parameters: of the address for GET, of the JSON
            object in the body for POST. A SeqkitError becomes ``{error, where, remedy}``, status 400.
        method: "GET" for questions, "POST" for long texts and for what starts something.
    """
    from anyio import CapacityLimiter, to_thread
    from starlette.routing import Route

    limiter: list[CapacityLimiter] = []  # made in the server's loop

    async def answer(request: Request) -> Response:
        if not limiter:
            limiter.append(CapacityLimiter(_WORKERS))
        try:
            content = await _body(request) if method == "POST" else _query(request)
        except _TooLarge:
            return failure(413, f"expected a request of at most {MAX_BODY:,} bytes, got more")
        except (ValueError, RecursionError):
            return failure(400, "expected a JSON object in the request's body, got something else")
        explorer: Explorer = request.app.state.explorer
        # abandoned when the server ends: a long computation does not hold up Ctrl-C
        return await to_thread.run_sync(
            lambda: _answer(function, explorer, content), abandon_on_cancel=True, limiter=limiter[0]
        )

    return Route(path, answer, methods=[method], name=path)


def _answer(function: Function, explorer: Explorer, content: Mapping[str, Any]) -> Response:
    from starlette.responses import Response

    try:
        result = function(explorer, Values(content, explorer))
    except SeqkitError as error:
        remedy = error.remedy.command if isinstance(error.remedy, Remedy) else error.remedy
        return failure(400, error.what if error.remedy else str(error), error.where, remedy)
    except MemoryError:
        return failure(500, "out of memory")
    except Exception as error:  # the page shows a sentence; the terminal has the rest with --debug
        _log.debug("the explorer failed", exc_info=True)
        return failure(500, f"the server could not answer ({type(error).__name__})")
    return result if isinstance(result, Response) else as_json(result)


def as_json(value: object, status: int = 200) -> Response:
    """Return a value as JSON; NaN and infinities become null."""
    from starlette.responses import Response

    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace"), status, media_type="application/json")


def _finite(value: object) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def failure(status: int, error: str, where: str | None = None, remedy: str | None = None) -> Response:
    """Return an error as JSON: ``{error, where, remedy}``."""
    return as_json({"error": error, "where": where, "remedy": remedy}, status)


class _TooLarge(Exception):
    pass


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ValueError  # a form of another site cannot send this type
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise _TooLarge
    content = json.loads(bytes(data))
    if not isinstance(content, dict):
        raise ValueError
    return content


def _query(request: Request) -> dict[str, Any]:
    if len(request.scope["query_string"]) > MAX_BODY // 16:
        raise _TooLarge
    query = request.query_params
    return {name: all_ if len(all_ := query.getlist(name)) > 1 else all_[0] for name in query}
