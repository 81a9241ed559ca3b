import gzip
import json
import os
from itertools import chain
from pathlib import Path

import pytest

from seqkit.backend.paths import data_dir
from seqkit.corpora import REGISTRY, corpus_names, open_corpus
from seqkit.corpora.readers import text_files
from seqkit.data import encode_corpus
from seqkit.errors import CorpusNotFoundError, DataError, UsageError
from seqkit.text import get_tokenizer
from tests.exhaustive import exhaustive


def lines(corpus):
    return {split: list(corpus.lines(split)) for split in corpus.splits}


def encode(corpus, tmp_path):
    d = corpus.defaults
    tokenizer = get_tokenizer(d.tokenizer, lowercase=d.lowercase)
    return encode_corpus(
        corpus.sources,
        tokenizer,
        key=corpus.content_key(),
        vocab_size=d.vocab_size,
        min_count=d.min_count,
        cache=tmp_path,
    )


@pytest.mark.parametrize(
    "names",
    [
        ("train.txt", "valid.txt", "test.txt"),
        ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"),
        ("wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"),
        ("wiki.train.raw", "wiki.validation.raw", "wiki.test.raw"),
        ("train.txt.gz", "dev.txt", "test.txt.gz"),
        ("train", "val", "test"),
    ],
)
def test_a_folder_with_named_splits(tmp_path, names) -> None:
    for name in names:
        text = f"{name}\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    (tmp_path / "README.md").write_text("not text of the corpus")
    (tmp_path / "extra.txt").write_text("nor this")
    corpus = open_corpus(tmp_path)
    assert list(lines(corpus).values()) == [[name] for name in names]
    assert [file.role for file in corpus.files] == ["train", "valid", "test"]


def test_a_folder_may_lack_a_test_part(tmp_path) -> None:
    for name in ("train.txt", "valid.txt"):
        (tmp_path / name).write_text(f"{name}\n")
    corpus = open_corpus(tmp_path)
    assert corpus.splits == ("train", "valid")
    with pytest.raises(DataError, match="has no test split; use train or valid"):
        corpus.lines("test")
    with pytest.raises(UsageError, match="got 'dev'"):
        corpus.lines("dev")


@pytest.mark.parametrize(("present", "absent"), [("train", "valid"), ("valid", "train"), ("test", "train")])
def test_a_missing_split_is_named(tmp_path, present, absent) -> None:
    (tmp_path / f"{present}.txt").write_text("a b\n")
    with pytest.raises(DataError, match=rf"no {absent} file beside {present}\.txt, .*; add {absent}\.txt"):
        open_corpus(tmp_path)


def test_two_files_for_one_split_are_refused(tmp_path) -> None:
    for name in ("ptb.train.txt", "ptb-char.train.txt", "ptb.valid.txt"):
        (tmp_path / name).write_text("a\n")
    with pytest.raises(DataError, match="two files for the train split"):
        open_corpus(tmp_path)


def test_a_folder_of_texts_is_split_by_file(tmp_path) -> None:
    (tmp_path / "deep").mkdir()
    names = [f"n{i}.txt" for i in range(38)] + ["deep/a.txt", "deep/b.txt.gz"]
    for name in names:
        text = f"\ufeff{name}\r\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    (tmp_path / ".hidden.txt").write_text("no\n")
    corpus = open_corpus(str(tmp_path))
    parts = lines(corpus)
    assert sorted(chain(*parts.values())) == sorted(names)
    assert [len(part) for part in parts.values()] == [36, 2, 2]


def test_too_few_texts(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "b.md").write_text("a\n")
    with pytest.raises(DataError, match=r"expected three or more texts.*got 2 text file\(s\)"):
        open_corpus(tmp_path)


