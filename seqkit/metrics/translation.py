"""BLEU and chrF of translations: by sacreBLEU where it is installed, else by the same arithmetic here.

Post (2018) says why a score needs the tokenizer with which it was computed: 13a splits at blanks and
punctuation, so a text without blanks between words is compared by characters or by a segmenter.
"""

import html
import importlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import zip_longest
from typing import Any

from seqkit.errors import MissingDependencyError, ShapeError, UsageError, require_choice

_HAN = "\u2e80-\u2fdf\u3001-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(
    f"([{_HAN}\u2600-\u27bf\uff01-\uffef\ufe30-\ufe4f\u2f00-\u2fdf\u31c0-\u31ef\u2ff0-\u303f])"
)
_SCRIPTS = {
    "kana": re.compile("[\u3041-\u30ff\uff66-\uff9f]"),
    "han": re.compile(f"[{_HAN}]"),
    "hangul": re.compile("[\uac00-\ud7a3]"),
    "unspaced": re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u0f00-\u0fff]"),  # Thai, Lao, Burmese …
}
_LETTER = re.compile(r"\w")
_13A = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),  # symbols and punctuation
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # . and , unless a digit precedes
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),  # or follows
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


@dataclass(frozen=True)
class Bleu:
    """``score`` from 0 to 100, and the ``signature`` to publish with it: settings and version."""

    score: float
    signature: str


def check_one_each(predicted: Sequence[Any], target: Sequence[Any]) -> None:
    """Raise ShapeError unless there is one target for each prediction, UsageError for none."""
    if len(predicted) != len(target):
        raise ShapeError(f"expected one target a prediction, got {len(target)} targets for {len(predicted)}")
    if len(target) == 0:
        raise UsageError("expected at least one prediction, got none")


def bleu_tokenizer(texts: Sequence[str]) -> str:
    """Return the tokenizer with which BLEU of texts in this script is usually computed.

    That is zh for Chinese; for Japanese and Korean ja-mecab and ko-mecab where their libraries are installed,
    else char for Japanese and 13a for Korean, which has blanks; char for Thai, Lao, Khmer, Burmese and
    Tibetan; 13a for all others.

    Example:
        >>> bleu_tokenizer(["今天天气很好。"]), bleu_tokenizer(["Guten Tag!"])
        ('zh', '13a')
    """
    text = " ".join(texts[:1000])
    letters = max(1, len(_LETTER.findall(text)))
    fractions = {name: len(pattern.findall(text)) / letters for name, pattern in _SCRIPTS.items()}
    if fractions["kana"] > 0.1:
        return "ja-mecab" if find_spec("MeCab") and find_spec("ipadic") and find_spec("sacrebleu") else "char"
    if fractions["han"] > 0.3:
        return "zh"
    if fractions["unspaced"] > 0.3:
        return "char"
    korean = fractions["hangul"] > 0.3 and find_spec("mecab_ko") and find_spec("sacrebleu")
    return "ko-mecab" if korean else "13a"


