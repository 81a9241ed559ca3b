// Translation and attention: translations, the beam search as a tree, and heat maps of every layer and head.

import { el, getJSON, number, page, plot, plotlyText, postJSON, shown, table, theme, word } from "./common.js";
import { visible } from "./tokens.js";

const byId = (id) => document.getElementById(id);
const TYPES = { cross: "decoder to source", encoder: "encoder", decoder: "decoder", self: "self" };
const items = page.items;
let maps = []; // of the text: {name, shape [L, N, T, S], queries, keys, weights}
let examples = 0;

const item = () => items.find((each) => each.name === byId("item").value);
const translates = () => item().kind === "seq2seq";

// Translation

let asked = 0;

async function run() {
  const text = byId("text").value.trim();
  if (!text) return;
  const round = ++asked;
  byId("state").textContent = "computing …";
  try {
    let target;
    if (translates()) {
      const values = { item: item().name, text, beam: Number(byId("beam").value), length_penalty: Number(byId("penalty").value) };
      const result = await postJSON("/translation/translate", values);
      if (round !== asked) return;
      target = result.translations[0].tokens;
      byId("answer").textContent = result.translations[0].text;
      drawTree(result.tree);
      fillHypotheses(result.translations);
      if (!result.attention) { byId("maps").hidden = true; return; }
    } else {
      byId("answer").textContent = "";
    }
    byId("search").hidden = !translates();
    const found = await postJSON("/translation/attention", { item: item().name, text, ...(target && { target }) });
    if (round !== asked) return;
    maps = found.map((each) => ({ ...each, weights: decode(each.weights) }));
    byId("maps").hidden = false;
    fillTypes();
  } finally {
    if (round === asked) {
      byId("state").textContent = "";
      byId("search").hidden = !translates();
    }
  }
}
const go = shown(run);

/** 16-bit integers, low byte first, as base64. */
function decode(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true) / 65535);
}

function fillHypotheses(translations) {
  table(byId("hypotheses"), [
    { title: "rank", value: (row) => row.rank, number: true },
    { title: "translation", value: (row) => row.text },
    { title: "score", value: (row) => row.score, number: true },
    { title: "log-probability", value: (row) => row.log_prob, number: true },
    { title: "tokens", value: (row) => row.tokens.length, number: true },
    { title: "ended", value: (row) => (row.complete ? "yes" : "at the limit") },
  ], translations.map((each, i) => ({ ...each, rank: i + 1 })));
}

// The tree

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function drawTree(all) {
  // what goes on after the last result was given up: three steps of it tell enough
  const end = Math.max(...all.filter((node) => node.rank !== null).map((node) => node.depth)) + 3;
  const nodes = all.filter((node) => node.depth <= end); // parents come first: their numbers stay
  const left = Math.max(...all.map((node) => node.depth)) - end;
  const winner = new Set();
  for (let i = nodes.findIndex((node) => node.rank === 1); i >= 0; i = nodes[i].parent) winner.add(i);
  const steps = Math.max(...nodes.map((node) => node.depth));
  const columns = Array.from({ length: steps }, (_, d) => nodes.map((_, i) => i).filter((i) => nodes[i].depth === d + 1));
  // the order of a column follows that of the parents, so that edges of siblings do not cross
  const place = new Map();
  columns.forEach((column, d) => {
    const order = [...column].sort((a, b) => (d ? place.get(nodes[a].parent) - place.get(nodes[b].parent) : 0) || nodes[b].log_prob - nodes[a].log_prob);
    order.forEach((i, row) => place.set(i, row));
  });
  const longest = columns.map((column) => Math.max(...column.map((i) => [...visible(nodes[i].token)].length)));
  const rows = Math.max(...columns.map((column) => column.length));
  const [high, top] = [46, 14];
  const x = [];
  let right = 12;
  for (const length of longest) { x.push(right); right += Math.min(18, length) * 9 + 46; }
  const [width, height] = [right + 10, rows * high + top];
  const y = (i) => top + place.get(i) * high + 12;
  const wide = (i) => Math.min(18, [...visible(nodes[i].token)].length) * 9 + 14;
  const kind = (i) => (winner.has(i) ? "winner" : nodes[i].on_path ? "result" : "pruned");
  const order = { pruned: 0, result: 1, winner: 2 };
  const drawn = nodes.map((_, i) => i).sort((a, b) => order[kind(a)] - order[kind(b)]);
  const edges = drawn.filter((i) => nodes[i].parent >= 0).map((i) => {
    const { parent, depth } = nodes[i];
    const [x1, y1, x2, y2] = [x[depth - 2] + wide(parent), y(parent), x[depth - 1], y(i)];
    const middle = (x1 + x2) / 2;
    return svg("path", { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, class: kind(i) });
  });
  const boxes = drawn.map((i) => {
    const node = nodes[i];
    const group = svg("g", { class: kind(i), transform: `translate(${x[node.depth - 1]} ${y(i)})` });
    const text = svg("text", { x: wide(i) / 2, y: 5 });
    text.textContent = [...visible(node.token)].length > 18 ? `${[...visible(node.token)].slice(0, 17).join("")}…` : visible(node.token);
    const title = svg("title");
    title.textContent = `${visible(node.token)}\nlog-probability ${node.log_prob.toFixed(3)}\nscore if it ended here ${node.score.toFixed(3)}${node.rank ? `\nresult ${node.rank}` : ""}`;
    group.append(svg("rect", { x: 0, y: -12, width: wide(i), height: 24, rx: 6 }), text, title);
    if (node.complete) {
      const score = svg("text", { x: wide(i) / 2, y: 25, class: "score" });
      score.textContent = node.score.toFixed(2).replace("-", "−");
      group.append(score);
    }
    return group;
  });
  byId("tree").replaceChildren(svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, ...edges, ...boxes));
  if (left > 0) byId("tree").append(el("p", { class: "muted", text: `… and ${number(left)} more steps of hypotheses that were given up` }));
}

