"""The tokenizer of a checkpoint folder, in any of three formats.

``tokenizer.json`` holds everything. Older folders have BERT's ``vocab.txt``, a token in each line, or the
``vocab.json`` and ``merges.txt`` of GPT-2 and RoBERTa: ids by token, and pairs in the order in which they are
joined.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import DocumentLimits, read_json
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
from seqkit.text.tokenizer_settings import (
    CONFIG,
    ROLE_NAMES,
    TokenizerSettings,
    added_tokens,
    content_of,
    read_roles,
    read_tokenizer_settings,
)

_PIECES, _IDS, _MERGES = "vocab.txt", "vocab.json", "merges.txt"
_CLASSES = {
    _PIECES: (
        "BertTokenizer",
        "DistilBertTokenizer",
        "ElectraTokenizer",
        "MobileBertTokenizer",
        "ConvBertTokenizer",
    ),
    _IDS: ("GPT2Tokenizer", "RobertaTokenizer", "BartTokenizer", "LongformerTokenizer"),
}
"""The classes of the reference library that read a file as it is read here."""
_REFERENCE = (
    f"download {FILE} too, or write it with the reference library: "
    "AutoTokenizer.from_pretrained(NAME).save_pretrained(DIR)"
)
_VOCABULARY = DocumentLimits(size=64 << 20, values=1_000_000, depth=2)
_STRAY = 20
"""One token in this many may come from no pair, since RoBERTa has fillers."""


def load_tokenizer(path: str | Path) -> SubwordTokenizer:
    """Load the tokenizer of a checkpoint folder.

    Args:
        path: A folder with ``tokenizer.json``, ``vocab.txt``, or ``vocab.json`` and ``merges.txt``.

    Raises:
        RunError: For a folder without any of them, and for a setting that changes the tokens in a manner that
            is not known here.
        DamagedFileError: For a file that cannot be a tokenizer's, and for an added token with another id.
        MissingDependencyError: Without the ``tokenizers`` library.
    """
    folder = Path(path)
    if "task" in read_config(folder) and not (folder / FILE).is_file():
        raise not_as_expected(folder, f"{folder} has no {FILE}")
    readers: dict[str, Callable[[Path, TokenizerSettings], SubwordTokenizer]] = {
        FILE: _from_file,
        _PIECES: _from_pieces,
        _IDS: _from_merges,
    }
    for name, read in readers.items():
        if (folder / name).is_file():
            settings = read_tokenizer_settings(folder)
            if name != FILE:
                _check_class(folder, name, settings)
            return _with_added_tokens(read(folder, settings), folder / name, settings)
    raise not_as_expected(
        folder,
        f"{folder} has no tokenizer: neither {FILE} nor {_PIECES} nor {_IDS} is there",
        remedy=_REFERENCE,
    )


def _check_class(folder: Path, name: str, settings: TokenizerSettings) -> None:
    """Raise RunError if the tokenizer has a class that reads the file ``name`` in another manner."""
    inner = read_config(folder).get("tokenizer_class")
    for source, stated in ((CONFIG, settings.tokenizer_class), ("config.json", inner)):
        known = _CLASSES[name]
        if isinstance(stated, str) and stated.removesuffix("Fast") not in known:
            raise RunError(
                f"{folder / source}: expected tokenizer_class to be one of {', '.join(known)} for {name}, "
                f"got {stated[:60]!r}",
                remedy=_REFERENCE,
            )


def _from_file(folder: Path, settings: TokenizerSettings) -> SubwordTokenizer:
    """Read a tokenizer.json; tokenizer_config.json must not say otherwise."""
    path = folder / FILE
    tokenizer = SubwordTokenizer.from_bytes(_content(path), str(path))
    inner, library = tokenizer.inner, subword_library()
    normalizer, splitter = inner.normalizer, inner.pre_tokenizer
    checks: list[tuple[str, Any, Any]] = []
    if isinstance(normalizer, library.normalizers.BertNormalizer):
        checks += [
            ("do_lower_case", settings.do_lower_case, normalizer.lowercase),
            ("strip_accents", settings.strip_accents, normalizer.strip_accents),
            ("tokenize_chinese_chars", settings.tokenize_chinese_chars, normalizer.handle_chinese_chars),
        ]
    if isinstance(splitter, library.pre_tokenizers.ByteLevel):
        checks.append(("add_prefix_space", settings.add_prefix_space, splitter.add_prefix_space))
    for name, stated, there in checks:
        if stated is not None and stated != there:
            raise RunError(
                f"{folder / CONFIG}: expected {name} to be {there} as in {FILE}, got {stated}",
                remedy="correct the file that is wrong, or download both again",
            )
    return tokenizer


def _with_added_tokens(
    tokenizer: SubwordTokenizer, source: Path, settings: TokenizerSettings
) -> SubwordTokenizer:
    """Add the tokens of the files beside a vocabulary, which state their ids."""
    inner, library = tokenizer.inner, subword_library()
    for content, (number, token) in added_tokens(source.parent, settings).items():
        normalized = not token.special if token.normalized is None else token.normalized
        known = inner.token_to_id(content)
        if known is None or source.name != FILE:
            added = library.AddedToken(
                content,
                lstrip=token.lstrip,
                rstrip=token.rstrip,
                single_word=token.single_word,
                normalized=normalized,
            )
            (inner.add_special_tokens if token.special else inner.add_tokens)([added])
        if inner.token_to_id(content) != number:
            raise _damaged(
                source,
                f"the files beside it give the token {content!r} the id {number}, expected "
                f"{inner.token_to_id(content)}",
            )
    marked = {token.content for token in inner.get_added_tokens_decoder().values()}
    for role, special in read_roles(source.parent, settings).items():
        content = content_of(special)
        if inner.token_to_id(content) is None:
            if role in ROLE_NAMES:
                continue
            raise _damaged(source, f"expected the special token {content!r} of {CONFIG} in it")
        if content not in marked and source.name != FILE:
            inner.add_special_tokens([content])
    return tokenizer


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror or error})") from error
    refuse_substitute(path, data[:HEAD], error=DamagedFileError)
    return data


def _damaged(source: Path, why: str) -> DamagedFileError:
    return DamagedFileError(f"{source} is damaged: {why}", remedy="copy or download it again")


def _from_pieces(folder: Path, settings: TokenizerSettings) -> SubwordTokenizer:
    """Set up BERT's WordPiece over the tokens of a vocab.txt, one a line, as tokenizer_config.json says."""
    source = folder / _PIECES
    tokens = _text(_content(source), source).split("\n")
    if tokens[-1] == "":
        tokens.pop()
    ids = {token.removesuffix("\r"): number for number, token in enumerate(tokens)}
    stated = read_roles(folder, settings)
    roles = {role: content_of(stated.get(role, token)) for role, token in BERT_TOKENS.items()}
    absent = [roles[role] for role in ("unk_token", "cls_token", "sep_token") if roles[role] not in ids]
    if absent:
        raise DamagedFileError(
            f"{source} lacks {', '.join(absent)} among its {len(ids)} tokens",
            remedy="is it the vocabulary of a BERT? Else give its tokenizer.json",
        )
    outer = subword_library().implementations.BertWordPieceTokenizer(
        ids,
        lowercase=settings.do_lower_case is not False,
        handle_chinese_chars=settings.tokenize_chinese_chars is not False,
        strip_accents=settings.strip_accents,
        **roles,
    )
    return WordPieceTokenizer(outer._tokenizer)


def _from_merges(folder: Path, settings: TokenizerSettings) -> SubwordTokenizer:
    """Set up byte-level BPE: GPT-2's, or RoBERTa's if the vocabulary has ``<s>`` and ``</s>``."""
    source, merges = folder / _IDS, folder / _MERGES
    if not merges.is_file():
        raise RunError(
            f"{merges} is missing, without which {_IDS} makes no tokens",
            remedy=f"download it too, or {FILE}, which needs neither",
        )
    ids = read_json(source, dict[str, int], limits=_VOCABULARY)
    wrong = next((token for token, number in ids.items() if not 0 <= number < len(ids)), None)
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
    library, spaced = subword_library(), bool(settings.add_prefix_space)
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


def _pairs(text: str, merges: Path, ids: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Iterate over the pairs of a merges.txt, each of two tokens that make a third."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        pair = line.split(" ")
        if len(pair) != 2 or not all(part in ids for part in (*pair, "".join(pair))):
            raise _damaged(merges, f"line {number} is {line[:60]!r}, expected two tokens that make a third")
        yield pair[0], pair[1]


def _text(data: bytes, source: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _damaged(source, f"not UTF-8 ({error})") from None
