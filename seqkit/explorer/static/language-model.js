// Language model: surprisal of a text by several models, and texts continued token by token.

import { PALETTE, debounce, el, getJSON, number, page, plot, plotlyText, postJSON, shown, word } from "./common.js";
import { bars, chip, fillLegend, scoreDetails, visible, withDetails } from "./tokens.js";

const byId = (id) => document.getElementById(id);
const SHOWN = 14; // tokens of a distribution that are drawn
const AT_ONCE = 3; // models that are chosen at first

const models = page.items.map((item, i) => ({
  name: item.name, color: PALETTE[i % PALETTE.length], chosen: i < AT_ONCE, history: [], ids: [], tokens: [], state: null,
}));
const chosen = () => models.filter((model) => model.chosen);

function fillModels() {
  byId("models").replaceChildren(...models.map((model) => el("label", {},
    el("input", {
      type: "checkbox", checked: model.chosen,
      onchange: (event) => { model.chosen = event.target.checked; score(); restart(); },
    }), el("span", { class: "swatch", style: { background: model.color } }), word(model.name))));
}

// Surprisal

let asked = 0;

async function scoreAll() {
  const text = byId("text").value;
  if (!text.trim()) return;
  const round = ++asked;
  byId("state").textContent = "computing …";
  try {
    const answers = await Promise.allSettled(chosen().map(async (model) => {
      const result = await postJSON("/language-model/score", { item: model.name, text });
      return [model, result];
    }));
    if (round !== asked) return;
    const results = answers.filter((each) => each.status === "fulfilled").map((each) => each.value);
    byId("scores").replaceChildren(...results.map(([model, result]) => scoreCard(model, result)));
    await compare(results);
    const failed = answers.find((each) => each.status === "rejected"); // the other models are shown all the same
    if (failed) throw failed.reason;
  } finally {
    if (round === asked) byId("state").textContent = "";
  }
}
const score = shown(scoreAll);

function scoreCard(model, result) {
  const figures = [
    ["perplexity", number(result.perplexity)],
    ["bits/token", number(result.bits_per_token, 3)],
    ["bits/character", number(result.bits_per_character, 3)],
    ["bits", number(result.bits, 4)],
  ];
  if (result.unknown) figures.push(["unknown", number(result.unknown)]);
  const lines = result.lines.map((line) => {
    const place = el("div", { class: "tokens", dir: "auto", role: "group", "aria-label": "Tokens" });
    const chips = line.map((token) => chip(token, { "aria-label": `${token.text}, ${number(token.bits, 3)} bits` }));
    place.append(...chips);
    withDetails(place, chips, (i) => scoreDetails(line[i]));
    return place;
  });
  return el("article", { class: "card", "data-model": model.name },
    el("h2", {}, el("span", { class: "swatch", style: { background: model.color } }), word(model.name)),
    el("dl", { class: "figures" }, ...figures.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { class: "number", text: value })))),
    ...lines);
}

async function compare(results) {
  const texts = results.map(([, result]) => result.lines.flat().map((token) => token.text));
  const alike = results.length > 1 && texts.every((each) => each.length === texts[0].length && each.every((text, i) => text === texts[0][i]));
  const few = alike && texts[0].length <= 120;
  byId("comparison").hidden = !few;
  if (!few) return;
  const places = texts[0].map((_, i) => i);
  byId("chart").style.minWidth = `${30 * places.length + 80}px`;
  await plot(byId("chart"), results.map(([model, result]) => ({
    x: places, y: result.lines.flat().map((token) => token.bits), name: plotlyText(model.name), type: "scatter", mode: "lines+markers",
    line: { color: model.color, width: 2 }, marker: { size: 7 },
    text: texts[0].map((text) => plotlyText(visible(text))), hovertemplate: "%{text}: %{y:.2f} bits<extra>%{fullData.name}</extra>",
  })), {
    xaxis: { tickvals: places, ticktext: texts[0].map((text) => plotlyText(visible(text))), tickangle: -60, zeroline: false },
    yaxis: { title: { text: "bits" }, rangemode: "tozero" },
    hovermode: "x unified",
  });
  await Plotly.Plots.resize(byId("chart"));
}

