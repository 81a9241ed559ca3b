"""Folders of parallel texts as published: ``train.en train.de val.en …``, two files for each part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from seqkit.corpora.corpus import SPLITS
from seqkit.corpora.readers.text_files import TEXT_SUFFIXES
from seqkit.errors import DataError, Remedy
from seqkit.files.compressed import plain_name

_SIDES = {
    "src": "src", "source": "src", "tgt": "tgt", "trg": "tgt", "target": "tgt",
}  # fmt: skip
_SPLITS = {
    "train": re.compile(r"train", re.I),
    "valid": re.compile(r"(?<![a-z])(val|dev|tune|tuning)|valid|newsdev", re.I),
    "test": re.compile(r"test|tst|(?<![a-z])eval", re.I),
}
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9]{1,14}([-_][A-Za-z0-9]{2,8})?")
_NOT_LANGUAGES = frozenset(
    (
        "align", "bin", "bpe", "cfg", "codes", "csv", "doc", "docx", "h5", "html", "ids", "ini", "ipynb",
        "jpg", "json", "jsonl", "log", "lock", "md", "model", "npy", "npz", "onnx", "parquet", "pdf", "pkl",
        "png", "pth", "py", "rst", "safetensors", "scores", "sgm", "sh", "svg", "toml", "tsv", "vocab",
        "xml", "yaml", "yml", "zip",
    )
)  # fmt: skip
"""Suffixes of files that may stand beside parallel texts."""


class ParallelFolder(NamedTuple):
    """The files of a folder of parallel texts.

    Args:
        source: The suffix of the sources, such as "en".
        target: That of the targets.
        parts: The name of each part, such as "train" or "test_2016_flickr", and its two files.
        splits: The part of each split; empty if no name is that of a split.
    """

    source: str
    target: str
    parts: Mapping[str, tuple[Path, Path]]
    splits: Mapping[str, str]

    @property
    def note(self) -> str:
        """The languages and the splits in one line."""
        left = [name for name in self.parts if name not in self.splits.values()]
        beside = f"; beside them: {', '.join(left[:6])}" if left and self.splits else ""
        splits = ", ".join(f"{split} {part}" for split, part in self.splits.items())
        return (
            f"source {self.source}, target {self.target} (--source-column {self.target} turns them round)"
            f"{f'; {splits}' if splits else ''}{beside}"
        )


def parallel_folder(
    folder: Path, source: str | None, target: str | None, part: str | None = None
) -> ParallelFolder | None:
    """Return the parallel texts of a folder, or None if no two files belong together.

    The files of a part have one name and two suffixes, ``train.en`` and ``train.de``, perhaps before ``.txt``
    and the suffix of a compression; or ``src`` and ``tgt`` in their names.

    Args:
        folder: The folder.
        source: The suffix of the sources; by default English if it is there, else the first.
        target: That of the targets.
        part: The only part to look for.

    Raises:
        DataError: For suffixes that are not there, for more than two of which none is given, and for several
            parts that train.
    """
    files: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        side = _part_and_side(path) if path.is_file() and path.name[0] != "." else None
        if side is not None:
            files.setdefault(side[0], {}).setdefault(side[1], path)
    files = {name: of_part for name, of_part in files.items() if len(of_part) > 1 and part in (None, name)}
    if not files:
        return None
    sides = sorted({side for of_part in files.values() for side in of_part})
    pair = _directed(folder, sides, source, target)
    parts = {
        name: (of_part[pair[0]], of_part[pair[1]])
        for name, of_part in files.items()
        if pair[0] in of_part and pair[1] in of_part
    }
    return ParallelFolder(*pair, parts, _splits_of(folder, list(parts))) if parts else None


def _part_and_side(path: Path) -> tuple[str, str] | None:
    """Return the part that a file belongs to and its language, or its side."""
    name = plain_name(path)
    if Path(name).suffix in TEXT_SUFFIXES:
        name = Path(name).stem
    for token in re.findall(r"[A-Za-z]+", name):
        if token.lower() in _SIDES:
            part = re.sub(rf"[._-]?{token}(?=[._-]|\Z)|\A{token}[._-]", "", name, count=1)
            return part.strip("._-"), _SIDES[token.lower()]
    part, dot, suffix = name.rpartition(".")
    known = dot and part and _LANGUAGE.fullmatch(suffix) and suffix.lower() not in _NOT_LANGUAGES
    return (part, suffix) if known else None


def _directed(folder: Path, sides: list[str], source: str | None, target: str | None) -> tuple[str, str]:
    """Return the source's and the target's suffix."""
    for given in (source, target):
        if given is not None and given not in sides:
            raise DataError(
                f"expected files with the suffix .{given}, got {', '.join(sides)}", where=str(folder)
            )
    rest = [side for side in sides if side not in (source, target)]
    if source is not None and target is not None:
        return source, target
    if len(sides) > 2 and len(rest) != 1:
        raise DataError(
            f"expected files of two languages, got {', '.join(sides)}",
            where=str(folder),
            remedy=Remedy(
                "name two: source_column=…, target_column=…",
                command="name two: --source-column, --target-column",
            ),
        )
    if source is None and target is None:
        named = re.search(
            rf"({'|'.join(map(re.escape, sides))})[-_]({'|'.join(map(re.escape, sides))})", folder.name
        )
        first = named[1] if named and named[1] != named[2] else "en" if "en" in sides else sides[0]
        return first, next(side for side in sides if side != first)
    return (source, rest[0]) if source is not None else (rest[0], str(target))


def _splits_of(folder: Path, parts: list[str]) -> dict[str, str]:
    """Return the part of each split: the one named like it, or the first whose name has it."""
    splits = {}
    for split in SPLITS:
        fitting = [part for part in parts if _split_name(part) == split]
        exact = [part for part in fitting if part.lower() == split]
        if split == "train" and len(fitting) > 1 and not exact:
            raise DataError(
                f"expected one part that trains, got {', '.join(fitting)}",
                where=str(folder),
                remedy="join their files (cat), or leave one in the folder",
            )
        if fitting:
            splits[split] = (exact or sorted(fitting))[0]
    return splits if "train" in splits and len(splits) > 1 else {}


def _split_name(part: str) -> str | None:
    return next((split for split, pattern in _SPLITS.items() if pattern.search(part)), None)
