// Runs: curves followed while they grow, a sortable table, and settings compared.

import { PALETTE, el, getJSON, number, page, plot, plotlyText, seconds, showError, shown, table, word } from "./common.js";

const byId = (id) => document.getElementById(id);
const PERIOD = 2000; // milliseconds between two looks at the logs
const LIVE = 120; // seconds after which a log that does not grow counts as ended
const NO_CURVES = new Set(["step", "steps", "epoch", "epochs", "tokens", "seconds", "seconds_left", "best", "complete"]);

const runs = (await getJSON("/runs/list")).map((run, _, all) => {
  const i = all.filter(({ task }) => task === run.task).findIndex(({ name }) => name === run.name);
  return {
    ...run, color: PALETTE[i % PALETTE.length], dash: ["solid", "dash", "dot"][Math.floor(i / PALETTE.length) % 3],
    records: [], offset: 0, age: null, visible: true,
  };
});

/** The runs of the chosen task. */
const runsOfTask = () => runs.filter((run) => ["all", run.task].includes(byId("task").value));

async function follow(run) {
  let grown = false;
  for (;;) {
    const news = await getJSON("/runs/log", { item: run.name, offset: run.offset });
    if (news.restarted) run.records = [];
    run.records.push(...news.records);
    grown ||= news.restarted || news.records.length > 0;
    [run.offset, run.age] = [news.offset, news.age];
    if (!news.more) return grown;
  }
}

// Curves

function metrics() {
  const names = new Set();
  for (const run of runsOfTask()) {
    for (const record of run.records) {
      for (const [name, value] of Object.entries(record)) {
        if (typeof value === "number" && !NO_CURVES.has(name)) names.add(name);
      }
    }
  }
  return [...names].sort();
}

function fillMetrics() {
  const select = byId("metric");
  const names = metrics();
  // training and validation loss belong on one plot
  if (!names.length) return;
  const choices = names.includes("loss") && names.includes("valid_loss") ? ["loss and valid_loss", ...names] : names;
  if (choices.join() === [...select.options].map((each) => each.value).join()) return;
  const before = select.value;
  select.replaceChildren(...choices.map((name) => el("option", { value: name, text: name })));
  if (choices.includes(before)) select.value = before;
  else if (!choices[0].includes(" and ") && choices.includes("valid_loss")) select.value = "valid_loss";
}

function curve(run, metric, validation) {
  const axis = byId("axis").value;
  const points = run.records.filter((record) => metric in record && axis in record);
  return {
    type: "scatter", name: plotlyText(run.name), legendgroup: run.name, metric,
    mode: points.length < 2 ? "markers" : validation ? "lines+markers" : "lines",
    x: points.map((record) => record[axis]), y: points.map((record) => record[metric]),
    line: { color: run.color, dash: validation ? "solid" : run.dash, width: validation ? 2.4 : 1.4 },
    marker: { color: run.color, size: 7 },
    opacity: validation ? 1 : 0.75,
    hovertemplate: `${metric} %{y:.5g}<br>${axis} %{x}<extra>%{fullData.name}</extra>`,
  };
}

function draw() {
  const metric = byId("metric").value;
  const both = metric === "loss and valid_loss";
  const traces = runsOfTask().filter((run) => run.visible).flatMap((run) => (
    both ? [curve(run, "loss", false), curve(run, "valid_loss", true)] : [curve(run, metric, metric.startsWith("valid_"))]
  )).filter((trace) => trace.x.length);
  const named = new Set(); // a run is named once, by its last curve
  for (const trace of [...traces].reverse()) {
    trace.showlegend = !named.has(trace.name);
    named.add(trace.name);
  }
  const type = byId("logarithmic").checked ? "log" : "linear";
  return plot(byId("curves"), traces, {
    uirevision: [metric, byId("axis").value, type].join(), showlegend: true,
    xaxis: { title: { text: byId("axis").value } },
    yaxis: { title: { text: both ? "loss (bold: validation)" : metric }, type },
    annotations: traces.length ? [] : [{ text: "no records yet", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }],
  });
}

// Table

