/** One save at one strength, with a slider; strengths that were drawn already appear at once. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { short } from "./format.js";
import { place, promptOf } from "./requests.js";
import { saveName } from "./saves.js";
import { going } from "./trial.js";

/** @param {import("./main.js").App} app @param {any} fields @param {import("./trial.js").Trial} trial */
export function scrubber(app, fields, trial) {
  const drawn = new Map();
  const save = h("select", { class: "lt-input lt-small", "aria-label": app.t("tryout.save_one") });
  const slider = h("input", {
    type: "range",
    class: "lt-slider",
    min: 0,
    max: 1.5,
    step: 0.05,
    value: 0.8,
    "aria-label": app.t("tryout.strength"),
  });
  const number = h("output", { class: "lt-number-out" });
  const image = h("img", { alt: "", hidden: true });
  const empty = h("span", { class: "lt-hint" }, app.t("tryout.one_empty"));
  const frame = h(
    "button",
    { type: "button", class: "lt-larger", disabled: true, "aria-label": app.t("view.title") },
    image,
    empty,
  );
  const generate = button(app.t("tryout.generate"), () => trial.drawOne(request()), { class: "lt-button lt-generate" });
  const request = () =>
    fields.request({
      saves: [save.value],
      strengths: [Number(slider.value)],
      prompts: fields.request().prompts.slice(0, 1),
    });
  const key = () => JSON.stringify({ ...request(), saves: place(save.value, slider.value, 0) });
  const look = () => {
    say(number, short(Number(slider.value)));
    const found = drawn.get(key());
    attribute(image, "hidden", !found);
    attribute(frame, "disabled", !found);
    show(empty, !found);
    if (found)
      Object.assign(image, {
        src: found.url,
        alt: app.t("tryout.cell", {
          step: save.selectedOptions[0]?.textContent || "",
          strength: short(found.strength),
        }),
      });
  };
  frame.addEventListener("click", () => app.store.set({ chosen: drawn.get(key()) || null }));
  slider.addEventListener("input", look);
  save.addEventListener("change", look);
  app.store.on("job", () => offer(app, save, look));
  app.store.on(["single", "grid"], () => {
    for (const tryout of [app.store.get("single"), app.store.get("grid")]) remember(app, drawn, tryout);
    look();
  });
  app.store.on(["single", "asking"], () => {
    const busy = going(app.store.get("single"));
    attribute(generate, "disabled", app.store.get("asking") || busy);
    say(generate, app.t(busy ? "tryout.generating" : "tryout.generate"));
  });
  return h(
    "div",
    { class: "lt-block lt-scrub" },
    h("h3", {}, app.t("tryout.one")),
    h(
      "div",
      { class: "lt-row" },
      save,
      h("label", { class: "lt-row lt-grow" }, app.t("tryout.strength"), slider, number),
      generate,
    ),
    frame,
  );
}

function offer(app, select, look) {
  const job = app.store.get("job");
  const key = JSON.stringify([job?.id, job?.saves]);
  if (!job || select.dataset.key === key) return;
  select.dataset.key = key;
  const before = select.selectedIndex < select.options.length - 1 ? select.value : "";
  fill(
    select,
    job.saves.map((save) => h("option", { value: save.file }, saveName(app, job, save))),
  );
  select.value = job.saves.some((save) => save.file === before) ? before : job.saves[job.saves.length - 1]?.file || "";
  look();
}

/** Pictures of a try-out's first prompt are found again under their requests. */
function remember(app, drawn, tryout) {
  if (!tryout) return;
  const { job, negative_prompt, seed, width, height, steps, guidance, sampler } = tryout;
  const prompts = tryout.prompts.slice(0, 1);
  const how = { prompts, negative_prompt, seed, width, height, steps, guidance, sampler };
  for (const cell of tryout.cells.filter((one) => !promptOf(one, tryout.prompts))) {
    const request = { job, saves: place(cell.save, cell.strength, 0), strengths: [cell.strength], ...how };
    const url = app.api.url(["tryouts", tryout.id, "cells", `${cell.n}.png`]);
    drawn.set(JSON.stringify(request), { ...cell, job, prompt: prompts[0], url });
  }
}
