"""Files that every package reads and writes: atomic replacement, JSON, and the safetensors format."""

from seqkit.files.atomic import atomic_writer, publish, write_atomically
from seqkit.files.json_files import DocumentLimits, parse_json, read_json
from seqkit.files.lock import FileLock
from seqkit.files.safetensors import DTYPES, SafetensorsData, encode_safetensors
from seqkit.files.typed_values import Between, fill_json

__all__ = [
    "DTYPES",
    "Between",
    "DocumentLimits",
    "FileLock",
    "SafetensorsData",
    "atomic_writer",
    "encode_safetensors",
    "fill_json",
    "parse_json",
    "publish",
    "read_json",
    "write_atomically",
]
