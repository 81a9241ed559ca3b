"""Subword tokens: learned, kept, and those of checkpoint folders."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import DamagedFileError, MissingDependencyError, RunError, UsageError
from seqkit.text import SUBWORDS, TOKENIZERS, BpeTokenizer, SubwordTokenizer, get_tokenizer, load_tokenizer

TEXT = ["the lower river flows lower and lower", "a newer river is wider, and slower!"] * 3
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "river", "flow", "##s", "##er", "low", ",", "日")


def learn(name: str, lines: Callable[[], list[str]], **settings: Any) -> SubwordTokenizer:
    learned = TOKENIZERS[name]
    assert issubclass(learned, SubwordTokenizer)
    return learned.train(lines, **settings)


def test_without_the_library_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'seqkit\[bert\]'"):
        BpeTokenizer.train(lambda: TEXT)


def vocabulary_folder(folder: Path, *tokens: str, **settings: object) -> Path:
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens or VOCABULARY))
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(autouse=True)
def _library() -> None:
    pytest.importorskip("tokenizers")


def test_bpe_joins_the_most_frequent_pair_first() -> None:
    """Of "aab aab aab ab" in bytes: "ab" stands 4 times, then "aab" 3 times."""
    made = BpeTokenizer.train(lambda: ["aab"] * 3 + ["ab"], vocab_size=2 + 256 + 2)
    assert made.tokenize("aab") == ["aab"]
    assert made.tokenize("aaab") == ["a", "aab"]
    fewer = BpeTokenizer.train(lambda: ["aab"] * 3 + ["ab"], vocab_size=2 + 256 + 1)
    assert fewer.tokenize("aab") == ["a", "ab"]


def test_wordpiece_takes_the_longest_part_from_the_left(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(vocabulary_folder(tmp_path))
    assert tokenizer.tokenize("lowers flower") == ["low", "##er", "##s", "flow", "##er"]
    assert tokenizer.tokenize("rivering 日日") == ["[UNK]", "日", "日"]
    assert tokenizer.encode(["River, low"]) == [[2, 5, 10, 9, 3]]
    assert tokenizer.encode(["River, low", ""], max_length=4) == [[2, 5, 10, 3], [2, 3]]
    assert tokenizer.encode(["River"], special_tokens=False) == [[5]]
    assert tokenizer.decode([2, 9, 8, 3]) == "lower"
    assert tokenizer.decode([2, 9, 3], special_tokens=True) == "[CLS] low [SEP]"
    assert (len(tokenizer), tokenizer.id("##s"), tokenizer.id("none")) == (12, 7, None)


def test_letters_and_accents_are_kept_where_the_folder_says_so(tmp_path: Path) -> None:
    assert load_tokenizer(vocabulary_folder(tmp_path)).tokenize("LÖW") == ["low"]
    cased = load_tokenizer(vocabulary_folder(tmp_path, do_lower_case=False, unk_token={"content": "[UNK]"}))
    assert cased.tokenize("LÖW low") == ["[UNK]", "low"]


@pytest.mark.parametrize("name", SUBWORDS)
def test_a_text_becomes_tokens_and_comes_back(name: str) -> None:
    made = learn(name, lambda: TEXT, vocab_size=300)
    assert (made.name, len(made) <= 300) == (name, True)
    for line in TEXT:
        assert made.detokenize(made.tokenize(line)).replace(" ,", ",").replace(" !", "!") == line
    block = made.tokenize_block("the river\n\nlower\n")
    assert block == [*made.tokenize("the river"), "<eos>", "<eos>", *made.tokenize("lower"), "<eos>"]
    assert made.tokenize_block("the river\nlower") == [
        *made.tokenize("the river"),
        "<eos>",
        *made.tokenize("lower"),
    ]
    vocabulary = made.vocabulary()
    assert (len(vocabulary), vocabulary.unk, vocabulary.eos) == (len(made), "<unk>", "<eos>")
    ids = made.encode(TEXT, special_tokens=False)
    assert [vocabulary.encode(made.tokenize(line)).tolist() for line in TEXT] == ids


@pytest.mark.parametrize("name", SUBWORDS)
def test_the_same_text_always_gives_the_same_tokens(name: str) -> None:
    one, other = (learn(name, lambda: TEXT, vocab_size=290) for _ in range(2))
    assert one.to_bytes() == other.to_bytes()
    assert one == other
    assert one != learn(name, lambda: TEXT[:1], vocab_size=290)


@pytest.mark.parametrize("name", SUBWORDS)
def test_a_tokenizer_is_kept_in_its_file(name: str, tmp_path: Path) -> None:
    made = learn(name, lambda: TEXT, vocab_size=290, lowercase=True)
    assert made.tokenize("The RIVER") == made.tokenize("the river")
    made.save(tmp_path)
    for again in (load_tokenizer(tmp_path), SubwordTokenizer.from_bytes(made.to_bytes())):
        assert type(again) is type(made)
        assert again.tokenize("slower waters, ωφ") == made.tokenize("slower waters, ωφ")
    same = SubwordTokenizer.from_bytes(made.to_bytes(), lowercase=True)
    assert same.config() == made.config()


def test_bytes_write_what_was_never_seen_and_wordpiece_says_unknown() -> None:
    bpe, wordpiece, unigram = (learn(name, lambda: TEXT, vocab_size=300) for name in SUBWORDS)
    assert bpe.detokenize(bpe.tokenize("ωφ 日本 🙂")) == "ωφ 日本 🙂"
    assert wordpiece.tokenize("the ωφ") == ["the", "<unk>"]
    assert unigram.vocabulary().encode(unigram.tokenize("ωφ"))[-1] == unigram.id("<unk>")


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"whitespace, char, bpe, wordpiece, unigram, .* got 'morfessor'"):
        get_tokenizer("morfessor", lines=lambda: TEXT)
    with pytest.raises(UsageError, match="expected a text to learn bpe from, got none; use word, "):
        get_tokenizer("bpe")
    with pytest.raises(UsageError, match="expected 258 tokens or more for bpe, got a vocab_size of 200"):
        BpeTokenizer.train(lambda: TEXT, vocab_size=200)
    with pytest.raises(RunError, match=r"neither tokenizer.json nor vocab.txt"):
        load_tokenizer(tmp_path)
    with pytest.raises(DamagedFileError, match=r"vocab.txt lacks \[CLS\], \[SEP\] among its 2"):
        load_tokenizer(vocabulary_folder(tmp_path, "[UNK]", "river"))
    tokenizer = load_tokenizer(vocabulary_folder(tmp_path))
    with pytest.raises(UsageError, match="leaves no room beside 2 special tokens"):
        tokenizer.encode(["river"], max_length=2)
    with pytest.raises(UsageError, match="texts must be a list"):
        tokenizer.encode("river")
    data = tokenizer.to_bytes()
    for damaged in (data[: len(data) // 2], b"", b"\xff", b"{}"):
        (tmp_path / "tokenizer.json").write_bytes(damaged)
        with pytest.raises(DamagedFileError, match=r"tokenizer.json is damaged"):
            load_tokenizer(tmp_path)


@pytest.mark.parametrize("size", [3, 10, 25])
def test_a_vocabulary_without_room_for_the_letters_is_refused(size: int) -> None:
    text = ["lopo kana mite", "neri 今天天气很好"] * 5
    with pytest.raises(UsageError, match=f"expected 26 tokens or more .* got a vocab_size of {size}"):
        learn("wordpiece", lambda: text, vocab_size=size)
    assert len(learn("wordpiece", lambda: text, vocab_size=26).vocabulary()) == 26
