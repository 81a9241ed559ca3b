import hashlib
import os
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from seqkit.corpora import open_corpus
from seqkit.data import FileIds, encode, encode_corpus, encode_lines, token_files
from seqkit.errors import DataError
from seqkit.files.lines import UnfinishedLine
from seqkit.text import Vocabulary, get_tokenizer

TEXT = {
    "train": ["the cat sat", "the cat ran", "", "a dog ran"],
    "valid": ["the dog sat"],
    "test": ["the cow sat", "moo"],
}
WS = get_tokenizer("whitespace")


def sources(text):
    return {split: (lambda lines=lines: iter(lines)) for split, lines in text.items()}


def decoded(corpus, split):
    return corpus.vocabulary.decode(corpus.splits[split])


def test_tokens_and_ids_by_hand(tmp_path) -> None:
    made = encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
    # <eos> 4; cat, ran, the 2 each; a, dog, sat 1 each; <unk> never
    assert made.vocabulary.tokens == ("<eos>", "cat", "ran", "the", "a", "dog", "sat", "<unk>")
    assert made.vocabulary.counts is not None
    assert made.vocabulary.counts.tolist() == [4, 2, 2, 2, 1, 1, 1, 0]
    assert made.splits["train"].tolist() == [3, 1, 6, 0, 3, 1, 2, 0, 0, 4, 5, 2, 0]
    assert decoded(made, "test") == ["the", "<unk>", "sat", "<eos>", "<unk>", "<eos>"]
    info = made.info["test"]
    assert (info.tokens, info.lines, info.characters, info.unk, info.hidden) == (6, 2, 16, 2, 2)
    assert info.unk_fraction == pytest.approx(2 / 6)
    assert made.splits["train"].dtype == np.uint16
    assert isinstance(made.splits["train"], np.memmap)


def test_the_vocabulary_comes_from_the_training_part_alone(tmp_path) -> None:
    other = {**TEXT, "test": ["cow cow cow moo moo"]}
    assert (
        encode_corpus(sources(TEXT), WS, key="a", cache=tmp_path).vocabulary
        == encode_corpus(sources(other), WS, key="b", cache=tmp_path).vocabulary
    )


def test_unk_in_the_text_hides_nothing(tmp_path) -> None:
    text = {"train": ["a <unk> b b a", "c <unk>"], "test": ["<unk> a d", "<unk> e"]}
    made = encode_corpus(sources(text), WS, key="k", cache=tmp_path)
    counted = {split: (info.unk, info.hidden) for split, info in made.info.items()}
    assert counted == {"train": (2, 0), "test": (4, 2)}
    made = encode_corpus(sources(text), WS, key="k", min_count=2, cache=tmp_path)
    assert (made.info["train"].unk, made.info["train"].hidden) == (3, 1)


def test_min_count_and_size(tmp_path) -> None:
    made = encode_corpus(sources(TEXT), WS, key="k", min_count=2, cache=tmp_path)
    assert made.vocabulary.tokens == ("<eos>", "<unk>", "cat", "ran", "the")
    assert made.info["train"].unk == 3
    made = encode_corpus(sources(TEXT), WS, key="k", vocab_size=4, cache=tmp_path)
    assert made.vocabulary.tokens == ("<unk>", "<eos>", "cat", "ran")


def test_characters_get_unk_only_for_unseen_ones(tmp_path) -> None:
    chars = get_tokenizer("char")
    made = encode_corpus(sources({"train": ["ab", "b"], "valid": ["ba"]}), chars, key="1", cache=tmp_path)
    assert made.vocabulary.tokens == ("\n", "b", "a")
    assert "".join(decoded(made, "train")) == "ab\nb\n"
    made = encode_corpus(sources({"train": ["ab", "b"], "valid": ["bz"]}), chars, key="2", cache=tmp_path)
    assert decoded(made, "valid") == ["b", "<unk>", "\n"]


