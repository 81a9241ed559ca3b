"""A headless Chromium that must stay silent and must not leave the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser, started once."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


Open = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Open]:
    """Open a view of the runs in a window of its own; see :func:`opener`."""
    yield from opener(browser, address)


@pytest.fixture
def open_model_page(browser: Any, model_address: str) -> Iterator[Open]:
    """Open a view of a run of each task in a window of its own; see :func:`opener`."""
    yield from opener(browser, model_address)


def opener(browser: Any, address: str) -> Iterator[Open]:
    """Yield a function that opens a view in a window of its own and waits until it is ready.

    The test fails on any error in the console, and on any request to another host. With ``refused``, the page
    may ask what the server refuses.
    """
    complaints: list[str] = []
    contexts = []
    host = urlsplit(address).netloc

    def open_(
        view: str, *, width: int = 1280, height: int = 800, dark: bool = False, refused: bool = False
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # of a busy machine
        page.on("console", lambda message: message.type == "error" and complain(message.text, refused))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: _check(request.url))
        page.goto(address)
        page.goto(f"http://{host}/{view}")
        page.wait_for_selector("body[data-ready]")
        return page

    def complain(text: str, refused: bool) -> None:
        if not (refused and "400 (Bad Request)" in text):
            complaints.append(text)

    def _check(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != host:
            complaints.append(f"request to {url}")

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def is_wider_than_screen(page: Any) -> bool:
    """Whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
