// Words: maps, search with completion, neighbours, analogies, groups, two sets beside each other.

import {
  Failure, clearError, debounce, el, followJob, getJSON, number, page, postJSON, showError, shown, theme, word,
} from "./common.js";
import { WordMap, decodePoints } from "./wordmap.js";

const byId = (id) => document.getElementById(id);
const SIZES = [1000, 2000, 5000, 10000, 20000, 50000, 100000];
const NAMES = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };
const QUICK = 5000; // words of a first map by a method that takes long
const isInside = ({ kind }) => !["vectors", "embeddings"].includes(kind);
const COLORS = { first: "#D55E00", near: "#0072B2", firstDark: "#FFB000", nearDark: "#7CC7F5" };

/** One of the two sets: its map and its lists. */
class Side {
  constructor(letter) {
    this.letter = letter;
    this.map = new WordMap(byId(`map-${letter}`), (i) => find([this.words[i]]));
    this.words = [];
    for (const name of ["method", "size"]) this.select(name).addEventListener("change", shown(() => this.showMap(name)));
    this.select("set").addEventListener("change", shown(async () => {
      await this.open(this.select("set").value);
      await colour();
      await again();
    }));
  }

  select(name) {
    return byId(`${name}-${this.letter}`);
  }

  async open(name) {
    this.item = name;
    this.select("set").value = name;
    this.about = await getJSON("/words/about", { item: name });
    if (this.item !== name) return;
    const { methods, packages, total, most } = this.about;
    this.select("method").replaceChildren(...Object.entries(NAMES).map(([method, text]) => {
      const there = methods.includes(method);
      return el("option", { value: method, text: there ? text : `${text}: pip install ${packages[method]}`, disabled: !there });
    }));
    const limit = Math.min(total, most);
    const sizes = [...SIZES.filter((size) => size < limit), limit];
    this.select("size").replaceChildren(...sizes.map((size) => el("option", { value: size, text: number(size) })));
    this.select("size").value = limit;
    byId(`about-${this.letter}`).textContent = `${number(total)} words of ${number(this.about.dimensions)} dimensions; `
      + "searches look at all words and all dimensions, a map at two";
    await this.showMap();
  }

  async showMap(changed) {
    const method = this.select("method").value;
    if (changed === "method" && method !== "pca" && Number(this.select("size").value) > QUICK) {
      this.select("size").value = QUICK;
    }
    const values = { item: this.item, words: Number(this.select("size").value) };
    const key = JSON.stringify([method, values]);
    this.wanted = key;
    let points;
    if (method === "pca") {
      if (this.job) await postJSON("/jobs/cancel", { job: this.job });
      this.job = null;
      ({ points } = await getJSON("/words/pca", values));
    } else {
      if (this.job) await postJSON("/jobs/cancel", { job: this.job });
      const { job } = await postJSON("/words/start", { ...values, method });
      this.job = job;
      const done = await followJob(job, byId(`progress-${this.letter}`));
      if (this.job === job) this.job = null;
      if (this.wanted !== key) return;
      if (!done) {
        this.select("method").value = "pca";
        await this.showMap();
        return;
      }
      ({ points } = await getJSON("/words/map", { job }));
    }
    const { words } = this.words.length === values.words && this.shown === this.item ? this : await getJSON("/words/list", values);
    if (this.wanted !== key) return;
    [this.words, this.shown, this.index] = [words, this.item, null];
    this.map.show(words, decodePoints(points));
    byId(`map-${this.letter}`).dataset.shown = this.item;
    if (changed) await colour();
    this.marks();
  }

  places() {
    this.index ??= new Map(this.words.map((each, i) => [each, i]));
    return this.index;
  }

  /** Mark the words that were found. */
  marks() {
    const { dark } = theme();
    const [first, near] = dark ? [COLORS.firstDark, COLORS.nearDark] : [COLORS.first, COLORS.near];
    const found = this.found ?? { indices: [], neighbours: [] };
    this.map.mark([
      ...found.indices.map((index) => ({ index, color: first })),
      ...found.neighbours.map(([, , index]) => ({ index, color: near })),
    ]);
  }
}