// Sampling: what the server's draws do, computed from the answer's probabilities so that sliders redraw at once

const settings = () => {
  const k = Number(byId("top-k").value);
  const p = Number(byId("top-p").value);
  return { temperature: Number(byId("temperature").value), top_k: k > 200 ? null : k, top_p: p >= 1 ? null : p };
};

/** The probabilities after temperature, top-k and top-p: {top: [p], rest: p, restCount}. */
export function redistribute(state, { temperature, top_k, top_p }) {
  const left = state.top.map((each) => !each.banned);
  const best = Math.max(...state.top.map((each, i) => (left[i] ? each.log_prob : -Infinity)));
  if (temperature === 0) {
    const first = state.top.findIndex((each, i) => left[i] && each.log_prob === best);
    return { top: state.top.map((_, i) => Number(i === first)), rest: 0, restCount: 0 };
  }
  const weight = (logProb) => Math.exp((logProb - best) / temperature);
  let top = state.top.map((each, i) => (left[i] ? weight(each.log_prob) : 0));
  let rest = state.rest.map(([count, logProb]) => [count, count * weight(logProb)]);
  if (top_k !== null) {
    let kept = 0;
    top = top.map((p, i) => (left[i] && kept++ < top_k ? p : 0));
    if (kept >= top_k) rest = [];
  }
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  if (top_p !== null) {
    const goal = top_p * (sum(top) + sum(rest.map(([, p]) => p)));
    let seen = 0;
    top = top.map((p) => { const kept = seen < goal ? p : 0; seen += p; return kept; });
    rest = rest.flatMap(([count, p]) => {
      if (seen >= goal) return [];
      const n = Math.min(count, Math.ceil(((goal - seen) / p) * count));
      seen += p;
      return [[n, (p * n) / count]];
    });
  }
  const all = sum(top) + sum(rest.map(([, p]) => p));
  return { top: top.map((p) => p / all), rest: sum(rest.map(([, p]) => p)) / all, restCount: sum(rest.map(([n]) => n)) };
}

function fillOutputs() {
  const { temperature, top_k, top_p } = settings();
  const texts = { temperature: temperature === 0 ? "0 (best)" : temperature.toFixed(2), "top-k": top_k ?? "all", "top-p": top_p === null ? "1 (all)" : top_p.toFixed(2) };
  for (const [name, text] of Object.entries(texts)) document.querySelector(`output[for="${name}"]`).value = text;
  byId("top-k").disabled = byId("top-p").disabled = temperature === 0;
}

// Generation

function drawModel(model) {
  const { state, card } = model;
  if (!state || !card) return;
  const now = redistribute(state, settings());
  const rows = state.top.slice(0, SHOWN).map((each, i) => ({
    name: visible(each.text), p: now.top[i], was: Math.exp(each.log_prob),
    kind: [each.banned ? "banned" : now.top[i] === 0 ? "cut" : "", each.stop ? "stop" : ""].join(" "),
    title: each.banned ? "never generated" : each.stop ? "ends the text" : "take this token",
    onclick: each.banned || model.ended ? undefined : shown(() => advance([model], { choose: each.id })),
  }));
  const others = now.top.slice(SHOWN);
  const count = others.filter((p) => p > 0).length + now.restCount;
  const was = 1 - state.top.slice(0, SHOWN).reduce((a, each) => a + Math.exp(each.log_prob), 0);
  rows.push({
    name: `${number(count)} others`, p: others.reduce((a, b) => a + b, 0) + now.rest, was: Math.max(0, was), kind: count ? "rest" : "rest cut",
  });
  const focused = card.contains(document.activeElement) ? [...card.querySelectorAll(".bar-row")].indexOf(document.activeElement) : -1;
  card.querySelector(".bars").replaceWith(bars(rows));
  if (focused >= 0) card.querySelectorAll(".bar-row")[focused]?.focus();
}

