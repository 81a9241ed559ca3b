"""Tags of spans: the schemes IOB1, BIO and BIOES, conversion between them, and what breaks them.

A tag is "O", or a prefix, "-" and a type: "B-NP"; the type may be left out: "B". A span is (start, end,
type), of the tokens ``start`` to ``end - 1``.

=====  =======================================================================================
iob1   I inside a span; B for the first token of a span directly behind another of its type
bio    B for the first token of each span, I for the others (IOB2)
bioes  E for the last token as well, S for a span of one token (BILOU's L and U are read, too)
=====  =======================================================================================
"""

from collections.abc import Iterable, Sequence

import numpy as np

from seqkit.errors import UsageError

SCHEMES = ("iob1", "bio", "bioes")
Span = tuple[int, int, str]
OUTSIDE = "O"

_PREFIXES = {"iob1": "BI", "bio": "BI", "bioes": "BIES"}
_BILOU = {"L": "E", "U": "S"}


def split_tag(tag: str | None) -> tuple[str, str]:
    """Return prefix and type of a tag; ("O", "") for None, which stands for the ends of a sentence.

    Example:
        >>> split_tag("B-NP"), split_tag("O")
        (('B', 'NP'), ('O', ''))
    """
    prefix, _, name = (tag or OUTSIDE).partition("-")
    return _BILOU.get(prefix, prefix), name


def is_span_tag(tag: str) -> bool:
    """Return whether a tag is "O", or has a prefix of the schemes and perhaps a type."""
    prefix, name = split_tag(tag)
    return tag == OUTSIDE or (prefix in ("B", "I", "E", "S") and (name != "" or "-" not in tag))


def find_spans(tags: Iterable[str]) -> list[Span]:
    """Return the spans of tags of any scheme, as the ``conlleval`` script finds them.

    It accepts broken sequences: a span begins at B and S, at I and E behind O or another type, and behind E
    and S. That is also the default of the ``seqeval`` package.

    Example:
        >>> find_spans(["I-NP", "I-NP", "B-NP", "O", "I-VP"])
        [(0, 2, 'NP'), (2, 3, 'NP'), (4, 5, 'VP')]
    """
    spans: list[Span] = []
    before, name, start = OUTSIDE, "", 0
    position = -1
    for position, tag in enumerate(tags):
        prefix, kind = split_tag(tag)
        if before != OUTSIDE and (prefix in ("B", "S", OUTSIDE) or before in ("E", "S") or kind != name):
            spans.append((start, position, name))
            before = OUTSIDE
        if before == OUTSIDE:
            start = position
        before, name = prefix, kind
    if before != OUTSIDE:
        spans.append((start, position + 1, name))
    return spans


def is_legal(before: str | None, tag: str | None, scheme: str) -> bool:
    """Return whether a scheme allows a tag behind another; None stands for the ends of a sentence."""
    (p, x), (q, y) = split_tag(before), split_tag(tag)
    if q not in (OUTSIDE, *_PREFIXES[scheme]):
        return False
    if scheme == "iob1":
        return q != "B" or (p != OUTSIDE and x == y)
    if scheme == "bioes" and p in ("B", "I"):
        return q in ("I", "E") and x == y
    return q not in ("I", "E") or (scheme == "bio" and p != OUTSIDE and x == y)


def first_break(tags: Sequence[str], scheme: str) -> int | None:
    """Return the position of the first tag that breaks the scheme, or None.

    A span without its end in BIOES breaks at its last token.

    Example:
        >>> first_break(["B-NP", "I-VP"], "bio")
        1
    """
    for position, pair in enumerate(zip([None, *tags], [*tags, None], strict=True)):
        if not is_legal(*pair, scheme):
            return min(position, len(tags) - 1)
    return None