const sides = { a: new Side("a") };
const opened = () => Object.values(sides).filter((side) => side.item);

// Searches

let asked = null; // the last search, asked again of a new set
let searches = 0;

function list(place, title, found, others) {
  const highest = Math.max(...found.neighbours.map(([, score]) => score), 1e-9);
  place.replaceChildren(
    title,
    el("ol", { class: "neighbour-list" }, ...found.neighbours.map(([text, score]) => el("li", {}, el(
      "button",
      { type: "button", style: {}, onclick: () => find([text]), title: "its neighbours" },
      el("span", {}, others?.has(text) ? "● " : "", word(text)), el("span", { class: "number", text: score.toFixed(3) }),
    )))),
  );
  place.querySelectorAll("button").forEach((button, i) => {
    const part = Math.max(0, found.neighbours[i][1] / Math.max(highest, 1));
    button.style.setProperty("--part", `${100 * part}%`);
  });
}

async function search({ plus, minus, target }) {
  const both = opened();
  searches += 1;
  const ticket = searches;
  const results = await Promise.all(both.map(async (side) => {
    try {
      return await getJSON("/words/neighbours", { item: side.item, plus, minus, count: 12 });
    } catch (error) {
      if (both.length === 1 || !(error instanceof Failure)) throw error;
      return { failure: error.message };
    }
  }));
  if (ticket !== searches) return; // a later one is under way
  both.forEach((side, i) => {
    const found = results[i];
    const place = byId(`${target}-${side.letter}`);
    side.found = found.failure ? null : found;
    side.marks();
    if (found.failure) {
      place.replaceChildren(el("h3", { text: side.item }), el("p", { class: "muted", text: found.failure }));
      return;
    }
    const other = results.find((each) => each !== found && each.neighbours);
    const shared = other && new Set(other.neighbours.map(([text]) => text));
    const facts = [found.rank && `rank ${number(found.rank)}`, found.count && `${number(found.count)} times`].filter(Boolean);
    const title = el("div", {}, el("h3", {}, ...(target === "answers" ? ["nearest to the result"] : [word(found.words[0])]),
      both.length > 1 ? el("span", { class: "muted small" }, " in ", word(side.item)) : null));
    if (target !== "answers" && facts.length) title.append(el("p", { class: "muted small", text: facts.join(", ") }));
    list(place, title, found, shared);
  });
}

function find(plus) {
  asked = { plus, minus: [], target: "neighbours" };
  byId("query").value = plus[0];
  byId("hint").hidden = true;
  closeCompletions();
  return shown(search)(asked);
}

const again = () => (asked ? search(asked) : undefined);

byId("analogy").addEventListener("submit", shown(async (event) => {
  event.preventDefault();
  const [first, second, third] = ["first", "second", "third"].map((id) => byId(id).value.trim());
  if (!first && !third) throw new Failure({ error: "expected A or C, got neither" });
  asked = { plus: [first, third].filter(Boolean), minus: [second].filter(Boolean), target: "answers" };
  await search(asked);
}));

// Completion

const box = byId("completions");
let chosen = -1;
let completing = null;

function closeCompletions() {
  complete.cancel();
  completing?.abort();
  box.hidden = true;
  chosen = -1;
  byId("query").setAttribute("aria-expanded", "false");
  byId("query").removeAttribute("aria-activedescendant");
}

function choose(i) {
  const options = [...box.children];
  chosen = (i + options.length) % options.length;
  options.forEach((option, k) => option.setAttribute("aria-selected", String(k === chosen)));
  options[chosen].scrollIntoView({ block: "nearest" });
  byId("query").setAttribute("aria-activedescendant", options[chosen].id);
}