// Attention

const current = () => maps.find((each) => each.name === byId("type").value) ?? maps[0];

function options(select, values, kept) {
  const before = kept ? select.value : null;
  select.replaceChildren(...values.map(([value, text]) => el("option", { value, text })));
  if (values.some(([value]) => String(value) === before)) select.value = before;
  select.closest("label").hidden = values.length < 2;
}

function fillTypes() {
  options(byId("type"), maps.map((each) => [each.name, TYPES[each.name]]), true);
  fillLayers();
}

function fillLayers() {
  const [L, N] = current().shape;
  let before = byId("layer").options.length === L;
  options(byId("layer"), Array.from({ length: L }, (_, l) => [l, l + 1]), true);
  if (!before) byId("layer").value = L - 1;
  before = before && byId("head").options.length === N + (N > 1);
  options(byId("head"), [...(N > 1 ? [["mean", "mean"]] : []), ...Array.from({ length: N }, (_, n) => [n, n + 1])], before);
  byId("heads").hidden = L * N === 1;
  drawHeads();
  drawHeatmap().catch(() => {});
}

/** The weights (T rows of S) of a head, or of the mean of all. */
function weightsOf(map, layer, head) {
  const [, N, T, S] = map.shape;
  const at = (n, t, s) => map.weights[((layer * N + n) * T + t) * S + s];
  const value = head === "mean"
    ? (t, s) => { let sum = 0; for (let n = 0; n < N; n++) sum += at(n, t, s); return sum / N; }
    : (t, s) => at(Number(head), t, s);
  return Array.from({ length: T }, (_, t) => Array.from({ length: S }, (_, s) => value(t, s)));
}

const scale = () => (theme().dark
  ? [[0, "#1d2126"], [0.25, "#4a3c2a"], [0.5, "#875d22"], [0.75, "#d39238"], [1, "#ffe2b3"]]
  : [[0, "#ffffff"], [0.25, "#fbe3bd"], [0.5, "#f2ab5c"], [0.75, "#b85413"], [1, "#5f2706"]]);

