"""Words of many languages: cut by Unicode's rules and by segmenters, and joined again."""

import random
import threading
from typing import Any

import pytest

from seqkit.errors import MissingDependencyError, RunError, UsageError
from seqkit.text import SEGMENTERS, WordTokenizer, get_tokenizer, normalize, tokenizer_from_config
from seqkit.text.scripts import is_spaced, unspaced_language
from seqkit.text.tokenizers import note_of_words, tokenizer_of_words
from seqkit.text.word_tokenizers import word_rules

WORD = WordTokenizer()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),  # the zero-width non-joiner of Persian
        ("co\xadoperate, foo\xad", ["co\xadoperate", ",", "foo"]),  # a soft hyphen only between letters
        ("\u200fשלום\u200e \u2066עולם\u2069", ["שלום", "עולם"]),  # marks of direction
        ("צה\"ל ג'ירפה", ['צה"ל', "ג'ירפה"]),  # Hebrew abbreviations
        ("I ❤\ufe0f 👍🏽!", ["I", "❤\ufe0f", "👍🏽", "!"]),
        ("👨\u200d👩\u200d👧🇩🇪🇫🇷1\ufe0f\u20e3", ["👨\u200d👩\u200d👧", "🇩🇪", "🇫🇷", "1\ufe0f\u20e3"]),
        (
            "_word_ *word* **bold** a*b",
            ["_", "word", "_", "*", "word", "*", "**", "bold", "**", "a", "*", "b"],
        ),
        ("snake_case x_1 __init__", ["snake_case", "x_1", "__", "init", "__"]),
        (
            "see https://example.org/a_(b)?c=d#e, (http://x.org/1).",
            ["see", "https://example.org/a_(b)?c=d#e", ",", "(", "http://x.org/1", ")", "."],
        ),
        ("www.example.org/ü! a.b+c@ex-1.org.", ["www.example.org/ü", "!", "a.b+c@ex-1.org", "."]),
        ("请看https://a.cn/b。谢谢", ["请", "看", "https://a.cn/b", "。", "谢", "谢"]),
        ("@user #tag a@b", ["@", "user", "#", "tag", "a", "@", "b"]),
        (
            "10:30 3.14 1,000.5 1'000 v1.2.3 5% m² 1½",
            ["10:30", "3.14", "1,000.5", "1'000", "v1.2.3", "5", "%", "m²", "1½"],
        ),
        ("U.S. e.g. end.", ["U.S", ".", "e.g", ".", "end", "."]),
        ("a:b l·l", ["a", ":", "b", "l·l"]),
        (
            "l’homme aujourd'hui it's it’s dogs'",
            ["l’homme", "aujourd'hui", "it", "'s", "it", "’s", "dogs", "'"],
        ),
        ("日本語のテスト、Python版。", ["日", "本", "語", "の", "テスト", "、", "Python", "版", "。"]),
        ("กำน้ำ", ["กำ", "น้ำ"]),  # vowels and tones belong to their consonant
        ("한국어 대한민국(大韓)", ["한국어", "대한민국", "(", "大", "韓", ")"]),
        ("क्षत्रिय ക്‍ഷ बड़ा।", ["क्षत्रिय", "ക്‍ഷ", "बड़ा", "।"]),
        ("a\u200bb\ufeffc \x1cd\x85e", ["a", "b\ufeffc", "d", "e"]),
    ],
)
def test_rules(text: str, tokens: list[str]) -> None:
    expected = [normalize(token, "nfc") for token in tokens]
    assert WORD.tokenize(text) == expected
    assert [normalize(text[start:end], "nfc") for start, end in WORD.spans(text)] == expected
    assert WORD.tokenize_block(f"{text}\nx\n") == [*expected, "<eos>", "x", "<eos>"]


