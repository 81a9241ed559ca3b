"""Only ``seqkit/platforms.py`` has names that some system lacks; text files are the same on all systems."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.test_imports import SOURCES, Source, imports_of

MODULES = {
    "_winapi",
    "fcntl",
    "grp",
    "msvcrt",
    "nt",
    "posix",
    "pty",
    "pwd",
    "resource",
    "termios",
    "tty",
    "winreg",
}
NAMES = re.compile(
    r"""os\.(
        name | fsync | fdatasync | sync | replace | renames? | link | symlink | mkfifo | mknod | chown | umask
        | uname | fork\w* | register_at_fork | wait\w* | kill\w* | set\w*id | get(e?[ug]id|pgid|sid|loadavg)
        | sched_\w+ | nice | posix_\w+ | statvfs | sysconf | O_\w+ | openpty | chroot
    )
    | sys\.(platform | getwindowsversion)
    | platform\.(system | release | version | uname | win32_\w+ | mac_ver)
    | signal\.(SIG(?!INT\b|TERM\b|_IGN\b|_DFL\b)\w+ | alarm | setitimer | pause | pthread_\w+ | sigwait\w*)
    | mmap\.(MAP_\w+ | MADV_\w+ | PROT_\w+)
    | .*\.(madvise | rename | symlink_to | hardlink_to | lchmod)""",
    re.VERBOSE,
)
"""Dotted names, as the code writes them."""
HAS = {"os", "signal", "mmap"}
"""Modules of which only ``platforms`` asks what they have."""


def faults_of(source: Source) -> Iterator[str]:
    for line, name in imports_of(source):
        if name.split(".")[0] in MODULES:
            yield f"{source.name}:{line} imports {name}"
    for node in ast.walk(ast.parse(source.code)):
        if isinstance(node, ast.Attribute) and NAMES.fullmatch(text := ast.unparse(node)):
            yield f"{source.name}:{node.lineno} names {text}"
        elif isinstance(node, ast.Call):
            yield from (f"{source.name}:{node.lineno} {fault}" for fault in _faults_of_call(node))


def _faults_of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    keywords = {keyword.arg for keyword in call.keywords}
    if name == "hasattr" and getattr(call.args[0], "id", "") in HAS:
        yield f"asks what {ast.unparse(call.args[0])} has"
    if name == "open" and isinstance(call.func, ast.Name):
        mode = ast.unparse(call.args[1]) if len(call.args) > 1 else "'r'"
        if "b" in mode:
            return
        if "encoding" not in keywords:
            yield "opens text without an encoding"
        if "w" in mode and "newline" not in keywords and "devnull" not in ast.unparse(call):
            yield "writes text without newline"
    elif name in ("read_text", "write_text"):
        position = 0 if name == "read_text" else 1
        if len(call.args) <= position and "encoding" not in keywords and "source" not in ast.unparse(call):
            yield f"calls {name} without an encoding"
        if name == "write_text" and "newline" not in keywords:
            yield "writes text without newline"


def test_only_the_layer_knows_systems() -> None:
    found = [(source, fault) for source in SOURCES for fault in faults_of(source)]
    assert [fault for source, fault in found if source.name != "seqkit.platforms"] == []


def test_the_layer_has_such_names() -> None:
    [layer] = [source for source in SOURCES if source.name == "seqkit.platforms"]
    assert len(list(faults_of(layer))) > 20


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "def f():\n    from resource import getrusage",
        "import os\nos.fsync(1)",
        "import os\nif os.name == 'nt': pass",
        "import sys\nif sys.platform == 'win32': pass",
        "import os\nif hasattr(os, 'fork'): pass",
        "import signal\nsignal.SIGHUP",
        "import signal\nsignal.alarm(1)",
        "import mmap\nmmap.mmap(-1, 1, mmap.MAP_PRIVATE)",
        "memory.madvise(1)",
        "path.rename(other)",
        "open('a')",
        "open('a', 'w', encoding='utf-8')",
        "path.read_text()",
        "path.write_text('a', 'utf-8')",
    ],
)
def test_planted_faults_are_found(code: str) -> None:
    assert len(list(faults_of(Source("seqkit.ops.linear", code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.path.join('a', 'b'); os.environ; os.unlink('a'); os.getpid()",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
        "'a'.replace('b', 'c')",
        "open('a', 'rb'); open('a', encoding='utf-8')",
        "path.read_text('utf-8'); path.write_text('a', 'utf-8', newline='\\n')",
    ],
)
def test_portable_code_passes(code: str) -> None:
    assert list(faults_of(Source("seqkit.ops.linear", code))) == []
