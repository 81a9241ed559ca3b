"""Tagged sentences of NLTK's corpora, with the splits of their publishers where they have some."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from seqkit.backend.paths import data_dir
from seqkit.corpora.corpus import SPLITS, CorpusFile, TaggedCorpus, TaggedSentence
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.columns import TAGGED, Columns, sentence_rows, words_of
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.readers.nltk import first_on_path, load_reader, named_errors
from seqkit.corpora.split import split_of

_Sources = dict[str, Callable[[], Iterator[TaggedSentence]]]
_TRACE = "-NONE-"
"""The tag of the Penn Treebank's traces, which stand for no word."""


@dataclass(frozen=True)
class NltkTagged:
    """Reads a tagged corpus of NLTK.

    Args:
        files: Split -> file of columns, as published; None for a corpus of tagged files, split by sentence.
        valid_buckets: Without a published "valid", one of so many training sentences goes there, by hash.
        features: Columns that are read beside the word and its tag.
    """

    files: Mapping[str, str] | None = None
    valid_buckets: int = 20
    features: tuple[str, ...] = ()

    def __call__(self, entry: CorpusEntry, bad_lines: BadLines) -> TaggedCorpus:
        """Return the corpus of an entry.

        Raises:
            CorpusNotFoundError: If its files are absent, naming folder and command.
            DataError: If NLTK cannot read them.
        """
        assert entry.nltk_name is not None
        folder = data_dir() / "nltk_data"
        reader = load_reader(entry.nltk_name, folder)
        if self.files is None:
            by_split = cache(partial(_by_hash, reader, folder))  # a pass over Brown takes seconds
            splits: _Sources = {
                split: partial(lambda name: iter(by_split()[name]), split) for split in SPLITS
            }
            rule = "80/10/10 by the hash of the sentence"
            names = sorted(reader.fileids())
        else:
            splits, rule = self._published(reader, folder, bad_lines)
            names = list(self.files.values())
        return TaggedCorpus(
            entry.name,
            description=entry.description,
            sources=splits,
            identity=partial(_identity, reader, folder, names, rule, self.features),
            defaults=TAGGED,
            files=(CorpusFile("all", Path(str(reader.root))),),
            own_splits=self.files is not None,
        )

    def _published(self, reader: Any, folder: Path, bad_lines: BadLines) -> tuple[_Sources, str]:
        assert self.files is not None
        sources: _Sources = {
            split: partial(_columns, reader, folder, name, Columns(features=self.features), bad_lines)
            for split, name in self.files.items()
        }
        if "valid" in sources:
            return sources, "as published"
        whole = sources["train"]

        def part(split: str) -> Iterator[TaggedSentence]:
            held_out = split == "valid"
            return (s for s in whole() if (split_of(words_of(s), self.valid_buckets) == "valid") == held_out)

        cut = {split: partial(part, split) for split in ("train", "valid")}
        rule = f"as published, but every {self.valid_buckets}th of the training sentences validates, by hash"
        return {**cut, "test": sources["test"]}, rule


def _columns(
    reader: Any, folder: Path, name: str, columns: Columns, bad_lines: BadLines
) -> Iterator[TaggedSentence]:
    with first_on_path(folder), named_errors(f"{name} of the corpus", folder):
        text = reader.raw(name)
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    rows = sentence_rows(enumerate(lines, 1), columns, name)
    return bad_lines.examples(rows, again=True)


def _by_hash(reader: Any, folder: Path) -> dict[str, list[TaggedSentence]]:
    splits: dict[str, list[TaggedSentence]] = {split: [] for split in SPLITS}
    for name in reader.fileids():
        with first_on_path(folder), named_errors(f"{name} of the corpus", folder):
            sentences = list(reader.tagged_sents(name))
        for number, pairs in enumerate(sentences, 1):
            kept = [(word, tag) for word, tag in pairs if tag != _TRACE]
            if not kept:
                continue
            words, tags = zip(*kept, strict=True)
            places = tuple(range(1, len(kept) + 1))
            sentence = TaggedSentence(words, tags, f"{name}, sentence {number}", places)
            splits[split_of(words_of(sentence), 10)].append(sentence)
    return splits


def _identity(
    reader: Any, folder: Path, names: list[str], rule: str, features: tuple[str, ...]
) -> dict[str, object]:
    with first_on_path(folder), named_errors("the corpus", folder):
        hashes = [hashlib.sha256(reader.raw(name).encode()).hexdigest() for name in names]
    return {"split_rule": rule, "files": len(names), "key": (rule, names, hashes, *features)}
