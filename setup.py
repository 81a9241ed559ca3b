"""Name the packages: `cli` and `corpora` stand at the top of the tree and are imported as parts of seqkit.

All else is in pyproject.toml. Builds do without the two links in `seqkit`, which archives and checkouts on
Windows may lack. An editable install puts the checkout on sys.path: for any other mapping setuptools would
install a finder, which Python asks after a folder named seqkit in the working folder.
"""

import sys

from setuptools import find_namespace_packages, setup

packages = set(find_namespace_packages(include=["seqkit*"]))
folders = {"": "."}
if "editable_wheel" not in sys.argv:
    for folder in ("cli", "corpora"):
        folders[f"seqkit.{folder}"] = folder
        packages |= {f"seqkit.{name}" for name in find_namespace_packages(include=[folder, f"{folder}.*"])}

setup(packages=sorted(packages), package_dir=folders)
