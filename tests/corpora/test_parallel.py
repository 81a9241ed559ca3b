"""Parallel texts as published: folders with two files for each part, tables, translation memories."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pytest

from seqkit.corpora import Seq2SeqCorpus, open_seq2seq
from seqkit.errors import CorpusNotFoundError, DataError, SeqkitError, UsageError
from tests.exhaustive import some
from tests.files.mutations import with_other_bytes

COUNTS = {"train": 90, "valid": 7, "test": 5}


def write_parts(folder: Path, *names: str, sides: tuple[str, str] = ("en", "de")) -> Path:
    """Write NAME, in which LANG stands for the language; line n of a name's two files belong together."""
    for name in names:
        plain = name.lower().replace("dev", "valid")
        count = next((n for split, n in COUNTS.items() if split[:3] in plain), COUNTS["test"])
        for side in sides:
            path = folder / name.replace("LANG", side)
            path.parent.mkdir(parents=True, exist_ok=True)
            data = "".join(f"{name} {n} in {side}\n" for n in range(count)).encode()
            path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return folder


def pairs(corpus: Seq2SeqCorpus) -> dict[str, list[tuple[str, str]]]:
    return {split: list(corpus.pairs(split)) for split in corpus.splits}


@pytest.mark.parametrize(
    "names",
    [
        ("train.LANG", "val.LANG", "test_2016_flickr.LANG", "test_2017_mscoco.LANG"),
        ("train.LANG.gz", "valid.LANG.gz", "test.LANG.gz"),
        ("train.LANG.txt", "dev.LANG.txt", "test.LANG.txt"),
        ("train.tags.en-de.LANG", "IWSLT.valid2010.en-de.LANG", "IWSLT.tst2010.en-de.LANG"),
        ("corpus.train.LANG", "newsvalid2013.LANG", "newstest2014.LANG"),
    ],
)
def test_a_folder_as_published(names: tuple[str, ...], tmp_path: Path) -> None:
    corpus = open_seq2seq(write_parts(tmp_path / "set", *names))
    made = pairs(corpus)
    assert {split: len(of_split) for split, of_split in made.items()} == COUNTS
    for name, of_split in zip(names, made.values(), strict=False):
        assert of_split[1] == (f"{name} 1 in en", f"{name} 1 in de")
    (note,) = corpus.notes
    assert "source en, target de" in note
    turned = open_seq2seq(tmp_path / "set", source_column="de")
    assert pairs(turned)["test"] == [(b, a) for a, b in made["test"]]
    assert turned.content_key() != corpus.content_key()


@pytest.mark.parametrize(
    ("name", "sides", "first"),
    [
        ("train.LANG", ("cs", "fr"), "cs"),
        ("train.LANG", ("zh", "en"), "en"),
        ("train.LANG", ("pt", "en"), "en"),
        ("LANG-train.txt", ("src", "tgt"), "src"),
        ("train.LANG", ("source", "target"), "source"),
        ("train.LANG.txt", ("de_DE", "fr_FR"), "de_DE"),
    ],
)
def test_the_direction(name: str, sides: tuple[str, str], first: str, tmp_path: Path) -> None:
    corpus = open_seq2seq(write_parts(tmp_path / "set", name, name.replace("train", "valid"), sides=sides))
    assert next(corpus.pairs("train"))[0].endswith(f"in {first}")


def test_the_name_of_a_folder_says_the_direction(tmp_path: Path) -> None:
    corpus = open_seq2seq(write_parts(tmp_path / "de-en", "train.LANG", "test.LANG"))
    assert next(corpus.pairs("train"))[0].endswith("in de")
    made = pairs(corpus)  # some of train validate
    assert sorted(map(len, (made["train"], made["valid"])), reverse=True)[0] < 90
    assert len(made["train"]) + len(made["valid"]) == 90
    assert len(made["test"]) == 5


def test_one_part_alone(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "set", "europarl-v7.de-en.LANG")
    (folder / "europarl-v7.de-en.ids").write_text("1\n" * 5)  # as OPUS has it
    whole = open_seq2seq(folder, whole=True)
    assert {split: len(of_split) for split, of_split in pairs(whole).items()} == {"test": 5}
    assert sum(map(len, pairs(open_seq2seq(folder)).values())) == 5
    write_parts(folder, "other.LANG")
    with pytest.raises(
        DataError, match=r"a part that trains and one more, got europarl.*name one part: .*set/"
    ):
        open_seq2seq(folder)
    part = open_seq2seq(folder / "other", whole=True)
    assert next(part.pairs("test")) == ("other.LANG 0 in en", "other.LANG 0 in de")


