/** What a try-out draws: prompts, strengths, seed, saves, and how. */

import { fill, h } from "./dom.js";
import { lines, numbers, short } from "./format.js";
import { saveName } from "./saves.js";

const HOW = ["width", "height", "steps", "guidance"];

/** Filled from the shown job's newest grid, else with what suits it, until the reader writes something else. */
export class Fields {
  #job = "";
  #source = "";
  #touched = false;

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    const input = (id, properties) =>
      h("input", { id: `lt-try-${id}`, class: "lt-input", type: "number", ...properties });
    this.prompts = h("textarea", { id: "lt-try-prompts", class: "lt-input", rows: 3 });
    this.strengths = h("input", { id: "lt-try-strengths", class: "lt-input", type: "text", autocomplete: "off" });
    this.seed = input("seed", { min: 0 });
    this.saves = h("div", { class: "lt-row lt-saves", role: "group", "aria-label": app.t("tryout.saves") });
    this.negative = h("textarea", { id: "lt-try-negative", class: "lt-input", rows: 1 });
    this.width = input("width", { min: 64, max: 4096, step: 8 });
    this.height = input("height", { min: 64, max: 4096, step: 8 });
    this.steps = input("steps", { min: 1, max: 200 });
    this.guidance = input("guidance", { min: 1, max: 50, step: 0.5 });
    this.sampler = h("select", { id: "lt-try-sampler", class: "lt-input" });
    const samplers = app.form.options.get("samples.sampler")?.choices || [];
    fill(
      this.sampler,
      samplers.map((name) => h("option", { value: name }, name)),
    );
    this.element = this.#layout();
    this.element.addEventListener("input", () => (this.#touched = true));
    app.store.on(["job", "grid"], () => this.#update());
  }

  /** The body of a request; `instead` replaces parts of it. */
  request(instead = {}) {
    return {
      job: this.app.store.get("job")?.id,
      saves: [...this.saves.querySelectorAll("input:checked")].map((box) => box.value),
      strengths: numbers(this.strengths.value),
      prompts: lines(this.prompts.value),
      negative_prompt: this.negative.value.trim(),
      seed: Number(this.seed.value),
      ...Object.fromEntries(HOW.map((name) => [name, Number(this[name].value)])),
      sampler: this.sampler.value,
      ...instead,
    };
  }

  /** The request for a job that is paused for it: the save that the pause writes is among those that are drawn. */
  requestForPause() {
    return this.request({ pause: true, saves: [] });
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

  async #update() {
    const { job, grid } = this.app.store.values;
    if (!job) return;
    if (this.#job !== job.id) [this.#job, this.#touched] = [job.id, false];
    this.#offer(job);
    if (this.#touched) return;
    const source = grid?.job === job.id ? `${grid.id}/${grid.saves}` : `${job.id}/${job.state}/${job.saves.length}`;
    if (this.#source === source) return;
    this.#source = source;
    const request = grid?.job === job.id ? grid : await this.#usual(job);
    if (request && this.#source === source && !this.#touched) this.#fill(request);
  }

  async #usual(job) {
    try {
      return await this.app.api.get(["jobs", job.id, "usual-tryout"]);
    } catch (error) {
      if (error.status === undefined) throw error;
      return null; // The server is away: asked again with the job's next news.
    }
  }

  #fill(request) {
    const side = this.app.store.get("server")?.host.base?.native_resolution || 512;
    this.prompts.value = request.prompts.join("\n");
    this.strengths.value = request.strengths.map((strength) => short(strength)).join(", ");
    this.negative.value = request.negative_prompt;
    this.seed.value = request.seed;
    for (const name of HOW) this[name].value = request[name] || side;
    this.sampler.value = request.sampler;
    for (const box of this.saves.querySelectorAll("input")) box.checked = request.saves.includes(box.value);
  }

  /** A tick for each save; new ones are ticked. */
  #offer(job) {
    const key = JSON.stringify([job.id, job.best_step, job.saves]);
    if (this.saves.dataset.key === key) return;
    this.saves.dataset.key = key;
    const left = new Set([...this.saves.querySelectorAll("input:not(:checked)")].map((box) => box.value));
    fill(
      this.saves,
      job.saves.map((save) =>
        h(
          "label",
          { class: "lt-tick" },
          h("input", { type: "checkbox", class: "lt-box", value: save.file, checked: !left.has(save.file) }),
          saveName(this.app, job, save),
        ),
      ),
    );
  }
}