def test_an_unfinished_line_gets_no_end(tmp_path) -> None:
    chars = get_tokenizer("char")
    text = {"train": ["ab", UnfinishedLine("ba")], "valid": [UnfinishedLine("b")]}
    made = encode_corpus(sources(text), chars, key="1", cache=tmp_path)
    assert "".join(decoded(made, "train")) == "ab\nba"
    assert "".join(decoded(made, "valid")) == "b"
    assert made.info["train"].characters == 5


def test_blocks_do_not_show(tmp_path, monkeypatch) -> None:
    draw = random.Random(2)
    words = [f"w{n}" for n in range(50)]
    lines = [" ".join(draw.choices(words, k=draw.randint(0, 12))) for _ in range(500)]
    whole = encode_corpus(sources({"train": lines}), WS, key="1", min_count=2, cache=tmp_path)
    small = encode.join_blocks
    monkeypatch.setattr(encode, "join_blocks", lambda lines: small(lines, size=40))
    pieces = encode_corpus(sources({"train": lines}), WS, key="2", min_count=2, cache=tmp_path)
    assert np.array_equal(whole.splits["train"], pieces.splits["train"])
    assert whole.vocabulary == pieces.vocabulary
    assert whole.info == pieces.info
    counts = Counter(word for line in lines for word in [*line.split(), "<eos>"])
    assert whole.vocabulary.counts is not None
    assert dict(zip(whole.vocabulary.tokens, whole.vocabulary.counts.tolist(), strict=True)) == {
        **counts,
        "<unk>": 0,
    }


def test_pieces_of_a_line_join(tmp_path) -> None:
    """A line in pieces, however the blocks fall, gives the tokens of the whole line."""
    whole = encode_corpus(sources({"train": ["a b c d e", "f g"]}), WS, key="1", cache=tmp_path)
    cut = [UnfinishedLine("a b "), UnfinishedLine("c "), "d e", "f g"]
    for size in (1, 3, 100):
        assert "".join(text for text, _ in encode.join_blocks(cut, size=size)) == "a b c d e\nf g\n"
        assert sum(lines for _, lines in encode.join_blocks(cut, size=size)) == 2
    pieces = encode_corpus(sources({"train": cut}), WS, key="2", cache=tmp_path)
    assert np.array_equal(whole.splits["train"], pieces.splits["train"])
    assert whole.info == pieces.info


def test_a_second_call_reads_the_cache(tmp_path) -> None:
    first = encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)

    def never():
        raise AssertionError("the text was read again")

    again = encode_corpus(dict.fromkeys(TEXT, never), WS, key="k", cache=tmp_path)
    assert again.info == first.info
    assert again.vocabulary == first.vocabulary
    for split in TEXT:
        assert np.array_equal(again.splits[split], first.splits[split])


def test_the_default_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path))
    made = encode_corpus(sources(TEXT), WS, key="k")
    assert made.folder.parent == tmp_path / "tokens"


def test_everything_that_matters_is_in_the_key(tmp_path) -> None:
    word = get_tokenizer("word")
    folders = {
        encode_corpus(sources(TEXT), tokenizer, key=key, cache=tmp_path, **more).folder
        for tokenizer, key, more in [
            (WS, "k", {}),
            (WS, "l", {}),
            (word, "k", {}),
            (get_tokenizer("word", lowercase=True), "k", {}),
            (WS, "k", {"min_count": 2}),
            (WS, "k", {"vocab_size": 5}),
            (WS, "k", {"vocabulary": Vocabulary(["the", "<unk>", "<eos>"])}),
            (WS, "k", {"vocabulary": Vocabulary(["<unk>", "the", "<eos>"])}),
        ]
    }
    assert len(folders) == 8
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f.name for f in folders)  # nothing left over


