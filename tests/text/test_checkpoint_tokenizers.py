"""Tokenizers of checkpoint folders without a tokenizer.json, and the tokens that a model reads."""

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
        ("vocab.json", b"[]", DamagedFileError, "vocab.json is damaged: expected an object, got a list"),
        ("vocab.json", b'{"l": 0, "o": 0}', DamagedFileError, "two tokens have one id, expected 0 to 1"),
        ("vocab.json", b'{"l": 0, "o": 9}', DamagedFileError, "the id of 'o' is 9"),
        (
            "vocab.json",
            b'{"l": 0, "o": "1"}',
            DamagedFileError,
            "expected o to be an integer, got the string '1'",
        ),
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


# What the files beside a vocabulary say


def write_json(folder: Path, name: str, content: object) -> None:
    (folder / name).write_text(json.dumps(content))


def pieces_folder(folder: Path, **settings: object) -> Path:
    vocabulary_folder(
        folder, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "low", "er", "##er", "[", "]", "x"
    )
    write_json(folder, "tokenizer_config.json", settings)
    return folder


def decoder(number: int, content: str, **flags: bool) -> dict[str, object]:
    return {"added_tokens_decoder": {str(number): {"content": content, "__type": "AddedToken", **flags}}}


@pytest.mark.parametrize("file", ["added_tokens.json", "added_tokens_decoder"])
def test_added_tokens_have_their_ids(file: str, tmp_path: Path) -> None:
    pieces, merges = tmp_path / "pieces", tmp_path / "merges"
    pieces.mkdir()
    merges.mkdir()
    for folder, size in ((pieces_folder(pieces), 11), (merges_folder(merges), 13)):
        assert len(load_tokenizer(folder)) == size
        if file == "added_tokens.json":
            write_json(folder, file, {"[E2]": size + 1, "[E1]": size})
        else:
            write_json(folder, "tokenizer_config.json", decoder(size, "[E1]", special=True))
        tokenizer = load_tokenizer(folder)
        [ids] = tokenizer.encode(["low[E1]low"], special_tokens=False)
        assert ids == [tokenizer.id("low"), size, tokenizer.id("low")]
        assert tokenizer.decode([size]).upper() == ("" if file == "added_tokens_decoder" else "[E1]")


def test_special_tokens_of_the_map_are_not_split(tmp_path: Path) -> None:
    folder = pieces_folder(tmp_path)
    ids = load_tokenizer(folder).encode(["[x]"], special_tokens=False)
    assert ids == [[8, 10, 9]]
    write_json(folder, "added_tokens.json", {"[x]": 11})
    write_json(folder, "special_tokens_map.json", {"additional_special_tokens": ["[x]"]})
    tokenizer = load_tokenizer(folder)
    assert tokenizer.encode(["[x]"], special_tokens=False) == [[11]]
    assert tokenizer.decode([11]) == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("added_tokens.json", {"[E1]": 12}, r"give the token '\[E1\]' the id 12, expected 11"),
        ("added_tokens.json", {"low": 11}, "give the token 'low' the id 11, expected 5"),
        ("added_tokens.json", {"": 11}, "give the token '' the id 11"),
        ("added_tokens.json", {"[E1]": 11, "[E2]": 11}, "and no other token to have the id 11"),
        ("added_tokens.json", {"[E1]": "11"}, r"expected \['\[E1\]'\] to be an integer from 0"),
        ("added_tokens.json", ["[E1]"], "expected an object, got a list"),
        ("tokenizer_config.json", decoder(12, "[E1]"), "the id 12, expected 11"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"x": {"content": "a"}}}, "expected ids as keys"),
        (
            "tokenizer_config.json",
            {"added_tokens_decoder": {"11": "a"}},
            "added_tokens_decoder.* to be an object",
        ),
        (
            "tokenizer_config.json",
            {"added_tokens_decoder": {"11": {}}},
            "content to be a string, got nothing",
        ),
        ("tokenizer_config.json", {"added_tokens_decoder": []}, "added_tokens_decoder to be an object"),
        ("tokenizer_config.json", {"unk_token": ["[UNK]"]}, "expected unk_token to be a string or an object"),
        ("tokenizer_config.json", {"unk_token": {"content": 3}}, "expected unk_token.content to be a string"),
        ("tokenizer_config.json", {"do_lower_case": "yes"}, "expected do_lower_case to be true or false"),
        ("tokenizer_config.json", {"model_max_length": "512"}, "expected model_max_length to be a number"),
        (
            "tokenizer_config.json",
            {"model_max_length": 0},
            "expected model_max_length to be a number of at least",
        ),
        ("tokenizer_config.json", {"truncation_side": "left"}, "expected truncation_side to be 'right', got"),
        ("tokenizer_config.json", {"do_basic_tokenize": False}, "expected do_basic_tokenize to be True, got"),
        (
            "tokenizer_config.json",
            {"tokenizer_class": "BertJapaneseTokenizer"},
            "got 'BertJapaneseTokenizer'",
        ),
        ("config.json", {"tokenizer_class": "BertJapaneseTokenizer"}, "'BertJapanese"),
        (
            "tokenizer_config.json",
            {"split_special_tokens": True},
            "expected split_special_tokens to be False",
        ),
        ("tokenizer_config.json", {"never_split": ["low"]}, "expected no never_split"),
        ("tokenizer_config.json", {"additional_special_tokens": ["[no]"]}, r"special token '\[no\]' of"),
        ("special_tokens_map.json", {"unk_token": 3}, "expected unk_token to be a string"),
        (
            "special_tokens_map.json",
            {"cls_token": "low"},
            r"cls_token to be '\[CLS\]' as in tokenizer_config",
        ),
    ],
)
def test_what_the_files_beside_a_vocabulary_cannot_say(
    name: str, content: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = pieces_folder(tmp_path, cls_token="[CLS]")
    write_json(folder, name, content)
    with pytest.raises(RunError, match=said) as caught:
        load_tokenizer(folder)
    assert caught.value.remedy


def test_settings_that_say_otherwise_than_tokenizer_json(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(pieces_folder(tmp_path))
    (tmp_path / "tokenizer.json").write_bytes(tokenizer.to_bytes())
    size = len(tokenizer)
    stated = {"do_lower_case": True, "model_max_length": 10**30, **decoder(size, "[E1]")}
    write_json(tmp_path, "tokenizer_config.json", stated)
    assert load_tokenizer(tmp_path).encode(["low[E1]"], special_tokens=False) == [[5, size]]
    for settings, said in (
        ({"do_lower_case": False}, "expected do_lower_case to be True as in tokenizer.json, got False"),
        (decoder(size + 1, "[E1]"), rf"the id {size + 1}, expected {size}"),
        (decoder(6, "low"), "give the token 'low' the id 6, expected 5"),
    ):
        write_json(tmp_path, "tokenizer_config.json", settings)
        with pytest.raises(RunError, match=said):
            load_tokenizer(tmp_path)
