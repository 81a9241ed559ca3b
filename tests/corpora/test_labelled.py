"""Labelled texts from files of every layout: what is read, how it is split, what is refused."""

import gzip
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seqkit.corpora import LabelledCorpus, corpus_names, open_labelled
from seqkit.corpora.readers.tables import normalized
from seqkit.corpora.split import split_of
from seqkit.errors import CorpusNotFoundError, DataError, UsageError

EXAMPLES = [(f"text number {n}", "odd" if n % 2 else "even") for n in range(300)]


def table(examples: Any) -> str:
    return "".join(f"{label}\t{text}\n" for text, label in examples)


def parts(corpus: LabelledCorpus) -> dict[str, list[tuple[str, str]]]:
    return {split: list(corpus.pairs(split)) for split in corpus.splits}


def together(corpus: LabelledCorpus) -> Counter[tuple[str, str]]:
    return Counter(pair for pairs in parts(corpus).values() for pair in pairs)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a.tsv").write_text(table(EXAMPLES))
    return tmp_path / "a.tsv"


# Splitting


def test_the_split_is_a_hash_of_the_normalised_text(path: Path) -> None:
    same = [(f"  Text   NUMBER {n} ", "odd") for n in range(300)]  # with another label, even
    path.write_text(table(EXAMPLES + same))
    corpus = open_labelled(path)
    for split, pairs in parts(corpus).items():
        for text, _ in pairs:  # the rule, spelled out: the first 8 bytes of the sha256, modulo 10
            key = " ".join(text.lower().split())
            number = int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) % 10
            assert split == ("valid" if number == 0 else "test" if number == 1 else "train")
    sides = [{normalized(text) for text, _ in pairs} for pairs in parts(corpus).values()]
    assert sum(map(len, sides)) == 300  # no text on two sides
    assert sum(corpus.provenance()["examples"].values()) == 600
    assert corpus.provenance()["split_rule"] == "80/10/10 by the hash of the text"


