"""Ten languages and scripts as people bring them: text to words and back (docs/inputs.md)."""

from pathlib import Path
from typing import Any

import pytest

from seqkit.nn import Embedding
from seqkit.tasks import embeddings, language_modeling, text_classification
from seqkit.tasks.text_classification.initial_weights import start_from_vectors
from seqkit.text import SEGMENTERS, Vocabulary, get_tokenizer
from seqkit.training import Callback
from tests.inputs.chinese import ANIMALS, CITIES, sentences

ROWS: dict[str, tuple[str, list[str]]] = {
    # Each apostrophe and hyphen decided by hand: the possessive alone is cut off, hyphens are marks
    "English of a web page": (
        "It's Zoë's e-mail: zoe@example.org – see https://example.org/a_(b)!",
        [
            "It",
            "'s",
            "Zoë",
            "'s",
            "e",
            "-",
            "mail",
            ":",
            "zoe@example.org",
            "–",
            "see",
            "https://example.org/a_(b)",
            "!",
        ],
    ),
    "Markdown": (
        "Use *two* words, **not** _one_: `snake_case`.",
        [
            "Use",
            "*",
            "two",
            "*",
            "words",
            ",",
            "**",
            "not",
            "**",
            "_",
            "one",
            "_",
            ":",
            "`",
            "snake_case",
            "`",
            ".",
        ],
    ),
    # ä as a letter and a mark, as files of macOS have it, is the same word
    "German, decomposed": ("Ma\u0308dchen „spielen“ gern.", ["M\xe4dchen", "„", "spielen", "“", "gern", "."]),
    # the zero-width non-joiner stands inside a word, the mark of direction is no token
    "Persian": ("او می\u200cرود\u200f؛ خوب؟", ["او", "می\u200cرود", "؛", "خوب", "؟"]),
    "Hebrew": ('צה"ל הודיע: בית־ספר.', ['צה"ל', "הודיע", ":", "בית", "־", "ספר", "."]),
    # vowel signs are no letters of their own
    "Hindi": ("क्या यह हिन्दी है? हाँ।", ["क्या", "यह", "हिन्दी", "है", "?", "हाँ", "।"]),
    "Emoji": (
        "Great 👍🏽 from 👨\u200d👩\u200d👧 in 🇯🇵!",
        ["Great", "👍🏽", "from", "👨\u200d👩\u200d👧", "in", "🇯🇵", "!"],
    ),
    "Chinese": (
        "今天我用Python写了３行代码，很好！",
        ["今", "天", "我", "用", "Python", "写", "了", "３", "行", "代", "码", "，", "很", "好", "！"],
    ),
    "Japanese": ("「カメラ」を2台買った。", ["「", "カメラ", "」", "を", "2", "台", "買", "っ", "た", "。"]),
    # by characters with their vowels and tones: ช + อ + บ, น้ำ is one
    "Thai": ("ชอบน้ำ", ["ช", "อ", "บ", "น้ำ"]),
}
"""Text -> its words by the tokenizer word: UAX #29 and the exceptions of docs/language-models.md."""


@pytest.mark.parametrize("name", ROWS)
def test_words(name: str) -> None:
    text, words = ROWS[name]
    tokenizer = get_tokenizer("word")
    assert tokenizer.tokenize(text) == words
    if name not in ("German, decomposed", "Persian"):  # these lose the other normal form, and a mark
        assert tokenizer.detokenize(words) == text


class Notes(Callback):
    """Keep the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def chinese(tmp_path: Path) -> str:
    file = tmp_path / "chinese.txt"
    file.write_text("".join(f"{sentence}\n" for sentence in sentences(3000)), "utf-8")
    return str(file)


def test_chinese_vectors_without_a_flag(chinese: str, tmp_path: Path) -> None:
    """The three neighbours of a word have its meaning: an animal's are animals, a city's are cities."""
    notes = Notes()
    settings = embeddings.EmbeddingSettings(corpus=chinese, epochs=5, workers=1)
    trained = embeddings.train(settings, tmp_path / "run", callbacks=notes)
    installed = SEGMENTERS[0].is_installed()
    assert trained.settings.tokenizer == ("jieba" if installed else "word")
    [note] = [text for text in notes.messages if text.startswith("Chinese text")]
    assert ("cut into words by jieba" if installed else "cut by characters; pip install") in note
    neighbours = [word for word, _ in trained.wv.most_similar("猫", topn=3)]
    assert set(neighbours) <= {*ANIMALS, "兔"}
    if installed:
        assert {word for word, _ in trained.wv.most_similar("北京", topn=3)} <= set(CITIES)


@pytest.mark.parametrize("task", ["language_modeling", "text_classification"])
def test_chinese_without_a_flag_is_read_by_every_task(task: str, chinese: str, tmp_path: Path) -> None:
    quick: dict[str, Any] = {"max_steps": 1, "embedding_size": 8, "hidden_size": 8}
    notes = Notes()
    if task == "language_modeling":
        trained: Any = language_modeling.train(
            language_modeling.LanguageModelSettings(corpus=chinese, **quick),
            tmp_path / "run",
            callbacks=notes,
        )
        [sample] = trained.generate("今天爸爸", max_new_tokens=3)
        assert sample.text.startswith("今天爸爸")
        assert " " not in sample.text
    else:
        table = tmp_path / "table.tsv"
        texts = Path(chinese).read_text("utf-8").splitlines()[:200]
        table.write_text("".join(f"{'猫' in text}\t{text}\n" for text in texts), "utf-8")
        settings = text_classification.TextClassificationSettings(corpus=str(table), **quick)
        trained = text_classification.train(settings, tmp_path / "run", callbacks=notes)
    assert not [text for text in notes.messages if text.startswith("warning")]
    assert [text for text in notes.messages if text.startswith("Chinese text")]
    assert trained.tokenizer.name == trained.settings.tokenizer
    assert trained.settings.tokenizer in ("word", "jieba")


def test_words_are_found_in_vectors_of_another_normal_form(tmp_path: Path) -> None:
    """Vectors with decomposed letters serve a vocabulary of composed ones."""
    file = tmp_path / "vectors.txt"
    file.write_text("e\u0301te\u0301 1 2\nmer 3 4\n", "utf-8")
    embedding = Embedding(3, 2, generator=0)
    words = Vocabulary(["\xe9t\xe9", "mer", "<unk>"], eos=None)
    assert start_from_vectors(embedding, words, str(file), seed=0) == 2
    assert embedding.weight.data[:2].tolist() == [[1, 2], [3, 4]]