@pytest.mark.parametrize("name", ["train.ids", "vocab.txt", "meta.json"])
@pytest.mark.parametrize("damage", ["truncate", "flip", "delete", "empty"])
def test_a_damaged_entry_is_built_anew(tmp_path, name, damage) -> None:
    first = encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
    expected = {split: ids.tolist() for split, ids in first.splits.items()}
    path = first.folder / name
    data = path.read_bytes()
    if damage == "delete":
        path.unlink()
    elif damage == "flip":
        path.write_bytes(data[:3] + bytes([data[3] ^ 1]) + data[4:])
    else:
        path.write_bytes(data[:-1] if damage == "truncate" else b"")
    again = encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
    assert {split: ids.tolist() for split, ids in again.splits.items()} == expected
    assert [p.name for p in tmp_path.iterdir()] == [first.folder.name]


def test_every_file_is_checked_by_size_and_sum_however_large(tmp_path) -> None:
    data, folder = bytes(17 << 20), tmp_path / "entry"
    with token_files.work_folder(tmp_path) as work, token_files.SummedFile(work / "train.ids") as file:
        file.write(data)
        token_files.publish(work, folder, {"train.ids": file.close()}, {"info": 1})
    read = token_files.read_entry(folder)
    assert read is not None
    assert read["files"] == {"train.ids": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}
    for damaged in (data[:-5] + b"\1" + data[-4:], data + b"x", data[:-1]):
        (folder / "train.ids").write_bytes(damaged)
        assert token_files.read_entry(folder) is None


def test_ids_are_summed_as_they_are_written_not_as_the_disk_returns_them(tmp_path, monkeypatch) -> None:
    flush = token_files.flush_folder

    def faulty_disk(folder: Path) -> None:
        flush(folder)
        if (folder / "train.ids").exists():
            with (folder / "train.ids").open("r+b") as file:
                file.write(b"\xff")

    with monkeypatch.context() as patch:
        patch.setattr(token_files, "flush_folder", faulty_disk)
        with pytest.raises(DataError, match="cannot be read back"):
            encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
    assert encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path).splits["train"][0] == 3


def test_every_file_is_flushed_before_the_folder_gets_its_name(tmp_path, monkeypatch) -> None:
    flushed, renamed = set(), os.rename

    def fsync(descriptor: int) -> None:
        flushed.add(os.fstat(descriptor).st_ino)

    def rename(work, target) -> None:
        entries = [Path(work), *Path(work).iterdir()]
        assert {entry.stat().st_ino for entry in entries} <= flushed
        renamed(work, target)
        flushed.add("renamed")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
    assert {"renamed", tmp_path.stat().st_ino} <= flushed


@pytest.mark.parametrize("edit", ["same size", "longer", "restored", "replaced"])
def test_tokens_of_a_text_that_was_edited_while_it_was_read_are_not_kept(tmp_path, edit) -> None:
    path = tmp_path / "text.txt"
    text = "the cat sat on a mat\n" * 50
    edited = text.replace("cat", "dog") + "more\n" * (edit == "longer")
    path.write_text(text)
    corpus = open_corpus(path)

    def lines(split: str):
        if edit == "replaced":
            (tmp_path / "new").write_text(edited)
            os.replace(tmp_path / "new", path)
        else:
            path.write_text(edited)
        yield from corpus.lines(split)
        if edit == "restored":
            time.sleep(0.02)  # the clock of a file's times may tick only every 10 ms
            path.write_text(text)

    cache, key = tmp_path / "cache", corpus.content_key()
    time.sleep(0.02)
    edited_sources = {split: (lambda split=split: lines(split)) for split in corpus.splits}
    with pytest.raises(DataError, match=r"were changed while they were read.*text\.txt.*run it again"):
        encode_corpus(edited_sources, WS, key=key, require_unchanged=corpus.require_unchanged, cache=cache)
    assert list(cache.iterdir()) == []
    path.write_text(text)
    again = open_corpus(path)
    made = encode_corpus(again.sources, WS, key=key, require_unchanged=again.require_unchanged, cache=cache)
    assert "cat" in made.vocabulary
    assert "dog" not in made.vocabulary


