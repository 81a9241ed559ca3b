"""``pydocs``: the English of the Python installation, the corpus that needs no download.

The reference pages of ``pydoc_data.topics`` and the docstrings of the standard library, read with ``ast``:
nothing is imported or run. The text differs between Python versions: version and hash go with every figure.
"""

import ast
import hashlib
import os
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from inspect import cleandoc
from pathlib import Path

from seqkit.backend.paths import cache_dir, make_folder
from seqkit.corpora.corpus import SPLITS, Corpus, CorpusFile
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.split import split_of
from seqkit.errors import CorpusNotFoundError, DataError
from seqkit.files import write_atomically

_BLANK = re.compile(r"\n[ \t]*\n\s*")
_WORD = re.compile(r"[\"'(\[]*[A-Za-z][a-z]*(?:['’-][A-Za-z]+)*[.,;:!?)\]\"']*")
_MARKUP = re.compile(r"``?|(?<!\w)\*{1,2}(?=\w)|(?<=\w)\*{1,2}(?!\w)|:[a-z:]+:(?=`)")
_EXAMPLE = re.compile(r"^\s*(?:>>>|\$ ).*", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"^\s*(?:[-=~+|#*^_]{3,}|[|+]).*$", re.MULTILINE)
_COLUMNS = re.compile(r"\S {3,}\S")
_BULLET = re.compile(r"^\s*(?:[-*•o]|\(?\d{1,2}[.)]|\[\d+\])\s+")

MIN_WORDS = 3
MIN_FRACTION = 0.6
"""The fraction of a paragraph's blank-separated pieces that must be ordinary words."""

_FORMAT = 1
_TOPICS = "pydoc_data/topics.py"
_SKIPPED = frozenset(
    {
        *("site-packages", "dist-packages", "__pycache__", "lib-dynload"),
        *("test", "tests", "idle_test", "ensurepip", "pydoc_data"),
    }
)


def _sources(stdlib: Path) -> list[Path]:
    """Return the modules of the standard library, in alphabetical order."""
    files = []
    for parent, folders, names in os.walk(stdlib):
        folders[:] = [n for n in folders if n not in _SKIPPED and not n.startswith(("config-", "."))]
        files += [Path(parent, name) for name in names if name.endswith(".py")]
    return sorted(files)


def _parse(path: Path) -> ast.Module | None:
    """Parse a module; None for one that this Python cannot parse (deliberately broken samples)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's sources are not our user's news
        try:
            return ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            return None


def _topics(path: Path) -> Iterator[tuple[str, str]]:
    """Iterate over (name, text) of the reference pages, from the one dict literal of the file."""
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


def collect(stdlib: Path) -> dict[str, list[str]]:
    """Return the paragraphs by split; a paragraph that occurs several times, in any module, is kept once.

    Raises:
        CorpusNotFoundError: If the sources of the standard library are not installed.
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
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    seen: set[str] = set()

    def add(name: str, text: str) -> None:
        for paragraph in paragraphs(text):
            words = words_of(paragraph)
            if words not in seen:
                seen.add(words)
                splits[split_of(name)].append(paragraph)

    for name, page in _topics(topics):
        add(name, page)
    for path in modules:
        for text in _docstrings(path):
            add(path.relative_to(stdlib).with_suffix("").as_posix(), text)
    return splits


def _listing_key(stdlib: Path) -> str:
    """Return a key that changes with the Python version and with the path, size or time of any source."""
    listing: list[object] = [_FORMAT, platform.python_version(), str(stdlib)]
    for path in [stdlib / _TOPICS, *_sources(stdlib)]:
        with suppress(OSError):
            stat = path.stat()
            listing.append((str(path), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(listing).encode()).hexdigest()[:40]


def _to_bytes(splits: dict[str, list[str]]) -> bytes:
    return "".join(f"{split}\t{line}\n" for split in SPLITS for line in splits[split]).encode()


def _read_cached(path: Path) -> bytes | None:
    """Read the cached paragraphs; None if they are absent or do not match the hash in the first line."""
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body if hashlib.sha256(body).hexdigest().encode() == digest else None


def _write_cached(path: Path, body: bytes) -> None:
    # a cache that cannot be written costs seconds, not the corpus
    with suppress(OSError, DataError):
        make_folder(path.parent)
        digest = hashlib.sha256(body).hexdigest().encode()
        write_atomically(path, digest + b"\n" + body, error=DataError, shared=True)


def read_pydocs(
    entry: CorpusEntry, _: BadLines, *, stdlib: Path | None = None, cache: Path | None = None
) -> Corpus:
    """Return the English of the Python installation: one paragraph a line, 90/5/5 by module and by topic.

    The first use parses the standard library (seconds) and keeps the paragraphs in the cache.

    Raises:
        CorpusNotFoundError: If the sources of the standard library are not installed.
    """
    stdlib = stdlib or Path(sysconfig.get_paths()["stdlib"])
    path = (cache or cache_dir() / "pydocs") / f"{_listing_key(stdlib)}.txt"
    body = _read_cached(path)
    if body is None:
        body = _to_bytes(collect(stdlib))
        _write_cached(path, body)
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    for row in body.decode().split("\n")[:-1]:
        split, _tab, line = row.partition("\t")
        splits[split].append(line)
    digest = hashlib.sha256(body).hexdigest()
    identity: dict[str, object] = {
        "split_rule": "90/5/5 by the hash of the module's or topic's name; repeated paragraphs once",
        "python": platform.python_version(),
        "sha256": digest,
        "paragraphs": {split: len(lines) for split, lines in splits.items()},
        "key": digest,
    }
    return Corpus(
        entry.name,
        description=f"the English of Python {platform.python_version()}: reference topics and docstrings",
        sources={split: partial(iter, lines) for split, lines in splits.items()},
        identity=lambda: identity,
        defaults=entry.defaults,
        files=(CorpusFile("all", stdlib),),
    )


# Prose


def paragraphs(text: str) -> Iterator[str]:
    """Iterate over the paragraphs of prose in a docstring or a page, each on one line, without markup.

    Examples, tables, rules and signatures are left out.
    """
    without_rules = _RULE.sub("", cleandoc(text))  # a rule under a heading parts it from what follows
    for whole in _BLANK.split(without_rules):
        block = _EXAMPLE.sub("", whole)  # an interactive example, its output included, up to the blank line
        if _has_columns(block):
            continue
        pieces = _MARKUP.sub("", _BULLET.sub("", block)).split()
        words = sum(1 for piece in pieces if _WORD.fullmatch(piece))
        if words >= MIN_WORDS and words >= MIN_FRACTION * len(pieces):
            yield " ".join(pieces)


def _has_columns(block: str) -> bool:
    """Whether the block is a table: two lines or more have a gap of three blanks inside."""
    return sum(1 for line in block.splitlines() if _COLUMNS.search(line.strip())) > 1


def words_of(paragraph: str) -> str:
    """Return the words alone, lower case; paragraphs of the same words count as one."""
    return " ".join(re.findall(r"\w+", paragraph.lower()))
