// Laboratory: claims, verdicts, figures; an experiment run again.

import { Failure, el, followJob, getJSON, number, postJSON, seconds, showError, shown } from "./common.js";

const byId = (id) => document.getElementById(id);
const SIGNS = { holds: "✓", fails: "✗", undecided: "?", unreadable: "!" };
const HERE = "this session";

let experiments = [];
let current = null;
let image = null;

const verdict = (outcome) => el("span", { class: `verdict ${outcome}`, text: `${SIGNS[outcome] ?? ""} ${outcome}` });

/** The source of results that counts: what was run last here, else the first that was opened. */
const source = (experiment) => (HERE in experiment.verdicts ? HERE : Object.keys(experiment.verdicts)[0]);

async function load() {
  ({ experiments } = await getJSON("/laboratory/list"));
  fillList();
}

function fillList() {
  const nodes = [];
  let chapter = null;
  for (const experiment of experiments) {
    if (experiment.chapter !== chapter) nodes.push(el("h3", { text: `Chapter ${experiment.chapter}` }));
    chapter = experiment.chapter;
    const outcome = experiment.verdicts[source(experiment)];
    nodes.push(el("button", {
      type: "button", "aria-current": experiment.name === current && "true", title: experiment.claim,
      onclick: () => { location.hash = experiment.name; },
    }, el("span", { class: `verdict ${outcome ?? ""}`, text: SIGNS[outcome] ?? "·", "aria-label": outcome ?? "not run" }),
    el("span", { text: experiment.name.replaceAll("-", " ") })));
  }
  const place = byId("experiments");
  const { scrollTop } = place;
  place.replaceChildren(...nodes);
  place.scrollTop = scrollTop;
}

function criteriaTable(experiment, results) {
  const rows = results ? results.findings : experiment.criteria;
  return el("table", {},
    el("thead", {}, el("tr", {}, ...["measure", "expected", ...(results ? ["mean ± bound", "outcome"] : [])].map((text) => el("th", { scope: "col", text })))),
    el("tbody", {}, ...rows.map((row) => el("tr", {},
      el("th", { scope: "row", style: { whiteSpace: "normal" }, text: row.measure }), el("td", { text: row.condition }),
      ...(results ? [
        el("td", { class: "number", text: `${number(row.mean)} ± ${number(row.error, 2)}`, title: `seeds: ${row.values.map((each) => number(each)).join(", ")}` }),
        el("td", {}, verdict(row.outcome)),
      ] : [])))));
}

async function show() {
  const experiment = experiments.find(({ name }) => name === location.hash.slice(1)) ?? experiments[0];
  current = experiment.name;
  fillList();
  const [button, list] = [byId("experiments").querySelector("[aria-current]"), byId("experiments")];
  const [top, bottom] = [button.offsetTop - list.offsetTop, button.offsetTop - list.offsetTop + button.offsetHeight];
  if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
  const place = byId("experiment");
  const sources = Object.keys(experiment.verdicts);
  const chosen = source(experiment);
  const progress = el("span", { class: "progress" });
  const quick = el("input", { type: "checkbox", checked: true });
  const run = el("button", {
    class: "primary", type: "button", text: sources.length ? "Run again" : "Run",
    onclick: shown(async () => {
      const { job } = await postJSON("/laboratory/start", { name: experiment.name, size: quick.checked ? "quick" : "full" });
      await follow(experiment, job, progress, run);
    }),
  });
  const details = el("div");
  const choice = sources.length > 1 && el("label", {}, "results of ", el("select", {
    onchange: shown((event) => results(experiment, event.target.value, details)),
  }, ...sources.map((each) => el("option", { value: each, text: each, selected: each === chosen }))));
  place.replaceChildren(
    el("h2", { text: experiment.name.replaceAll("-", " ") }),
    el("p", { class: "claim", text: experiment.claim }),
    el("div", { class: "controls" }, run,
      experiment.has_sizes ? el("label", {}, quick, "quick (small sizes)") : null,
      el("span", { class: "muted", text: `${experiment.seeds} seeds` }), choice || null, progress),
    details,
  );
  if (experiment.running) follow(experiment, experiment.running, progress, run).catch(showError);
  await results(experiment, chosen, details);
}

async function follow(experiment, job, progress, button) {
  button.disabled = true;
  try {
    await followJob(job, progress);
  } finally {
    button.disabled = false;
    await load();
    if (current === experiment.name) await show();
  }
}

async function results(experiment, of, place) {
  const notes = [];
  if (experiment.note) notes.push(el("p", {}, el("b", { text: "Note: " }), experiment.note));
  if (experiment.source) notes.push(el("p", { class: "muted" }, "Source: ", experiment.source));
  if (!of) {
    place.replaceChildren(el("div", { class: "scroll" }, criteriaTable(experiment)), ...notes);
    return;
  }
  const found = await getJSON("/laboratory/results", { name: experiment.name, of });
  if (current !== experiment.name) return;
  const conditions = [of, `${found.seeds} seeds`, found.quick && "quick", found.data, seconds(found.seconds), `seqkit ${found.version}`];
  const figure = el("img", { class: "drawn", alt: `Figure of ${experiment.name}`, hidden: true });
  const problem = el("p", { class: "muted", text: "drawing …" });
  place.replaceChildren(
    el("p", {}, "Verdict: ", verdict(found.outcome), el("span", { class: "muted", text: ` (${conditions.filter(Boolean).join(", ")})` })),
    el("div", { class: "scroll" }, criteriaTable(experiment, found)),
    figure, problem, ...notes,
    el("details", {}, el("summary", { text: `All numbers (${found.table.length})` }), el("div", { class: "scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, ...["number", "mean", "deviation"].map((text) => el("th", { scope: "col", text })))),
      el("tbody", {}, ...found.table.map(([name, mean, deviation]) => el("tr", {}, el("th", { scope: "row", text: name }),
        el("td", { class: "number", text: number(mean) }), el("td", { class: "number", text: number(deviation, 2) }))))))),
  );
  const answer = await fetch(`/laboratory/figure?${new URLSearchParams({ name: experiment.name, of })}`);
  if (!answer.ok) {
    problem.textContent = new Failure(await answer.json()).message;
    return;
  }
  if (image) URL.revokeObjectURL(image);
  image = URL.createObjectURL(await answer.blob());
  figure.src = image;
  await figure.decode();
  figure.hidden = false;
  problem.remove();
}

addEventListener("hashchange", shown(show));
await shown(async () => {
  await load();
  await show();
})();
document.body.dataset.ready = "yes";