def test_another_process_may_publish_first(tmp_path, monkeypatch) -> None:
    publish = encode.publish

    def racing(work, target, files, meta):
        monkeypatch.setattr(encode, "publish", publish)
        encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
        publish(work, target, files, meta)

    monkeypatch.setattr(encode, "publish", racing)
    assert encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path).splits["train"].size == 13
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path) -> None:
    for name, age in ((".new-old", 200_000), (".new-fresh", 10)):
        (tmp_path / name).mkdir()
        then = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (then, then))
    encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path)
    assert not (tmp_path / ".new-old").exists()
    assert (tmp_path / ".new-fresh").exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cache cannot be written.*SEQKIT_CACHE"):
        encode_corpus(sources(TEXT), WS, key="k", cache=tmp_path / "file" / "tokens")


def test_an_error_in_the_text_leaves_nothing_behind(tmp_path) -> None:
    def broken():
        yield "the cat"
        raise DataError("byte 0xff is not UTF-8")

    with pytest.raises(DataError, match="0xff"):
        encode_corpus({"train": broken}, WS, key="k", cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_given_vocabulary_is_used_as_it_is(tmp_path) -> None:
    v = Vocabulary(["cat", "<eos>", "<unk>", "the"])
    made = encode_corpus(sources({"test": ["the cat sat"]}), WS, key="k", vocabulary=v, cache=tmp_path)
    assert made.splits["test"].tolist() == [3, 0, 2, 1]
    assert made.vocabulary == v
    v = Vocabulary(["cat", "<eos>", "the"], unk=None)
    with pytest.raises(DataError, match="'sat' is not among"):
        encode_corpus(sources({"test": ["the cat sat"]}), WS, key="k", vocabulary=v, cache=tmp_path)


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ({"train": ["a a", "a"]}, {}, "expected two distinct tokens in the training split, got only 'a'"),
        ({"train": ["", "  "]}, {}, "train split has no words"),
        ({"train": ["a b"], "valid": [""]}, {}, "valid split has no words"),
        ({"train": ["a a b c d"]}, {"min_count": 2}, r"expected two words or more, got 1 of 4"),
        ({"train": ["a b c"]}, {"vocab_size": 2}, "raise vocab_size"),
        ({"valid": ["a b c"]}, {}, "no train split"),
        ({"train": ["a\nb c"]}, {}, "expected a line without a newline"),
    ],
)
def test_text_that_makes_no_language_model_is_refused(tmp_path, text, settings, message) -> None:
    with pytest.raises(DataError, match=message):
        encode_corpus(sources(text), WS, key="k", cache=tmp_path, **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_large_vocabulary_takes_wider_ids(tmp_path) -> None:
    lines = [f"w{n}" for n in range(66_000)]
    made = encode_corpus(sources({"train": lines}), WS, key="k", cache=tmp_path)
    assert made.splits["train"].dtype == np.int32
    assert decoded(made, "train")[-2:] == ["w65999", "<eos>"]
    assert token_files.id_dtype(65536) == np.uint16


def test_lines_one_by_one() -> None:
    v = Vocabulary(["the", "cat", "<eos>", "<unk>"])
    ids = [line.tolist() for line in encode_lines(["the cat", "", "a cat"], WS, v)]
    assert ids == [[0, 1, 2], [2], [3, 1, 2]]


def test_ids_read_from_their_file_equal_the_mapped_ones(tmp_path: Path) -> None:
    numbers = np.arange(5000, dtype=np.uint16)
    numbers.tofile(tmp_path / "x.ids")
    mapped = token_files.map_ids(tmp_path / "x.ids", np.dtype(np.uint16))
    read = FileIds.of(mapped)
    assert len(read) == 5000
    for places in (slice(0, 10), slice(4990, 6000), slice(17, 17), slice(None), slice(-5, None), slice(9, 3)):
        np.testing.assert_array_equal(read[places], numbers[places])
    assert FileIds.of(numbers) is numbers
    with pytest.raises(ValueError, match="expected a slice of step 1, got step 2"):
        read[::2]
    os.truncate(tmp_path / "x.ids", 2)
    with pytest.raises(DataError, match="shorter"):
        read[0:100]
