// Labels: class probabilities, and the contribution of each word to a label.

import { el, getJSON, number, page, postJSON, shown, word } from "./common.js";
import { bars, percent, withDetails } from "./tokens.js";

const byId = (id) => document.getElementById(id);
let result = null;
let label = null;
let examples = 0;

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function drawLabels() {
  const rows = result.labels.map(([name, p]) => ({ name, p, kind: name === label ? "chosen" : "", onclick: () => { label = name; draw(); } }));
  byId("labels").replaceChildren(bars(rows, 1), ...(result.others ? [el("p", { class: "muted", text: `and ${number(result.others)} others` })] : []));
}

function drawWords() {
  byId("label").textContent = label;
  const whole = Object.fromEntries(result.labels)[label];
  const words = result.pieces.filter((piece) => piece.log_odds);
  const most = Math.max(0.01, ...words.map((piece) => Math.abs(piece.log_odds[label])));
  byId("scale").textContent = `strongest: ±${most.toFixed(2)}`;
  const chips = [];
  const place = byId("words");
  place.replaceChildren(...result.pieces.map((piece) => {
    if (!piece.log_odds) return piece.text;
    const value = piece.log_odds[label];
    const strength = Math.round((4 * Math.abs(value)) / most);
    const kind = strength === 0 ? "" : value > 0 ? `for-${strength}` : `against-${strength}`;
    const chip = el("span", { class: `chip word ${kind}`, "aria-label": `${piece.text}, ${signed(value)}`, "data-value": value, text: piece.text });
    chips.push(chip);
    return chip;
  }));
  withDetails(place, chips, (i) => {
    const piece = words[i];
    const without = piece.without ? percent(piece.without[label]) : "no text is left";
    return el("div", {}, word(piece.text, "b"),
      el("div", { text: `${signed(piece.log_odds[label])} log-odds` }),
      el("div", { class: "muted" }, word(label), `: ${percent(whole)}, without the word ${without}`));
  });
}

function draw() {
  drawLabels();
  drawWords();
}

async function run() {
  const text = byId("text").value;
  if (!text.trim()) return;
  byId("state").textContent = "computing …";
  try {
    result = await postJSON("/labels/classify", { item: byId("item").value, text });
    if (!result.labels.some(([name]) => name === label)) label = null;
    label = result.labels[0][0];
    byId("result").hidden = false;
    draw();
  } finally {
    byId("state").textContent = "";
  }
}
const go = shown(run);

async function example() {
  const { text } = await getJSON("/labels/example", { item: byId("item").value, number: examples++ });
  byId("text").value = text ?? byId("text").value;
  await run();
}

byId("item").replaceChildren(...page.items.map((each) => el("option", { value: each.name, text: each.name })));
byId("item").addEventListener("change", shown(example));
byId("go").addEventListener("click", go);
byId("example").addEventListener("click", shown(example));
byId("text").addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go());
await shown(example)();
document.body.dataset.ready = "yes";
