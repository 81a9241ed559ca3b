import itertools
import random

import pytest

from seqkit.errors import UsageError
from seqkit.files.lines import UnfinishedLine
from seqkit.text import get_tokenizer, tokenizer_from_config

BY_RULE = ["word", "whitespace", "char"]
SAMPLES = [
    "",
    "   ",
    "Don't stop -- it's 3.14, or 1,000 (the \"well-known\" user's <unk>)!",
    "naïve café Ångström 日本語 привет नमस्ते",
    "'tis o'clock; the dogs' l’homme’s",
    "a\tb\x0bc\u2028d\xa0e\x85f",
    "x_1 __init__ 2nd v1.2.3 e.g. 5% $4.50 a/b",
]


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("The cat sat.", ["The", "cat", "sat", "."]),
        ("I don't know it's.", ["I", "don't", "know", "it", "'s", "."]),
        ("3.14 and 1,000", ["3.14", "and", "1,000"]),
        ("end 3. next", ["end", "3", ".", "next"]),
        ("well-known", ["well", "-", "known"]),
        ("a <unk> b", ["a", "<unk>", "b"]),
        ("a < b", ["a", "<", "b"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("cafe\u0301 noir", ["caf\u00e9", "noir"]),
        ("...", [".", ".", "."]),
    ],
)
def test_words(line: str, tokens: list[str]) -> None:
    assert get_tokenizer("word").tokenize(line) == tokens


def test_whitespace_and_characters() -> None:
    assert get_tokenizer("whitespace").tokenize(" the <unk>  N 's ") == ["the", "<unk>", "N", "'s"]
    assert get_tokenizer("char").tokenize("a b") == ["a", " ", "b"]
    assert get_tokenizer("char").end_of_line == "\n"
    assert get_tokenizer("word").end_of_line == get_tokenizer("whitespace").end_of_line == "<eos>"


@pytest.mark.parametrize("name", BY_RULE)
@pytest.mark.parametrize("lowercase", [False, True])
def test_a_block_equals_its_lines_one_by_one(name: str, lowercase: bool) -> None:
    tokenizer = get_tokenizer(name, lowercase=lowercase)
    draw = random.Random(5)
    alphabet = "abE'’.,-3 \t\u0301\u2028éİ<>&ß日"
    lines = SAMPLES + ["".join(draw.choices(alphabet, k=draw.randint(0, 30))) for _ in range(300)]
    expected = [t for line in lines for t in [*tokenizer.tokenize(line), tokenizer.end_of_line]]
    assert tokenizer.tokenize_block("".join(line + "\n" for line in lines)) == expected
    assert "" not in expected


@pytest.mark.parametrize(
    "text",
    [
        "The cat (a tom) sat, well-fed; then it slept!",
        "It's the \"quoted\" user's text.",
        "See [1] and {x}: 50% of $3.14.",
        "He said 'no' twice.",
    ],
)
def test_detokenized_words_read_as_written(text: str) -> None:
    tokenizer = get_tokenizer("word")
    assert tokenizer.detokenize(tokenizer.tokenize(text)) == text


def test_detokenize_of_the_others() -> None:
    assert get_tokenizer("whitespace").detokenize(["a", "'s", "."]) == "a 's ."
    for line in SAMPLES:
        assert get_tokenizer("char").detokenize(get_tokenizer("char").tokenize(line)) == line
    for name in BY_RULE:
        assert get_tokenizer(name).detokenize([]) == ""


def test_lowercase() -> None:
    assert get_tokenizer("word", lowercase=True).tokenize("The ÉTÉ") == ["the", "été"]
    assert get_tokenizer("char", lowercase=True).tokenize("Ab") == ["a", "b"]


@pytest.mark.parametrize("name", BY_RULE)
def test_the_configuration_makes_the_same_tokenizer(name: str) -> None:
    tokenizer = get_tokenizer(name, lowercase=True)
    rules = 2 if name == "word" else 1
    expected = {"name": name, "rules": rules, "lowercase": True, "normalization": "nfc"}
    assert tokenizer.config() == expected
    assert tokenizer_from_config(tokenizer.config()) == tokenizer
    assert tokenizer != get_tokenizer(name)


def test_an_unknown_tokenizer_lists_the_choices() -> None:
    with pytest.raises(
        UsageError,
        match="one of the tokenizers word, whitespace, char, bpe, wordpiece, unigram, jieba, sudachi, "
        "fugashi, pythainlp, got 'x'",
    ):
        get_tokenizer("x")
    for config in (
        {"lowercase": True},
        {"name": "word", "size": 3},
        {"name": "word", "lowercase": 1},
        {"name": "bpe"},
    ):
        with pytest.raises(UsageError, match="expected the configuration"):
            tokenizer_from_config(config)


def test_an_unfinished_line_is_a_string() -> None:
    assert UnfinishedLine("ab") + "c" == "abc"


@pytest.mark.parametrize("name", ["word", "whitespace", "char"])
def test_a_text_grows_at_its_end_as_tokens_come(name: str) -> None:
    """So that generate can print a text as it is generated."""
    source = random.Random(0)
    pieces = [
        "a",
        "It",
        "'s",
        "’s",
        '"',
        "'",
        "(",
        ")",
        "“",
        "”",
        "-",
        ".",
        ",",
        "…",
        "€",
        "日",
        "。",
        "「",
        "<unk>",
    ]
    tokenizer = get_tokenizer(name)
    for _ in range(200):
        tokens = source.choices(pieces, k=12)
        texts = [tokenizer.detokenize(tokens[:n]) for n in range(13)]
        assert all(later.startswith(text) for text, later in itertools.pairwise(texts))
