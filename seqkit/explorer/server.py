"""The server: pages from templates, the addresses of all views, and its start and end."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seqkit
from seqkit.errors import MissingDependencyError, UsageError
from seqkit.explorer.answers import Explorer, Values, endpoint, failure
from seqkit.explorer.background import Jobs
from seqkit.explorer.opening import Item
from seqkit.explorer.safety import Guard
from seqkit.explorer.views import VIEWS, View

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_FOLDER = Path(__file__).parent
DEFAULT_PORT = 8765
_PORTS_TRIED = 50
_LONGEST_GOODBYE = 1
"""Seconds for answers under way when the server ends."""


def require_packages() -> None:
    """Raise MissingDependencyError unless the packages of the extra ``explore`` are installed."""
    for name in ("starlette", "uvicorn", "jinja2", "plotly"):
        if importlib.util.find_spec(name) is None:
            raise MissingDependencyError(
                f"the explorer needs {name}, which is not installed", remedy="pip install 'seqkit[explore]'"
            )


def create_app(items: Sequence[Item], token: str, host: str = "127.0.0.1") -> Starlette:
    """Return the application that shows ``items``.

    Args:
        items: What was opened.
        token: The secret without which nothing is answered.
        host: The address that the server binds.

    Raises:
        MissingDependencyError: A package of the extra ``explore`` is not installed.
    """
    require_packages()
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.responses import FileResponse, RedirectResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles
    from starlette.templating import Jinja2Templates

    templates = Jinja2Templates(directory=_FOLDER / "templates")
    explorer = Explorer(items, Jobs())
    shown = [view for view in VIEWS if view.always or view.applies(items)]
    unreadable = [item.describe() for item in items if item.error is not None]

    def page(view: View) -> Callable[[Request], Response]:
        def show(request: Request) -> Response:
            context = {
                "view": view,
                "views": shown,
                "items": [item.describe() for item in view.applies(items)],
                "unreadable": unreadable,
                "version": seqkit.__version__,
            }
            return templates.TemplateResponse(request, view.template, context)

        return show

    def first(request: Request) -> Response:
        return RedirectResponse(f"/{shown[0].name}", 303)

    def plotly(request: Request) -> Response:
        return FileResponse(plotly_script(), headers={"cache-control": "max-age=86400"})

    def problem(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return failure(status, "nothing here" if status == 404 else "the server could not answer")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        explorer.jobs.close()

    routes: list[Any] = [
        Route("/", first),
        Route("/plotly.min.js", plotly),
        Mount("/static", StaticFiles(directory=_FOLDER / "static")),
        endpoint("/jobs/status", _job_status),
        endpoint("/jobs/cancel", _job_cancel, method="POST"),
    ]
    for view in shown:
        routes += [Route(f"/{view.name}", page(view), name=view.name), *view.routes()]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=token, host=host)],
        exception_handlers={HTTPException: problem, Exception: problem},
        lifespan=lifespan,
    )
    app.state.explorer = explorer
    return app


def _job_status(explorer: Explorer, values: Values) -> dict[str, Any]:
    return explorer.jobs.get(values.text("job", most=64)).status()


def _job_cancel(explorer: Explorer, values: Values) -> dict[str, Any]:
    job = explorer.jobs.get(values.text("job", most=64))
    job.cancel()
    return job.status()


def plotly_script() -> Path:
    """Return Plotly's script in its installed package, which is not imported: that takes a second."""
    spec = importlib.util.find_spec("plotly")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], "package_data", "plotly.min.js")


def bind(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at an address.

    Args:
        host: The address or name to bind.
        port: The port; None for 8765, or the next one that is free.

    Raises:
        UsageError: The port is in use or the address is not one of this machine.
    """
    if not host:
        raise UsageError("expected an address to listen at, got an empty one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED)
    problem: OSError | None = None
    for each in ports:
        # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else each answer takes 40 ms
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if hasattr(
                socket, "SO_EXCLUSIVEADDRUSE"
            ):  # Windows: another program could take a shared port over
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, each))
            listener.listen(128)
            return listener
        except (OSError, OverflowError) as error:
            listener.close()
            problem = error if isinstance(error, OSError) else OSError(str(error))
    assert problem is not None
    raise UsageError(
        f"cannot listen at {host}:{ports[0]} ({problem.strerror or problem})",
        remedy="choose another port, or leave it out for a free one",
    )


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; then end all jobs."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_LONGEST_GOODBYE,
        lifespan="on",
        ws="none",
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        app.state.explorer.jobs.close()
        listener.close()
