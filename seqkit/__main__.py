"""``python -m seqkit``: the same as the command ``seqkit``."""

from seqkit.cli import main

if __name__ == "__main__":
    main()