def test_what_a_folder_lacks(tmp_path: Path) -> None:
    folder = write_parts(tmp_path / "set", "train.LANG", "test.LANG")
    write_parts(folder, "train.LANG", "test.LANG", sides=("fr", "cs"))
    with pytest.raises(
        DataError, match=r"files of two languages, got cs, de, en, fr.*name two: source_column"
    ):
        open_seq2seq(folder)
    assert next(open_seq2seq(folder, source_column="fr", target_column="cs").pairs("test"))[1].endswith(
        "in cs"
    )
    with pytest.raises(DataError, match=r"the suffix \.xx, got cs, de"):
        open_seq2seq(folder, source_column="xx")
    with pytest.raises(CorpusNotFoundError, match="no corpus"):
        open_seq2seq(folder / "tset")
    (folder / "train.de").write_text("one line\n")
    with pytest.raises(DataError, match=r"a line without a partner: .*train\.de ends at line 1"):
        open_seq2seq(folder, source_column="en", target_column="de")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected a file of pairs, got a folder") as caught:
        open_seq2seq(tmp_path / "empty")
    assert str(caught.value).count("folder") < 4
    write_parts(tmp_path / "two", "train-a.LANG", "train-b.LANG", "test.LANG")
    with pytest.raises(DataError, match="one part that trains, got train-a, train-b"):
        open_seq2seq(tmp_path / "two")


def test_tables_by_split(tmp_path: Path) -> None:
    for split, count in COUNTS.items():
        rows = "".join(f'{n},"the {split}, {n}",die {split} {n}\n' for n in range(count))
        (tmp_path / f"{split}.csv").write_text(f"id,en,de\n{rows}")
    corpus = open_seq2seq(tmp_path, source_column="en", target_column="de")
    assert {split: len(of_split) for split, of_split in pairs(corpus).items()} == COUNTS
    assert next(corpus.pairs("valid")) == ("the valid, 0", "die valid 0")


TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="de-DE" segtype="sentence"/><body>
%s</body></tmx>
"""
UNIT = (
    '<tu><note>n</note><tuv xml:lang="EN-us"><seg>the <ph x="1">code</ph>cat &amp; %d</seg></tuv>'
    '<tuv xml:lang="de-de"><seg>die <hi>Katze</hi>\n &amp; %d</seg></tuv></tu>\n'
)
MEMORY = TMX % "".join(UNIT % (n, n) for n in range(60))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_translation_memory(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "memory.tmx"
    path.write_bytes(MEMORY.replace("UTF-8", encoding).encode(encoding))
    corpus = open_seq2seq(path)  # from its source language
    expected = sorted((f"die Katze & {n}", f"the cat & {n}") for n in range(60))
    assert sorted(pair for split in corpus.splits for pair in corpus.pairs(split)) == expected
    turned = open_seq2seq(path, source_column="en", target_column="de")
    assert sorted(pair for split in turned.splits for pair in turned.pairs(split)) == sorted(
        (b, a) for a, b in expected
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (MEMORY[:900], r"no TMX \(.*memory\.tmx, line "),
        ("<html><body></body></html>", "HTML page"),
        ("<xliff></xliff>", r"it begins with <xliff>, not with <tmx>"),
        (
            TMX.replace('SYSTEM "tmx14.dtd"', '[<!ENTITY a "b">]') % (UNIT % (1, 1)),
            "a declaration of entities",
        ),
        (TMX % '<tu><tuv xml:lang="en"><seg>a</seg></tuv></tu>', "units of two languages, got en"),
        (MEMORY.replace('"de-de"', '"fr"', 1), "cannot tell the column of the source"),
        (TMX % "", "units of two languages, got none"),
    ],
)
def test_what_is_no_translation_memory(data: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "memory.tmx").write_text(data)
    with pytest.raises(DataError, match=said):
        open_seq2seq(tmp_path / "memory.tmx")


def test_units_without_a_language_are_bad_lines(tmp_path: Path) -> None:
    (tmp_path / "memory.tmx").write_text(MEMORY.replace('"de-de"', '"fr"', 1))
    options: dict[str, Any] = {"source_column": "en", "target_column": "de"}
    with pytest.raises(DataError, match=r"no segment in 'de-de', .*memory\.tmx, unit 1"):
        open_seq2seq(tmp_path / "memory.tmx", **options)
    assert open_seq2seq(tmp_path / "memory.tmx", on_bad_line="skip", **options).skipped_count == 1
    with pytest.raises(UsageError, match="header has no effect here"):
        open_seq2seq(tmp_path / "memory.tmx", header=True, **options)


@pytest.mark.parametrize("seed", some(range(40), 20))
def test_damaged_memories_give_their_pairs_or_one_clear_error(seed: int, tmp_path: Path) -> None:
    path, chance = tmp_path / "memory.tmx", random.Random(seed)
    for _ in range(8):
        path.write_bytes(with_other_bytes(MEMORY.encode(), chance))
        try:
            pairs(open_seq2seq(path, on_bad_line="skip"))
        except SeqkitError as error:
            if "memory.tmx" not in str(error):
                raise
