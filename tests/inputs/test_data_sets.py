"""Data sets in the layouts in which they are published: rows of docs/inputs.md, with texts of our own."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from seqkit.corpora import LabelledCorpus, Seq2SeqCorpus, open_images, open_labelled, open_seq2seq
from seqkit.errors import DataError
from tests.corpora.test_images import idx_bytes


def pairs(corpus: LabelledCorpus | Seq2SeqCorpus) -> dict[str, list[tuple[str, str]]]:
    return {split: list(corpus.pairs(split)) for split in corpus.splits}


def together(corpus: LabelledCorpus | Seq2SeqCorpus) -> list[tuple[str, str]]:
    return sorted(pair for of_split in pairs(corpus).values() for pair in of_split)


def test_sst_as_kim_published_it(tmp_path: Path) -> None:
    """``stsa.fine.train``, ``.dev`` and ``.test``: five classes, a blank, and tokens."""
    for split, count in (("train", 25), ("dev", 10), ("test", 10)):
        lines = "".join(f"{n % 5} the film number {n} , of {split} .\n" for n in range(count))
        (tmp_path / f"stsa.fine.{split}").write_text(lines)
    made = pairs(open_labelled(tmp_path))
    assert {split: len(of_split) for split, of_split in made.items()} == {
        "train": 25,
        "valid": 10,
        "test": 10,
    }
    assert made["valid"][7] == ("the film number 7 , of dev .", "2")


def test_ag_news(tmp_path: Path) -> None:
    """No header, a class from 1 to 4, title and description; nothing to validate on but a part of train."""
    for split, count in (("train", 40), ("test", 8)):
        rows = (f'"{n % 4 + 1}","Title {n}, ""quoted""","What {split} {n} says"\n' for n in range(count))
        (tmp_path / f"{split}.csv").write_text("".join(rows))
    (tmp_path / "classes.txt").write_text("World\nSports\nBusiness\nSci/Tech\n")
    corpus = open_labelled(tmp_path, text_column=3)
    made = pairs(corpus)
    assert made["test"] == [(f"What test {n} says", str(n % 4 + 1)) for n in range(8)]
    assert len(made["train"]) + len(made["valid"]) == 40
    assert made["valid"]
    titles = open_labelled(tmp_path)  # said in a note
    assert next(titles.pairs("test")) == ('Title 0, "quoted"', "1")
    assert "label in column 1, text in column 2" in titles.notes[0]


def test_the_sms_spam_collection(tmp_path: Path) -> None:
    """A zip with a table without a suffix beside a readme."""
    rows = [
        ("ham", 'Ok lar... "Joking" wif u'),
        ("spam", "FREE entry! Text WIN to 80086"),
        ("ham", "Ok, later"),
    ]
    with zipfile.ZipFile(tmp_path / "smsspamcollection.zip", "w") as archive:
        archive.writestr("SMSSpamCollection", "".join(f"{label}\t{text}\n" for label, text in rows))
        archive.writestr("readme", "SMS Spam Collection v.1")
    assert together(open_labelled(tmp_path / "smsspamcollection.zip")) == sorted((b, a) for a, b in rows)


def test_trec_questions(tmp_path: Path) -> None:
    """``COARSE:fine``, a blank, the question."""
    labels = ("DESC:manner", "ENTY:cremat", "ABBR:exp")
    lines = [(labels[n % 3], f"How is number {n} made ?") for n in range(30)]
    (tmp_path / "train_5500.label").write_text("".join(f"{label} {text}\n" for label, text in lines))
    corpus = open_labelled(tmp_path / "train_5500.label")
    assert together(corpus) == sorted((text, label) for label, text in lines)
    assert "lines of a label, a blank and a text" in corpus.notes[0]


def test_cola(tmp_path: Path) -> None:
    """Four columns without a header: which is which is asked for, not guessed."""
    rows = [(f"gj{n % 3}", n % 2, "*" * (n % 2), f"They drank the pub number {n}.") for n in range(20)]
    path = tmp_path / "in_domain_train.tsv"
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    with pytest.raises(
        DataError, match="cannot tell the column of the label and the text: it has 4 columns"
    ) as e:
        open_labelled(path)
    assert "--label-column NAME --text-column NAME (or its number)" in e.value.for_command()
    expected = sorted((text, str(label)) for _, label, _, text in rows)
    assert together(open_labelled(path, label_column=2, text_column=4)) == expected


def test_multi30k(tmp_path: Path) -> None:
    """``train.en train.de val.en val.de test_2016_flickr.en …``, compressed; English is the source."""
    for part, count in (("train", 6), ("val", 3), ("test_2016_flickr", 2), ("test_2017_mscoco", 4)):
        for language, text in (("en", "A dog"), ("de", "Ein Hund")):
            lines = "".join(f"{text} {n} of {part}.\n" for n in range(count)).encode()
            (tmp_path / f"{part}.{language}.gz").write_bytes(gzip.compress(lines))
    made = pairs(open_seq2seq(tmp_path))
    assert {split: len(of_split) for split, of_split in made.items()} == {"train": 6, "valid": 3, "test": 2}
    assert made["valid"][1] == ("A dog 1 of val.", "Ein Hund 1 of val.")
    other = open_seq2seq(tmp_path / "test_2017_mscoco", source_column="de", whole=True)
    assert pairs(other)["test"][3] == ("Ein Hund 3 of test_2017_mscoco.", "A dog 3 of test_2017_mscoco.")


def test_tatoeba_as_an_archive_for_anki(tmp_path: Path) -> None:
    """``fra-eng.zip``: English, French and the attribution, beside ``_about.txt``."""
    rows = [("Go.", "Va !"), ("Hi.", "Salut !"), ("Run!", "Cours !")]
    with zipfile.ZipFile(tmp_path / "fra-eng.zip", "w") as archive:
        archive.writestr("_about.txt", "** Info **")
        archive.writestr("fra.txt", "".join(f"{a}\t{b}\tCC-BY 2.0 (France)\n" for a, b in rows))
    assert together(open_seq2seq(tmp_path / "fra-eng.zip")) == rows


def test_emnist_letters(tmp_path: Path) -> None:
    """Labels from 1, in torchvision's folders, beside another set that is not asked for."""
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("letters", "digits"):
        for split, count in (("train", 6), ("test", 4)):
            labels = np.arange(count, dtype=np.uint8) % 3 + (name == "letters")
            images = np.full((count, 2, 2), 7, np.uint8) * labels[:, None, None]
            for content, array, n in (("images", images, 3), ("labels", labels, 1)):
                (raw / f"emnist-{name}-{split}-{content}-idx{n}-ubyte").write_bytes(idx_bytes(array))
    corpus = open_images(raw / "emnist-letters", validation=0)
    assert corpus.classes == ("1", "2", "3")
    for split in ("train", "test"):
        part = corpus.images(split)
        np.testing.assert_array_equal(part.images[:, 0, 0, 0], 7 * (part.labels + 1))
    with pytest.raises(
        DataError, match="idx files of one set, got those of EMNIST/raw/emnist-digits, EMNIST/raw"
    ):
        open_images(tmp_path)