SENTENCES = {
    "English": "She didn't say \"no\" (at 10:30), but it's the well-known dog's tail; see https://a.org/b.",
    "German": "Er sagte: „Das kostet 50 €, nicht 1.000 €.“ Danach ging er heim.",
    "French": "L’été, c'est l'heure «douce» où l’on part...",
    "Spanish": "¿Qué hora es? ¡Son las 3:15!",
    "Polish": "„Zażółć gęślą jaźń” – powiedział Łukasz.",
    "Swedish": "Hon sade ”nej” och gick.",
    "Turkish": "İstanbul'da ışık çok güzeldi.",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Greek": "Τι είναι αυτό; Καλημέρα· πάμε!",
    "Russian": "Он сказал: «Москва — столица», и ушёл.",
    "Hebrew": 'שלום, מה שלומך? צה"ל בית־ספר.',
    "Arabic": "مرحبا، كيف حالك؟ الجو جميل (جدا).",
    "Persian": "من می\u200cخواهم بروم؛ تو چطور؟",
    "Hindi": "नमस्ते दुनिया! यह हिन्दी है।",
    "Tamil": "வணக்கம், நீங்கள் எப்படி இருக்கிறீர்கள்?",
    "Korean": "안녕하세요? 저는 “학생” 김민수입니다.",
    "Georgian": "გამარჯობა, როგორ ხარ?",
    "Armenian": "Բարեւ, ինչպե՞ս ես։",
    "Chinese": "他说：“我用Python写代码……”，见《新华字典》（第3版）——北京。",
    "Japanese": "「東京タワー」は、高さ333メートルです！",
    "Thai": "ฉันชอบเขียนโปรแกรมภาษาไทย",
    "Burmese": "မင်္ဂလာပါ။",
    "Khmer": "ខ្ញុំស្រឡាញ់ភាសាខ្មែរ។",
    "Tibetan": "བོད་སྐད།",
    "Amharic": "ሰላም፣ እንዴት ነህ?",
    "Vietnamese": "Tiếng Việt rất đẹp, phải không?",
    "Markdown": "a _word_, *two words* and **bold**.",
    "Emoji": "Well done 👍🏽😀! I ❤\ufe0f it.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_comes_back(language: str) -> None:
    text = normalize(SENTENCES[language], "nfc")
    tokens = WORD.tokenize(text)
    assert WORD.detokenize(tokens) == text
    assert WORD.tokenize(WORD.detokenize(tokens)) == tokens


def test_the_fast_rules_are_the_rules() -> None:
    """Text of common characters has the same tokens by the pattern for them as by the general one."""
    rules, draw = word_rules(), random.Random(3)
    for _ in range(3000):
        letters = draw.choice(["ab's.,:;'’1_*- \n", "aжα_.'’·1²½,;:§€-/w<unk>s \u2019\x1c\x85", "é'sS_._1,2"])
        text = "".join(draw.choices(letters, k=draw.randint(1, 14)))
        assert rules.uncommon.search(text) is None
        tokens = rules.common.findall(text)
        assert tokens == rules.general.findall(text), text
        if "://" not in text and "www." not in text:
            assert tokens == rules.addresses.findall(text), text


def test_blocks_of_mixed_lines_equal_the_lines() -> None:
    draw, alphabet = (
        random.Random(4),
        "ab_'’.@:/w-3 \t\xad\u200c\u200f\u0301\u2028éИ日ก👍🏽\ufe0f\u200d<>א\"١",
    )
    lines = ["".join(draw.choices(alphabet, k=draw.randint(0, 25))) for _ in range(1500)]
    for tokenizer in (WORD, WordTokenizer(lowercase=True, normalization="nfkc")):
        expected = [token for line in lines for token in [*tokenizer.tokenize(line), "<eos>"]]
        assert tokenizer.tokenize_block("".join(line + "\n" for line in lines)) == expected
        assert not any(token.isspace() or token == "" for token in expected)


@pytest.mark.parametrize("name", ["word", "whitespace", "char"])
def test_normalization(name: str) -> None:
    composed, decomposed, ligature = "caf\xe9", "cafe\u0301", "\ufb01n\u2460"
    for form, expected in (
        ("nfc", (composed, ligature)),
        ("nfkc", (composed, "fin1")),
        ("none", (decomposed, ligature)),
    ):
        tokenizer = get_tokenizer(name, normalization=form)
        for text, wanted in zip((decomposed, ligature), expected, strict=True):
            assert "".join(tokenizer.tokenize(text)) == wanted
            assert tokenizer.tokenize_block(text + "\n") == [*tokenizer.tokenize(text), tokenizer.end_of_line]
    with pytest.raises(UsageError, match="expected normalization to be one of nfc, nfkc, none, got 'nfd'"):
        get_tokenizer(name, normalization="nfd")


def test_other_rules_or_libraries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = WORD.config()
    assert tokenizer_from_config(config) == WORD
    with pytest.raises(RunError, match="expected version 2 of the rules of the tokenizer word, got 1"):
        tokenizer_from_config({**config, "rules": 1})
    with pytest.raises(RunError, match=r"version 2 of the rules .* got None: .* train the model again"):
        tokenizer_from_config({"name": "word", "lowercase": True})
    for segmenter in SEGMENTERS:
        monkeypatch.setattr(segmenter, "_versions", staticmethod(lambda: "a 1.0"))
        config = get_tokenizer(segmenter.name).config()
        assert tokenizer_from_config(config).config() == config
        with pytest.raises(RunError, match=f"expected the tokenizer {segmenter.name} of a 0.9, got a 1.0"):
            tokenizer_from_config({**config, "segmenter": "a 0.9"})


def test_a_segmenter_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for segmenter in SEGMENTERS:
        monkeypatch.setattr(segmenter, "packages", ("no_such_package",))
        assert not segmenter.is_installed()
        with pytest.raises(
            MissingDependencyError, match=r"needs no_such_package.*pip install 'seqkit\[cjk\]'"
        ):
            get_tokenizer(segmenter.name)


CUT = {
    "jieba": (
        "他用Python写代码，见https://a.cn/b。",
        ["他", "用", "Python", "写", "代码", "，", "见", "https://a.cn/b", "。"],
    ),
    "sudachi": ("私はPythonが好きです。", ["私", "は", "Python", "が", "好き", "です", "。"]),
    "fugashi": ("私はPythonが好きです。", ["私", "は", "Python", "が", "好き", "です", "。"]),
    "pythainlp": ("ฉันชอบภาษาไทย 3.14", ["ฉัน", "ชอบ", "ภาษาไทย", "3.14"]),
}


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda each: each.name)
def test_segmenters(segmenter: Any) -> None:
    if not segmenter.is_installed():
        pytest.skip(f"{segmenter.packages} not installed")
    text, tokens = CUT[segmenter.name]
    tokenizer = get_tokenizer(segmenter.name)
    assert tokenizer.tokenize(text) == tokens
    assert [text[start:end] for start, end in tokenizer.spans(text)] == tokens
    assert tokenizer.detokenize(tokens) == text
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(tokenizer.tokenize_block(f"{text}\n" * 40)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[*tokens, "<eos>"] * 40] * 4


