"""The tokenizer of a checkpoint folder, in any of three formats.

``tokenizer.json`` holds everything. Older folders have BERT's ``vocab.txt``, a token in each line, or the
``vocab.json`` and ``merges.txt`` of GPT-2 and RoBERTa: ids by token, and pairs in the order in which they are
joined.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqkit.errors import DamagedFileError, RunError
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.files.what_is import not_as_expected, read_config
from seqkit.text.special_tokens import BERT_TOKENS, GPT_TOKENS
from seqkit.text.subwords import (
    FILE,
    BpeTokenizer,
    SubwordTokenizer,
    WordPieceTokenizer,
    subword_library,
)

_PIECES, _IDS, _MERGES = "vocab.txt", "vocab.json", "merges.txt"
_STRAY = 20
"""One token in so many may come from no pair: RoBERTa has fillers."""


def load_tokenizer(path: str | Path) -> SubwordTokenizer:
    """Load the tokenizer of a checkpoint folder.

    Args:
        path: A folder with ``tokenizer.json``, ``vocab.txt``, or ``vocab.json`` and ``merges.txt``.

    Raises:
        RunError: For a folder without any of them.
        DamagedFileError: For a file that cannot be a tokenizer's.
        MissingDependencyError: Without the ``tokenizers`` library.
    """
    folder = Path(path)
    if "task" in read_config(folder) and not (folder / FILE).is_file():
        raise not_as_expected(folder, f"{folder} has no {FILE}")
    for name, read in ((FILE, SubwordTokenizer.from_bytes), (_PIECES, _from_pieces), (_IDS, _from_merges)):
        if (folder / name).is_file():
            return read(_content(folder / name), str(folder / name))
    raise not_as_expected(
        folder,
        f"{folder} has no tokenizer: neither {FILE} nor {_PIECES} nor {_IDS} is there",
        remedy="download it too, or write it with the reference library: "
        "AutoTokenizer.from_pretrained(NAME).save_pretrained(DIR)",
    )


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror or error})") from error
    refuse_substitute(path, data[:HEAD], error=DamagedFileError)
    return data


def _damaged(source: str | Path, why: str) -> DamagedFileError:
    return DamagedFileError(f"{source} is damaged: {why}", remedy="copy or download it again")


def _from_pieces(data: bytes, source: str) -> SubwordTokenizer:
    """Set up BERT's WordPiece over the tokens of a vocab.txt, one a line, as tokenizer_config.json says."""
    tokens = _text(data, source).split("\n")
    if tokens[-1] == "":
        tokens.pop()
    ids = {token.removesuffix("\r"): number for number, token in enumerate(tokens)}
    settings = _settings(source)
    roles = {role: _name(settings.get(role, token)) for role, token in BERT_TOKENS.items()}
    absent = [roles[role] for role in ("unk_token", "cls_token", "sep_token") if roles[role] not in ids]
    if absent:
        raise DamagedFileError(
            f"{source} lacks {', '.join(absent)} among its {len(ids)} tokens",
            remedy="is it the vocabulary of a BERT? Else give its tokenizer.json",
        )
    outer = subword_library().implementations.BertWordPieceTokenizer(
        ids,
        lowercase=settings.get("do_lower_case", True),
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        **roles,
    )
    return WordPieceTokenizer(outer._tokenizer)


def _from_merges(data: bytes, source: str) -> SubwordTokenizer:
    """Set up byte-level BPE: GPT-2's, or RoBERTa's if the vocabulary has ``<s>`` and ``</s>``."""
    merges = Path(source).with_name(_MERGES)
    if not merges.is_file():
        raise RunError(
            f"{merges} is missing, without which {_IDS} makes no tokens",
            remedy=f"download it too, or {FILE}, which needs neither",
        )
    ids = _json(data, source)
    wrong = next((t for t, i in ids.items() if type(i) is not int or not 0 <= i < len(ids)), None)
    if wrong is not None or len(set(ids.values())) != len(ids):
        which = "two tokens have one id" if wrong is None else f"the id of {wrong!r} is {ids[wrong]!r}"
        raise _damaged(source, f"{which}, expected 0 to {len(ids) - 1} once each")
    pairs = list(_pairs(_text(_content(merges), merges), merges, ids))
    merged = {left + right for left, right in pairs}
    unmerged = [t for t in ids if len(t) > 1 and t not in merged and t not in GPT_TOKENS]
    if len(unmerged) > len(ids) // _STRAY:
        raise _damaged(
            merges, f"its {len(pairs)} pairs do not make {len(unmerged)} of the {len(ids)} tokens of {_IDS}"
        )
    settings, library = _settings(source), subword_library()
    spaced = bool(settings.get("add_prefix_space", False))
    inner = library.Tokenizer(library.models.BPE(ids, pairs))
    inner.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    inner.decoder = library.decoders.ByteLevel()
    marks = [mark for mark in GPT_TOKENS if mark in ids]
    inner.add_special_tokens([library.AddedToken(mark, lstrip=mark == "<mask>") for mark in marks])
    if "<s>" in ids and "</s>" in ids:
        inner.post_processor = library.processors.RobertaProcessing(
            ("</s>", ids["</s>"]), ("<s>", ids["<s>"]), add_prefix_space=spaced
        )
    return BpeTokenizer(inner)


def _pairs(text: str, merges: Path, ids: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Iterate over the pairs of a merges.txt, each of two tokens that make a third."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        pair = line.split(" ")
        if len(pair) != 2 or not all(part in ids for part in (*pair, "".join(pair))):
            raise _damaged(merges, f"line {number} is {line[:60]!r}, expected two tokens that make a third")
        yield pair[0], pair[1]


def _text(data: bytes, source: str | Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _damaged(source, f"not UTF-8 ({error})") from None


def _json(data: bytes, source: str | Path) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(source, f"no JSON ({error})") from None
    if not isinstance(content, dict):
        raise _damaged(source, f"a JSON {type(content).__name__}, expected an object")
    return content


def _settings(source: str) -> dict[str, Any]:
    """Read the tokenizer_config.json beside a file; {} without one."""
    path = Path(source).with_name("tokenizer_config.json")
    return _json(_content(path), path) if path.is_file() else {}


def _name(token: Any) -> str:
    """Return a special token, which may be written with its settings."""
    return str(token["content"]) if isinstance(token, dict) else str(token)
