/** Pictures of the class in general: drawn by the base for a class prompt, and entered in the run with one click. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { lines } from "./format.js";
import { nested } from "./form.js";

const PAUSE = 700;
const GOING = ["waiting", "drawing"];
const FOLDERS = "data.folders";
const SIDE = 128;

/** An order under way is found again by whoever opens the page. @param {import("./main.js").App} app @param {import("./form.js").Form} form */
export function regularization(app, form) {
  const fields = new ClassFields(app);
  const progress = h("progress", { max: 1, value: 0, "aria-label": app.t("prior.progress") });
  const line = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
  const preview = h("div", { class: "lt-row lt-priors", hidden: true });
  let followed = null;
  const start = button(app.t("prior.start"), () => begin(), { class: "lt-button" });
  const end = () => app.trying(() => app.api.post(["regularizations", followed.id, "stop"]));
  const stop = button(app.t("prior.stop"), end, { class: "lt-button" });
  const enter = button(app.t("prior.use"), () => use(app, form, followed.folder), { class: "lt-button lt-primary" });

  const tell = (one) => {
    const going = GOING.includes(one?.state);
    attribute(start, "disabled", going || !app.store.get("dataset"));
    show(stop, going);
    show(progress, going);
    Object.assign(progress, { max: one?.total || 1, value: one?.done || 0 });
    say(line, one ? told(app, one) : app.store.get("dataset") ? "" : app.t("prior.need_pictures"));
    show(enter, Boolean(one?.done) && !going && used(app, form)?.id !== one.dataset);
    draw(app, preview, one);
  };

  const follow = async (one) => {
    followed = one;
    for (let now = one; now && followed?.id === one.id; ) {
      followed = now;
      tell(now);
      if (!GOING.includes(now.state)) return void (await app.live.refresh());
      await new Promise((later) => setTimeout(later, document.hidden ? 10 * PAUSE : PAUSE));
      now = await news(app, now);
    }
  };

  const begin = async () => {
    const body = { ...fields.request(), values: nested(form.values()), dataset: app.store.get("dataset") };
    const one = await app.trying(() => app.api.post("regularizations", body));
    if (one) await follow(one);
  };

  const find = async () => {
    const all = await app.api.get("regularizations").catch(() => []);
    const one = all.find((each) => GOING.includes(each.state)) || all[0];
    if (one && !followed) await follow(one);
  };

  const body = h(
    "div",
    { class: "lt-asked" },
    h("p", { class: "lt-hint" }, app.t("prior.hint")),
    fields.element,
    h("div", { class: "lt-row lt-buttons" }, start, stop, enter, progress, line),
    preview,
    choice(app, form),
  );
  const element = h("details", { class: "lt-fold lt-regularization" }, h("summary", {}, app.t("prior.title")), body);
  element.addEventListener("toggle", () => element.open && fields.suggest(form));
  app.store.on(["dataset", "changes"], () => tell(followed));
  app.store.on("dataset", () => element.open && fields.suggest(form));
  find();
  return element;
}

/** Enter a folder as the run's only regularization folder; without one, leave all out. */
function use(app, form, folder) {
  const others = (form.value(FOLDERS) || []).filter((one) => !one.regularization);
  form.set(FOLDERS, folder ? [...others, { path: folder, regularization: true }] : others);
}

/** The data set whose pictures the run regularizes with. */
function used(app, form) {
  const prior = (form.value(FOLDERS) || []).find((one) => one.regularization);
  return prior && app.store.get("server")?.datasets.find((set) => set.path === prior.path);
}

/** Which data set is used; any may be, whoever made its pictures. */
function choice(app, form) {
  const chosen = (id) => app.store.get("server")?.datasets.find((set) => set.id === id)?.path;
  const on = { change: () => use(app, form, chosen(select.value)) };
  const select = h("select", { id: "lt-prior-set", class: "lt-input lt-small", on });
  app.store.on(["server", "changes", "preset", "dataset"], () => {
    const now = used(app, form);
    const sets = (app.store.get("server")?.datasets || []).filter((set) => set.id !== app.store.get("dataset"));
    const key = JSON.stringify(sets);
    if (select.dataset.key !== key) {
      select.dataset.key = key;
      const title = (set) => app.t("pictures.set_line", { name: set.name, n: set.count });
      const known = sets.map((set) => h("option", { value: set.id }, title(set)));
      fill(select, h("option", { value: "" }, app.t("prior.none")), known);
    }
    select.value = now?.id || "";
  });
  return h("div", { class: "lt-row" }, h("label", { for: "lt-prior-set" }, app.t("prior.used")), select);
}

/** The newest pictures of an order. */
function draw(app, preview, one) {
  const names = one?.names || [];
  const key = JSON.stringify([one?.dataset, names]);
  show(preview, names.length > 0);
  if (preview.dataset.key === key) return;
  preview.dataset.key = key;
  const address = (name, side) => app.api.url(["datasets", one.dataset, "thumbs", name], { side });
  const pictures = names.map((name) => ({ url: address(name, 1024), title: name }));
  const larger = (n) => () => app.dialogs.enlarge(pictures, n);
  const image = (name) => h("img", { src: address(name, SIDE), alt: name, loading: "lazy" });
  fill(
    preview,
    names.map((name, n) => h("button", { type: "button", class: "lt-prior", on: { click: larger(n) } }, image(name))),
  );
}

/** The same order now; as it was while the server does not answer, null for one that is gone. */
async function news(app, one) {
  try {
    return await app.api.get(["regularizations", one.id]);
  } catch (error) {
    return error.status === 404 ? null : one;
  }
}

/** How far it is, or how it ended, in words. */
function told(app, one) {
  const { drawn = 0, kept = 0 } = one.result || {};
  const how = app.t(`prior.${one.state}`, { done: one.done, total: one.total, drawn, kept, name: one.name });
  return [app.words.sentence(one.message), how].filter(Boolean).join(" ");
}

/** What the pictures show, what they must not, and how many. */
class ClassFields {
  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    const hint = app.t("prior.prompts_hint");
    this.prompts = h("textarea", { id: "lt-prior-prompts", class: "lt-input", rows: 2, placeholder: hint });
    this.negative = h("input", { id: "lt-prior-negative", class: "lt-input", type: "text", autocomplete: "off" });
    const number = { type: "number", min: 1, max: 5000, step: 1, placeholder: app.t("settings.automatic") };
    this.count = h("input", { id: "lt-prior-count", class: "lt-input", ...number });
    const field = (id, input, wide) =>
      h(
        "div",
        { class: `lt-field${wide ? " lt-wide-field" : ""}` },
        h("div", { class: "lt-label" }, h("label", { for: input.id }, app.t(`prior.${id}`))),
        input,
      );
    this.element = h(
      "div",
      { class: "lt-fields" },
      field("prompts", this.prompts, true),
      field("negative", this.negative),
      field("count", this.count),
    );
  }

  /** Show the number that suits the run's pictures where none is written. */
  async suggest(form) {
    const dataset = this.app.store.get("dataset");
    const body = { values: nested(form.values()), dataset };
    const usual = dataset ? await this.app.api.post(["regularizations", "usual"], body).catch(() => null) : null;
    this.count.placeholder = usual ? String(usual.count) : this.app.t("settings.automatic");
  }

  request() {
    return {
      prompts: lines(this.prompts.value),
      negative_prompt: this.negative.value.trim(),
      count: Number(this.count.value) || 0,
    };
  }
}
