/** The loss over the steps as SVG: raw, smoothed, and validation. */

import { fill, h, say, svg } from "./dom.js";
import { short } from "./format.js";

const WIDTH = 640;
const HEIGHT = 220;
const EDGE = { left: 52, right: 12, top: 10, bottom: 26 };
const SHOWN_SHARE = 0.98;
/** Of the raw losses; the few beyond are cut off at the top. */

/** @param {import("./main.js").App} app */
export function curve(app) {
  const plot = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "lt-plot",
    role: "img",
    "aria-label": app.t("curve.title"),
  });
  const reading = h("span", { class: "lt-reading" });
  const key = (name) => h("span", { class: `lt-key lt-key-${name}` }, app.t(`curve.${name}`));
  const element = h(
    "figure",
    { class: "lt-curve" },
    plot,
    h("figcaption", { class: "lt-row" }, key("raw"), key("smooth"), key("validation"), reading),
  );
  let scale = null;
  app.store.on(["run", "job"], () => {
    const { run, job } = app.store.values;
    scale = run?.steps.length ? scaleOf(run, job?.total_steps || 0) : null;
    fill(plot, scale ? drawn(run, scale) : emptyPlot(app));
    const last = run?.steps.length - 1;
    say(reading, scale ? app.t("curve.now", { step: run.steps[last], loss: short(run.smooth[last]) }) : "");
    plot.setAttribute("aria-label", scale ? `${app.t("curve.title")}: ${reading.textContent}` : app.t("curve.empty"));
  });
  plot.addEventListener("pointermove", (event) => scale && point(app, plot, reading, event, scale));
  plot.addEventListener("pointerleave", () => plot.querySelector(".lt-cross")?.remove());
  return element;
}

function scaleOf({ steps, loss, smooth, validation }, total) {
  const sorted = loss.filter(Number.isFinite).sort((a, b) => a - b);
  const values = [...smooth, ...validation.map(([, value]) => value)].filter(Number.isFinite);
  const most = values.reduce((a, b) => Math.max(a, b), sorted[Math.floor((sorted.length - 1) * SHOWN_SHARE)] || 0);
  return scaleTo(most, Math.max(total, steps[steps.length - 1], 1));
}

/** Where steps from 0 to `end` and losses from 0 to a little above `most` lie in a plot of `width` by `height`. */
export function scaleTo(most, end) {
  const top = (most || 1) * 1.08;
  const perStep = (WIDTH - EDGE.left - EDGE.right) / end;
  const x = (step) => EDGE.left + perStep * step;
  const y = (value) => HEIGHT - EDGE.bottom - (HEIGHT - EDGE.top - EDGE.bottom) * Math.min(1, Math.max(0, value / top));
  return { top, end, x, y, stepAt: (place) => (place - EDGE.left) / perStep, width: WIDTH, height: HEIGHT };
}

function drawn({ steps, loss, smooth, validation }, { top, end, x, y }) {
  const line = (values, name) =>
    svg("polyline", {
      class: `lt-line lt-line-${name}`,
      points: steps
        .map((step, n) => (Number.isFinite(values[n]) ? `${x(step).toFixed(1)},${y(values[n]).toFixed(1)}` : ""))
        .join(" "),
    });
  const dots = validation.map(([step, value]) =>
    svg("circle", { class: "lt-dot", cx: x(step).toFixed(1), cy: y(value).toFixed(1), r: 3.5 }),
  );
  const path = validation.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return [
    frame({ top, end, x, y }),
    line(loss, "raw"),
    line(smooth, "smooth"),
    svg("polyline", { class: "lt-line lt-line-validation", points: path }),
    dots,
  ];
}

/** Lines and figures of both axes. */
export function frame({ top, end, x, y }) {
  const rows = ticks(top, 4).map((value) => [
    svg("line", { class: "lt-rule", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) }),
    svg("text", { class: "lt-axis", x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
  ]);
  const columns = ticks(end, 6).map((step) =>
    svg("text", { class: "lt-axis", x: x(step), y: HEIGHT - 8, "text-anchor": "middle" }, short(step, 7)),
  );
  return [rows, columns];
}

/** Round numbers from 0 to `most`, about `count` of them. */
export function ticks(most, count) {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, n) => n * step);
}

function emptyPlot(app) {
  return [
    svg("line", {
      class: "lt-rule",
      x1: EDGE.left,
      x2: WIDTH - EDGE.right,
      y1: HEIGHT - EDGE.bottom,
      y2: HEIGHT - EDGE.bottom,
    }),
    svg(
      "text",
      { class: "lt-axis lt-empty-plot", x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" },
      app.t("curve.empty"),
    ),
  ];
}

/** Read the curve where the pointer is. */
function point(app, plot, reading, event, { x, y, stepAt }) {
  const { run } = app.store.values;
  const box = plot.getBoundingClientRect();
  const step = stepAt(((event.clientX - box.left) / box.width) * WIDTH);
  const n = run.steps.reduce(
    (best, one, at) => (Math.abs(one - step) < Math.abs(run.steps[best] - step) ? at : best),
    0,
  );
  plot.querySelector(".lt-cross")?.remove();
  plot.append(
    svg(
      "g",
      { class: "lt-cross" },
      svg("line", { x1: x(run.steps[n]), x2: x(run.steps[n]), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      svg("circle", { cx: x(run.steps[n]), cy: y(run.smooth[n]), r: 4 }),
    ),
  );
  say(reading, app.t("curve.now", { step: run.steps[n], loss: short(run.smooth[n]) }));
}
