/** Two to four runs beside each other: figures, options that differ, curves, samples step by step, and blind votes. */

import { labelOf } from "./controls.js";
import { button, h } from "./dom.js";
import { bytes, duration, short } from "./format.js";
import { overlay } from "./overlay.js";
import { addressOf, moment } from "./pastrun.js";
import { voting } from "./voting.js";

const POINTS = 400;

/** @param {import("./main.js").App} app @param {string[]} ids of the runs @param {() => any} back */
export async function comparison(app, ids, back) {
  const [found, ...curves] = await Promise.all([
    app.api.get(["history", "compare"], { jobs: ids.join(",") }),
    ...ids.map((id) => app.api.get(["jobs", id, "curve"], { points: POINTS })),
  ]);
  const { runs } = found;
  return h(
    "div",
    { class: "lt-comparison" },
    h("div", { class: "lt-row" }, button(app.t("compare.back"), back, { class: "lt-button lt-back" }), legend(runs)),
    h(
      "div",
      { class: "lt-beside" },
      h("div", { class: "lt-comparison" }, overlay(app, runs, curves), voting(app, runs, found.results)),
      table(app, found),
    ),
    strips(app, found),
  );
}

/** The colour of each run, which it has everywhere in the comparison. */
function legend(runs) {
  return h("ul", { class: "lt-row lt-run-names" }, runs.map((run, n) => h("li", {}, runName(run, n))));
}

export function runName(run, n) {
  return h("span", { class: "lt-run-name", data: { run: String(n) } }, run.name);
}

/** Results above, options that differ below. */
function table(app, { runs, options }) {
  const figures = [
    ["compare.state", (run) => app.t(`state.${run.state}`)],
    ["compare.begun", (run) => moment(app, run.created)],
    ["compare.base", (run) => run.base],
    ["compare.steps", (run) => run.step],
    ["compare.pictures", (run) => run.pictures],
    ["compare.loss", (run) => (run.loss === null ? "–" : short(run.loss, 4))],
    ["compare.validation", (run) => (run.validation === null ? "–" : short(run.validation, 4))],
    ["compare.seconds", (run) => (run.seconds ? duration(run.seconds, app.t) : "–")],
    ["compare.size", (run) => bytes(Object.values(run.sizes).reduce((a, b) => a + b, 0))],
    ["compare.rating", (run) => "★".repeat(run.rating) || "–"],
  ];
  const row = (name, values, title) =>
    h("tr", {}, h("th", { scope: "row", title }, name), values.map((value) => h("td", {}, value)));
  const part = (name) => h("tr", {}, h("th", { class: "lt-part", colspan: runs.length + 1, scope: "rowgroup" }, name));
  const head = h("tr", {}, h("td"), runs.map((run, n) => h("th", { scope: "col" }, runName(run, n))));
  return h(
    "div",
    { class: "lt-scroll" },
    h(
      "table",
      { class: "lt-differences" },
      h("thead", {}, head),
      h("tbody", {}, figures.map(([key, value]) => row(app.t(key), runs.map(value)))),
      h(
        "tbody",
        {},
        part(app.t(options.length ? "compare.options" : "compare.no_options")),
        options.map(({ path, help, values }) => row(nameOf(app, path), values.map(written), helpOf(app, path, help))),
      ),
    ),
  );
}

function nameOf(app, path) {
  const option = app.form.options.get(path);
  return option ? labelOf(app, option) : path;
}

const helpOf = (app, path, help) => app.words.maybe(`option.${path}.help`, help);

function written(value) {
  if (typeof value === "number") return short(value, 6);
  if (typeof value === "boolean") return value ? "✓" : "–";
  if (Array.isArray(value)) return value.map(written).join("; ") || "–";
  if (value && typeof value === "object") return Object.entries(value).map(([key, one]) => `${key}: ${written(one)}`).join("; ") || "–";
  return value || "–";
}

/** A table for each prompt: a row for each run, a column for each step, and below for each strength of the grids. */
function strips(app, { runs, strips: samples, grids }) {
  if (!samples.length && !grids.length) return h("p", { class: "lt-empty" }, app.t("compare.no_samples"));
  const step = (strip) => strip.steps.map((one) => app.t("samples.step", { step: one }));
  const strength = (strip) => strip.strengths.map((one) => app.t("compare.strength", { strength: short(one) }));
  const part = (key, found, columns) =>
    found.length && [h("h3", {}, app.t(key)), found.map((strip) => oneStrip(app, runs, { ...strip, columns: columns(strip) }))];
  return h(
    "div",
    { class: "lt-block lt-strips" },
    part("compare.samples", samples, step) || null,
    part("compare.grids", grids, strength) || null,
  );
}

function oneStrip(app, runs, { prompt, seed, columns, pictures }) {
  const head = h("tr", {}, h("td"), columns.map((column) => h("th", { scope: "col" }, column)));
  const rows = runs.map((run, n) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, runName(run, n)),
      pictures[n].map((url, at) => h("td", {}, url && cell(app, { runs, columns, pictures, prompt, seed }, n, at))),
    ),
  );
  return h(
    "figure",
    {},
    h("figcaption", { class: "lt-hint" }, app.t("samples.detail", { prompt, seed })),
    h("div", { class: "lt-scroll" }, h("table", { class: "lt-aligned" }, h("thead", {}, head), h("tbody", {}, rows))),
  );
}

/** A click shows the pictures of this column one after the other, run by run. */
function cell(app, { runs, columns, pictures, prompt, seed }, n, at) {
  const named = (run) => app.t("compare.picture", { name: run.name, column: columns[at] });
  const name = named(runs[n]);
  const same = runs.map((run, m) => ({ run, url: pictures[m][at] })).filter(({ url }) => url);
  const views = same.map(({ run, url }) => ({
    url: addressOf(app, url),
    title: named(run),
    detail: app.t("samples.detail", { prompt, seed }),
  }));
  const first = same.findIndex(({ run }) => run === runs[n]);
  const enlarge = () => app.dialogs.enlarge(views, first);
  const image = h("img", { src: addressOf(app, pictures[n][at]), alt: "", loading: "lazy" });
  return h("button", { type: "button", class: "lt-sample", title: name, "aria-label": name, on: { click: enlarge } }, image);
}
