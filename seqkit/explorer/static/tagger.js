// Tagger: coloured spans of a text, and its words with their tags.

import { PALETTE, el, getJSON, number, page, postJSON, shown, table, word } from "./common.js";
import { percent } from "./tokens.js";

const byId = (id) => document.getElementById(id);
let examples = 0;

function draw({ labels, lines }) {
  const color = (label) => PALETTE[labels.indexOf(label) % PALETTE.length];
  const used = new Set();
  // spans do not overlap today; where some did, the innermost would colour the text, and each would show its label
  const piece = ({ text, spans }) => {
    if (!spans.length) return text;
    const own = spans.at(-1);
    for (const span of spans) used.add(span.label);
    const title = spans.map((span) => `${span.label}${span.probability === null ? "" : ` ${percent(span.probability)}`}`).join(", ");
    const colored = (element, label) => { element.style.setProperty("--span", color(label)); return element; };
    const names = spans.filter((span) => span.begins).map((span) => colored(el("span", { class: "span-label", text: span.label }), span.label));
    return colored(el("mark", { class: "span", title }, ...names, el("span", { class: "span-text", text })), own.label);
  };
  byId("spans").replaceChildren(...lines.map((line) => el("p", { class: "tagged", dir: "auto" }, ...line.pieces.map(piece))));
  byId("legend").replaceChildren(...[...used].sort().map((label) => el("span", { class: "chip" },
    el("span", { class: "swatch", style: { background: color(label) } }), label)));
  const words = lines.flatMap((line, n) => line.words.map((each, i) => ({ ...each, line: n + 1, place: i + 1 })));
  table(byId("words"), [
    { title: "#", value: (row) => row.place, number: true },
    { title: "word", value: (row) => row.text },
    { title: "tag", value: (row) => row.tag },
    { title: "probability", value: (row) => row.probability, number: true, show: (row) => (row.probability === null ? "–" : percent(row.probability)) },
    ...(lines.length > 1 ? [{ title: "line", value: (row) => row.line, number: true }] : []),
  ], words);
  byId("result").hidden = byId("list").hidden = false;
}

async function run() {
  const text = byId("text").value;
  if (!text.trim()) return;
  byId("state").textContent = "computing …";
  try {
    draw(await postJSON("/tagger/tag", { item: byId("item").value, text, pretokenized: byId("pretokenized").checked ? "yes" : "no" }));
  } finally {
    byId("state").textContent = "";
  }
}
const go = shown(run);

async function example() {
  const { text } = await getJSON("/tagger/example", { item: byId("item").value, number: examples++ });
  if (text !== null) byId("pretokenized").checked = true; // sentences of corpora are cut into words
  byId("text").value = text ?? byId("text").value;
  await run();
}

byId("item").replaceChildren(...page.items.map((each) => el("option", { value: each.name, text: each.name })));
byId("item").addEventListener("change", shown(example));
byId("go").addEventListener("click", go);
byId("example").addEventListener("click", shown(example));
byId("pretokenized").addEventListener("change", go);
byId("text").addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go());
await shown(example)();
document.body.dataset.ready = "yes";
