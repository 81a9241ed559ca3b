"""Differences between operating systems: the only module that asks which one runs.

Linux is what the rest of the code is written for. macOS lacks a few calls. Windows forbids more: a file that
is open or mapped can be neither replaced nor deleted, a handle opened for reading cannot be flushed, folders
cannot be opened, and a closed pipe is an invalid argument. ``tests/windows.py`` simulates it on Linux, and
``tests/architecture/test_platforms.py`` keeps names that some system lacks out of all other modules.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import mmap
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

WINDOWS = sys.platform == "win32"
MAC = sys.platform == "darwin"

_locking: Any = importlib.import_module("msvcrt" if WINDOWS else "fcntl")


def end_of_input() -> str:
    """Return the keys that end what is typed into a terminal."""
    return "Ctrl-Z and Enter" if WINDOWS else "Ctrl-D"


# Files

_FAR = 1 << 40
"""Windows locks bytes against all access; this one is far behind the end of any file that is locked."""
_ATTEMPTS, _PAUSE = 20, 0.1
"""Another program, such as a virus scanner, may have a file open for a moment."""


def flush_file(file: Any) -> None:
    """Flush what was written to an open file to the disk. Windows: only a file open for writing."""
    file.flush()
    os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where folders can be opened."""
    if WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(source: Path, target: Path) -> None:
    """Rename a file over another.

    Raises:
        PermissionError: On Windows, where ``target`` is still open in some program after 2 seconds.
    """
    for _ in range(_ATTEMPTS if WINDOWS else 0):
        try:
            os.replace(source, target)
        except PermissionError:
            time.sleep(_PAUSE)
        else:
            return
    try:
        os.replace(source, target)
    except PermissionError as error:
        if not WINDOWS or not target.is_file():
            raise
        raise PermissionError(errno.EACCES, "some program has it open", str(target)) from error


def rename_folder(source: Path, target: Path) -> None:
    """Give a folder a name that is free."""
    os.rename(source, target)


def map_file(path: str | os.PathLike[str], *, writable: bool = False) -> bytes | mmap.mmap:
    """Map a file into memory. Windows: read it, since a file that is mapped cannot be replaced.

    Args:
        path: The file; an empty one, which cannot be mapped, is ``b""``.
        writable: Whether this process may change its copy of the pages; the file never changes.

    Raises:
        OSError: The file cannot be opened.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return b""
        if WINDOWS and not writable:
            return file.read()
        if WINDOWS:
            copy = mmap.mmap(-1, size)
            file.readinto(copy)
            return copy
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY if writable else mmap.ACCESS_READ)


def lock_file(file: BinaryIO) -> bool:
    """Lock an open file until it is closed; return False if another process has it locked.

    Raises:
        OSError: The file system has no locks.
    """
    try:
        if WINDOWS:
            file.seek(_FAR)
            _locking.locking(file.fileno(), _locking.LK_NBLCK, 1)
        else:
            _locking.flock(file, _locking.LOCK_EX | _locking.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def locked_files_move() -> bool:
    """Return whether a file that is locked, and therefore open, can be renamed."""
    return not WINDOWS


# Users, cores, memory


def user_id() -> int | None:
    """Return the number of the user, or None where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def is_private(status: os.stat_result) -> bool:
    """Return whether only this user can write to what has this status; a sticky folder counts as private.

    On Windows a user's folders are private unless they are shared, which this does not see.
    """
    user = user_id()
    if user is None:
        return True
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return status.st_uid == user and not others


def usable_cores() -> int:
    """Return the number of cores that this process may use; all, where a process cannot be bound to some."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def after_fork(function: Callable[[], object]) -> None:
    """Call a function in each forked child, where processes fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


HAS_SCHED_YIELD = os.name == "posix"


def private_memory(size: int) -> mmap.mmap:
    """Return new memory from the system, in huge pages where it has them.

    By default anonymous maps are shared: a forked worker would write into its parent's arrays, and Linux
    gives shared memory no huge pages. Windows has neither fork nor flags.
    """
    flags: dict[str, int] = {}
    if hasattr(mmap, "MAP_PRIVATE"):
        flags["flags"] = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    block = mmap.mmap(-1, size, **flags)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # kernels without huge pages
            block.madvise(mmap.MADV_HUGEPAGE)
    return block


def release_pages(memory: mmap.mmap, begin: int, end: int) -> None:
    """Tell the system that whole pages of a mapped file, from ``begin`` to ``end``, are not needed soon."""
    if hasattr(mmap, "MADV_DONTNEED"):
        first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
        if end > first:
            memory.madvise(mmap.MADV_DONTNEED, first, end - first)


# Signals, streams

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
"""Signals that ask a process to end; Windows has Ctrl-Break beside Ctrl-C."""


def process_ended(pid: int) -> bool:
    """Return whether no process of this host has the number. On Windows False: asking could end a process."""
    if WINDOWS:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


KILL = int(getattr(signal, "SIGKILL", 9))
"""The signal that ends a process at once."""
FORWARDED_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
"""Signals that a supervisor passes on to the process that does its work."""


def fork_child() -> int | None:
    """Fork: return the child's number in the parent, and 0 in the child; None where processes cannot fork."""
    return os.fork() if hasattr(os, "fork") else None


def own_process_group() -> None:
    """Leave the process group of the parent, whose signals then do not come here."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)


def signal_when_parent_ends(signum: int) -> None:
    """Let Linux send this process a signal when its parent ends; elsewhere nothing is sent."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signum)  # PR_SET_PDEATHSIG


def send_signal(pid: int, signum: int) -> None:
    """Send a signal to a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


def wait_for(pid: int) -> tuple[int | None, int]:
    """Wait for a child; return the signal that ended it or None, and the exit code that a shell has."""
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status), 128 + os.WTERMSIG(status)
    return None, os.WEXITSTATUS(status)


def end_ancestor(names: tuple[str, ...], grace: float) -> None:
    """Ask the nearest ancestor with a name that begins so to end, and end it after ``grace`` seconds.

    Only where the system shows its processes in /proc.
    """
    pid = os.getppid()
    while pid > 1:
        try:
            name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
            parent = int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return
        if name.startswith(names):
            send_signal(pid, signal.SIGTERM)
            time.sleep(grace)
            send_signal(pid, KILL)
            return
        pid = parent


def hangup_signal() -> int | None:
    """Return the number of the signal of a lost terminal, or None where there is none."""
    return getattr(signal, "SIGHUP", None)


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Hold Ctrl-C back, where signals can be, so that a process started here does not get it at once."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def has_display() -> bool:
    """Return whether a browser would open in a window rather than in the terminal."""
    return WINDOWS or MAC or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_closed_pipe(error: OSError) -> bool:
    """Return whether the reader of a pipe has gone."""
    return isinstance(error, BrokenPipeError) or (
        WINDOWS and error.errno == errno.EINVAL and error.filename is None
    )


def print_any_text(stream: TextIO | Any) -> None:
    """Let a stream print any text, whatever the code page.

    A terminal replaces characters that it lacks; on Windows a file or pipe gets UTF-8 and the line ends of
    other systems, which all commands read. What the user chose by PYTHONIOENCODING stays.
    """
    if os.environ.get("PYTHONIOENCODING") or not hasattr(stream, "reconfigure"):
        return
    if stream.isatty():
        if stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="replace")
    elif WINDOWS:
        stream.reconfigure(encoding="utf-8", newline="\n")
