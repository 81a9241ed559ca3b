"""The views of models in a browser: each opened, used by pointer and keyboard, and measured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.exhaustive import exhaustive
from tests.explorer.browser.conftest import Open, is_wider_than_screen

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=20_000)  # a busy machine, as that of all waits for a page


def numbers(page: Any, selector: str, expression: str) -> list[float]:
    return page.locator(selector).evaluate_all(f"each => each.map(e => Number({expression}))")


def test_language_model(open_model_page: Open) -> None:
    page = open_model_page("language-model")
    page.fill("#text", "the cat sat\nשלום mat mat mat")
    page.press("#text", "Control+Enter")
    page.wait_for_selector("#scores article")
    assert page.locator("#scores article").count() == 3
    chips = page.locator("#scores article").first.locator("[role=button]")
    assert chips.count() == 9
    assert page.locator("#chart .scatterlayer .trace").count() == 3
    lines = page.locator("#scores article").first.locator(".tokens")
    assert [line.evaluate("e => getComputedStyle(e).direction") for line in lines.all()] == ["ltr", "rtl"]
    popover = page.locator("#scores article").first.locator(".popover:visible")
    assert popover.count() == 0
    chips.nth(1).hover()
    assert popover.locator(".bar-row").count() == 8
    chips.nth(2).click()
    page.keyboard.press("ArrowRight")
    assert chips.nth(3).evaluate("e => e === document.activeElement")
    assert chips.nth(3).inner_text() in popover.locator(".popover-head").inner_text()
    page.keyboard.press("Escape")
    assert popover.count() == 0


def test_generation(open_model_page: Open) -> None:
    page = open_model_page("language-model")
    model = page.locator('#generation [data-model="kneser-ney"]')
    shown = model.locator(".bar-row").first.locator(".bar-number")
    page.fill("#prompt", "on")
    expect(model.locator(".tokens")).to_have_text("on ")
    before = shown.inner_text()
    page.locator("#temperature").evaluate("e => { e.value = 0; e.dispatchEvent(new Event('input')); }")
    percents = model.locator(".bar-number").all_inner_texts()
    assert sorted(percents)[-1] == "100 %" or percents.count("100 %") == 1
    assert percents.count("0 %") == len(percents) - 1
    page.locator("#temperature").evaluate("e => { e.value = 1; e.dispatchEvent(new Event('input')); }")
    assert shown.inner_text() == before
    word = model.locator("button.bar-row", has_not=page.locator(".stop")).nth(1)
    name = word.locator(".bar-name").inner_text()
    word.click()
    page.wait_for_selector('#generation [data-model="kneser-ney"] .tokens .chip')
    assert model.locator(".tokens .chip").all_inner_texts() == [name]
    page.click("#step")
    expect(page.locator("#generation .tokens .chip")).to_have_count(4)
    page.click("#back")
    expect(page.locator("#generation .tokens .chip")).to_have_count(1)
    page.click("#restart")
    expect(page.locator("#generation .tokens .chip")).to_have_count(0)


@exhaustive
def test_the_page_redistributes_as_the_library(open_model_page: Open) -> None:
    """The sliders' arithmetic against that of sampling, with most of the tokens in groups."""
    import numpy as np

    from seqkit.decoding.sampling import tempered, truncate

    p = np.random.default_rng(0).dirichlet(np.full(500, 0.3))
    logs = np.sort(np.log(p))[::-1]
    state = {
        "top": [{"log_prob": x, "banned": False} for x in logs[:200].tolist()],
        "rest": [[1, x] for x in logs[200:].tolist()],
    }
    page = open_model_page("language-model")
    page.evaluate("import('/static/language-model.js').then(m => { window.redistribute = m.redistribute; })")
    for temperature, top_k, top_p in ((0.5, None, None), (1.5, 7, None), (2, None, 0.9), (0.8, 50, 0.6)):
        given = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        found = page.evaluate("([state, settings]) => redistribute(state, settings)", [state, given])
        expected = truncate(tempered(logs[None], temperature), top_k, top_p)[0]
        expected /= expected.sum()
        assert found["top"] == pytest.approx(expected[:200].tolist(), abs=1e-9)
        assert found["rest"] == pytest.approx(expected[200:].sum(), abs=1e-9)
        assert found["restCount"] == (expected[200:] > 0).sum()


