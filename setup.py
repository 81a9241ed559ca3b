"""Refuse to build from a checkout whose symbolic links are plain files; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup

for name in ("cli", "corpora"):
    if not Path(__file__).parent.joinpath("seqkit", name, "__init__.py").is_file():
        raise SystemExit(
            f"error: expected seqkit/{name} to be a symbolic link to the folder {name}, got a plain file: "
            "this checkout was made without symbolic links, as Git for Windows does by default; "
            "turn on Windows' Developer Mode and clone again with: git clone -c core.symlinks=true URL"
        )

setup()
