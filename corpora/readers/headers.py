"""Recognise the header row of a table of texts: names of columns that would be read as an example."""

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
        "categories", "category", "class", "classes", "emotion", "gold", "gold_label", "intent",
        "is_spam", "label", "label_id", "label_text", "labels", "language", "polarity", "rating",
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


def _plain(cell: str) -> str:
    return cell.strip(" \"'`#*?:").casefold().replace(" ", "_")


def is_labelled_header(text: str, label: str) -> bool:
    """Return whether the text and the label of a table's first line are names of columns, in any order.

    Example:
        >>> is_labelled_header("Sentence", "label"), is_labelled_header("a sentence", "news")
        (True, False)
    """
    names = [_plain(text), _plain(label)]
    return _are_columns(*names) or set(names) in _PAIRS


def is_pair_header(source: str, target: str) -> bool:
    """Return whether the source and the target of a table's first line are the names of the columns.

    Names in one language that no translation pairs: "source" and "target", or two languages.
    """
    names = {_plain(source), _plain(target)}
    return names in _PAIRS or (len(names) == 2 and (names <= _LANGUAGES or _are_columns(*names)))


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