def test_an_empty_file_among_many_is_named(tmp_path) -> None:
    for name in ("train.txt", "test.txt"):
        (tmp_path / name).write_text("a b\n")
    (tmp_path / "valid.txt").write_text("")
    with pytest.raises(DataError, match=r"the file is empty, .*valid\.txt"):
        open_corpus(tmp_path)


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch) -> None:
    def refuse(folder, onerror=None):
        onerror(PermissionError(13, "Permission denied", str(folder)))
        return iter(())

    monkeypatch.setattr(text_files.os, "walk", refuse)
    with pytest.raises(
        DataError, match=r"folder cannot be read \(Permission denied\).*check its permissions"
    ):
        open_corpus(tmp_path)


def test_a_file_is_cut_in_three_and_encodes(tmp_path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("".join(f"the cat {n % 7} sat on the mat {n}\n" for n in range(1000)))
    corpus = open_corpus(path)
    parts = lines(corpus)
    assert list(chain(*parts.values())) == path.read_text().splitlines()
    made = encode(corpus, tmp_path / "cache")
    assert made.info["train"].lines + made.info["valid"].lines + made.info["test"].lines == 1000
    assert made.vocabulary.unk_id is not None
    assert corpus.files[0].role == "all"


def test_the_key_follows_content_and_rule_but_not_the_place(tmp_path) -> None:
    text = "".join(f"line {n}\n" for n in range(100))
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(text)
    key = open_corpus(tmp_path / "a.txt").content_key()
    assert open_corpus(tmp_path / "b.txt").content_key() == key
    (tmp_path / "b.txt").write_text(text.replace("line 7\n", "line 8\n"))
    assert open_corpus(tmp_path / "b.txt").content_key() != key
    for split in ("train", "valid", "test"):
        (tmp_path / "named").mkdir(exist_ok=True)
        (tmp_path / "named" / f"{split}.txt").write_text(text)
    assert open_corpus(tmp_path / "named").content_key() != key


def test_provenance_is_json(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\nb\nc\n")
    read = json.loads(json.dumps(open_corpus(path).provenance()))
    assert read["split_rule"].startswith("contiguous 90/5/5")
    assert read["files"][0]["bytes"] == 6
    assert read["files"][0]["roles"] == ["train", "valid", "test"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pbt", "did you mean ptb"),
        ("tinyshakespear", "did you mean tinyshakespeare"),
        ("no/such/file.txt", "registered: pydocs, ptb"),
        ("x" * 5000, "cannot be read|no corpus"),
        ("nltk:nosuchcorpus", "NLTK has no corpus 'nosuchcorpus'"),
        ("nltk:__name__", "NLTK has no corpus"),
        ("mnist", "expected a corpus of the type text, got mnist"),
        ("a\0b", "cannot be read|no corpus"),
    ],
)
def test_what_is_not_a_corpus(folders, spec, message) -> None:
    with pytest.raises(DataError, match=message):
        open_corpus(spec)


def test_an_empty_name() -> None:
    with pytest.raises(UsageError, match="empty name"):
        open_corpus("")


def test_an_absent_registered_corpus_names_folder_files_and_command(folders) -> None:
    with pytest.raises(CorpusNotFoundError) as caught:
        open_corpus("ptb")
    for part in ("ptb.train.txt", str(folders / "ptb"), "seqkit corpora fetch ptb", "SEQKIT_DATA"):
        assert part in str(caught.value)


def test_a_registered_file_of_the_wrong_size(folders) -> None:
    (folders / "tinyshakespeare").mkdir()
    (folders / "tinyshakespeare" / "input.txt").write_text("First Citizen:\n")
    with pytest.raises(DataError, match="expected the published file of 1115394 bytes, got 15 bytes"):
        open_corpus("tinyshakespeare")


def test_an_absent_nltk_corpus_names_folder_and_command(folders) -> None:
    import nltk.data

    before = list(nltk.data.path)
    with pytest.raises(CorpusNotFoundError, match=r"nltk\.downloader -d .*nltk_data abc"):
        open_corpus("nltk:abc")
    assert nltk.data.path == before


def test_names() -> None:
    assert corpus_names("text") == ["pydocs", "ptb", "wikitext-2", "tinyshakespeare"]
    for entry in REGISTRY.values():
        for file in entry.files:
            assert file.sha256 is None or len(file.sha256) == 64
            assert file.sha256 or file.md5
            assert os.path.basename(file.name) == file.name


@pytest.mark.corpus("ptb")
def test_penn_treebank_has_its_published_size(tmp_path) -> None:
    """Mikolov et al.: 10,000 types with <unk> and <eos>; 929,589 / 73,760 / 82,430 tokens."""
    made = encode(open_corpus("ptb"), tmp_path)
    assert [made.info[s].tokens for s in ("train", "valid", "test")] == [929_589, 73_760, 82_430]
    assert len(made.vocabulary) == 10_000
    assert made.vocabulary.eos_id is not None
    assert made.vocabulary.unk_id is not None
    assert made.vocabulary.counts is not None
    assert made.vocabulary.counts.sum() == 929_589


@pytest.mark.corpus("wikitext-2")
def test_wikitext_2_has_its_published_size(tmp_path) -> None:
    """Merity et al. 2016: 2,088,628 / 217,646 / 245,569 tokens, 33,278 types."""
    made = encode(open_corpus("wikitext-2"), tmp_path)
    assert [made.info[s].tokens for s in ("train", "valid", "test")] == [2_088_628, 217_646, 245_569]
    assert len(made.vocabulary) == 33_278


@pytest.mark.corpus("tinyshakespeare")
def test_tiny_shakespeare_is_cut_as_nanogpt_cuts_it(tmp_path) -> None:
    """The sizes that nanoGPT prints: train 1,003,854 tokens, val 111,540 tokens, vocabulary 65."""
    corpus = open_corpus("tinyshakespeare")
    made = encode(corpus, tmp_path)
    assert [made.info[s].tokens for s in corpus.splits] == [1_003_854, 111_540]
    assert len(made.vocabulary) == 65
    text = corpus.files[0].path.read_text()
    joined = "".join("".join(made.vocabulary.decode(made.splits[s])) for s in corpus.splits)
    assert joined == text
    with pytest.raises(DataError, match="tinyshakespeare has no test split"):
        corpus.lines("test")


@exhaustive
@pytest.mark.corpus("nltk_data/corpora/brown.zip")
def test_brown(tmp_path) -> None:
    import nltk.data

    before = list(nltk.data.path)
    corpus = open_corpus("nltk:brown")
    first = next(corpus.lines("valid"))
    assert nltk.data.path == before
    assert " " in first
    made = encode(corpus, tmp_path)
    words = sum(info.tokens - info.lines for info in made.info.values())
    assert words == 1_161_192  # the size that NLTK's book gives for the Brown corpus
    assert corpus.provenance()["files"] == {"train": 450, "valid": 25, "test": 25}


@pytest.mark.corpus("english-novels")
def test_novels_with_bom_and_crlf() -> None:
    corpus = open_corpus(data_dir() / "english-novels")
    assert sum(file.role == "train" for file in corpus.files) == 90
    head = [line for _, line in zip(range(1000), corpus.lines("test"), strict=False)]
    assert not any("\r" in line or "\ufeff" in line for line in head)


def test_a_folder_with_train_and_test_alone_validates_on_the_end_of_train(tmp_path: Path) -> None:
    lines = [f"line {n}" for n in range(100)]
    (tmp_path / "train.txt").write_text("".join(line + "\n" for line in lines))
    (tmp_path / "test.txt").write_text("other\n" * 3)
    corpus = open_corpus(tmp_path)
    assert corpus.splits == ("train", "valid", "test")
    found = {split: list(corpus.lines(split)) for split in corpus.splits}
    assert found["train"] + found["valid"] == lines
    assert (len(found["valid"]), found["test"]) == (5, ["other"] * 3)
    (tmp_path / "test.txt").unlink()
    with pytest.raises(DataError, match=r"no valid file beside train\.txt"):
        open_corpus(tmp_path)
