"""Checkpoint folders in the layout of Hugging Face: ``config.json`` and ``model.safetensors``.

No architecture is known here: those are tables of names (:class:`Names`) in ``models/bert`` and
``models/gpt2.py``.
"""

from seqkit.backend.random import Unset
from seqkit.models.checkpoints.folder import (
    CONFIG,
    PICKLES,
    WEIGHTS,
    Activation,
    CheckpointFolder,
    Deviation,
    Epsilon,
    Rate,
    Size,
    check_heads,
    fields_of,
    key,
    keys_of,
    write_folder,
)
from seqkit.models.checkpoints.names import Names, Row, linear, normalization, stored_arrays
from seqkit.models.checkpoints.reading import checked_arrays, has_head
from seqkit.models.checkpoints.tensor_file import TensorFile

__all__ = [
    "CONFIG",
    "PICKLES",
    "WEIGHTS",
    "Activation",
    "CheckpointFolder",
    "Deviation",
    "Epsilon",
    "Names",
    "Rate",
    "Row",
    "Size",
    "TensorFile",
    "Unset",
    "check_heads",
    "checked_arrays",
    "fields_of",
    "has_head",
    "key",
    "keys_of",
    "linear",
    "normalization",
    "stored_arrays",
    "write_folder",
]
