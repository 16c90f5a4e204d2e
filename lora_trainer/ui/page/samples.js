/** A row of sample pictures for each save, the newest first; a click shows them larger. */

import { fill, h, show } from "./dom.js";
import { baseName } from "./format.js";

/** @param {import("./main.js").App} app */
export function samples(app) {
  const list = h("div", { class: "lt-samples" });
  const hint = h("p", { class: "lt-empty" }, app.t("samples.empty"));
  let [key, rows] = ["", new Map()];
  app.store.on("run", () => {
    const run = app.store.get("run");
    const found = run?.samples || [];
    show(hint, !found.length);
    if (key === `${run?.id}/${found.length}`) return;
    if (!key.startsWith(`${run?.id}/`)) rows = new Map();
    key = `${run?.id}/${found.length}`;
    const steps = [...new Set(found.map((one) => one.step))].sort((a, b) => b - a);
    for (const step of steps) {
      const mine = found.filter((one) => one.step === step);
      if (rows.get(step)?.count !== mine.length)
        rows.set(step, { count: mine.length, element: row(app, run.id, step, mine, found) });
    }
    fill(
      list,
      steps.map((step) => rows.get(step).element),
    );
  });
  return h("div", { class: "lt-block" }, h("h3", {}, app.t("samples.title")), hint, list);
}

function row(app, id, step, mine, all) {
  const pictures = mine.map((sample) =>
    h(
      "button",
      {
        type: "button",
        class: "lt-sample",
        title: sample.prompt,
        "aria-label": app.t("samples.one", { step, prompt: sample.prompt }),
        on: { click: () => enlarge(app, id, all, sample) },
      },
      h("img", { src: address(app, id, sample), alt: "", loading: "lazy", on: { error: gone } }),
    ),
  );
  return h(
    "div",
    { class: "lt-sample-row" },
    h("div", { class: "lt-step" }, app.t("samples.step", { step })),
    h("div", { class: "lt-strip" }, pictures),
  );
}

/** A picture that was cleared away leaves no frame. */
function gone(event) {
  event.target.closest("button").hidden = true;
}

function address(app, id, sample) {
  return app.api.url(["jobs", id, "samples", baseName(sample.path)]);
}

/** The same prompt over all steps is what people want to turn through. */
function enlarge(app, id, all, chosen) {
  const same = all.filter((one) => one.prompt === chosen.prompt && one.seed === chosen.seed);
  const views = same.map((one) => ({
    url: address(app, id, one),
    title: app.t("samples.step", { step: one.step }),
    detail: app.t("samples.detail", { prompt: one.prompt, seed: one.seed }),
  }));
  app.dialogs.enlarge(views, same.indexOf(chosen));
}
