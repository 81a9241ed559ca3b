"""Recognise the header row of a table of texts: names of columns that would be read as an example."""

import re
from collections.abc import Sequence
from itertools import combinations

_TEXTS = frozenset(
    (
        "abstract", "article", "body", "comment", "comments", "content", "description", "document",
        "documents", "headline", "hypothesis", "input", "message", "news", "phrase", "post", "premise",
        "query", "question", "review", "reviews", "sentence", "sentence1", "sentence2", "sentences",
        "sms", "source", "summary", "text", "text1", "text2", "texts", "title", "tweet", "tweets",
        "utterance", "utterances", "v2",
    )
)  # fmt: skip
_LABELS = frozenset(
    (
        "categories", "category", "class", "class_index", "classes", "emotion", "gold", "gold_label",
        "intent", "is_spam", "label", "label_id", "label_text", "labels", "language", "polarity", "rating",
        "score", "sentiment", "spam", "stars", "tag", "tags", "target", "topic", "toxic", "v1", "y",
    )
)  # fmt: skip
_PAIRS = (
    {"source", "target"}, {"src", "tgt"}, {"src", "trg"}, {"input", "output"}, {"question", "answer"},
    {"source_text", "target_text"}, {"sentence1", "sentence2"}, {"text", "translation"},
)  # fmt: skip
_WORDS = frozenset(("form", "forms", "text", "token", "tokens", "word", "words"))
_TAGS = frozenset(
    (
        "chunk", "entity", "label", "labels", "named_entity", "ne", "ner", "ner_tag", "ner_tags", "pos",
        "pos_tag", "pos_tags", "tag", "tags", "upos", "xpos",
    )
)  # fmt: skip
_LANGUAGES = frozenset(
    (
        "arabic", "chinese", "czech", "danish", "dutch", "english", "finnish", "french", "german", "greek",
        "hebrew", "hindi", "hungarian", "indonesian", "italian", "japanese", "korean", "norwegian",
        "polish", "portuguese", "romanian", "russian", "spanish", "swedish", "thai", "turkish",
        "ukrainian", "vietnamese",
    )
)  # fmt: skip

_NAME = re.compile(r"\s*[\"'`#*]?[^\W\d][\w .:?-]{0,39}[\"'`*?]?\s*")
_SHORT_NAME = re.compile(r"\s*[\"']?[^\W\d]\w{0,24}[\"']?\s*")
_NUMBER = re.compile(r"\s*-?\d+(\.\d+)?\s*")
_LEAST_ROWS, _LONGEST_CODE = 3, 5

_CODES = frozenset(
    (
        "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo",
        "es", "et", "eu", "fa", "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "is", "it",
        "ja", "ka", "kk", "km", "kn", "ko", "ky", "la", "lb", "lo", "lt", "lv", "mk", "ml", "mn", "mr",
        "ms", "mt", "my", "nb", "ne", "nl", "nn", "no", "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk",
        "sl", "so", "sq", "sr", "sv", "sw", "ta", "te", "tg", "th", "tl", "tr", "uk", "ur", "uz", "vi",
        "xh", "yi", "zh", "zu",
    )
)  # fmt: skip
"""Codes of languages (ISO 639-1, without that of Indonesian, "id"), which a region may follow: en-US."""


def _plain(cell: str) -> str:
    return cell.strip(" \"'`#*?:").casefold().replace(" ", "_")


def is_text_name(name: str) -> bool:
    """Return whether this is a usual name of a column of texts."""
    return _plain(name) in _TEXTS


def is_label_name(name: str) -> bool:
    """Return whether this is a usual name of a column of labels."""
    return _plain(name) in _LABELS


def are_pair_names(source: str, target: str) -> bool:
    """Return whether these are the usual names of a source's and a target's column, in any order."""
    names = {_plain(source), _plain(target)}
    return names in _PAIRS or (len(names) == 2 and (names <= _LANGUAGES or all(map(_is_code, names))))


def _is_code(name: str) -> bool:
    return re.split("[-_]", name)[0] in _CODES


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row of a table has the names of the columns.

    That is so if all its cells are different names, and two of them are the usual ones of a source and a
    target or of a text and a label, in any order; if the only one is that of a text; or if all rows below
    have a number where it has none.

    Args:
        first: The first row.
        rows: Rows that follow it.

    Example:
        >>> is_header(["Sentence", "label"], []), is_header(["a sentence", "news"], [])
        (True, False)
    """
    if len(set(map(_plain, first))) < len(first) or not all(map(_NAME.fullmatch, first[1:])):
        return False
    if not first or not (_NAME.fullmatch(first[0]) or (first[0].strip() == "" and len(first) > 1)):
        return False
    if len(first) == 1:
        return is_text_name(first[0])
    for a, b in combinations(first, 2):
        if _is_code(_plain(a)) and _is_code(_plain(b)):  # "is" and "it" may be words, above other short ones
            if len(rows) >= _LEAST_ROWS and all(len(cell) > _LONGEST_CODE for cell in _longest(rows)):
                return True
        elif are_pair_names(a, b) or _are_columns(_plain(a), _plain(b)):
            return True
    columns = list(zip(*rows, strict=False)) if len(rows) >= _LEAST_ROWS else []
    return any(all(map(_NUMBER.fullmatch, column)) for column in columns) and all(
        _SHORT_NAME.fullmatch(name) for name in first if name
    )


def _longest(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the longest cell of each row."""
    return [max(row, key=len, default="") for row in rows]


def is_tagged_header(word: str, tag: str) -> bool:
    """Return whether the word and the tag of a file's first line are the names of the columns.

    Example:
        >>> is_tagged_header("Word", "POS"), is_tagged_header("word", "NN")
        (True, False)
    """
    return _plain(word) in _WORDS and _plain(tag) in _TAGS


def _are_columns(first: str, second: str) -> bool:
    """Return whether one is the name of a column of texts and the other of labels, in any order."""
    return any(text in _TEXTS and label in _LABELS for text, label in ((first, second), (second, first)))
