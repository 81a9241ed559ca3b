// Images: mistakes, confusion matrix and filters of an image classifier.

import { el, getJSON, number, page, plot, plotlyText, shown, theme, word } from "./common.js";
import { bars, percent } from "./tokens.js";

const byId = (id) => document.getElementById(id);
let summary = null;
let count = 0;

const item = () => byId("item").value;
/** The chosen cell of the confusion matrix: its label, its prediction, both or none. */
const cell = () => Object.fromEntries(["label", "predicted"].map((id) => [id, byId(id).value]).filter(([, value]) => value));

/** Canvases of the images of an answer, {shape [N, H, W, C], pixels}. */
function canvases({ shape: [N, H, W, C], pixels }) {
  const bytes = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
  return Array.from({ length: N }, (_, n) => {
    const canvas = el("canvas", { width: W, height: H });
    const context = canvas.getContext("2d");
    const image = context.createImageData(W, H);
    for (let i = 0; i < H * W; i++) {
      const at = (n * H * W + i) * C;
      image.data.set([bytes[at], bytes[at + (C === 3 ? 1 : 0)], bytes[at + (C === 3 ? 2 : 0)], 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
    return canvas;
  });
}

async function showMistakes(more = false) {
  const answer = await getJSON("/images/mistakes", { item: item(), first: more ? count : 0, ...cell() });
  const pictures = canvases(answer);
  const tiles = answer.mistakes.map((each, i) => el("button", {
    class: "tile", "aria-label": `image ${each.row}: ${each.label}, predicted ${each.predicted} with ${percent(each.probability)}`,
    onclick: shown((event) => {
      byId("mistakes").querySelector("[aria-current]")?.removeAttribute("aria-current");
      event.currentTarget.setAttribute("aria-current", "true");
      return showPicture(each.row);
    }),
  }, pictures[i], el("span", {}, word(each.label), " → ", word(each.predicted)), el("span", { class: "muted number", text: percent(each.probability) })));
  if (more) byId("mistakes").append(...tiles);
  else byId("mistakes").replaceChildren(...(tiles.length ? tiles : [el("p", { class: "muted", text: "No mistake." })]));
  count = (more ? count : 0) + tiles.length;
  byId("more").hidden = count >= answer.total;
  byId("title").textContent = `Mistakes (${number(answer.total)})`;
}

async function showPicture(row) {
  const answer = await getJSON("/images/picture", { item: item(), row });
  const [canvas] = canvases(answer);
  canvas.classList.add("large");
  byId("row").textContent = `${answer.row}`;
  byId("large").replaceChildren(canvas, el("p", {}, "true label ", word(answer.label, "b")));
  byId("probabilities").replaceChildren(bars(answer.probabilities.map(([name, p]) => ({ name, p, kind: name === answer.label ? "own" : "" })), 1));
  byId("picture").hidden = false;
  byId("picture").scrollIntoView({ block: "nearest", behavior: "auto" });
}

async function drawMatrix() {
  const { confusion, classes } = summary;
  byId("matrix").hidden = !confusion;
  if (!confusion) return;
  const [from, to] = theme().dark ? ["#1d2126", "#ffe2b3"] : ["#ffffff", "#5f2706"];
  const middle = theme().dark ? "#875d22" : "#f2ab5c";
  const names = classes.map(plotlyText);
  const few = classes.length <= 12;
  const places = classes.map((_, i) => i);
  const axis = { tickvals: few ? places : undefined, ticktext: few ? names : undefined, showgrid: false, zeroline: false, fixedrange: true };
  const total = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  // fractions of the class, spread by a root: a few mistakes among thousands of hits would be as white as none
  await plot(byId("confusion"), [{
    type: "heatmap", z: confusion.map((row, t) => row.map((n) => Math.sqrt(n / Math.max(1, total[t])))), zmin: 0, zmax: 1, showscale: false,
    colorscale: [[0, from], [0.5, middle], [1, to]], xgap: 1, ygap: 1,
    text: confusion, texttemplate: few ? "%{text}" : "", textfont: { size: 10 },
    customdata: confusion.map((row, t) => row.map((n, p) => [names[t], names[p]])),
    hovertemplate: "%{customdata[0]} taken for %{customdata[1]}: %{text}<extra></extra>",
  }], {
    xaxis: { ...axis, title: { text: "predicted" }, side: "bottom" },
    yaxis: { ...axis, title: { text: "true" }, autorange: "reversed" },
    dragmode: false,
    margin: { l: 50, r: 8, t: 8, b: 44 },
  }, { displayModeBar: false });
  byId("confusion").removeAllListeners?.("plotly_click");
  byId("confusion").on("plotly_click", ({ points: [point] }) => {
    if (point.x === point.y) return;
    [byId("label").value, byId("predicted").value] = [classes[point.y], classes[point.x]];
    shown(showMistakes)();
  });
}

async function showFilters() {
  const answer = await getJSON("/images/filters", { item: item() });
  byId("filters").replaceChildren(...canvases(answer));
  if (answer.total > answer.shape[0]) byId("filters").append(el("p", { class: "muted", text: `the first of ${number(answer.total)}` }));
}

async function choose() {
  byId("state").textContent = "classifying …";
  byId("picture").hidden = true;
  try {
    const filters = showFilters();
    const asked = getJSON("/images/summary", { item: item() });
    const timer = setInterval(() => getJSON("/images/progress", { item: item() }).then(
      ({ fraction }) => { byId("state").textContent &&= `classifying … ${Math.round(100 * fraction)} %`; },
      () => {}, // the summary's own error is shown
    ), 500);
    summary = await asked.finally(() => clearInterval(timer));
    for (const id of ["label", "predicted"]) {
      byId(id).replaceChildren(el("option", { value: "", text: "any" }), ...summary.classes.map((name) => el("option", { value: name, text: name })));
    }
    const figures = [["images", number(summary.examples)], ["split", summary.split], ["accuracy", `${(100 * summary.accuracy).toFixed(2)} %`], ["mistakes", number(summary.mistakes)]];
    byId("figures").replaceChildren(...figures.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { class: "number", text: value }))));
    await showMistakes();
    await drawMatrix();
    await filters;
  } finally {
    byId("state").textContent = "";
  }
}

byId("item").replaceChildren(...page.items.map((each) => el("option", { value: each.name, text: each.name })));
byId("item").addEventListener("change", shown(choose));
byId("more").addEventListener("click", shown(() => showMistakes(true)));
for (const id of ["label", "predicted"]) byId(id).addEventListener("change", shown(() => showMistakes()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", shown(async () => { if (summary) await drawMatrix(); }));
await shown(choose)();
document.body.dataset.ready = "yes";
