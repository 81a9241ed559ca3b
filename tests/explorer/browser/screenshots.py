"""Take the explorer's pictures for docs/explore.md.

    python -m tests.explorer.browser.screenshots docs/figures words,runs runs/lstm vectors.txt

Each view is opened at a width of 1280 pixels, something is done in it (:data:`STEPS`), and
``explore-<view>.png`` is written. Views without steps are taken as they open.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.explorer.browser.conftest import CHROMIUM


def words(page: Any) -> None:
    page.fill("#query", "mother")
    page.keyboard.press("Enter")
    page.locator("#neighbours-a li").first.wait_for()
    for name, word in (("first", "king"), ("second", "man"), ("third", "woman")):
        page.fill(f"#{name}", word)
    page.click("#analogy button")
    page.locator("#answers-a li").first.wait_for()
    page.select_option("#grouping", "k-means")
    page.locator(".map-legend li").first.wait_for()


def laboratory(page: Any) -> None:
    page.locator("#experiments .verdict.holds").last.click()
    page.locator("img.drawn").wait_for()


STEPS: dict[str, Callable[[Any], None]] = {"words": words, "laboratory": laboratory}


def take(folder: Path, views: list[str], paths: list[str]) -> None:
    """Take a picture of each of ``views`` of the explorer over ``paths``."""
    command = [sys.executable, "-m", "seqkit", "explore", *paths, "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(address)
            for view in views:
                page.goto(f"{address.partition('/?')[0]}/{view}")
                page.wait_for_selector("body[data-ready]")
                STEPS.get(view, lambda page: None)(page)
                page.mouse.move(0, 0)
                page.wait_for_timeout(1000)  # until what was asked last is drawn
                picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
                reduced = picture.convert("RGB").quantize(96, dither=Image.Dither.NONE)
                reduced.save(folder / f"explore-{view}.png", optimize=True)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    out, names, *opened = sys.argv[1:]
    take(Path(out), names.split(","), opened)
