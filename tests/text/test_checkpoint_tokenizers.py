"""Tokenizers of checkpoint folders without a tokenizer.json, and the tokens that a model reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import DamagedFileError, RunError, UsageError
from seqkit.text import SubwordTokenizer, load_tokenizer
from tests.text.test_subwords import vocabulary_folder

pytest.importorskip("tokenizers")

LETTERS = ["Ġ", "Ċ", *"elorw"]
"""As byte-level BPE writes a blank, a newline, and letters."""
PAIRS = [("l", "o"), ("lo", "w"), ("e", "r"), ("Ġ", "low"), ("Ġlow", "er")]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS, *map("".join, PAIRS), "<mask>"]


def merges_folder(folder: Path, *tokens: str, pairs: Any = PAIRS, **settings: object) -> Path:
    """A folder as GPT-2's, with ``<|endoftext|>`` last, or with other tokens."""
    tokens = tokens or (*LETTERS, *map("".join, PAIRS), "<|endoftext|>")
    ids = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(ids))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in pairs)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_pairs_are_joined_in_their_order(tmp_path: Path) -> None:
    gpt2 = load_tokenizer(merges_folder(tmp_path))
    assert (gpt2.name, len(gpt2), gpt2.unk) == ("bpe", 13, None)
    assert gpt2.tokenize("low lower\nlow") == ["low", "Ġlower", "Ċ", "low"]
    assert gpt2.encode(["wool lower", ""]) == [[6, 4, 4, 3, 11], []]
    assert gpt2.encode(["low<|endoftext|>"]) == [[8, 12]]
    assert gpt2.decode([8, 11, 12]) == "low lower"
    spaced = load_tokenizer(merges_folder(tmp_path, add_prefix_space=True))
    assert spaced.encode(["low"]) == [[10]]
    again = SubwordTokenizer.from_bytes(gpt2.to_bytes())
    assert again.encode(["wool lower"]) == gpt2.encode(["wool lower"])


def test_robertas_tokens_stand_around_a_text(tmp_path: Path) -> None:
    roberta = load_tokenizer(merges_folder(tmp_path, *ROBERTA))
    assert roberta.encode(["low lower", "low <mask>"]) == [[0, 12, 15, 2], [0, 12, 16, 2]]
    assert roberta.encode(["low"], special_tokens=False) == [[12]]
    assert (roberta.unk, roberta.decode([0, 12, 15, 2])) == ("<unk>", "low lower")


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        ("merges.txt", None, RunError, r"merges.txt is missing, without which vocab.json .*tokenizer.json"),
        ("merges.txt", b"l o\nlo w w\n", DamagedFileError, "line 2 is 'lo w w', expected two tokens"),
        ("merges.txt", b"l o\nlo x\n", DamagedFileError, "merges.txt is damaged: line 2 is 'lo x'"),
        ("merges.txt", b"l o\nlo w\n", DamagedFileError, "its 2 pairs do not make 3 of the 13 tokens"),
        ("merges.txt", b"l o\nl", DamagedFileError, "line 2 is 'l'"),
        ("merges.txt", b"", DamagedFileError, "merges.txt is damaged: it is empty"),
        ("merges.txt", b"\xff", DamagedFileError, "merges.txt is damaged: not UTF-8"),
        ("vocab.json", b'{"l": 0,', DamagedFileError, "vocab.json is damaged: no JSON"),
        ("vocab.json", b"[]", DamagedFileError, "a JSON list, expected an object"),
        ("vocab.json", b'{"l": 0, "o": 0}', DamagedFileError, "two tokens have one id, expected 0 to 1"),
        ("vocab.json", b'{"l": 0, "o": 9}', DamagedFileError, "the id of 'o' is 9"),
        ("vocab.json", b'{"l": 0, "o": "1"}', DamagedFileError, "the id of 'o' is '1'"),
        ("tokenizer_config.json", b"{", DamagedFileError, "tokenizer_config.json is damaged"),
    ],
)
def test_damage_is_named(name: str, content: bytes | None, error: Any, said: str, tmp_path: Path) -> None:
    file = merges_folder(tmp_path) / name
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(error, match=said) as caught:
        load_tokenizer(tmp_path)
    assert str(file) in str(caught.value)
    assert caught.value.remedy


def test_the_tokens_that_a_model_reads(tmp_path: Path) -> None:
    """Special tokens are kept where a text is cut, and one token more tells that it was."""
    tokenizer = load_tokenizer(vocabulary_folder(tmp_path))
    whole = tokenizer.for_model(4)
    assert whole.tokenize("lower") == ["[CLS]", "low", "##er", "[SEP]"]
    assert whole.tokenize("lowers") == ["[CLS]", "low", "##er", "[SEP]", "[SEP]"]
    assert whole.tokenize(" ") == []
    assert whole.tokenize_block("river\nlow\n") == [
        "[CLS]",
        "river",
        "[SEP]",
        "<eos>",
        "[CLS]",
        "low",
        "[SEP]",
        "<eos>",
    ]
    assert tokenizer.tokenize("lowers") == ["low", "##er", "##s"]
    assert (whole == tokenizer.for_model(4), whole == tokenizer.for_model(5), whole == tokenizer) == (
        True,
        False,
        False,
    )
    assert whole.to_bytes() == tokenizer.to_bytes()
    with pytest.raises(UsageError, match="max_length 2 leaves no room beside 2 special tokens"):
        tokenizer.for_model(2).tokenize("low")


def test_ids_without_a_token(tmp_path: Path) -> None:
    """A token that stands twice has the second id; a model may have more vectors than there are tokens."""
    tokenizer = load_tokenizer(
        vocabulary_folder(tmp_path, "[UNK]", "[CLS]", "[SEP]", "low", "", "low", "[PAD]")
    )
    assert len(tokenizer) == 7
    assert tokenizer.encode(["low"]) == [[1, 5, 2]]
    vocabulary = tokenizer.vocabulary(9)
    assert vocabulary.tokens[3:] == ("<unused 3>", "<unused 4>", "low", "[PAD]", "<unused 7>", "<unused 8>")
    assert (vocabulary.unk, vocabulary.eos) == ("[UNK]", None)