const complete = debounce(async () => {
  const text = byId("query").value.trim();
  completing?.abort();
  completing = new AbortController();
  if (!text || document.activeElement !== byId("query")) {
    closeCompletions();
    return;
  }
  try {
    const { words } = await getJSON("/words/complete", { item: sides.a.item, text }, completing.signal);
    box.replaceChildren(...words.map((each, i) => el("li", {
      id: `completion-${i}`, role: "option", "aria-selected": "false", dir: "auto", text: each,
      onmousedown: (event) => { event.preventDefault(); find([each]); },
    })));
    chosen = -1;
    box.hidden = !words.length;
    byId("query").setAttribute("aria-expanded", String(Boolean(words.length)));
  } catch (error) {
    showError(error);
  }
}, 80);

byId("query").addEventListener("input", complete);
byId("query").addEventListener("blur", closeCompletions);
byId("query").addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeCompletions();
  if (box.hidden || !box.children.length) return;
  if (event.key === "ArrowDown") choose(chosen + 1);
  else if (event.key === "ArrowUp") choose(chosen < 0 ? box.children.length - 1 : chosen - 1);
  else return;
  event.preventDefault();
});
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = chosen >= 0 && !box.hidden ? box.children[chosen].textContent : byId("query").value.trim();
  if (text) find([text]);
});

// Groups

function decodeBytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Read lists of words: a line each, "name: words". */
function listedGroups() {
  return byId("lists").value.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [, name, rest] = /^(?:([^:：]{1,40})[:：]\s)?(.*)$/su.exec(line);
    const members = rest.split(/[\s,，、;]+/u).filter(Boolean);
    return { name: name ?? members.slice(0, 3).join(" "), members };
  }).slice(0, 24);
}

async function colour() {
  const kind = byId("grouping").value;
  byId("clusters-label").hidden = kind !== "k-means";
  byId("lists-part").hidden = kind !== "lists";
  for (const side of opened()) {
    if (!side.words.length) continue;
    if (kind === "rank") {
      if (side.map.group !== null) side.map.colour(null, null);
    } else if (kind === "k-means") {
      const values = { item: side.item, words: side.words.length, groups: Number(byId("clusters").value) };
      const { groups, names } = await getJSON("/words/groups", values);
      side.map.colour(decodeBytes(groups), names);
    } else {
      const groups = listedGroups();
      const group = new Uint8Array(side.words.length).fill(255);
      const unknown = [];
      groups.forEach(({ members }, i) => members.forEach((each) => {
        const place = side.places().get(each);
        if (place === undefined) unknown.push(each);
        else group[place] = i;
      }));
      side.map.colour(group, groups.map(({ name }) => name));
      if (side === sides.a) byId("unknown").textContent = unknown.length ? `not on this map: ${unknown.slice(0, 12).join(", ")}` : "";
    }
  }
}

byId("grouping").addEventListener("change", shown(colour));
byId("clusters").addEventListener("change", shown(colour));
byId("use-lists").addEventListener("click", shown(colour));

// Two sets

byId("beside").addEventListener("change", shown(async () => {
  const both = byId("beside").checked;
  byId("card-b").hidden = !both;
  for (const id of ["neighbours-b", "answers-b"]) byId(id).hidden = !both;
  if (!both) {
    delete sides.b.item;
  } else {
    sides.b ??= new Side("b");
    await sides.b.open((page.items.find(({ name }) => name !== sides.a.item) ?? page.items[0]).name);
    await colour();
  }
  await again();
}));

// vectors that were trained to be looked at come before those inside other models
page.items.sort((a, b) => isInside(a) - isInside(b));
for (const letter of ["a", "b"]) {
  byId(`set-${letter}`).replaceChildren(...page.items.map(({ name }) => el("option", { value: name, text: name })));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => opened().forEach((side) => { side.map.paint(); side.marks(); }));

clearError();
await shown(() => sides.a.open(page.items[0].name))();
document.body.dataset.ready = "yes";
