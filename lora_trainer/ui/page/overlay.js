/** The curves of several runs over each other, on the same axes: the smoothed loss as a line, validation dashed. */

import { fill, h, say, svg } from "./dom.js";
import { short } from "./format.js";
import { frame, scaleTo } from "./curve.js";

/** @param {import("./main.js").App} app @param {any[]} runs @param {any[]} curves theirs, as the server keeps them */
export function overlay(app, runs, curves) {
  const last = curves.flatMap(({ steps }) => steps.slice(-1)).reduce((a, b) => Math.max(a, b), 1);
  const values = curves.flatMap(({ smooth, validation }) => [...smooth, ...validation.map(([, value]) => value)]);
  const scale = scaleTo(values.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0), last);
  const plot = svg("svg", {
    viewBox: `0 0 ${scale.width} ${scale.height}`,
    class: "lt-plot lt-overlay",
    role: "img",
    "aria-label": app.t("compare.curves", { names: runs.map((run) => run.name).join(", ") }),
  });
  fill(plot, frame(scale), curves.map((curve, n) => lines(curve, n, scale)));
  const reading = h("span", { class: "lt-reading" });
  plot.addEventListener("pointermove", (event) => read(app, plot, reading, event, { runs, curves, scale }));
  plot.addEventListener("pointerleave", () => say(reading, ""));
  const key = (name, text) => h("span", { class: `lt-stroke lt-stroke-${name}` }, text);
  const keys = [key("smooth", app.t("curve.smooth")), key("validation", app.t("curve.validation"))];
  return h("figure", { class: "lt-curve" }, plot, h("figcaption", { class: "lt-row" }, keys, reading));
}

function lines({ steps, smooth, validation }, n, { x, y }) {
  const path = (points) =>
    points
      .filter(([, value]) => Number.isFinite(value))
      .map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`)
      .join(" ");
  const data = { run: String(n) };
  return [
    svg("polyline", { class: "lt-line lt-over", data, points: path(steps.map((step, at) => [step, smooth[at]])) }),
    svg("polyline", { class: "lt-line lt-over lt-dashed", data, points: path(validation) }),
  ];
}

/** What every run has where the pointer is. */
function read(app, plot, reading, event, { runs, curves, scale }) {
  const box = plot.getBoundingClientRect();
  const step = Math.round(scale.stepAt(((event.clientX - box.left) / box.width) * scale.width));
  const said = curves.map(({ steps, smooth }, n) => {
    const at = steps.findIndex((one) => one >= step);
    return at < 0 ? "" : `${runs[n].name} ${short(smooth[at])}`;
  });
  say(reading, app.t("compare.reading", { step: Math.max(0, step), losses: said.filter(Boolean).join(" · ") }));
}