def test_translation(open_model_page: Open) -> None:
    page = open_model_page("translation")
    page.select_option("#item", "pairs")
    page.fill("#text", "abcd")
    page.click("#go")
    page.wait_for_selector("#tree g.winner")
    assert page.locator("#hypotheses tbody tr").count() == 4
    assert (
        page.locator("#answer").inner_text()
        == page.locator("#hypotheses td bdi, #hypotheses td span").first.inner_text()
    )
    page.wait_for_selector("#heads button")
    assert page.locator("#heads button").count() == 2 * 3
    page.locator("#heads button").nth(1).click()
    assert (page.input_value("#layer"), page.input_value("#head")) == ("0", "1")
    assert page.locator("#heads button").nth(1).get_attribute("aria-pressed") == "true"
    page.select_option("#type", "encoder")
    assert page.locator("#heatmap .xtick text").count() == 4
    inside = page.evaluate(
        "() => { const [a, b] = ['#heatmap .main-svg', '#maps'].map(each => document.querySelector(each)"
        ".getBoundingClientRect()); return a.right <= b.right && a.bottom <= b.bottom; }"
    )
    assert inside
    page.select_option("#item", "transformer")
    page.fill("#text", "on big red")
    page.click("#go")
    expect(page.locator("#heatmap .ytick text")).to_have_count(4)
    assert page.locator("#search").is_hidden()


def test_labels(open_model_page: Open) -> None:
    page = open_model_page("labels")
    page.fill("#text", "the film is good")
    page.click("#go")
    page.wait_for_selector("#words [role=button]")
    label = page.locator("#label").inner_text()
    values = numbers(page, "#words [role=button]", "e.dataset.value")
    assert len(values) == 4
    page.locator("#words [role=button]").last.hover()
    assert "without the word" in page.locator("#words .popover").inner_text()
    page.locator("#labels button").last.click()
    assert page.locator("#label").inner_text() != label
    assert numbers(page, "#words [role=button]", "e.dataset.value") == pytest.approx([-x for x in values])


def test_images(open_model_page: Open) -> None:
    page = open_model_page("images")
    total = page.locator("#mistakes .tile").count()
    assert 0 < total <= 60
    page.locator("#mistakes .tile").first.click()
    page.wait_for_selector("#probabilities .bar-row")
    assert page.locator("#probabilities .bar-row").count() == 3
    first, title = page.locator("#mistakes .tile bdi").first.inner_text(), page.locator("#title").inner_text()
    page.select_option("#label", first)
    expect(page.locator("#title")).not_to_have_text(title)
    assert set(page.locator("#mistakes .tile bdi:first-child").all_inner_texts()) == {first}
    assert page.locator("#filters canvas").count() == 6
    lit = page.locator("#filters canvas").first.evaluate(
        "e => [...e.getContext('2d').getImageData(0, 0, e.width, e.height).data]"
    )
    assert (min(lit[::4]), max(lit[::4])) == (0, 255)


def test_tagger(open_model_page: Open) -> None:
    page = open_model_page("tagger")
    page.fill("#text", "Dr Smith saw New York .\nשלום New York")
    page.click("#go")
    page.wait_for_selector("#spans p:nth-child(2)")
    assert page.locator("#words tbody tr").count() == 9
    assert page.locator("#spans p").nth(0).evaluate("e => getComputedStyle(e).direction") == "ltr"
    assert page.locator("#spans p").nth(1).evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert "Smith" in page.locator("#spans .span").first.inner_text()
    colors = page.locator("#spans .span").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert "rgba(0, 0, 0, 0)" not in colors


def test_phone(open_model_page: Open) -> None:
    page = open_model_page("language-model", width=390, height=844)
    address = page.url.rpartition("/")[0]
    for view in ("language-model", "translation", "labels", "images", "tagger"):
        page.emulate_media(color_scheme="light")
        page.goto(f"{address}/{view}")
        page.wait_for_selector("body[data-ready]")
        assert not is_wider_than_screen(page), view
        tab = page.locator("nav a[aria-current]").bounding_box()
        assert 0 <= tab["x"] <= tab["x"] + tab["width"] <= 398, view
        chips = page.locator(".chip").evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")
        page.emulate_media(color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
        dark = page.locator(".chip").evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")
        if view == "language-model":
            assert all(a != b for a, b in zip(chips, dark, strict=True))


CONTRAST = """(classes) => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return Object.fromEntries(classes.map((name) => {
    const chip = document.createElement("span");
    chip.className = `chip ${name}`;
    document.querySelector("main section").append(chip);
    const { color, backgroundColor } = getComputedStyle(chip);
    const [a, b] = [light(color), light(backgroundColor)];
    return [name, Math.max(a, b) / Math.min(a, b)];
  }));
}"""


def test_coloured_text_can_be_read(open_model_page: Open) -> None:
    """Contrast of text on every colour, by the formula of WCAG 2.1, of which level AA asks for 4.5."""
    page = open_model_page("labels")
    signs = [f"{side}-{level}" for side in ("for", "against") for level in range(1, 5)]
    classes = [*(f"bits-{level}" for level in range(9)), *signs]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(CONTRAST, classes)
        assert {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}
        assert len({round(found[f"bits-{level}"], 2) for level in range(9)}) == 9


def test_an_error_is_a_sentence(open_model_page: Open) -> None:
    page = open_model_page("translation", refused=True)
    page.select_option("#item", "pairs")
    page.fill("#text", "abc")
    page.evaluate("document.getElementById('beam').value = 99")
    page.click("#go")
    page.wait_for_selector("#error:visible")
    assert "from 1 to 10" in page.locator("#error").inner_text()
