"""Checkpoint folders of published models: how they are recognised, and their tokenizers."""

from __future__ import annotations

from pathlib import Path

from seqkit.errors import RunError
from seqkit.models.checkpoints import CONFIG, PICKLES, WEIGHTS, read_json
from seqkit.text import SubwordTokenizer, load_tokenizer
from seqkit.training.run_directory import LOG

_FILES = ("modules.json", "tokenizer_config.json", WEIGHTS, *PICKLES)


def is_checkpoint_folder(path: str | Path) -> bool:
    """Return whether a folder is a checkpoint folder, complete or not, and not a run directory."""
    folder = Path(path)
    try:
        return "task" not in read_json(folder / CONFIG, dict)
    except RunError:
        return not (folder / LOG).exists() and any((folder / name).exists() for name in _FILES)


def fitting_tokenizer(folder: Path, vocab_size: int) -> SubwordTokenizer:
    """Return the tokenizer of a folder. Raise RunError if it has more than ``vocab_size`` tokens."""
    tokenizer = load_tokenizer(folder)
    if len(tokenizer) > vocab_size:
        raise RunError(
            f"expected a tokenizer with at most {vocab_size:,} tokens, the model's word embeddings, got "
            f"{len(tokenizer):,}",
            where=str(folder),
            remedy="download the tokenizer and the weights of the same model",
        )
    return tokenizer