def test_order_and_new_lines_move_no_text(path: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text(table([("neu", "odd"), *reversed(EXAMPLES)]))
    first, second = parts(open_labelled(path)), parts(open_labelled(tmp_path / "b.tsv"))
    for split, pairs in first.items():
        assert set(pairs) <= set(second[split])


@pytest.mark.parametrize("n", [3, 12, 40])
def test_a_small_file_fills_every_part(path: Path, n: int) -> None:
    path.write_text(table(EXAMPLES[:n] * 2))
    made = parts(open_labelled(path))
    assert all(made.values())
    assert together(open_labelled(path)) == Counter(EXAMPLES[:n] * 2)
    assert sum(len({text for text, _ in pairs}) for pairs in made.values()) == n


# Layouts


def test_columns_may_be_chosen(path: Path, tmp_path: Path) -> None:
    plain = together(open_labelled(path))
    (tmp_path / "b.tsv").write_text("".join(f"{text}\t{label}\n" for text, label in EXAMPLES))
    (tmp_path / "c.tsv").write_text("".join(f"{n}\t{x}\tz\t{y}\n" for n, (x, y) in enumerate(EXAMPLES)))
    assert together(open_labelled(tmp_path / "b.tsv", label_column=2)) == plain
    chosen = open_labelled(tmp_path / "c.tsv", label_column=4, text_column=2)
    assert together(chosen) == plain
    assert chosen.content_key() != open_labelled(tmp_path / "c.tsv", label_column=3).content_key()


def test_a_file_for_each_class(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "classes"
    folder.mkdir()
    (folder / "odd.txt").write_text("".join(f"{text}\n" for text, label in EXAMPLES if label == "odd"))
    even = "".join(f"{text}\r\n" for text, label in EXAMPLES if label == "even").encode()
    (folder / "even.txt.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + even))
    (folder / "readme.md").write_text("no class")
    corpus = open_labelled(folder)
    expected = parts(open_labelled(path))
    assert {split: sorted(pairs) for split, pairs in parts(corpus).items()} == {
        split: sorted(pairs) for split, pairs in expected.items()
    }
    key = corpus.content_key()
    (folder / "odd.txt").rename(folder / "uneven.txt")  # the names are the labels
    assert open_labelled(folder).content_key() != key


@pytest.mark.parametrize("kind", ["tables", "folders"])
def test_given_splits_are_kept(tmp_path: Path, kind: str) -> None:
    given = {"train": EXAMPLES[:9], "valid": EXAMPLES[:2], "test": EXAMPLES[7:10]}  # even where they overlap
    for split, examples in given.items():
        name = {"valid": "dev"}.get(split, split)
        if kind == "tables":
            (tmp_path / f"{name}.tsv").write_text(table(examples))
            continue
        (tmp_path / name).mkdir()
        for label in ("odd", "even"):
            lines = [f"{text}\n" for text, of in examples if of == label]
            (tmp_path / name / f"{label}.txt").write_text("".join(lines))
    corpus = open_labelled(tmp_path)
    assert {split: sorted(pairs) for split, pairs in parts(corpus).items()} == {
        split: sorted(examples) for split, examples in given.items()
    }
    assert corpus.provenance()["split_rule"] == "the files' names"
    assert [file.role for file in corpus.files][:1] == ["train"]


def test_other_words_around_the_name_of_a_split(tmp_path: Path) -> None:
    for name, examples in (("sms_train_v1.csv", EXAMPLES[:200]), ("sms_test_v1.csv", EXAMPLES[200:])):
        (tmp_path / name).write_text(table(examples).replace("\t", ","))
    assert parts(open_labelled(tmp_path))["test"] == EXAMPLES[200:]
    for split, count in (("train", 12), ("test", 4)):
        for label in ("alt.atheism", "sci.space"):
            folder = tmp_path / "news" / f"20news-bydate-{split}" / label
            folder.mkdir(parents=True)
            for n in range(count):
                (folder / str(49_960 + n)).write_text(f"Subject: {label} {n}\n\n{split}\n")
    made = parts(open_labelled(tmp_path / "news"))
    assert made["test"][:1] == [("Subject: alt.atheism 0 test", "alt.atheism")]
    assert len(made["train"]) + len(made["valid"]) == 24
    (tmp_path / "sms_train_v2.csv").write_text(table(EXAMPLES))
    with pytest.raises(DataError, match="a text file for each of two or more classes"):
        open_labelled(tmp_path)


@pytest.mark.parametrize("named", [True, False])
def test_a_folder_for_each_class_with_a_file_for_each_text(tmp_path: Path, named: bool) -> None:
    """As aclImdb has them: texts of several lines, lists of addresses beside, and texts without a class."""
    given = {"train": 12, "test": 4} if named else {".": 12}
    for split, count in given.items():
        for label in ("neg", "pos", "unsup"):
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            for n in range(count):
                (folder / f"{n}_7.txt").write_text(f"A {label} text,\nnumber {n} of {split}.\n")
            (tmp_path / split / f"urls_{label}.txt").write_text("http://localhost\n" * count)
    corpus = open_labelled(tmp_path)
    made = parts(corpus)
    assert together(corpus) == Counter(
        (f"A {label} text, number {n} of {split}.", label)
        for split, count in given.items()
        for label in ("neg", "pos")
        for n in range(count)
    )
    if named:
        assert len(made["test"]) == 8
        (tmp_path / "train" / "pos" / "0_7.txt").write_bytes(b"caf\xe9")
        with pytest.raises(DataError, match=r"byte 0xe9 is not UTF-8, .*pos.0_7\.txt; convert it"):
            open_labelled(tmp_path)


# Bad lines


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"no tab\n", "no tab between label and text"),
        (b"\n", "no tab between label and text"),
        (b"odd\t  \n", "the text is empty"),
        (b" \ttext\n", "the label is empty"),
        (b"odd\t" + b"x" * 10_001 + b"\n", "a line of more than 10,000 characters"),
        (b"odd\t\xe9t\xe9\n", "byte 0xe9 is not UTF-8"),
    ],
    ids=str,
)
def test_a_bad_line_is_named_or_skipped(path: Path, bad: bytes, reason: str) -> None:
    good = path.read_bytes()
    first, rest = good[: len(table(EXAMPLES[:2]))], good[len(table(EXAMPLES[:2])) :]
    path.write_bytes(first + bad + rest)
    with pytest.raises(DataError) as caught:
        open_labelled(path)
    assert str(caught.value).startswith(f"{reason}, {path}, line 3")
    assert 'on_bad_line="skip"' in str(caught.value)
    assert "--on-bad-line skip" in caught.value.for_command()
    corpus = open_labelled(path, on_bad_line="skip")
    assert corpus.skipped == ((3, reason),)
    assert corpus.provenance()["skipped"] == 1
    assert together(corpus) == Counter(EXAMPLES)


def test_too_few_columns_and_bad_lines_of_classes(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"only 2 columns, .*a\.tsv, line 1; write the label in column 3"):
        open_labelled(path, label_column=3)
    folder = tmp_path / "classes"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n\ntwo\n")
    (folder / "b.txt").write_text("three\n")
    with pytest.raises(DataError, match=r"the text is empty \(a\.txt\), .*line 2; delete the line"):
        open_labelled(folder)
    assert open_labelled(folder, on_bad_line="skip").skipped == ((2, "the text is empty (a.txt)"),)


