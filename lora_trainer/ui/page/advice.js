/** Settings that fit: a goal and one click; why; and the memory that the run will need. */

import { button, debounced, fill, h, say, show } from "./dom.js";
import { nested } from "./form.js";
import { alive } from "./live.js";

const GOALS = ["character", "style", "object", "product", "photo"];
const QUIET = 1500;
/** Milliseconds without a change after which memory is asked for: the answer takes a core some seconds. */

/** Beside the presets: what the pictures show, and a click for settings. */
export function recommendation(app, form) {
  const goal = h("select", { id: "lt-goal", class: "lt-input" });
  fill(
    goal,
    GOALS.map((name) => h("option", { value: name }, app.t(`goal.${name}`))),
  );
  const reasons = h("ul", { class: "lt-reasons" });
  const why = h("details", { class: "lt-advised", hidden: true }, h("summary", {}, app.t("advice.why")), reasons);
  const ask = button(app.t("advice.recommend"), () => recommend(app, form, goal.value), { class: "lt-button lt-recommend" });
  app.store.on(["dataset", "set"], () => (ask.disabled = !app.store.get("dataset")));
  app.store.on(["reasons"], () => {
    const known = app.store.get("reasons");
    fill(
      reasons,
      known.map((reason) => h("li", {}, app.words.sentence(reason))),
    );
    show(why, known.length > 0);
    why.open = known.length > 0;
  });
  const label = h("div", { class: "lt-label" }, h("label", { for: "lt-goal" }, app.t("advice.goal")));
  const row = h("div", { class: "lt-row lt-goal-row" }, goal, ask);
  const hint = h("div", { class: "lt-hint" }, app.t("advice.hint"));
  return h("div", { class: "lt-field lt-wide-field", data: { path: "goal" } }, label, row, hint, why);
}

async function recommend(app, form, goal) {
  const body = { values: nested(form.values()), dataset: app.store.get("dataset"), goal, kept: form.chosenByHand() };
  const found = await app.trying(() => app.api.post("recommend", body));
  if (!found) return;
  form.takeAdvice(found.preset, found.values);
  app.store.set({ reasons: found.reasons });
}

/** A line below the run's sentence: what it needs of the device, and a click where something gentler fits. */
export function memory(app, form) {
  const sentence = h("span", { role: "status", "aria-live": "polite" });
  const use = button(app.t("advice.use"), () => form.setAll(app.store.get("outlook").milder), { class: "lt-link" });
  const line = h("p", { class: "lt-need", hidden: true }, sentence, " ", use);
  let asked = 0;
  const ask = async () => {
    const { check, dataset, job } = app.store.values;
    if (!check || check.problems.length || !dataset || alive(job)) return;
    const turn = ++asked;
    const outlook = await app.api.post("estimate", { values: nested(form.values()), dataset }).catch(() => null);
    if (turn === asked) app.store.set({ outlook });
  };
  const later = debounced(ask, QUIET);
  app.store.on(["check"], () => {
    asked++;
    app.store.set({ outlook: null });
    later();
  });
  app.store.on(["outlook"], () => {
    const outlook = app.store.get("outlook");
    say(sentence, outlook ? app.words.sentence(outlook.sentence) : "");
    line.classList.toggle("lt-too-much", Boolean(outlook && !outlook.fits));
    show(use, Boolean(outlook && Object.keys(outlook.milder).length));
    show(line, Boolean(outlook));
  });
  return line;
}
