/** Section 4: which save at which strength? A grid of pictures, a slider, and what to do with the one that was chosen. */

import { chosenPanel } from "./chosen.js";
import { attribute, button, fill, h, say, show } from "./dom.js";
import { lines, numbers } from "./format.js";
import { Grid } from "./grid.js";
import { saveName } from "./saves.js";
import { scrubber } from "./scrub.js";
import { section } from "./section.js";
import { Trial } from "./trial.js";

const OPEN = ["paused", "finished", "stopped", "failed"];
const STRENGTHS = "0, 0.2, 0.4, 0.6, 0.8, 1";
const SAVES = 4;
/** How many of the last saves are ticked at first. */

/** Whether the saves of a job can be tried now. */
const canTry = (job) => OPEN.includes(job?.state) && job.saves.length > 0;

/** @param {import("./main.js").App} app */
export function tryout(app) {
  const hint = h("p", { class: "lt-empty" });
  const trial = (app.trial = new Trial(app));
  const fields = new Fields(app);
  const body = h(
    "div",
    { class: "lt-try" },
    fields.element,
    actions(app, fields, trial),
    new Grid(app).element,
    chosenPanel(app),
    scrubber(app, fields, trial),
  );
  const element = section(app, "tryout", [hint, body]);
  let was = null;
  app.store.on("job", () => {
    const job = app.store.get("job");
    const open = canTry(job);
    show(body, open);
    show(hint, !open);
    say(hint, app.t(OPEN.includes(job?.state) ? "tryout.no_saves" : "tryout.closed"));
    const justOpened = open && was && was.id === job.id && !OPEN.includes(was.state);
    if (justOpened) requestAnimationFrame(() => body.scrollIntoView({ behavior: "smooth", block: "nearest" }));
    was = job;
  });
  return element;
}

/** What to draw; filled from the job's own settings whenever another job is shown. */
class Fields {
  constructor(app) {
    this.app = app;
    const input = (id, properties) =>
      h("input", { id: `lt-try-${id}`, class: "lt-input", type: "number", ...properties });
    this.prompts = h("textarea", { id: "lt-try-prompts", class: "lt-input", rows: 2 });
    this.strengths = h("input", { id: "lt-try-strengths", class: "lt-input", type: "text", value: STRENGTHS });
    this.seed = input("seed", { value: 1, min: 0 });
    this.saves = h("div", { class: "lt-row lt-saves", role: "group", "aria-label": app.t("tryout.saves") });
    this.negative = h("textarea", { id: "lt-try-negative", class: "lt-input", rows: 1 });
    this.width = input("width", { min: 64, max: 4096, step: 8 });
    this.height = input("height", { min: 64, max: 4096, step: 8 });
    this.steps = input("steps", { min: 1, max: 200 });
    this.guidance = input("guidance", { min: 1, max: 50, step: 0.5 });
    this.sampler = h("select", { id: "lt-try-sampler", class: "lt-input" });
    this.element = this.#layout();
    let filledFor = "";
    app.store.on(["job", "check", "server"], () => {
      const job = app.store.get("job");
      if (!job) return;
      this.#offer(job);
      if (filledFor === job.id) return;
      filledFor = job.id;
      this.#fill(job);
    });
  }

  /** The body of a request. Strengths and saves may be replaced. */
  request(instead = {}) {
    const { width, height, steps, guidance, seed } = this;
    return {
      job: this.app.store.get("job").id,
      saves: [...this.saves.querySelectorAll("input:checked")].map((box) => box.value),
      strengths: numbers(this.strengths.value),
      prompts: lines(this.prompts.value),
      negative_prompt: this.negative.value.trim(),
      seed: Number(seed.value),
      width: Number(width.value),
      height: Number(height.value),
      steps: Number(steps.value),
      guidance: Number(guidance.value),
      sampler: this.sampler.value,
      ...instead,
    };
  }

  #layout() {
    const field = (input, id, wide) =>
      h(
        "div",
        { class: `lt-field${wide ? " lt-wide-field" : ""}` },
        h("div", { class: "lt-label" }, h("label", { for: input.id }, this.app.t(`tryout.${id}`))),
        input,
      );
    const more = h(
      "details",
      { class: "lt-fold" },
      h("summary", {}, this.app.t("tryout.more")),
      h(
        "div",
        { class: "lt-fields" },
        field(this.negative, "negative", true),
        field(this.width, "width"),
        field(this.height, "height"),
        field(this.steps, "steps"),
        field(this.guidance, "guidance"),
        field(this.sampler, "sampler"),
      ),
    );
    return h(
      "div",
      { class: "lt-try-fields" },
      h(
        "div",
        { class: "lt-fields" },
        field(this.prompts, "prompts", true),
        field(this.strengths, "strengths"),
        field(this.seed, "seed"),
      ),
      h("div", { class: "lt-field" }, h("div", { class: "lt-label" }, this.app.t("tryout.saves")), this.saves),
      more,
    );
  }

  #fill(job) {
    const { app } = this;
    const given = (path) =>
      path.split(".").reduce((section, part) => section?.[part], job.values) ?? app.form.options.get(path)?.default;
    const side = given("data.resolution") || app.store.get("server")?.host.base?.native_resolution || 512;
    this.prompts.value =
      given("samples.prompts")?.join("\n") || app.store.get("set")?.items[0]?.caption || job.trigger_word || "";
    this.negative.value = given("samples.negative_prompt") || "";
    this.seed.value = given("samples.seed");
    this.width.value = given("samples.width") || side;
    this.height.value = given("samples.height") || side;
    this.steps.value = given("samples.steps");
    this.guidance.value = given("samples.guidance");
    const names = app.form.options.get("samples.sampler")?.choices || [];
    fill(
      this.sampler,
      names.map((name) => h("option", { value: name }, name)),
    );
    this.sampler.value = given("samples.sampler");
  }

  #offer(job) {
    const key = JSON.stringify([job.id, job.saves]);
    if (this.saves.dataset.key === key) return;
    this.saves.dataset.key = key;
    const first = job.saves.length - SAVES;
    fill(
      this.saves,
      job.saves.map((save, n) =>
        h(
          "label",
          { class: "lt-tick" },
          h("input", { type: "checkbox", class: "lt-box", value: save.file, checked: n >= first }),
          saveName(this.app, job, save),
        ),
      ),
    );
  }
}

function actions(app, fields, trial) {
  const draw = button(app.t("tryout.draw"), () => trial.draw(fields.request()), {
    class: "lt-button lt-primary lt-draw",
  });
  const stop = button(app.t("tryout.stop"), () => trial.stop(), { class: "lt-button" });
  const keep = button(app.t("tryout.save_grid"), () => trial.saveSheet(), { class: "lt-button" });
  const line = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
  app.store.on(["grid", "drawing"], () => {
    const { grid, drawing } = app.store.values;
    attribute(draw, "disabled", drawing);
    attribute(stop, "disabled", !drawing);
    attribute(keep, "disabled", !grid || grid.cells.length < grid.total);
    say(
      line,
      grid
        ? app.words.sentence(grid.message) || app.t(`tryout.${grid.state}`, { n: grid.cells.length, total: grid.total })
        : app.t("tryout.hint"),
    );
  });
  return h("div", { class: "lt-row lt-buttons" }, draw, stop, keep, line);
}
