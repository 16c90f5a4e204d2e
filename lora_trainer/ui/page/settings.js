/** Section 2: in sight what every run wants to be told; folded what a preset decides, and the rest by topic. */

import { memory, recommendation } from "./advice.js";
import { Control, labelOf, readable } from "./controls.js";
import { attribute, button, debounced, fill, h, say, show } from "./dom.js";
import { download } from "./download.js";
import { Form, nested } from "./form.js";
import { underWay } from "./live.js";
import { origin } from "./origin.js";
import { presetField } from "./presets.js";
import { regularization } from "./regularization.js";
import { remember, remembered } from "./remembering.js";
import { section } from "./section.js";
import { start } from "./starting.js";

const HIDDEN = ["base.checkpoint", "data.folders", "save.output", "data.cache_folder", "save.log_folder"];
/** What the host and the page themselves decide. */
const FIRST = ["save.name", "data.trigger_word"];
const IN_SIGHT = [...FIRST, "steps"];
const PROMPTS = "samples.prompts";
const TOLD = ["network.rank", "optimizer.learning_rate", "data.resolution"];
/** Options whose values stand on the closed fold of the basic ones. */
const OPEN = "lora-trainer.basics";

/** @param {import("./main.js").App} app */
export async function settings(app) {
  const [{ sections }, presets] = await Promise.all([app.api.get("options"), app.api.get("presets")]);
  const options = sections.flatMap((part) => part.options);
  const form = (app.form = new Form(app, options, presets));
  const controls = new Map();
  const control = (option) => controls.set(option.path, new Control(app, option, form)).get(option.path).element;
  const shown = options.filter((option) => !HIDDEN.includes(option.path));
  const first = IN_SIGHT.map((path) => control(form.options.get(path)));
  const seen = [...IN_SIGHT, PROMPTS];
  const basic = shown.filter((option) => option.level === "basic" && !seen.includes(option.path));
  const element = section(
    app,
    "settings",
    [
      origin(app, form),
      h("div", { class: "lt-fields" }, first, recommendation(app, form), presetField(app, form)),
      control(form.options.get(PROMPTS)),
      summary(app, form, controls),
      h(
        "div",
        { class: "lt-folds", role: "group", "aria-label": app.t("settings.more") },
        basics(app, form, basic.map(control)),
        topics(app, sections, shown, control),
      ),
      regularization(app, form),
    ],
    files(app, form),
  );
  app.store.on(["changes", "preset"], () => controls.forEach((one) => one.update()));
  watchChecks(app, form, controls, element);
  return element;
}

/** The basic options that a preset decides: closed for whoever lets it, and then with the values that matter most. */
function basics(app, form, fields) {
  const values = h("span", { class: "lt-hint lt-told" });
  const element = fold(app, "basics", fields, values);
  element.open = remembered(OPEN) === "1";
  element.addEventListener("toggle", () => remember(OPEN, element.open ? "1" : ""));
  const value = (path) => `${labelOf(app, form.options.get(path))} ${form.value(path)}`;
  const told = () => TOLD.filter((path) => form.value(path)).map(value);
  app.store.on(["changes", "preset"], () => say(values, told().join(" · ")));
  return element;
}

/** A fold of options, with the number of wrong values on it. */
function fold(app, name, fields, more = "") {
  const count = h("span", { class: "lt-badge lt-bad", hidden: true });
  const summary = h("summary", {}, app.t(`topic.${name}`), " ", count, more);
  return h("details", { class: "lt-fold", data: { topic: name } }, summary, h("div", { class: "lt-fields" }, fields));
}

/** A fold for each section of the tree. */
function topics(app, sections, shown, control) {
  const advanced = shown.filter((option) => option.level !== "basic");
  return sections.map(({ name, options }) => {
    const mine = options.filter((option) => advanced.includes(option));
    return mine.length && fold(app, name || "run", mine.map(control));
  });
}