function drawText(model) {
  const place = model.card.querySelector(".tokens");
  place.replaceChildren(word(byId("prompt").value, "span"), " ", ...model.tokens.map((token) => chip(token, { title: `${number(token.bits, 3)} bits` })));
  const bits = model.tokens.reduce((a, token) => a + token.bits, 0);
  model.card.querySelector(".text").textContent = model.tokens.length ? model.text : "";
  model.card.querySelector(".sum").textContent = model.tokens.length
    ? `${number(model.tokens.length)} tokens, ${number(bits, 3)} bits${model.ended ? ", ended" : ""}` : "";
}

function makeCards() {
  byId("generation").replaceChildren(...chosen().map((model) => {
    model.card = el("article", { class: "card", "data-model": model.name },
      el("h2", {}, el("span", { class: "swatch", style: { background: model.color } }), word(model.name), " ", el("span", { class: "muted sum" })),
      el("div", { class: "tokens", dir: "auto" }), el("p", { class: "text", dir: "auto" }), el("div", { class: "bars" }));
    return model.card;
  }));
}

const snapshot = (model) => ({ ids: model.ids, tokens: model.tokens, state: model.state, text: model.text, ended: model.ended });

/** Ask for the next distribution of some models, after a draw or a choice if `move` says so. */
async function advance(some, move = null) {
  const prompt = byId("prompt").value;
  const answers = await Promise.allSettled(some.filter((model) => !(move && (model.ended || model.busy))).map(async (model) => {
    const { ids } = model;
    model.busy = true;
    let result;
    try {
      result = await postJSON("/language-model/next", { item: model.name, prompt, ids, ...move });
    } finally {
      model.busy = false;
    }
    if (prompt !== byId("prompt").value || ids !== model.ids) return; // begun anew meanwhile
    if (move) model.history.push(snapshot(model));
    model.ids = result.ids;
    model.text = result.text;
    model.ended = result.stopped;
    if (result.chosen) model.tokens = [...model.tokens, result.chosen];
    model.state = result;
    drawText(model);
    drawModel(model);
  }));
  const failed = answers.find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
}

const draw = () => ({ seed: Math.floor(Math.random() * 2 ** 32), ...Object.fromEntries(Object.entries(settings()).filter(([name, value]) => value !== null && (settings().temperature > 0 || name === "temperature"))) });

const step = shown(() => advance(chosen(), draw()));

const restart = shown(async () => {
  stopAuto();
  for (const model of models) Object.assign(model, { history: [], ids: [], tokens: [], state: null, text: "", ended: false });
  makeCards();
  await advance(chosen());
});

let running = false;

function stopAuto() {
  running = false;
  byId("auto").setAttribute("aria-pressed", "false");
  byId("auto").textContent = "Run";
}

async function auto() {
  if (running) return stopAuto();
  running = true;
  byId("auto").setAttribute("aria-pressed", "true");
  byId("auto").textContent = "Stop";
  let fine = true;
  while (running && fine && chosen().some((model) => !model.ended) && Math.max(...chosen().map((model) => model.tokens.length)) < 100) {
    fine = (await shown(async () => { await advance(chosen(), draw()); return true; })()) === true;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  stopAuto();
}

function back() {
  stopAuto();
  for (const model of chosen()) {
    const before = model.history.pop();
    if (!before) continue;
    Object.assign(model, before);
    drawText(model);
    drawModel(model);
  }
}

async function example() {
  const { text } = await getJSON("/language-model/example", { item: chosen()[0]?.name ?? models[0].name });
  byId("text").value = text;
  await scoreAll();
}

// Begin

fillLegend(byId("legend"));
fillModels();
fillOutputs();
for (const id of ["temperature", "top-k", "top-p"]) {
  byId(id).addEventListener("input", () => { fillOutputs(); chosen().forEach(drawModel); });
}
byId("score").addEventListener("click", score);
byId("text").addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && score());
byId("example").addEventListener("click", shown(example));
byId("prompt").addEventListener("input", debounce(restart, 500));
byId("step").addEventListener("click", step);
byId("auto").addEventListener("click", auto);
byId("back").addEventListener("click", back);
byId("restart").addEventListener("click", restart);
await shown(example)();
await restart();
document.body.dataset.ready = "yes";