# Rare classes


def test_a_class_that_would_not_train_is_split_by_itself(path: Path) -> None:
    """The texts of "rare" are held out by their hashes; the other ones stay where they are."""
    plain = parts(open_labelled(path))
    held_out = [f"rare {n}" for n in range(300) if split_of(f"rare {n}", 10) != "train"]
    path.write_text(table([*EXAMPLES, *((text, "rare") for text in held_out[:20]), (held_out[20], "single")]))
    corpus = open_labelled(path)
    made = parts(corpus)
    for split, pairs in plain.items():
        assert [pair for pair in made[split] if pair[1] in ("odd", "even")] == pairs
    counts = {split: Counter(label for _, label in pairs) for split, pairs in made.items()}
    assert [counts[split]["rare"] for split in ("train", "valid", "test")] == [16, 2, 2]
    assert [counts[split]["single"] for split in ("train", "valid", "test")] == [1, 0, 0]
    assert corpus.provenance()["split_rule"].endswith("; 2 rare class(es) by themselves, so that each trains")


def test_without_a_validation_file_a_part_of_train_validates(tmp_path: Path) -> None:
    for split, examples in (("train", EXAMPLES[:200]), ("test", EXAMPLES[200:])):
        (tmp_path / f"{split}.csv").write_text(table(examples).replace("\t", ","))
    made = parts(open_labelled(tmp_path))
    assert made["test"] == EXAMPLES[200:]
    assert made["valid"] == [pair for pair in EXAMPLES[:200] if split_of(pair[0], 10) == "valid"]
    assert sorted(made["train"] + made["valid"]) == sorted(EXAMPLES[:200])
    (tmp_path / "train.csv").write_text("odd,a text\neven,another text\nodd,one more\n")
    made = parts(open_labelled(tmp_path))
    assert (len(made["train"]), len(made["valid"])) == (2, 1)


# What is refused


def test_what_cannot_be_used(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path))
    for spec, what in (
        ("rt-polarity", "the corpus rt-polarity is not here.*seqkit corpora fetch rt-polarity"),
        ("rt-polaryti", "did you mean rt-polarity"),
        ("x" * 5000, "cannot be read|no corpus"),
        ("a\0b", "cannot be read|no corpus"),
    ):
        with pytest.raises(DataError, match=what):
            open_labelled(spec)
    with pytest.raises(CorpusNotFoundError):
        open_labelled(tmp_path / "none.tsv")
    (tmp_path / "empty.tsv").write_bytes(b"")
    with pytest.raises(DataError, match=r"the file is empty.*empty\.tsv"):
        open_labelled(tmp_path / "empty.tsv")
    (tmp_path / "bad.tsv").write_text("a\nb\n")
    with pytest.raises(DataError, match="no example is left: 2 bad line"):
        open_labelled(tmp_path / "bad.tsv", on_bad_line="skip")
    path.write_text("odd\tone\nodd\tOne\nodd\ttwo\n")
    with pytest.raises(DataError, match=r"only 2 different text\(s\)"):
        open_labelled(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "one.txt").write_text("text\n")
    with pytest.raises(DataError, match=r"for each of two or more classes, got 1 text file\(s\)"):
        open_labelled(folder)
    (folder / "one.txt.gz").write_bytes(gzip.compress(b"text\n"))
    with pytest.raises(DataError, match="two files for the class one"):
        open_labelled(folder)
    (folder / "train.tsv").write_text("a\tb\n")
    with pytest.raises(DataError, match=r"no valid file beside train\.tsv"):
        open_labelled(folder)


@pytest.mark.parametrize(
    "settings",
    [{"label_column": 0}, {"label_column": 2, "text_column": 2}, {"on_bad_line": "drop"}],
    ids=str,
)
def test_what_cannot_be_asked(path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        open_labelled(path, **settings)
    with pytest.raises(UsageError, match="got an empty name"):
        open_labelled("")


# The real one


@pytest.mark.corpus("rt-polarity")
def test_rt_polarity() -> None:
    """Pang and Lee's 5,331 sentences of each class; every line of the registered files is UTF-8."""
    assert corpus_names("labelled") == ["rt-polarity"]
    corpus = open_labelled("rt-polarity")
    made = parts(corpus)
    labels = Counter(label for pairs in made.values() for _, label in pairs)
    assert labels == {"neg": 5331, "pos": 5331}
    assert corpus.skipped_count == 0
    shares = [len(pairs) / 10_662 for pairs in made.values()]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    sides = [{normalized(text) for text, _ in pairs} for pairs in made.values()]
    assert sum(map(len, sides)) == len(set.union(*sides))
