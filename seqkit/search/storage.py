"""The database of a search, through Optuna: SQLite in its folder, or a server that many hosts share."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from seqkit.errors import MissingDependencyError, RunError, UsageError

STUDY = "study.db"
HEARTBEAT = 15
"""Seconds between signs of life of a worker."""
SILENCE = 4
"""Heartbeats without a sign of life, after which a worker counts as dead."""


def import_optuna() -> Any:
    """Return the module optuna. Raise MissingDependencyError if it is not installed."""
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise MissingDependencyError(
            "searches need Optuna, which is not installed", remedy="pip install 'seqkit[search]'"
        ) from error


def storage_url(url: str | None, out: Path) -> str:
    """Return the address of the database as SQLAlchemy takes it, by default of a file in the folder.

    Raises:
        UsageError: It has another form.
    """
    if url is None:
        return f"sqlite:///{(out / STUDY).absolute()}"
    if not re.match(r"[a-z][a-z0-9+]*://", url):
        raise UsageError(
            f"expected a storage such as postgresql://HOST/DATABASE or sqlite:///FILE, got {url!r}"
        )
    scheme, rest = url.split("://", 1)
    if scheme in ("postgres", "postgresql"):  # SQLAlchemy would take psycopg2
        scheme = "postgresql+psycopg"
    return f"{scheme}://{rest}"


def without_password(url: str) -> str:
    """Return an address that can be shown and kept."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}")) if at else url


@contextlib.contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Raise RunError in place of the errors of a database."""
    optuna = import_optuna()
    try:
        sqlalchemy_error: Any = importlib.import_module("sqlalchemy.exc").SQLAlchemyError
    except ImportError:  # Optuna needs it
        sqlalchemy_error = ()
    try:
        yield
    except (optuna.exceptions.StorageInternalError, sqlalchemy_error) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise RunError(
            f"cannot use the storage {without_password(url)} ({reason})",
            remedy="see whether the database is there and can be written, and run the same command again",
        ) from error


def open_storage(url: str, heartbeat: int, on_dead_worker: Callable[[Any, Any], None]) -> Any:
    """Return Optuna's storage, whose workers give signs of life.

    Args:
        url: The address, as :func:`storage_url` returns it.
        heartbeat: Seconds between signs of life.
        on_dead_worker: Called with the study and each trial whose worker is dead.

    Raises:
        MissingDependencyError: The driver of the database is not installed.
        RunError: The database cannot be reached.
        UsageError: SQLAlchemy cannot read the address.
    """
    optuna = import_optuna()
    arguments: dict[str, Any] = {"connect_args": {"timeout": 60}} if url.startswith("sqlite:") else {}
    arguments = arguments or {"pool_pre_ping": True}
    names = inspect.signature(optuna.storages.RDBStorage).parameters
    callback = "heartbeat_stale_trial_callback"  # of Optuna 4.9
    try:
        with storage_errors(url):
            return optuna.storages.RDBStorage(
                url,
                engine_kwargs=arguments,
                heartbeat_interval=heartbeat,
                grace_period=SILENCE * heartbeat,
                **{callback if callback in names else "failed_trial_callback": on_dead_worker},
            )
    except ImportError as error:
        extra = "search-postgres" if url.startswith("postgresql") else None
        raise MissingDependencyError(
            f"the driver of {without_password(url)} is not installed",
            remedy=f"pip install 'seqkit[{extra}]'" if extra else "install it, as SQLAlchemy's pages tell",
        ) from error
    except RunError as error:
        if type(error.__cause__).__name__ in ("ArgumentError", "NoSuchModuleError"):
            raise UsageError(
                f"expected a storage such as postgresql://HOST/DATABASE or sqlite:///FILE, "
                f"got {without_password(url)!r}"
            ) from error
        raise


@contextlib.contextmanager
def quiet_optuna() -> Iterator[Any]:
    """Keep Optuna from logging, and from warning of what it calls experimental; the calls are tested here."""
    import warnings

    optuna = import_optuna()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)