def strict_spans(tags: Sequence[str], scheme: str) -> list[Span]:
    """Return only the spans that follow the scheme from their first to their last tag, as ``seqeval`` does
    in its strict mode.
    """
    spans = []
    start = 0
    while start < len(tags):
        prefix, name = split_tag(tags[start])
        before = split_tag(tags[start - 1] if start else None)
        if prefix not in _PREFIXES[scheme] or not _begins(prefix, name, before, scheme):
            start += 1
            continue
        end, last = start + 1, prefix
        while end < len(tags) and last not in ("E", "S"):
            inside, kind = split_tag(tags[end])
            if kind != name or inside not in ("I", "E"):
                break
            end, last = end + 1, inside
        if _ends(last, name, split_tag(tags[end] if end < len(tags) else None), scheme):
            spans.append((start, end, name))
        start = end
    return spans


def _begins(prefix: str, name: str, before: tuple[str, str], scheme: str) -> bool:
    """Return whether a tag begins a span in the strict sense."""
    if scheme == "iob1":
        same = before[0] != OUTSIDE and before[1] == name
        return same if prefix == "B" else prefix == "I" and not (before[0] == "I" and same)
    return prefix in ("B", "S")


def _ends(last: str, name: str, after: tuple[str, str], scheme: str) -> bool:
    """Return whether a span ends in the strict sense: in IOB1 a B of another type must not follow a B."""
    if scheme == "iob1":
        return not (last == after[0] == "B" and name != after[1])
    return scheme == "bio" or last in ("E", "S")


def span_tags(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Return the tags of spans that do not overlap.

    Args:
        spans: The spans in order.
        length: Number of tokens of the sentence.
        scheme: One of :data:`SCHEMES`.

    Raises:
        UsageError: For another scheme.

    Example:
        >>> span_tags([(0, 2, "NP"), (2, 3, "NP")], 4, "bioes")
        ['B-NP', 'E-NP', 'S-NP', 'O']
    """
    require_scheme(scheme)
    tags = [OUTSIDE] * length
    before: tuple[int, str] | None = None
    for start, end, name in spans:
        behind = f"-{name}" if name else ""
        tags[start:end] = [f"I{behind}"] * (end - start)
        if scheme != "iob1" or before == (start, name):
            tags[start] = f"B{behind}"
        if scheme == "bioes":
            tags[end - 1] = f"{'S' if end == start + 1 else 'E'}{behind}"
        before = (end, name)
    return tags


def detect_scheme(sentences: Iterable[Sequence[str]]) -> str | None:
    """Return the scheme of sentences' tags, that with the fewest breaks, or None where tags have no spans.

    Example:
        >>> detect_scheme([["I-NP", "B-NP", "O"]]), detect_scheme([["DT", "NN"]])
        ('iob1', None)
    """
    breaks = dict.fromkeys(("bio", "iob1"), 0)
    prefixes = set()
    for tags in sentences:
        for before, tag in zip([None, *tags], tags, strict=False):
            if not is_span_tag(tag):
                return None
            prefixes.add(split_tag(tag)[0])
            for scheme in breaks:
                breaks[scheme] += not is_legal(before, tag, scheme)
    if not prefixes - {OUTSIDE}:
        return None
    return "bioes" if prefixes & {"E", "S"} else min(breaks, key=breaks.__getitem__)


def legal_transitions(tags: Sequence[str], scheme: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which of K tags may be first (K,), precede each other (K, K), and be last (K,)."""
    start = np.array([is_legal(None, tag, scheme) for tag in tags])
    pairs = np.array([[is_legal(before, tag, scheme) for tag in tags] for before in tags])
    return start, pairs, np.array([is_legal(tag, None, scheme) for tag in tags])


def tag_set(types: Iterable[str], scheme: str) -> tuple[str, ...]:
    """Return all tags of a scheme for these types, "O" first.

    Example:
        >>> tag_set(["NP"], "bioes")
        ('O', 'B-NP', 'I-NP', 'E-NP', 'S-NP')
    """
    require_scheme(scheme)
    names = [f"-{name}" if name else "" for name in sorted(types)]
    return (OUTSIDE, *(prefix + name for name in names for prefix in _PREFIXES[scheme]))


def require_scheme(scheme: str) -> None:
    """Raise UsageError unless ``scheme`` is one of :data:`SCHEMES`."""
    if scheme not in SCHEMES:
        raise UsageError(f"expected a scheme of tags to be one of {', '.join(SCHEMES)}, got {scheme!r}")
