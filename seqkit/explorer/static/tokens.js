// Tokens coloured by a number of bits, with details at the pointer, the focus or a tap.

import { el, number, word } from "./common.js";

/** The upper bounds in bits of all colours but the last; the colours are .bits-0 … .bits-8 in app.css. */
const BOUNDS = [1, 2, 3, 4.5, 6, 8, 10, 13];

const level = (bits) => BOUNDS.filter((bound) => bits > bound).length;

/** The text of a token with its blanks and line ends visible. */
export const visible = (text) => text.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥") || "∅";

/** A probability for people; 0 % and 100 % only where it is. */
export function percent(p) {
  if (p === 0 || p === 1) return `${100 * p} %`;
  if (p >= 0.9995) return "> 99.9 %";
  if (p >= 0.995 || (p >= 0.0005 && p < 0.0995)) return `${(100 * p).toFixed(1)} %`;
  if (p >= 0.0995) return `${(100 * p).toFixed(0)} %`;
  return p < 1e-6 ? "< 0.0001 %" : `${Number((100 * p).toPrecision(1))} %`;
}

export function fillLegend(place) {
  const names = [...BOUNDS.map((bound, i) => `${i ? BOUNDS[i - 1] : 0}–${bound}`), `over ${BOUNDS.at(-1)}`];
  place.replaceChildren(...names.map((name, i) => el("span", { class: `chip bits-${i}`, text: name })));
}

/** A token: {text, bits, unknown}. Its text is no <bdi>, which the direction of its line (dir="auto") would not see. */
export function chip(token, attributes = {}) {
  const classes = ["chip", `bits-${level(token.bits)}`, token.unknown && "unknown"].filter(Boolean).join(" ");
  return el("span", { class: classes, text: visible(token.text), ...attributes });
}

/**
 * Make the chips of a line reachable: one is in the order of Tab, arrows go to the others; the pointer, the focus
 * or a tap shows what `describe(index)` returns under the chip, Escape and leaving it hide it.
 */
export function withDetails(place, chips, describe) {
  const box = el("div", { class: "popover card", role: "status", hidden: true });
  let pinned = null;
  function show(i) {
    box.replaceChildren(describe(i));
    box.hidden = false;
    const [own, around] = [chips[i].getBoundingClientRect(), place.getBoundingClientRect()];
    const wide = box.offsetWidth;
    const left = Math.min(Math.max(own.left + own.width / 2 - wide / 2, 4), document.documentElement.clientWidth - wide - 4);
    box.style.left = `${left - around.left}px`;
    box.style.top = `${own.bottom - around.top + 4}px`;
    for (const [j, each] of chips.entries()) each.classList.toggle("active", i === j);
  }
  function hide() {
    box.hidden = true;
    pinned = null;
    for (const each of chips) each.classList.remove("active");
  }
  function go(i) {
    const target = Math.min(Math.max(i, 0), chips.length - 1);
    for (const [j, each] of chips.entries()) each.tabIndex = j === target ? 0 : -1;
    chips[target].focus();
  }
  for (const [i, each] of chips.entries()) {
    each.tabIndex = i ? -1 : 0;
    each.setAttribute("role", "button");
    each.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && pinned === null && show(i));
    each.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && pinned === null && document.activeElement !== each) hide();
    });
    each.addEventListener("focus", () => show(i));
    each.addEventListener("blur", hide);
    each.addEventListener("click", () => { go(i); pinned = i; });
    each.addEventListener("keydown", (event) => {
      const rtl = getComputedStyle(place).direction === "rtl" ? -1 : 1;
      const to = { ArrowRight: i + rtl, ArrowLeft: i - rtl, ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: chips.length - 1 }[event.key];
      if (event.key === "Escape") hide();
      if (to === undefined) return;
      event.preventDefault();
      go(to);
    });
  }
  place.append(box);
}

/**
 * Rows {name, p, was?, kind?, title?, onclick?} of a name, a bar and a probability; a thin line shows `was`. The
 * longest bar is as wide as there is room, or stands for `most`.
 */
export function bars(rows, most = Math.max(...rows.flatMap(({ p, was }) => [p, was ?? 0])) || 1) {
  return el("div", { class: "bars" }, ...rows.map(({ name, p, was, kind = "", title, onclick }) => el(
    onclick ? "button" : "div", { class: `bar-row ${kind}`, title, onclick, type: onclick && "button" },
    el("span", { class: "bar-name" }, word(name)),
    el("span", { class: "bar-track" },
      el("span", { class: "bar-fill", style: { width: `${(100 * p) / most}%` } }),
      was === undefined ? null : el("span", { class: "bar-was", style: { width: `${(100 * was) / most}%` } })),
    el("span", { class: "bar-number number", text: percent(p) }),
  )));
}

/** What is known of a scored token. */
export function scoreDetails(token) {
  return el("div", {},
    el("div", { class: "popover-head" }, word(visible(token.text), "b"),
      el("span", { class: "muted", text: ` ${number(token.bits, 3)} bits, ${percent(token.probability)}, rank ${number(token.rank)}${token.unknown ? ", not in the vocabulary" : ""}` })),
    bars(token.top.map(([name, p]) => ({ name: visible(name), p, kind: name === token.text ? "own" : "" }))));
}
