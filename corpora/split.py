"""How a corpus without splits of its own is split into training, validation and test data."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from seqkit.corpora.corpus import (
    SPLITS,
    BaseCorpus,
    CorpusFile,
    TextDefaults,
    describe_files,
    hash_files,
)
from seqkit.corpora.readers.lines import MAX_EXAMPLE, BadLine, BadLines
from seqkit.errors import DataError
from seqkit.files.lines import Source, content_size, open_bytes
from seqkit.files.text_content import refuse_other_formats

# Running text: cut at line ends


def cut_file(source: Source) -> tuple[int, int]:
    """Return two byte positions at line starts that cut a text 90/5/5.

    They are the first line starts at or after 90 % and 95 % of the bytes. Where that leaves a split empty
    (few or long lines), a twentieth of the lines, at least one, goes to each of the last two splits.

    Raises:
        DataError: For fewer than three lines.
    """
    size = content_size(source)
    cuts = []
    with open_bytes(source) as file:
        for percent in (90, 95):
            file.seek(max(0, size * percent // 100 - 1))
            file.readline()
            cuts.append(file.tell())
        if cuts[0] < cuts[1] < size:
            return cuts[0], cuts[1]
        file.seek(0)
        starts = [0]  # only for files of few lines: lines are bounded, so such a file is short
        while line := file.readline():
            starts.append(starts[-1] + len(line))
    starts.pop()
    if len(starts) < len(SPLITS):
        raise DataError(
            f"only {len(starts)} line(s), too few to cut into train, valid and test",
            where=str(source),
            remedy="give a longer text, or a folder with train.txt, valid.txt and test.txt",
        )
    tail = max(1, len(starts) // 20)
    return starts[-2 * tail], starts[-tail]


# Names and keys: by their hashes


def name_hash(name: str) -> int:
    """Return a number that depends on the name only: the same on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big")


def split_of(key: str, buckets: int = 20) -> str:
    """Return the split of everything that shares ``key``: one bucket is "valid", one is "test".

    Example:
        >>> split_of("abc")
        'train'
    """
    return {0: "valid", 1: "test"}.get(name_hash(key) % buckets, "train")


def split_names(names: Iterable[str], buckets: int = 20) -> dict[str, list[str]]:
    """Split three or more names in the order of their hashes; each split gets one at least.

    One of ``buckets`` goes to valid, one to test; 20 is 90/5/5. Each list keeps the alphabetical order.
    """
    ordered = sorted(names, key=lambda name: (name_hash(name), name))
    held_out = max(1, round(len(ordered) / buckets))
    return {
        "train": sorted(ordered[2 * held_out :]),
        "valid": sorted(ordered[:held_out]),
        "test": sorted(ordered[held_out : 2 * held_out]),
    }


# Examples: all of one key go to one split

Rows = Callable[[], Iterator[tuple[int, Any | BadLine]]]
"""Starts a pass over the numbered examples of one or more files."""
AnyExamples = TypeVar("AnyExamples", bound=BaseCorpus[Any])


@dataclass(frozen=True)
class HashSplit:
    """A split of examples by the hash of a key, so that all examples of one key go to one split.

    Args:
        unit: The name of an example in messages, such as "pair".
        remedy: How a line of the files must look.
        key: Returns the key of a source text, the first of a pair, or of a sentence with tags.
        key_name: The name of the key in messages.
        buckets: Number of buckets, of which one goes to valid and one to test.
        label: Returns the class of an example, of which one at least is to train; None for no classes.
        reading: Whatever else decides how the files' bytes are read; part of the content key.
    """

    unit: str
    remedy: str
    key: Callable[[Any], str]
    key_name: str
    buckets: int
    reading: tuple[object, ...] = ()
    label: Callable[[Any], str] | None = None

    @property
    def percentages(self) -> str:
        """The percentages of train, valid and test."""
        held_out = 100 // self.buckets
        return f"{100 - 2 * held_out}/{held_out}/{held_out}"

    def key_of(self, example: Any) -> str:
        """Return the key of an example."""
        return self.key(example[0] if isinstance(example, tuple) else example)

    def split(self, example: Any) -> str:
        """Return the split of an example."""
        return split_of(self.key_of(example), self.buckets)