@pytest.mark.parametrize(
    ("text", "language", "spaced"),
    [
        ("今天天气很好，我们去公园。", "Chinese", False),
        ("我用 Python 和 NumPy 写代码，然后训练一个很小的模型。", "Chinese", False),
        ("今天 天气 很 好 ， 我们 去 公园 。", "Chinese", True),
        ("今日は天気がいいですね。東京大学。", "Japanese", False),
        ("สวัสดีครับ วันนี้อากาศดีมาก เราไปเที่ยวกัน", "Thai", False),
        ("สวัสดี ครับ วันนี้ อากาศ ดีมาก", "Thai", True),
        ("ພວກເຮົາໄປຕະຫຼາດ", "Lao", False),
        ("안녕하세요 저는 학생입니다 大學", None, False),
        ("The word 天气 means weather in the language of the Chinese.", None, False),
        ("", None, False),
    ],
)
def test_the_language_of_text_without_blanks(text: str, language: str | None, spaced: bool) -> None:
    assert unspaced_language(text) == language
    if language is not None:
        assert is_spaced(text) == spaced


def test_the_tokenizer_of_words_fits_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    chinese = "今天天气很好，我们去公园。"
    for segmenter in SEGMENTERS:
        monkeypatch.setattr(segmenter, "packages", ("no_such_package",))
    assert tokenizer_of_words(chinese) == "word"
    assert tokenizer_of_words("今天 天气 很 好") == "whitespace"
    assert note_of_words("The weather is fine.", WORD) is None
    assert note_of_words(chinese, get_tokenizer("char")) is None
    note = note_of_words(chinese, WORD)
    assert note is not None
    assert note.startswith("Chinese text, without blanks between words: cut by characters; pip install")
    monkeypatch.setattr(SEGMENTERS[1], "_versions", staticmethod(lambda: "sudachipy 1"))
    assert tokenizer_of_words(chinese) == "word"
    monkeypatch.setattr(SEGMENTERS[0], "_versions", staticmethod(lambda: "jieba 1"))
    assert tokenizer_of_words(chinese) == "jieba"
    assert str(note_of_words(chinese, WORD)).endswith("; --tokenizer jieba cuts it into words")
    assert note_of_words(chinese, get_tokenizer("jieba")) == "Chinese text: cut into words by jieba 1"
