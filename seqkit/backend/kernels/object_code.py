"""Native code on disk: compiled once by Numba, kept as an object file, and always run from that file's bytes.

Numba's own cache gives two programs for one source. A function that is compiled in this process and called
from another is there twice, by itself and linked into its caller, where it is optimised a second time; the
linker then prefers the first. A process that loads the caller from the cache has only the second. Their sums
differ in the last bit (seen in layer normalisation: the first training of a machine differed from all later
ones). Here each function is an object file of its own, loaded into an engine of its own, whether it has just
been compiled or was found: results cannot depend on that.

A file holds a checksum, the name of its entry and the object code. It is written beside and renamed; one that
is cut, altered or under another's name is compiled again. The folder's name is a hash of all kernel sources,
of Numba's version and of the processor; the file's own name ends with a hash of the function's signature and
source file, for tasks that live elsewhere (in tests).

Whoever writes to the cache decides what runs here. Files and folders that another user owns, or that others
can write to, are not used; a private folder among the temporary ones takes their place.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core import config
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from seqkit.backend.paths import cache_dir, make_folder, private_folder
from seqkit.platforms import is_private, replace_file

_config: Any = config  # its settings are made at run time
_log = logging.getLogger("seqkit")
_HEADER = b"seqkit object 2"


@functools.cache
def _processor() -> tuple[str, str, str]:
    """The triple, the processor's name and its features that Numba compiles for."""
    triple, name, features = cpu_target.target_context.codegen().magic_tuple()
    return triple, name, features


def sources_digest(root: Path) -> str:
    """Return 16 hex digits that change with Numba, the processor and any Python file below ``root``."""
    digest = hashlib.sha256("\n".join((numba.__version__, *_processor())).encode())
    for source in sorted(root.rglob("*.py")):
        digest.update(source.relative_to(root).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path | None:
    """The folder of compiled kernels of exactly these sources, or None where none can be written."""
    name = Path("kernels", sources_digest(Path(__file__).parent))
    shared = None
    for root in (cache_dir(), private_folder()):
        folder = root / name
        try:
            make_folder(folder)
            paths = [path for path in (root, folder.parent, folder) if not is_private(path.stat())]
        except OSError as error:
            _log.warning("kernels are compiled anew in each process: %s cannot be made (%s)", folder, error)
            return None
        if not paths:
            return folder if os.access(folder, os.W_OK) else None
        if shared is None:
            shared = paths[0]
            why = "belongs to another user or can be written by others"
            _log.warning("compiled kernels are kept in %s: %s %s", private_folder(), shared, why)
    _log.warning("kernels are compiled anew in each process: %s is shared too", folder)
    return None


_families: list[str] = []
"""Those that were compiled in this process."""


def _announce(function: Callable[..., Any]) -> None:
    """Say what is being compiled: the first time where it is kept, then each family of kernels."""
    if not _families:
        folder = cache_folder()
        kept = "not kept" if folder is None else f"kept in {folder}"
        _log.warning("compiling kernels for this processor, once (half a minute at most; %s)", kept)
        _families.append("")
    family = function.__module__.removeprefix("seqkit.backend.kernels.").partition(".")[0]
    all_families = [path.parent.name for path in Path(__file__).parent.glob("*/cpu.py")]
    if family in all_families and family not in _families:
        _families.append(family)
        number, shown = len(_families) - 1, family.replace("_", " ")
        _log.warning("compiling kernels: %s (%d of at most %d families)", shown, number, len(all_families))


def _path(function: Callable[..., Any], signature: Any) -> Path | None:
    """The file of a function's object code, or None if it is not kept."""
    try:
        digest = hashlib.sha256(Path(inspect.getfile(function)).read_bytes())
    except (OSError, TypeError):
        return None
    digest.update(str(signature).encode())
    folder = cache_folder()
    name = f"{function.__module__.removeprefix('seqkit.backend.kernels.')}.{function.__qualname__}"
    return None if folder is None else folder / f"{name}-{digest.hexdigest()[:16]}.o"


def _read(path: Path) -> tuple[str, bytes] | None:
    """The entry's name and the object code in a file, or None if it is absent or damaged."""
    try:
        with open(path, "rb") as file:
            if not is_private(os.fstat(file.fileno())):
                return None
            header, checksum, content = file.read().split(b"\n", 2)
    except (OSError, ValueError):
        return None
    if header != _HEADER or _checksum(path, content) != checksum:
        return None
    name, _, code = content.partition(b"\n")
    return name.decode(), code


def _checksum(path: Path, content: bytes) -> bytes:
    """A checksum of a file's name and content: another kernel's file in its place is not this one."""
    return hashlib.sha256(path.name.encode() + b"\n" + content).hexdigest().encode()


def _write(path: Path, name: str, code: bytes) -> None:
    """Keep object code; a full disk or a folder that has gone only costs the next process a compilation."""
    content = name.encode() + b"\n" + code
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(b"\n".join((_HEADER, _checksum(path, content), content)))
            replace_file(Path(beside), path)
        except OSError:
            os.unlink(beside)
    except OSError as error:
        _log.debug("%s was not kept (%s)", path, error)


def _target_machine() -> Any:
    """A machine with Numba's own settings."""
    triple, name, features = _processor()
    relocation = "static" if triple.startswith(("x86", "i386", "i686")) else "default"
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=name, features=features, opt=int(_config.OPT), reloc=relocation, codemodel="jitdefault", jit=True
    )


def _compile(function: Callable[..., Any], signature: Any, fastmath: Any) -> tuple[str, bytes]:
    """The entry's name and the object code of a function."""
    _announce(function)
    compiled = numba.cfunc(signature, error_model="numpy", fastmath=fastmath)(function)
    module = llvm.parse_assembly(compiled.inspect_llvm())
    return compiled.native_name, _target_machine().emit_object(module)


def _load(name: str, code: bytes) -> int:
    """Make object code callable, for as long as the process lives; return the entry's address."""
    rtsys.initialize(cpu_target.target_context)  # memory for the kernels' own arrays
    memory = getattr(_config, "USE_LLVMLITE_MEMORY_MANAGER", None)
    options = {} if memory is None else {"use_lmm": memory}
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine(), **options)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(name)
    engine.detach()  # threads may run the code while the interpreter ends: it is never freed
    if not address:
        raise RuntimeError(f"no function {name} in its object code")
    return int(address)


def native_address(function: Callable[..., Any], signature: Any, fastmath: Any = False) -> int:
    """Return the address of a function as native code with C's conventions, from the cache or compiled.

    Args:
        function: what Numba compiles, with ``error_model="numpy"``.
        signature: its Numba signature.
        fastmath: the rules of arithmetic in the function itself; what it calls has its own.

    Raises:
        Exception: whatever Numba or LLVM raises when they cannot compile it.

    """
    path = _path(function, signature)
    kept = None if path is None else _read(path)
    if kept is None:
        kept = _compile(function, signature, fastmath)
        if path is not None:
            _write(path, *kept)
    return _load(*kept)
