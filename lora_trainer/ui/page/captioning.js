/** Captions made by a model for the pictures of the data set: by which, what becomes of those there, and how far. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { editVocabularies } from "./vocabularies.js";

const PAUSE = 700;
const GOING = ["waiting", "captioning"];
const MODES = ["keep", "replace", "append", "prepend"];
const CHOOSES = "clip";
/** The captioner that chooses from vocabularies. */

/** A captioning under way is found again by whoever opens the page. @param {import("./main.js").App} app */
export function captioning(app) {
  const fields = new CaptionFields(app);
  const progress = h("progress", { max: 1, value: 0, "aria-label": app.t("captions.progress") });
  const line = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
  const left = h("ul", { class: "lt-problems" });
  let followed = null;
  const start = button(app.t("captions.start"), () => begin(), { class: "lt-button" });
  const end = () => app.trying(() => app.api.post(["captionings", followed.id, "stop"]));
  const stop = button(app.t("captions.stop"), end, { class: "lt-button" });

  const tell = (one) => {
    const going = GOING.includes(one?.state);
    attribute(start, "disabled", going || !fields.ready);
    show(stop, going);
    show(progress, going);
    Object.assign(progress, { max: one?.total || 1, value: one?.done || 0 });
    say(line, one ? told(app, one) : fields.missing);
    fill(
      left,
      (one?.left_out || []).map((picture) => h("li", {}, `${picture.name}: ${app.words.sentence(picture.reason)}`)),
    );
    show(left, Boolean(one?.left_out.length));
  };

  const begin = async () => {
    const one = await app.trying(() => app.api.post("captionings", fields.request()));
    if (one) await follow(one);
  };

  const follow = async (one) => {
    followed = one;
    for (let now = one, shown = 0; now && followed?.id === one.id; ) {
      tell(now);
      if (now.done > shown || !GOING.includes(now.state)) await app.refreshPictures();
      shown = now.done;
      if (!GOING.includes(now.state)) return;
      await new Promise((later) => setTimeout(later, document.hidden ? 10 * PAUSE : PAUSE));
      now = await news(app, now);
    }
  };

  const find = async () => {
    const id = app.store.get("dataset");
    followed = null;
    tell(null);
    const all = id ? await app.api.get("captionings").catch(() => []) : [];
    const one = all.find((each) => each.dataset === id && GOING.includes(each.state));
    if (one && app.store.get("dataset") === id) await follow(one);
  };

  const buttons = h("div", { class: "lt-row lt-buttons" }, start, stop, progress, line);
  const body = h("div", {}, fields.element, buttons, left);
  const element = h("details", { class: "lt-fold lt-captioning" }, h("summary", {}, app.t("captions.title")), body);
  element.addEventListener("toggle", () => element.open && fields.load());
  fields.changed = () => !GOING.includes(followed?.state) && tell(null);
  app.store.on("dataset", find);
  app.store.on("set", () => show(element, Boolean(app.store.get("set")?.items.length)));
  return element;
}

/** The same captioning now; as it was while the server does not answer, null for one that is gone. */
async function news(app, one) {
  try {
    return await app.api.get(["captionings", one.id]);
  } catch (error) {
    return error.status === 404 ? null : one;
  }
}

/** How far it is, or how it ended, in words. */
function told(app, one) {
  const why = app.words.sentence(one.message);
  if (why) return why;
  const { written = 0, before = 0, kept = 0 } = one.result || {};
  return app.t(`captions.${one.state}`, { done: one.done, total: one.total, written: written + before, kept });
}

/** Which captioner, and how. */
class CaptionFields {
  changed = () => {};
  #choices = [];

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    const on = { change: () => this.#show() };
    const select = (id) => h("select", { id: `lt-captions-${id}`, class: "lt-input", on });
    this.captioner = select("with");
    this.model = select("model");
    this.mode = select("mode");
    fill(
      this.mode,
      MODES.map((mode) => h("option", { value: mode }, app.t(`captions.mode_${mode}`))),
    );
    this.threshold = h("input", {
      id: "lt-captions-threshold",
      class: "lt-input",
      type: "number",
      min: 0,
      max: 1,
      step: 0.05,
      placeholder: app.t("captions.usual"),
    });
    this.trigger = h("input", { id: "lt-captions-trigger", class: "lt-box", type: "checkbox", checked: true });
    this.element = this.#layout();
  }

  get ready() {
    return Boolean(this.#chosen && !this.#chosen.missing);
  }

  /** What the chosen captioner lacks, with the place where it belongs; "" for nothing. */
  get missing() {
    return this.app.words.sentence(this.#chosen?.missing);
  }

  /** Ask the server what there is now. */
  async load() {
    const before = this.captioner.value;
    this.#choices = (await this.app.trying(() => this.app.api.get("captioners"))) || [];
    const title = ({ name }) => this.app.words.maybe(`captioner.${name}`, name);
    fill(
      this.captioner,
      this.#choices.map((one) => h("option", { value: one.name }, title(one))),
    );
    const first = this.#choices.find((one) => !one.missing) || this.#choices[0];
    this.captioner.value = this.#choices.some((one) => one.name === before) ? before : first?.name || "";
    this.#show();
  }

  /** The body of a request. */
  request() {
    const { app } = this;
    return {
      dataset: app.store.get("dataset"),
      captioner: this.captioner.value,
      model: this.model.value,
      mode: this.mode.value,
      trigger: this.trigger.checked ? app.form?.value("data.trigger_word") || "" : "",
      threshold: this.threshold.value === "" ? null : Number(this.threshold.value),
    };
  }

  get #chosen() {
    return this.#choices.find((one) => one.name === this.captioner.value);
  }

  #show() {
    const models = this.#chosen?.models || [];
    const before = this.model.value;
    fill(
      this.model,
      models.map((name) => h("option", { value: name }, name)),
    );
    this.model.value = models.includes(before) ? before : models[0] || "";
    show(this.modelField, models.length > 1);
    show(this.words, this.captioner.value === CHOOSES);
    this.changed();
  }

  #layout() {
    const field = (id, input) =>
      h(
        "div",
        { class: "lt-field" },
        h("div", { class: "lt-label" }, h("label", { for: input.id }, this.app.t(`captions.${id}`))),
        input,
      );
    this.modelField = field("model", this.model);
    this.words = button(this.app.t("vocabulary.open"), () => editVocabularies(this.app), {
      class: "lt-link lt-open-vocabularies",
    });
    return h(
      "div",
      {},
      h(
        "div",
        { class: "lt-fields" },
        field("with", this.captioner),
        this.modelField,
        field("mode", this.mode),
        field("threshold", this.threshold),
      ),
      h(
        "div",
        { class: "lt-row" },
        this.trigger,
        h("label", { for: "lt-captions-trigger" }, this.app.t("captions.trigger")),
        this.words,
      ),
    );
  }
}
