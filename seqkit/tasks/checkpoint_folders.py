"""Checkpoint folders of published models: how they are recognised, and their tokenizers."""

from pathlib import Path
from typing import Any

from seqkit.errors import RunError
from seqkit.files import read_json
from seqkit.models.checkpoints import CONFIG, PICKLES, WEIGHTS
from seqkit.text import SubwordTokenizer, load_tokenizer
from seqkit.training.run_directory import LOG

_FILES = ("modules.json", "tokenizer_config.json", WEIGHTS, *PICKLES)


def is_checkpoint_folder(path: str | Path) -> bool:
    """Return whether a folder is a checkpoint folder, complete or not, and not a run directory."""
    folder = Path(path)
    try:
        return "task" not in read_json(folder / CONFIG, dict[str, Any])
    except RunError:
        return not (folder / LOG).exists() and any((folder / name).exists() for name in _FILES)


def fitting_tokenizer(folder: Path, vocab_size: int, *, lowercase: bool = False) -> SubwordTokenizer:
    """Load the tokenizer of a folder whose model has ``vocab_size`` vectors.

    Args:
        folder: The folder.
        vocab_size: The number of the model's word embeddings.
        lowercase: Whether text is put in lower case first, as a sentence encoder's folder may ask.

    Raises:
        RunError: It has more tokens.
    """
    tokenizer = load_tokenizer(folder)
    if len(tokenizer) > vocab_size:
        raise RunError(
            f"expected a tokenizer with at most {vocab_size:,} tokens, the model's word embeddings, got "
            f"{len(tokenizer):,}",
            where=str(folder),
            remedy="download the tokenizer and the weights of the same model",
        )
    if lowercase:
        tokenizer.add_lowercase()
    return tokenizer
