// Shared by all views: requests, errors, colours, figures, tables and progress of jobs.

export const page = JSON.parse(document.getElementById("page").textContent);

/** Colours that the colour-blind can tell apart (Okabe and Ito 2008), the palest last. */
export const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8A8A", "#D9C400"];

document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); // on a phone

// Requests

/** An error that the server explained. */
export class Failure extends Error {
  constructor({ error, where, remedy }) {
    super([where ? `${error}, ${where}` : error, remedy].filter(Boolean).join("; "));
  }
}

async function answer(response) {
  let content;
  try {
    content = await response.json();
  } catch {
    throw new Failure({ error: `the server answered ${response.status}`, remedy: "reload the page" });
  }
  if (!response.ok) throw new Failure(content);
  return content;
}

async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ error: "the server does not answer", remedy: "is seqkit explore still running?" });
  }
}

/** Ask an address; lists in `values` become repeated parameters. `signal` of an AbortController may end it. */
export async function getJSON(path, values = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, each);
  }
  const text = query.toString();
  return answer(await send(text ? `${path}?${text}` : path, { signal }));
}

/** Send an object to an address. */
export async function postJSON(path, values = {}, signal = undefined) {
  const headers = { "content-type": "application/json" };
  return answer(await send(path, { method: "POST", headers, body: JSON.stringify(values), signal }));
}

// Errors

const errorBox = document.getElementById("error");

export function showError(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Failure)) console.error(error);
  errorBox.textContent = error.message;
  errorBox.hidden = false;
}

export function clearError() {
  errorBox.hidden = true;
}

/** Return a handler that shows the errors of `work`, and takes an earlier one away when it succeeds. */
export function shown(work) {
  return async (...values) => {
    try {
      const result = await work(...values);
      clearError();
      return result;
    } catch (error) {
      showError(error);
      return undefined;
    }
  };
}

// Elements

/** Make an element: attributes by name, "on…" for listeners, "class", "text"; then children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A word of any script, in its own direction. */
export const word = (text, tag = "bdi") => el(tag, { dir: "auto", text });

/** Call `work` when the calls have paused; `.cancel()` drops the last one. */
export function debounce(work, milliseconds = 150) {
  let timer;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/** A number for people: four significant digits, thousands apart. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size >= 10000) return Math.round(value).toLocaleString("en");
  return size < 0.001 ? value.toExponential(2) : String(Number(value.toPrecision(digits)));
}

export function seconds(value) {
  if (value < 90) return `${Math.round(value)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
}

/**
 * A table that sorts by a click on a column's head.
 * @param columns [{title, value(row), show?(row) → text or node, number?: true}]
 */
export function table(place, columns, rows, state = place) {
  state.sorting ??= { column: null, ascending: true };
  const { column, ascending } = state.sorting;
  const sorted = [...rows];
  if (column !== null) {
    const value = columns[column].value;
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b
      : String(a).localeCompare(String(b), undefined, { numeric: true }));
    const absent = (a) => a === null || a === undefined;
    sorted.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (absent(x) || absent(y)) return absent(x) - absent(y);
      return ascending ? compare(x, y) : compare(y, x);
    });
  }
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.column : undefined;
  const heads = columns.map((each, i) => el(
    "th",
    { scope: "col", class: each.number && "number", "aria-sort": i === column && (ascending ? "ascending" : "descending") },
    el("button", {
      text: each.title, "data-column": i,
      onclick: () => {
        state.sorting = { column: i, ascending: i === column ? !ascending : !each.number };
        table(place, columns, rows, state);
      },
    }),
  ));
  const body = sorted.map((row) => el("tr", {}, ...columns.map((each, i) => {
    const value = each.show ? each.show(row) : each.value(row);
    const content = value instanceof Node ? value : word(typeof value === "number" ? number(value) : value ?? "–", "span");
    return el(i ? "td" : "th", { class: each.number && "number", scope: i ? undefined : "row" }, content);
  })));
  place.replaceChildren(el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...body)));
  if (focused !== undefined) place.querySelector(`[data-column="${focused}"]`)?.focus();
}

// Figures

const darkness = matchMedia("(prefers-color-scheme: dark)");
const figures = new Map();

export function theme() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return {
    dark: darkness.matches, text: of("--text"), muted: of("--muted"), line: of("--line"), card: of("--card"),
    accent: of("--accent"), font: of("--font"),
  };
}

/** Escape what Plotly takes for markup in its texts, such as the word <b>. */
export const plotlyText = (text) => String(text)
  .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Draw or redraw a figure in the page's colours; it follows the change to the dark and back. */
export async function plot(place, traces, layout = {}, config = {}) {
  figures.set(place, [traces, layout, config]);
  const { text, muted, line, card, font } = theme();
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: muted, automargin: true };
  const own = Object.fromEntries(
    Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/.test(name)).map(([name, value]) => [name, { ...axis, ...value }]),
  );
  await Plotly.react(place, traces, {
    margin: { l: 56, r: 16, t: 16, b: 44 },
    colorway: PALETTE,
    hovermode: "closest",
    paper_bgcolor: card,
    plot_bgcolor: card,
    font: { color: text, family: font, size: 13 },
    hoverlabel: { bgcolor: card, bordercolor: line, font: { color: text, family: font } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    xaxis: axis,
    yaxis: axis,
    ...layout,
    ...own,
  }, {
    responsive: true, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", modeBarButtonsToRemove: ["lasso2d", "select2d"],
    ...config,
  });
}

darkness.addEventListener("change", () => {
  for (const [place, values] of figures) if (place.isConnected) plot(place, ...values);
});

// Jobs in the background

/**
 * Follow a job until it ends; resolves to true when it is done, false when it was cancelled.
 * @param place where its progress is shown, with a button that cancels it
 */
export async function followJob(job, place) {
  const bar = el("progress", { max: 1, "aria-label": "Progress" });
  const text = el("span", { class: "muted", role: "status" });
  const cancel = el("button", { text: "Cancel", onclick: shown(() => postJSON("/jobs/cancel", { job })) });
  const line = el("span", { class: "controls" }, bar, text, cancel);
  place.append(line);
  try {
    for (;;) {
      const status = await getJSON("/jobs/status", { job });
      if (status.fraction === null) bar.removeAttribute("value");
      else bar.value = status.fraction;
      const left = status.left === null ? "" : `, ${seconds(status.left)} left`;
      text.textContent = status.state === "waiting" ? "waiting" : `${status.text || "starting"}${left}`;
      if (status.state === "done") return true;
      if (status.state === "cancelled") return false;
      if (status.state === "failed") throw new Failure({ error: status.error });
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  } finally {
    line.remove();
  }
}