@dataclass(frozen=True)
class ExampleFiles(Generic[AnyExamples]):
    """Files of examples, from which a corpus is made."""

    corpus_type: type[AnyExamples]
    columns: int
    """2 for tables; 1 for files with a text in each line; 0 for tables whose format is known."""
    name: str
    rule: HashSplit
    bad_lines: BadLines
    description: str
    defaults: TextDefaults
    notes: tuple[str, ...] = ()

    whole: bool = False
    """Whether the files are not split but are test data, all of them."""

    def split_by_hash(self, rows: Rows, paths: tuple[Path, ...]) -> AnyExamples:
        """Return the corpus of the examples that ``rows`` gives, split by the hash of their keys.

        Reads the files once, to find out what is wrong with them.

        Raises:
            DataError: For an empty file, the first bad line unless bad lines are skipped, no example at all,
                and fewer than three different keys.
        """
        if self.whole:
            return self.keep_splits({"test": rows}, {"test": paths})
        rule, where = self.rule, " and ".join(map(str, paths))
        split_rule = f"{rule.percentages} by the hash of the {rule.key_name}"
        table: dict[str, str] | None = None
        moved: dict[str, str] = {}

        def split_of_example(example: Any) -> str:
            if table is None and not moved:
                return rule.split(example)
            key = rule.key_of(example)
            return moved.get(key) or (split_of(key, rule.buckets) if table is None else table[key])

        self._check(paths)
        counts, lacking = self._counted(rows, split_of_example)
        if not any(counts.values()):
            raise self._nothing_left(where)
        if not all(counts.values()):  # a small file, of whose keys a table is kept
            split_rule = f"{rule.percentages} of the different {rule.key_name}s in the order of their hashes"
            table = self._table_of_keys(rows, where)
            counts, lacking = self._counted(rows, split_of_example, again=True)
        if lacking:
            moved = self._rare_keys(rows, lacking)
            recounted, _ = self._counted(rows, split_of_example, again=True)
            if all(recounted.values()):
                counts = recounted
                split_rule += f"; {len(lacking)} rare class(es) by themselves, so that each trains"
            else:
                moved = {}

        def examples(split: str) -> Iterator[Any]:
            again = self.bad_lines.examples(rows(), again=True)
            return (example for example in again if split_of_example(example) == split)

        files = tuple(CorpusFile("all", path) for path in paths)
        return self._corpus({split: partial(examples, split) for split in SPLITS}, files, counts, split_rule)

    def _counted(
        self, rows: Rows, split_of_example: Callable[[Any], str], *, again: bool = False
    ) -> tuple[dict[str, int], set[str]]:
        """Return the number of examples of each split, and the classes of which none trains."""
        counts = dict.fromkeys(SPLITS, 0)
        classes: dict[str, set[str]] = {split: set() for split in SPLITS}
        label = self.rule.label
        for example in self.bad_lines.examples(rows(), again=again):
            split = split_of_example(example)
            counts[split] += 1
            if label is not None:
                classes[split].add(label(example))
        return counts, (classes["valid"] | classes["test"]) - classes["train"]

    def _rare_keys(self, rows: Rows, classes: set[str]) -> dict[str, str]:
        """Return key -> split for the examples of some classes, each split by the percentages by itself."""
        label = self.rule.label
        assert label is not None
        keys: dict[str, set[str]] = {name: set() for name in classes}
        for example in self.bad_lines.examples(rows(), again=True):
            if label(example) in classes:
                keys[label(example)].add(self.rule.key_of(example))
        moved = {}
        for of_class in keys.values():
            ordered = sorted(of_class, key=lambda key: (name_hash(key), key))
            held_out = round(len(ordered) / self.rule.buckets)
            for number, key in enumerate(ordered):
                place = number // held_out if held_out else 2
                moved[key] = ("valid", "test", "train")[min(place, 2)]
        return moved

    def keep_splits(self, rows: Mapping[str, Rows], paths: Mapping[str, tuple[Path, ...]]) -> AnyExamples:
        """Return the corpus of the examples that ``rows`` gives for each split, read from its ``paths``.

        Raises:
            DataError: As :meth:`split_by_hash`, and for a split without examples.
        """
        split_rule = "the files' names"
        if "train" in rows and "valid" not in rows:
            split_rule += f"; a part of train validates, by the hash of the {self.rule.key_name}"
            rows = self._with_validation(rows)
        counts = {}
        for split, start in rows.items():
            self._check(paths.get(split, ()))
            counts[split] = sum(1 for _ in self.bad_lines.examples(start()))
            if not counts[split]:
                raise self._nothing_left(" and ".join(map(str, paths.get(split, paths.get("train", ())))))

        def examples(start: Rows) -> Iterator[Any]:
            return self.bad_lines.examples(start(), again=True)

        sources = {split: partial(examples, start) for split, start in rows.items()}
        files = tuple(CorpusFile(split, path) for split, of_split in paths.items() for path in of_split)
        return self._corpus(sources, files, counts, split_rule)

    def _with_validation(self, rows: Mapping[str, Rows]) -> dict[str, Rows]:
        """Return the rows with those of "train" split in two, by the hash of their keys."""
        start, rule = rows["train"], self.rule
        held: set[str] = set()

        def validates(example: Any) -> bool:
            return rule.key_of(example) in held if held else rule.split(example) == "valid"

        def train() -> Iterator[tuple[int, Any | BadLine]]:
            return ((n, row) for n, row in start() if isinstance(row, BadLine) or not validates(row))

        def valid() -> Iterator[tuple[int, Any | BadLine]]:
            return ((n, row) for n, row in start() if not isinstance(row, BadLine) and validates(row))

        if next(valid(), None) is None:  # few examples: that of the smallest hash
            keys = (rule.key_of(row) for _, row in start() if not isinstance(row, BadLine))
            held.update(sorted(set(keys), key=name_hash)[:1])
        others = {split: rows[split] for split in rows if split not in ("train", "valid")}
        return {"train": train, "valid": valid, **others}

    def _check(self, paths: tuple[Path, ...]) -> None:
        """Refuse empty files, and those of other formats."""
        for path in paths:
            content_size(path)
            if self.columns:
                refuse_other_formats(path, columns=self.columns)

    def _table_of_keys(self, rows: Rows, where: str) -> dict[str, str]:
        """Return key -> split with at least one key in each split."""
        rule = self.rule
        keys = {rule.key_of(example) for example in self.bad_lines.examples(rows(), again=True)}
        if len(keys) < len(SPLITS):
            raise DataError(
                f"only {len(keys)} different {rule.key_name}(s), too few for train, valid and test",
                where=where,
                remedy=f"give more {rule.unit}s",
            )
        return {key: split for split, of_split in split_names(keys, rule.buckets).items() for key in of_split}

    def _nothing_left(self, where: str) -> DataError:
        what = f"no {self.rule.unit} in it"
        if self.bad_lines.first:
            line, reason = self.bad_lines.first[0]
            what = (
                f"no {self.rule.unit} is left: {self.bad_lines.count} bad line(s), the first is line {line}"
            )
            what += f" ({reason})"
        return DataError(what, where=where, remedy=self.rule.remedy)

    def _corpus(
        self,
        sources: Mapping[str, Callable[[], Iterator[Any]]],
        files: tuple[CorpusFile, ...],
        counts: Mapping[str, int],
        split_rule: str,
    ) -> AnyExamples:
        bad_lines = self.bad_lines

        def identity() -> dict[str, object]:
            hashes = hash_files(dict.fromkeys(file.path for file in files))
            digests = [digest for _, digest in hashes.values()]
            return {
                "split_rule": split_rule,
                "files": describe_files(hashes),
                f"{self.rule.unit}s": dict(counts),
                "on_bad_line": bad_lines.on_bad_line,
                "skipped": bad_lines.count,
                "key": (split_rule, MAX_EXAMPLE, digests, bad_lines.count, *self.rule.reading),
            }

        return self.corpus_type(
            self.name,
            description=self.description,
            sources=sources,
            identity=identity,
            defaults=self.defaults,
            files=files,
            notes=self.notes,
            skipped=tuple(bad_lines.first),
            skipped_count=bad_lines.count,
        )
