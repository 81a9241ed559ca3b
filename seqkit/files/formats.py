"""Name the format of a file by its first bytes, where it is not text."""

import re
from pathlib import Path

_MAGIC = {
    b"PK\x03\x04": "a zip archive (which .docx, .xlsx and .epub are, too)",
    b"%PDF-": "a PDF document",
    b"PAR1": "a Parquet table",
    b"ARROW1": "an Arrow table",
    b"{\\rtf": "an RTF document",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89HDF": "an HDF5 file (as Keras writes)",
    b"\x93NUMPY": "an array of NumPy",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a file compressed by zstd",
    b"\x04\x22\x4d\x18": "a file compressed by lz4",
    b"\x1f\x9d": "a file compressed by compress",
    b"\x1f\x8b": "a file compressed by gzip",
    b"BZh": "a file compressed by bzip2",
    b"\xfd7zXZ\0": "a file compressed by xz",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"ID3\x02": "an MP3 recording",
    b"ID3\x03": "an MP3 recording",
    b"ID3\x04": "an MP3 recording",
    **dict.fromkeys((b"GGUF\1", b"GGUF\2", b"GGUF\3"), "a model in GGUF"),
    (793712314).to_bytes(4, "little"): "a model of fastText",
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a Python pickle"),
}
_BY_SUFFIX = {
    ".onnx": "a model in ONNX",
    ".pb": "a graph of TensorFlow",
    ".tfrecord": "records of TensorFlow",
    ".model": "a model of SentencePiece or gensim",
    ".msgpack": "weights of Flax",
}
_HEADER = re.compile(rb"\d+ \d+\r?\n")
_FEW = 1000
"""Text may have one zero byte in so many."""
_UTF = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def encoding_of(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 for the beginning of a text in one of them, with or without a byte-order mark.

    Example:
        >>> encoding_of("a text".encode("utf-16-le")), encoding_of(b"a text")
        ('UTF-16LE', None)
    """
    for mark, name in _UTF.items():
        if head.startswith(mark):
            return name
    head = head[: len(head) // 4 * 4]
    if head.count(0) * 5 < 2 * len(head) or not head:
        return None
    for width, name in ((4, "UTF-32"), (2, "UTF-16")):
        for first, order in ((0, "LE"), (width - 1, "BE")):
            letters = head[first::width]
            if 20 * letters.count(0) < len(letters) and head.count(0) * 20 > 19 * (len(head) - len(letters)):
                return name + order
    return None


def format_of(head: bytes, path: Path) -> str | None:
    """Return the format of a file that is not text, by the beginning of its content, or its suffix.

    Example:
        >>> format_of(b"%PDF-1.7", Path("paper.txt"))
        'a PDF document'
    """
    name = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if head[:2] == b"PK" and b"/data.pkl" in head[:200]:
        return "weights of PyTorch"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[8:10] == b'{"' and head[4:8] == bytes(4):
        return "a file of tensors (safetensors)"
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
        return "a recording (RIFF)"
    if name is None and head.count(0) * _FEW > len(head):
        vectors = "vectors in word2vec's binary format" if _HEADER.match(head) else None
        return vectors or _BY_SUFFIX.get(path.suffix, "binary data")
    return name