async function drawHeatmap() {
  for (const button of byId("heads").querySelectorAll("button")) {
    const [l, n] = button.dataset.head.split(",");
    button.setAttribute("aria-pressed", String(l === byId("layer").value && n === byId("head").value));
  }
  const map = current();
  const [, , T, S] = map.shape;
  const z = weightsOf(map, Number(byId("layer").value), byId("head").value);
  const ticks = (tokens) => ({ tickvals: tokens.map((_, i) => i), ticktext: tokens.map((text) => plotlyText(visible(text))), showgrid: false, zeroline: false, fixedrange: true });
  const place = byId("heatmap");
  place.style.height = `${Math.max(260, Math.min(760, 26 * T + 150))}px`;
  const narrow = place.clientWidth < 500;
  const long = Math.max(...map.keys.map((key) => [...key].length)) > 2;
  place.style.maxWidth = `${Math.max(300, (long ? 44 : 30) * S + 190)}px`;
  await plot(place, [{
    type: "heatmap", z, zmin: 0, zmax: 1, colorscale: scale(), xgap: 1, ygap: 1,
    customdata: map.queries.map((query) => map.keys.map((key) => [plotlyText(visible(query)), plotlyText(visible(key))])),
    hovertemplate: "%{customdata[0]} → %{customdata[1]}: %{z:.3f}<extra></extra>",
    colorbar: narrow ? { orientation: "h", thickness: 10, y: -0.02, yanchor: "top" } : { thickness: 12, len: 0.9, title: { text: "weight" } },
  }], {
    dragmode: false,
    xaxis: { ...ticks(map.keys), side: "top", tickangle: long ? -60 : 0 },
    yaxis: { ...ticks(map.queries), autorange: "reversed" },
    margin: { l: 60, r: 10, t: 60, b: narrow ? 50 : 10 },
  }, { displayModeBar: false });
  await Plotly.Plots.resize(place); // its size changes with the number of tokens
}

/** A small picture of each head; a click chooses it. */
function drawHeads() {
  const map = current();
  const [L, N, T, S] = map.shape;
  if (L * N === 1) return byId("heads").replaceChildren();
  const dark = theme().dark;
  const stops = scale().map(([, color]) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16)));
  const color = (p) => {
    const [i, rest] = [Math.min(3, Math.floor(p * 4)), Math.min(p * 4 - Math.min(3, Math.floor(p * 4)), 1)];
    return stops[i].map((from, c) => from + (stops[i + 1][c] - from) * rest);
  };
  const rows = Array.from({ length: L }, (_, l) => el("div", { class: "head-row" },
    el("span", { class: "muted", text: `layer ${l + 1}` }),
    ...Array.from({ length: N }, (_, n) => {
      const canvas = el("canvas", { width: S, height: T });
      const context = canvas.getContext("2d");
      const image = context.createImageData(S, T);
      weightsOf(map, l, n).flat().forEach((p, i) => image.data.set([...color(p), 255], 4 * i));
      context.putImageData(image, 0, 0);
      return el("button", {
        class: "head", "data-head": `${l},${n}`, "aria-label": `layer ${l + 1}, head ${n + 1}`, title: `layer ${l + 1}, head ${n + 1}`,
        onclick: shown(() => { byId("layer").value = l; byId("head").value = n; return drawHeatmap(); }),
      }, canvas);
    })));
  byId("heads").replaceChildren(...rows);
  byId("heads").classList.toggle("dark", dark);
}

// Begin

async function example() {
  const { text } = await getJSON("/translation/example", { item: item().name, number: examples++ });
  byId("text").value = text ?? byId("text").value;
  await run();
}

function choose() {
  for (const each of document.querySelectorAll(".of-translation")) each.hidden = !translates();
  byId("go").textContent = translates() ? "Translate" : "Show attention";
  for (const id of ["search", "maps"]) byId(id).hidden = true;
  byId("answer").textContent = "";
  examples = 0;
  return example();
}

byId("item").replaceChildren(...items.map((each) => el("option", { value: each.name, text: each.name })));
byId("item").value = (items.find((each) => each.kind === "seq2seq") ?? items[0]).name;
byId("item").addEventListener("change", shown(choose));
byId("go").addEventListener("click", go);
byId("example").addEventListener("click", shown(example));
byId("text").addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go());
for (const id of ["beam", "penalty"]) byId(id).addEventListener("change", go);
byId("type").addEventListener("change", fillLayers);
for (const id of ["layer", "head"]) byId(id).addEventListener("change", shown(drawHeatmap));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (maps.length) { drawHeads(); drawHeatmap(); } });
await shown(choose)();
document.body.dataset.ready = "yes";