const last = (run, name) => run.records.findLast((record) => name in record)?.[name] ?? null;

function best(run, name) {
  const chosen = run.records.findLast((record) => record.best === true) ?? run.records.findLast((record) => name in record);
  return chosen?.[name] ?? null;
}

function fillTable() {
  const scores = metrics().filter((name) => name.startsWith("valid_"));
  const mark = (run) => el("label", {},
    el("input", {
      type: "checkbox", checked: run.visible, "aria-label": `curve of ${run.name}`,
      onchange: (event) => { run.visible = event.target.checked; draw().catch(showError); },
    }), " ", el("span", { class: "swatch", style: { background: run.color } }), word(run.name));
  table(byId("table"), [
    { title: "run", value: (run) => run.name, show: mark },
    ...(byId("task").value === "all" ? [{ title: "task", value: (run) => run.task.replaceAll("_", " ") }] : []),
    { title: "model", value: (run) => run.settings.model ?? null },
    ...scores.map((name) => ({ title: name, value: (run) => best(run, name), number: true })),
    { title: "steps", value: (run) => last(run, "step"), number: true },
    { title: "epochs", value: (run) => last(run, "epoch"), number: true },
    { title: "time", value: (run) => last(run, "seconds"), number: true, show: (run) => (last(run, "seconds") === null ? "–" : seconds(last(run, "seconds"))) },
    { title: "MiB", value: (run) => (run.size === null ? null : run.size / 2 ** 20), number: true },
    { title: "corpus", value: (run) => run.corpus },
  ], runsOfTask());
}

// Settings

function fillSettings() {
  const ofTask = runsOfTask();
  const names = [...new Set(ofTask.flatMap((run) => Object.keys(run.settings)))].sort();
  const text = (run, name) => (name in run.settings ? String(run.settings[name] ?? "none") : "");
  const rows = names.map((name) => ({ name, differs: new Set(ofTask.map((run) => text(run, name))).size > 1 }));
  const only = byId("differing").checked && ofTask.length > 1;
  const chosen = rows.filter((row) => row.differs || !only);
  byId("settings").replaceChildren(chosen.length ? el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "setting" }), ...ofTask.map((run) => el("th", { scope: "col" }, word(run.name))))),
    el("tbody", {}, ...chosen.map((row) => el("tr", { class: row.differs && !only && "differs" },
      el("th", { scope: "row", text: row.name }), ...ofTask.map((run) => el("td", {}, word(text(run, row.name), "span")))))))
    : el("p", { class: "muted", text: "All settings are the same." }));
}

// Live

function fillState() {
  const growing = runs.filter((run) => run.age !== null && run.age < LIVE);
  byId("state").textContent = growing.length
    ? `growing: ${growing.map((run) => `${run.name} (step ${number(last(run, "step"))}, ${seconds(run.age)} ago)`).join(", ")}`
    : "no log grows";
}

let drawn = false;

async function look() {
  const grown = (await Promise.all(runs.map(follow))).some(Boolean);
  fillState();
  if (grown || !drawn) {
    fillMetrics();
    fillTable();
    await draw();
    drawn = true;
  }
}

async function loop() {
  const again = shown(look);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PERIOD));
    if (byId("live").checked && !document.hidden) await again();
  }
}

function fillTasks() {
  const counts = new Map();
  for (const { task } of runs) counts.set(task, (counts.get(task) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a)[0][0];
  byId("task").replaceChildren(
    ...[...counts].map(([task, count]) => el("option", { value: task, text: `${task.replaceAll("_", " ")} (${count})` })),
    el("option", { value: "all", text: `all tasks (${runs.length})` }),
  );
  byId("task").value = most;
  byId("task-label").hidden = counts.size < 2;
}

byId("task").addEventListener("change", shown(async () => {
  fillMetrics();
  fillTable();
  fillSettings();
  await draw();
}));
for (const id of ["metric", "axis", "logarithmic"]) byId(id).addEventListener("change", shown(draw));
byId("differing").addEventListener("change", fillSettings);
fillTasks();
fillSettings();
await shown(look)();
document.body.dataset.ready = "yes";
loop();
