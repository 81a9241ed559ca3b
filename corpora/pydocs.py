"""``pydocs``: the English of the Python installation, the corpus that is always at hand.

The reference pages of ``pydoc_data.topics`` and the docstrings of the standard library, read with ``ast``:
nothing is imported or run. The text differs between Python versions: version and hash go with every figure.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from seqkit.backend.paths import cache_dir
from seqkit.corpora.corpus import Corpus, CorpusFile, LineSource, TextDefaults
from seqkit.corpora.prose import normalised, paragraphs
from seqkit.corpora.splitting import SPLITS, name_hash
from seqkit.errors import CorpusNotFoundError, DataError
from seqkit.files import write_atomically

_FORMAT = 1
_TOPICS = "pydoc_data/topics.py"
_SKIPPED = frozenset(
    {
        *("site-packages", "dist-packages", "__pycache__", "lib-dynload"),
        *("test", "tests", "idle_test", "ensurepip", "pydoc_data"),
    }
)


def _sources(stdlib: Path) -> list[Path]:
    """The modules of the standard library, in alphabetical order."""
    found = []
    for parent, folders, names in os.walk(stdlib):
        folders[:] = [n for n in folders if n not in _SKIPPED and not n.startswith(("config-", "."))]
        found += [Path(parent, name) for name in names if name.endswith(".py")]
    return sorted(found)


def _parse(path: Path) -> ast.Module | None:
    """The tree of a module; None for one that this Python cannot parse (deliberately broken samples)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's sources are not our user's news
        try:
            return ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            return None


def _topics(path: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of the reference pages, from the one dict literal of the file."""
    tree = _parse(path)
    for node in tree.body if tree else ():
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(value, ast.Dict):
            pages = ast.literal_eval(value)
            yield from sorted((f"topic {name}", page) for name, page in pages.items())


def _docstrings(path: Path) -> Iterator[str]:
    tree = _parse(path)
    if tree is None:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield text


def _side(name: str) -> str:
    """The split of a module or topic: 18 : 1 : 1 by the hash of its name."""
    return {0: "valid", 1: "test"}.get(name_hash(name) % 20, "train")


def collect(stdlib: Path) -> dict[str, list[str]]:
    """Paragraphs by split. A paragraph that occurs again, in whatever module, is kept once.

    Raises CorpusNotFoundError when the sources of the standard library are not installed.
    """
    topics = stdlib / _TOPICS
    modules = _sources(stdlib)
    if not topics.is_file() or len(modules) < 100:
        raise CorpusNotFoundError(
            f"the sources of Python's standard library are not installed: {len(modules)} modules,"
            f" {_TOPICS} {'there' if topics.is_file() else 'absent'}",
            where=f"looked in {stdlib}",
            remedy="install them (python3-pydoc-data, python3-libs or the like), or give another corpus",
        )
    parts: dict[str, list[str]] = {split: [] for split in SPLITS}
    seen: set[str] = set()

    def add(name: str, text: str) -> None:
        for paragraph in paragraphs(text):
            same = normalised(paragraph)
            if same not in seen:
                seen.add(same)
                parts[_side(name)].append(paragraph)

    for name, page in _topics(topics):
        add(name, page)
    for path in modules:
        for text in _docstrings(path):
            add(path.relative_to(stdlib).with_suffix("").as_posix(), text)
    return parts


def _listing_key(stdlib: Path) -> str:
    """Changes with the Python version and with the path, size or time of any source."""
    listing: list[object] = [_FORMAT, platform.python_version(), str(stdlib)]
    for path in [stdlib / _TOPICS, *_sources(stdlib)]:
        with suppress(OSError):
            stat = path.stat()
            listing.append((str(path), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(listing).encode()).hexdigest()[:40]


def _to_bytes(parts: dict[str, list[str]]) -> bytes:
    return "".join(f"{split}\t{line}\n" for split in SPLITS for line in parts[split]).encode()


def _read_cached(path: Path) -> bytes | None:
    """The cached paragraphs, None when they are absent or their hash in the first line is not theirs."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body if hashlib.sha256(body).hexdigest().encode() == digest else None


def _write_cached(path: Path, body: bytes) -> None:
    # a cache that cannot be written costs seconds, not the corpus
    with suppress(OSError, DataError):
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(body).hexdigest().encode()
        write_atomically(path, digest + b"\n" + body, error=DataError, shared=True)


def pydocs_corpus(stdlib: Path | None = None, *, cache: Path | None = None) -> Corpus:
    """The embedded corpus: one paragraph a line, 90/5/5 by module and by topic.

    The first use parses the standard library (seconds) and keeps the paragraphs in the cache. Raises
    CorpusNotFoundError when the sources are not installed.
    """
    stdlib = stdlib or Path(sysconfig.get_paths()["stdlib"])
    path = (cache or cache_dir() / "pydocs") / f"{_listing_key(stdlib)}.txt"
    body = _read_cached(path)
    if body is None:
        body = _to_bytes(collect(stdlib))
        _write_cached(path, body)
    parts: dict[str, list[str]] = {split: [] for split in SPLITS}
    for row in body.decode().split("\n")[:-1]:
        split, _, line = row.partition("\t")
        parts[split].append(line)
    digest = hashlib.sha256(body).hexdigest()
    sources: dict[str, LineSource] = {split: partial(iter, lines) for split, lines in parts.items()}
    identity: dict[str, Any] = {
        "split_rule": "90/5/5 by the hash of the module's or topic's name; repeated paragraphs once",
        "python": platform.python_version(),
        "sha256": digest,
        "paragraphs": {split: len(lines) for split, lines in parts.items()},
        "key": digest,
    }
    return Corpus(
        "pydocs",
        description=f"the English of Python {platform.python_version()}: reference topics and docstrings",
        sources=sources,
        identity=lambda: dict(identity),
        defaults=TextDefaults(tokenizer="word", lowercase=True, min_count=3),
        files=(CorpusFile("all", stdlib),),
    )
