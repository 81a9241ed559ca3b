"""Pairs drawn from a seed: sums, and dates as people write them."""

import datetime
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from seqkit.backend.random import Generator
from seqkit.corpora.corpus import SPLITS, Pair, Seq2SeqCorpus
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.readers.lines import BadLines
from seqkit.corpora.split import split_of
from seqkit.errors import UsageError

FIRST, LAST = datetime.date(1970, 1, 1), datetime.date(2020, 12, 31)
"""The dates drawn; two digits of a year are enough to tell its century."""

# not strftime, whose names follow the user's locale
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FORMS = 16
_BLOCK = 1 << 14
_MOST = 100_000


@dataclass(frozen=True)
class Generated:
    """The reader of a registered corpus that is drawn: ``draw(seed)`` gives (source, target, key).

    A pair's split is a hash of its key, so no key is in two splits, and a key of one seed's training data is
    not in another seed's held-out data. ``key_name`` is what the key is called.
    """

    draw: Callable[[int], Iterator[tuple[str, str, str]]]
    key_name: str

    def __call__(self, entry: CorpusEntry, _: BadLines) -> Seq2SeqCorpus:
        return self.corpus(entry)

    def corpus(self, entry: CorpusEntry, *, seed: int = 0, count: int = 50_000) -> Seq2SeqCorpus:
        """Return ``count`` distinct pairs drawn from a seed, nine tenths of them to train.

        Raises:
            UsageError: For a count that is not 20 to 100,000.
        """
        if not 20 <= count <= _MOST:
            raise UsageError(f"expected a count of 20 to {_MOST:,}, got {count}")

        @cache
        def pairs() -> dict[str, list[Pair]]:
            return _fill_splits(self.draw(seed), count)

        def of_split(split: str) -> Iterator[Pair]:
            return iter(pairs()[split])

        def identity() -> dict[str, object]:
            digest = hashlib.sha256(repr(pairs()).encode()).hexdigest()
            return {
                "seed": seed,
                "split_rule": f"90/5/5 by the hash of the {self.key_name}",
                "pairs": {split: len(in_split) for split, in_split in pairs().items()},
                "sha256": digest,
                "key": digest,
            }

        return Seq2SeqCorpus(
            entry.name,
            description=entry.description,
            sources={split: partial(of_split, split) for split in SPLITS},
            identity=identity,
            defaults=entry.defaults,
        )


def _fill_splits(draws: Iterator[tuple[str, str, str]], count: int) -> dict[str, list[Pair]]:
    """Put each pair into the split of its key until all splits have their sizes."""
    held_out = count // 20
    sizes = {"train": count - 2 * held_out, "valid": held_out, "test": held_out}
    pairs: dict[str, list[Pair]] = {split: [] for split in sizes}
    left = count
    for source, target, key in draws:
        split = split_of(key)
        if len(pairs[split]) < sizes[split]:
            pairs[split].append((source, target))
            left -= 1
            if left == 0:
                break
    return pairs


def draw_sums(seed: int) -> Iterator[tuple[str, str, str]]:
    """Draw (source, target, key) of sums of two numbers of 0 to 999, such as ("75+16", "91", "16+75").

    Each number has one, two or three digits with equal chance, then any digits; leading zeros are dropped.
    (If the numbers themselves had equal chances, four sums of five would have two operands of three digits.)
    The key is the unordered pair of operands, the smaller first; each key comes once. The draws thin out as
    the 500,500 keys are used up, and never end.
    """
    generator = Generator(seed, "addition")
    seen: set[str] = set()
    while True:
        limits = 10 ** generator.integers(1, 4, (_BLOCK, 2))
        numbers = (generator.uniform((_BLOCK, 2), dtype="float64") * limits).astype("int64")
        for a, b in numbers.tolist():
            key = f"{min(a, b)}+{max(a, b)}"
            if key not in seen:
                seen.add(key)
                yield f"{a}+{b}", str(a + b), key


def spellings(date: datetime.date) -> list[str]:
    """Return the 16 forms of a date, equal ones among them: those of the textbook's file in its proportions.

    Four times ``3/7/98``; then "Mar 7, 1998", "March 7, 1998" and "Saturday, March 7, 1998", each twice as
    it is, once in lower case and once in capitals.
    """
    month, weekday = _MONTHS[date.month - 1], _WEEKDAYS[date.weekday()]
    day = f"{date.day}, {date.year}"
    forms = [f"{date.month}/{date.day}/{date.year % 100:02}"] * 4
    for text in (f"{month[:3]} {day}", f"{month} {day}", f"{weekday}, {month} {day}"):
        forms += [text, text, text.lower(), text.upper()]
    return forms


def draw_dates(seed: int) -> Iterator[tuple[str, str, str]]:
    """Draw (source, target, key) such as ("3/7/98", "1998-03-07", "1998-03-07"): the key is the target.

    The dates of 1970 to 2020 in their spellings, each spelling of a date once, in a random order.
    """
    seen: set[str] = set()
    first = FIRST.toordinal()
    days = LAST.toordinal() + 1 - first
    for place in Generator(seed, "dates").permutation(days * _FORMS).tolist():
        date = datetime.date.fromordinal(first + place // _FORMS)
        text, answer = spellings(date)[place % _FORMS], date.isoformat()
        if text not in seen:
            seen.add(text)
            yield text, answer, answer
