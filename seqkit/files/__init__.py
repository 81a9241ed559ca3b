"""Files that every package reads and writes: atomic replacement, JSON, and the safetensors format."""

from seqkit.files.atomic import atomic_writer, flush_folder, publish, write_atomically
from seqkit.files.json_files import DocumentLimits, parse_json, read_json
from seqkit.files.lock import FileLock
from seqkit.files.safetensors import DTYPES, SafetensorsData, encode_safetensors, map_file
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
    "flush_folder",
    "map_file",
    "parse_json",
    "publish",
    "read_json",
    "write_atomically",
]
