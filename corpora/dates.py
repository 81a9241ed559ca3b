"""Dates as people write them, to ISO 8601: "saturday, march 7, 1998" to "1998-03-07"."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from seqkit.backend.random import Generator

FIRST, LAST = datetime.date(1970, 1, 1), datetime.date(2020, 12, 31)
"""The dates drawn; two digits of a year are enough to tell its century."""

# not strftime, whose names follow the user's locale
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FORMS = 16


def spellings(date: datetime.date) -> list[str]:
    """The 16 ways of writing a date, equal ones among them; those of the textbook's file in its proportions.

    Four times ``3/7/98``; then "Mar 7, 1998", "March 7, 1998" and "Saturday, March 7, 1998", each twice as
    it stands, once in lower case and once in capitals.
    """
    month, weekday = _MONTHS[date.month - 1], _WEEKDAYS[date.weekday()]
    day = f"{date.day}, {date.year}"
    forms = [f"{date.month}/{date.day}/{date.year % 100:02}"] * 4
    for text in (f"{month[:3]} {day}", f"{month} {day}", f"{weekday}, {month} {day}"):
        forms += [text, text, text.lower(), text.upper()]
    return forms


def draw_dates(seed: int) -> Iterator[tuple[str, str, str]]:
    """(source, target, key) such as ("3/7/98", "1998-03-07", "1998-03-07"): the key is the answer.

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