/** The run in one sentence, and what is wrong with options that have no control here. */
function summary(app, form, controls) {
  const sentence = h("p", { class: "lt-sentence", role: "status", "aria-live": "polite" });
  const others = h("ul", { class: "lt-problems" });
  const item = (text) => h("li", {}, text);
  app.store.on(["check", "dataset", "tried"], () => {
    const check = app.store.get("check");
    say(
      sentence,
      (check && !check.problems.length && app.words.sentence(check.sentence)) ||
        app.t(check ? "settings.incomplete" : "settings.checking"),
    );
    const here = (problem) => !controls.has(problem.path) || untouched(app, problem.path);
    fill(others, [...new Set((check?.problems || []).filter(here).map((one) => readable(app, one)))].map(item));
    show(others, others.childElementCount > 0);
  });
  return h("div", { class: "lt-summary" }, sentence, memory(app, form), others, trainHere(app));
}

/** The way on where the columns lie one under the other, and the Train button is out of sight. */
function trainHere(app) {
  const go = async () => {
    if (await start(app)) app.page.querySelector(".lt-training").scrollIntoView({ behavior: "smooth" });
  };
  const here = button("", go, { class: "lt-button lt-primary lt-train-here" });
  app.store.on(["job", "ordered", "server"], () => {
    const { job, ordered, server } = app.store.values;
    attribute(here, "disabled", Boolean(ordered) || !server?.host.ready);
    say(here, app.t(underWay(job) ? "training.train_next" : "training.train"));
  });
  return here;
}

/** Whether nobody has had a reason yet to fill in a control: nothing is marked there. */
const untouched = (app, path) =>
  FIRST.includes(path) && !(path in app.store.get("changes")) && !app.store.get("tried");

/** Ask the server whenever the values have been quiet for a moment, and mark what it finds. */
function watchChecks(app, form, controls, element) {
  let asked = 0;
  const ask = async () => {
    const turn = ++asked;
    const body = { values: nested(form.values()), dataset: app.store.get("dataset") || null };
    const check = await app.trying(() => app.api.post("check", body));
    if (check && turn === asked) app.store.set({ check });
  };
  app.store.on(["changes", "preset", "dataset", "set"], debounced(ask, 300));
  app.store.on(["check"], () => mark(app, controls, element, app.store.get("check")?.problems || []));
}

function mark(app, controls, element, problems) {
  for (const [path, control] of controls) {
    const mine = problems.filter((problem) => problem.path === path || problem.path?.startsWith(`${path}[`));
    control.mark(untouched(app, path) ? "" : mine.map((problem) => readable(app, problem)).join(" "));
  }
  for (const fold of element.querySelectorAll(".lt-fold[data-topic]")) {
    const badge = fold.querySelector(".lt-badge");
    const count = fold.querySelectorAll(".lt-wrong").length;
    show(badge, count > 0);
    say(badge, String(count));
  }
}

/** Load and save the settings as YAML; undo changes. */
function files(app, form) {
  const input = h("input", {
    type: "file",
    accept: ".yaml,.yml,.toml,.txt",
    hidden: true,
    on: { change: () => load(app, form, input) },
  });
  const save = async () => {
    const text = await app.trying(() => app.api.post(["yaml", "write"], { values: nested(form.values()) }));
    if (text) download(`${form.value("save.name") || "settings"}.yaml`, text);
  };
  const reset = button(app.t("settings.reset"), () => form.reset(), { class: "lt-link" });
  app.store.on(["changes"], () =>
    show(
      reset,
      Object.keys(app.store.get("changes")).some((path) => form.isChanged(path)),
    ),
  );
  return [
    input,
    reset,
    button(app.t("settings.load"), () => input.click(), { class: "lt-link" }),
    button(app.t("settings.save"), save, { class: "lt-link" }),
  ];
}

async function load(app, form, input) {
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  const answer = await app.trying(async () =>
    app.api.raw("POST", ["yaml", "read"], await file.text(), "text/plain; charset=utf-8"),
  );
  if (!answer) return;
  form.take(answer.values);
  app.dialogs.notice(app.t("settings.loaded", { file: file.name }));
}
