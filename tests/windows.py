"""A simulation of Windows on Linux: what it lacks is removed, and what it forbids raises.

``python -m tests.windows FILE`` runs a Python file in a process where that is so from the start. Open and
mapped files are those in /proc/self.
"""

import builtins
import contextlib
import errno
import fcntl
import io
import mmap
import os
import re
import runpy
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_LACKS = {
    os: ("register_at_fork", "sched_getaffinity", "sched_yield", "fork", "geteuid", "getuid", "mkfifo"),
    signal: ("SIGHUP", "SIGPIPE", "SIGUSR1", "SIGALRM", "SIGKILL", "alarm", "setitimer", "pthread_sigmask"),
    mmap: ("MAP_PRIVATE", "MAP_ANONYMOUS", "MADV_HUGEPAGE", "MADV_DONTNEED"),
}
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def fault_of_name(name: str) -> str | None:
    """Return why a file or folder cannot have this name, or None if it can."""
    if _FORBIDDEN.search(name):
        return f"{name!r} has a character that Windows forbids"
    return f"{name!r} is the name of a device" if _RESERVED.fullmatch(name) else None


def _in_use(path: str | os.PathLike[str]) -> bool:
    """Whether this process has a file, or a file in a folder, open or mapped."""
    target = os.path.realpath(path)
    maps = Path("/proc/self/maps").read_text("utf-8").splitlines()
    held = {line.split(None, 5)[5] for line in maps if "/" in line}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(os.readlink(link))
    return any(name == target or name.startswith(f"{target}/") for name in held)


def _refuse_names(path: Any) -> None:
    if isinstance(path, int) or str(path).startswith("/dev/"):
        return
    for part in Path(os.fsdecode(path)).parts:
        if part != "/" and (fault := fault_of_name(part)):
            raise OSError(errno.EINVAL, fault, str(path))


def _refuse_use(*paths: Any) -> None:
    for path in paths:
        if _in_use(path):
            raise PermissionError(errno.EACCES, "being used by another process", str(path))


def _guarded(plain: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        if "opener" not in options:  # of unnamed temporary files, which Windows has too
            check(*arguments)
        return plain(*arguments, **options)

    return call


def _check_flush(descriptor: int) -> None:
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")


def _check_open(path: Any, flags: Any = 0, *_: Any) -> None:
    _refuse_names(path)
    unnamed = isinstance(flags, int) and flags & os.O_TMPFILE == os.O_TMPFILE
    if not unnamed and not isinstance(path, int) and os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))


def _check_rename(source: Any, target: Any) -> None:
    _refuse_names(target)
    _refuse_use(source)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "already exists", str(target))


def _check_replace(source: Any, target: Any) -> None:
    _refuse_names(target)
    _refuse_use(source, target)


def _lock(descriptor: int, mode: int, length: int) -> None:
    assert (mode, length) == (2, 1)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) > 1 << 32, "all access to a locked byte is refused"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(errno.EACCES, "Permission denied") from error


_GUARDS: dict[Any, dict[str, Callable[..., None]]] = {
    os: {
        "fsync": _check_flush,
        "mkdir": lambda path, *_: _refuse_names(path),
        "open": _check_open,
        "remove": _refuse_use,
        "rename": _check_rename,
        "replace": _check_replace,
        "unlink": _refuse_use,
    },
    io: {"open": _check_open},
}


@contextlib.contextmanager
def windows() -> Iterator[None]:
    """Simulate Windows in this process; modules that are already imported keep what they found then."""
    from seqkit import platforms

    changes: list[tuple[Any, str, Any]] = []

    def change(module: Any, name: str, value: Any) -> None:
        changes.append((module, name, getattr(module, name)))
        setattr(module, name, value)

    for module, guards in _GUARDS.items():
        for name, check in guards.items():
            change(module, name, _guarded(getattr(module, name), check))
    change(builtins, "open", io.open)
    for module, names in _LACKS.items():
        for name in names:
            if hasattr(module, name):
                changes.append((module, name, getattr(module, name)))
                delattr(module, name)
    change(platforms, "WINDOWS", True)
    change(shutil, "_use_fd_functions", False)
    change(platforms, "HAS_SCHED_YIELD", False)
    change(platforms, "_locking", SimpleNamespace(LK_NBLCK=2, locking=_lock))
    try:
        yield
    finally:
        for module, name, value in reversed(changes):
            setattr(module, name, value)


if __name__ == "__main__":
    with windows():
        del sys.argv[0]
        runpy.run_path(sys.argv[0], run_name="__main__")
