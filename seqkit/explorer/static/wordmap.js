// A map of up to 100,000 words: points, and names laid over them where there is room.

import { PALETTE, el, theme, word } from "./common.js";
import { Points } from "./points.js";

const MOST_LABELS = 70;
const CELL = [12, 9]; // pixels of the grid in which names find room
const NO_GROUP = 255;

/** Positions of the server: x and y of each word, float32 in base64. */
export function decodePoints(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const both = new Float32Array(bytes.buffer);
  const [x, y] = [new Float32Array(both.length / 2), new Float32Array(both.length / 2)];
  for (let i = 0; i < x.length; i += 1) [x[i], y[i]] = [both[2 * i], both[2 * i + 1]];
  return { x, y };
}

const rgb = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

/** Colours from one to another, for fractions from 0 to 1. */
function gradient(stops, fraction) {
  const place = fraction * (stops.length - 1);
  const i = Math.min(Math.floor(place), stops.length - 2);
  return stops[i].map((value, k) => value + (stops[i + 1][k] - value) * (place - i));
}

export class WordMap {
  /** @param onPick called with the number of the word that is clicked */
  constructor(place, onPick) {
    [this.words, this.group, this.names, this.marks] = [[], null, null, []];
    this.layer = el("div", { class: "labels", "aria-hidden": "true" });
    this.tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.legend = el("ul", { class: "map-legend", hidden: true });
    place.after(this.legend);
    place.tabIndex = 0;
    place.setAttribute("role", "application");
    place.setAttribute("aria-label", "Map of the words: arrows move it, + and − zoom, 0 shows all; the search finds a word by its name");
    this.points = new Points(place, { onPick, onHover: (i) => this.hover(i), onView: () => this.label() });
    const buttons = [["+", "closer", 1.5], ["−", "from further away", 1 / 1.5]].map(([text, title, factor]) => el("button", {
      type: "button", text, title, "aria-label": title, tabindex: -1,
      onclick: () => this.points.zoomAt(this.points.width / 2, this.points.height / 2, factor),
    }));
    const whole = el("button", { type: "button", text: "⤢", title: "show all", "aria-label": "show all", tabindex: -1, onclick: () => this.points.fit() });
    place.append(this.layer, this.tip, el("div", { class: "zoom" }, ...buttons, whole));
  }

  /** Show words at positions; their groups are forgotten. */
  show(words, { x, y }) {
    [this.words, this.group, this.names] = [words, null, null];
    this.points.move(x, y);
    this.paint();
  }

  /** Colour words by group: a number for each, 255 for none; `null` colours by rank. */
  colour(group, names) {
    [this.group, this.names] = [group, names];
    this.paint();
  }

  /** Mark words: [{index, color}], the most important first. */
  mark(marks) {
    this.marks = marks.filter(({ index }) => index >= 0 && index < this.words.length);
    this.label();
  }

  /** Whether only some words belong to groups: only these then have names. */
  listed() {
    return this.group !== null && this.group.includes(NO_GROUP);
  }

  paint() {
    const { words, group } = this;
    const count = words.length;
    const colors = new Uint8Array(4 * count);
    const { dark, muted } = theme();
    const size = count > 30000 ? 3 : count > 5000 ? 4 : 6;
    if (this.group === null) {
      // by the logarithm of the rank: the frequent words stand out
      const stops = (dark ? ["#FFE08A", "#E69F00", "#4C8FC4"] : ["#7A2600", "#D55E00", "#6FA8D0"]).map(rgb);
      const most = Math.log1p(count);
      for (let i = 0; i < count; i += 1) colors.set([...gradient(stops, Math.log1p(i) / most), 190], 4 * i);
    } else {
      const palette = PALETTE.map(rgb);
      const none = [...rgb(muted), 40];
      for (let i = 0; i < count; i += 1) {
        colors.set(group[i] === NO_GROUP ? none : [...palette[group[i] % palette.length], 220], 4 * i);
      }
    }
    this.points.paint(colors, size, this.listed() ? [...words.keys()].filter((i) => group[i] !== NO_GROUP) : []);
    this.legend.hidden = this.group === null;
    this.legend.replaceChildren(...(this.names ?? []).map((name, i) => el("li", {},
      el("span", { class: "swatch", style: { background: PALETTE[i % PALETTE.length] } }), word(name))));
  }

  hover(i) {
    this.tip.hidden = i === null;
    if (i === null) return;
    const [px, py] = this.points.at(i);
    this.tip.replaceChildren(word(this.words[i]));
    Object.assign(this.tip.style, { left: `${px}px`, top: `${py}px` });
    this.tip.classList.toggle("below", py < 60);
  }

  /** Lay names over the points: of the marked words, then of the first ones that find room. */
  label() {
    const { points, words, group } = this;
    const [width, height] = [points.width, points.height];
    const listed = this.listed();
    const columns = Math.ceil(width / CELL[0]) + 1;
    const rows = Math.ceil(height / CELL[1]) + 1;
    const taken = new Uint8Array(columns * rows);
    const margin = listed ? 0 : 2; // cells around a name that stay free
    /** Whether a name finds room above a place, which it then takes. */
    const free = (i, [px, py]) => {
      const half = Math.min(4 * words[i].length, 90) + 4;
      const left = Math.max(Math.floor((px - half) / CELL[0]), 0);
      const right = Math.min(Math.floor((px + half) / CELL[0]), columns - 1);
      const top = Math.max(Math.floor((py - 20) / CELL[1]), 0);
      const bottom = Math.min(Math.floor((py - 4) / CELL[1]), rows - 1);
      for (let row = top; row <= bottom; row += 1) {
        for (let column = left; column <= right; column += 1) if (taken[row * columns + column]) return false;
      }
      for (let row = Math.max(top - margin, 0); row <= Math.min(bottom + margin, rows - 1); row += 1) {
        taken.fill(1, row * columns + Math.max(left - margin, 0), row * columns + Math.min(right + margin, columns - 1) + 1);
      }
      return true;
    };
    const nodes = [];
    const style = ([px, py]) => ({ left: `${px}px`, top: `${py}px` });
    const add = (i, position, more = {}, color = undefined) => nodes.push(
      el("span", { dir: "auto", text: words[i], ...more, style: { ...style(position), color } }),
    );
    const inside = ([px, py]) => px >= 0 && py >= 0 && px <= width && py <= height;
    const marked = new Set();
    for (const { index, color } of this.marks) {
      const position = points.at(index);
      if (!inside(position) || marked.has(index)) continue;
      marked.add(index);
      nodes.push(el("i", { style: { ...style(position), borderColor: color } }));
      if (free(index, position)) add(index, position, { class: "marked" }, color);
    }
    for (let i = 0; i < words.length && nodes.length < MOST_LABELS; i += 1) {
      if (marked.has(i) || (listed && group[i] === NO_GROUP)) continue;
      const position = points.at(i);
      if (inside(position) && free(i, position)) add(i, position);
    }
    this.layer.replaceChildren(...nodes);
  }
}