def bleu(
    predicted: Sequence[str],
    target: Sequence[str | Sequence[str]],
    *,
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Bleu:
    """Return the corpus BLEU (Papineni et al. 2002) of detokenised sentences.

    For n = 1 to 4 the n-grams of all predictions together are counted, each at most as often as it occurs in
    one reference of its sentence. The score is 100 times the geometric mean of the four precisions, times
    exp(1 - reference length / predicted length) if the predictions are shorter; so it is not a mean over
    sentences. An n without any match gets a small precision in place of 0 (sacreBLEU's smoothing ``exp``).

    Args:
        predicted: Sentences.
        target: For each a reference, or a list of several.
        lowercase: Ignore case.
        tokenize: sacreBLEU's tokenizer: ``13a`` is the usual one, ``none`` splits at spaces, ``zh`` is for
            Chinese and ``char`` compares characters. Others need sacreBLEU.

    Raises:
        MissingDependencyError: The tokenizer needs sacreBLEU, which is not installed.
        ShapeError: Two lengths.
        UsageError: No sentences, a sentence that is not a string, or an unknown tokenizer.
    """
    references = _references(predicted, target)
    try:
        metrics: Any = importlib.import_module("sacrebleu.metrics")
    except ImportError:
        return _own_bleu(predicted, references, lowercase, tokenize)
    require_choice("tokenize", tokenize, sorted(metrics.BLEU.TOKENIZERS))
    scorer = metrics.BLEU(lowercase=lowercase, tokenize=tokenize)
    return _by_sacrebleu(scorer, predicted, references)


def chrf(predicted: Sequence[str], target: Sequence[str | Sequence[str]], *, lowercase: bool = False) -> Bleu:
    """Return chrF2 (Popović 2015): the F-score, β = 2, of n-grams of 1 to 6 characters without blanks.

    It needs no tokenizer, and gives a part of a word its part of the credit.

    Args:
        predicted: Sentences.
        target: For each a reference, or a list of several, of which the best counts.
        lowercase: Ignore case.

    Raises:
        ShapeError: Two lengths.
        UsageError: No sentences, or a sentence that is not a string.
    """
    references = _references(predicted, target)
    try:
        metrics: Any = importlib.import_module("sacrebleu.metrics")
    except ImportError:
        return _own_chrf(predicted, references, lowercase)
    return _by_sacrebleu(metrics.CHRF(lowercase=lowercase), predicted, references)


def _references(predicted: Sequence[str], target: Sequence[str | Sequence[str]]) -> list[list[str]]:
    if isinstance(predicted, str) or isinstance(target, str):
        raise UsageError("expected predictions and targets to be lists of sentences, got one string")
    check_one_each(predicted, target)
    references = [[t] if isinstance(t, str) else list(t) for t in target]
    for i, (sentence, of_sentence) in enumerate(zip(predicted, references, strict=True)):
        if not of_sentence or not all(isinstance(x, str) for x in (sentence, *of_sentence)):
            raise UsageError(
                f"expected sentence {i} to be a string with at least one reference, "
                f"got {sentence!r} with {of_sentence!r}"
            )
    return references


def _by_sacrebleu(scorer: Any, predicted: Sequence[str], references: list[list[str]]) -> Bleu:
    streams = [list(stream) for stream in zip_longest(*references)]  # None: has no such reference
    score = scorer.corpus_score(list(predicted), streams).score
    return Bleu(float(score), str(scorer.get_signature()))


# The same without sacreBLEU


def _split_13a(line: str) -> str:
    line = line.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in line:
        for name in ("&quot;", "&amp;", "&lt;", "&gt;"):
            line = line.replace(name, html.unescape(name))
    return _punctuation(f" {line} ")


def _punctuation(line: str) -> str:
    for pattern, split in _13A:
        line = pattern.sub(split, line)
    return line


_TOKENIZE: dict[str, Callable[[str], str]] = {
    "13a": _split_13a,
    "zh": lambda line: _punctuation(_CHINESE.sub(r" \1 ", line.strip())),
    "char": lambda line: " ".join("".join(line.split())),
    "none": lambda line: line,
}


def _ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _own_bleu(predicted: Sequence[str], references: list[list[str]], lowercase: bool, tokenize: str) -> Bleu:
    if tokenize not in _TOKENIZE:
        raise MissingDependencyError(
            f"BLEU with the tokenizer {tokenize} needs sacreBLEU, which is not installed",
            remedy="pip install 'seqkit[bleu]' (or sacrebleu)",
        )

    def tokens(line: str) -> list[str]:
        return _TOKENIZE[tokenize](line.lower() if lowercase else line).split()

    correct, total, length, reference_length = [0] * 4, [0] * 4, 0, 0
    for sentence, of_sentence in zip(predicted, references, strict=True):
        words, others = tokens(sentence.rstrip()), [tokens(each.rstrip()) for each in of_sentence]
        length += len(words)
        reference_length += min((abs(len(each) - len(words)), len(each)) for each in others)[1]
        for n in range(1, 5):
            counts = _ngrams(words, n)
            most: Counter[tuple[str, ...]] = Counter()
            for each in others:
                most |= _ngrams(each, n)
            correct[n - 1] += (counts & most).total()
            total[n - 1] += counts.total()
    signature = "|".join(
        (
            f"nrefs:{len(references[0]) if len(set(map(len, references))) == 1 else 'var'}",
            f"case:{'lc' if lowercase else 'mixed'}|eff:no|tok:{tokenize}|smooth:exp|by:seqkit",
        )
    )
    if not any(correct) or not all(total):
        return Bleu(0.0, signature)
    smoothed, logs = 1.0, 0.0
    for right, of in zip(correct, total, strict=True):
        if not right:
            smoothed /= 2
        logs += math.log((right or smoothed) / of) / 4
    brevity = min(0.0, 1 - reference_length / length)
    return Bleu(100 * math.exp(logs + brevity), signature)


def _own_chrf(predicted: Sequence[str], references: list[list[str]], lowercase: bool) -> Bleu:
    sums = [[0, 0, 0] for _ in range(6)]
    for sentence, of_sentence in zip(predicted, references, strict=True):
        text, *others = ("".join((x.lower() if lowercase else x).split()) for x in (sentence, *of_sentence))
        scored = [_character_counts(text, other) for other in others]
        for total, each in zip(sums, max(scored, key=_f_score), strict=True):
            total[:] = (a + b for a, b in zip(total, each, strict=True))
    nrefs = len(references[0]) if len(set(map(len, references))) == 1 else "var"
    case = "lc" if lowercase else "mixed"
    return Bleu(100 * _f_score(sums), f"nrefs:{nrefs}|case:{case}|eff:yes|nc:6|nw:0|space:no|by:seqkit")


def _character_counts(text: str, reference: str) -> list[list[int]]:
    """Return for n = 1 to 6 the n-grams of the text, of the reference, and those that both have."""
    counts = []
    for n in range(1, 7):
        ours, theirs = (
            Counter(each[i : i + n] for i in range(len(each) - n + 1)) for each in (text, reference)
        )
        counts.append([ours.total() if theirs else 0, theirs.total(), (ours & theirs).total()])
    return counts


def _f_score(counts: Iterable[list[int]]) -> float:
    """Return F2 of the mean precision and recall over the n of which both texts have n-grams."""
    both = [row for row in counts if row[0] and row[1]]
    if not any(row[2] for row in both):
        return 0.0
    precision = sum(row[2] / row[0] for row in both) / len(both)
    recall = sum(row[2] / row[1] for row in both) / len(both)
    return 5 * precision * recall / (4 * precision + recall)
