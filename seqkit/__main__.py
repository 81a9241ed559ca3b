"""``python -m seqkit``: the same as the command ``seqkit``."""

try:
    from seqkit.cli import main
except ModuleNotFoundError as error:
    if error.name not in ("seqkit.cli", "seqkit.corpora"):
        raise
    folder = error.name.removeprefix("seqkit.")
    raise SystemExit(
        f"error: expected seqkit/{folder} to be a symbolic link to the folder {folder}, got a plain file: "
        "this checkout was made without symbolic links, as Git for Windows does by default; "
        "turn on Windows' Developer Mode and clone again with: git clone -c core.symlinks=true URL"
    ) from None

if __name__ == "__main__":
    main()
