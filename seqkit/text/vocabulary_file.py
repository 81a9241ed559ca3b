"""The file of a vocabulary: UTF-8, a header line, then one escaped token a line, with counts where known.

::

    seqkit-vocabulary {"version": 1, "size": 3, "unk": "<unk>", "eos": "<eos>", "counts": true}
    the<TAB>50770
    <unk><TAB>45020
    <eos><TAB>42068
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from seqkit.errors import DataError
from seqkit.text.escapes import escape, unescape

_MAGIC = "seqkit-vocabulary"
_VERSION = 1


def pack(tokens: Sequence[str], counts: Sequence[int] | None, *, unk: str | None, eos: str | None) -> bytes:
    """The bytes of the file."""
    header = {"version": _VERSION, "size": len(tokens), "unk": unk, "eos": eos, "counts": counts is not None}
    lines = [f"{_MAGIC} {json.dumps(header)}"]
    if counts is None:
        lines += map(escape, tokens)
    else:
        lines += [f"{escape(token)}\t{n}" for token, n in zip(tokens, counts, strict=True)]
    return ("\n".join(lines) + "\n").encode()


def unpack(data: bytes, name: str) -> tuple[list[str], list[int] | None, str | None, str | None]:
    """(tokens, counts, unk, eos) from what :func:`pack` wrote; the tokens are checked to be a vocabulary.

    Raises DataError naming ``name`` and the line that is wrong.
    """

    def damaged(what: str, line: int) -> DataError:
        return DataError(what, where=f"{name}, line {line}", remedy="restore the file or make it anew")

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise damaged(f"byte {error.start} is not UTF-8", line) from None
    header, _, body = text.partition("\n")
    magic, _, settings = header.partition(" ")
    if magic != _MAGIC:
        raise damaged(f"not a seqkit vocabulary: it does not begin with {_MAGIC!r}", 1)
    try:
        read = json.loads(settings)
        version, size, counted = read["version"], read["size"], bool(read["counts"])
        specials = {"unk": read["unk"], "eos": read["eos"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(f"the header cannot be read ({error!r})", 1) from None
    if version != _VERSION:
        raise damaged(f"vocabulary format {version!r}; this version reads {_VERSION}", 1)
    rows = body.split("\n")
    if rows.pop() != "" or len(rows) != size:
        raise damaged(f"{len(rows)} whole lines of tokens where the header says {size}", len(rows) + 2)
    tokens: dict[str, None] = {}
    counts: list[int] = []
    for line, row in enumerate(rows, start=2):
        word, tab, count = row.partition("\t")
        try:
            token = unescape(word)
        except ValueError as error:
            raise damaged(str(error), line) from None
        if token == "" or token in tokens:
            raise damaged(f"the token {token!r} stands twice" if token else "an empty token", line)
        # 18 digits: what int64 surely holds
        if bool(tab) != counted or (tab and not (count.isascii() and count.isdecimal() and len(count) <= 18)):
            raise damaged(f"a token{' and its count' if counted else ' alone'} is due, not {row!r}", line)
        if tab:
            counts.append(int(count))
        tokens[token] = None
    for role, special in specials.items():
        if special is not None and not (isinstance(special, str) and special in tokens):
            raise damaged(f"the {role} token {special!r} is not among the tokens", 1)
    return list(tokens), counts if counted else None, specials["unk"], specials["eos"]
