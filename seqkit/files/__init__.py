"""Files that every package reads and writes: atomic replacement, and the safetensors format."""

from seqkit.files.atomic import atomic_writer, publish, write_atomically
from seqkit.files.safetensors import DTYPES, SafetensorsData, encode_safetensors, map_file

__all__ = [
    "DTYPES",
    "SafetensorsData",
    "atomic_writer",
    "encode_safetensors",
    "map_file",
    "publish",
    "write_atomically",
]
