/** Settings that fit: a goal and one click; and why. */

import { button, fill, h, say, show } from "./dom.js";
import { nested } from "./form.js";

export { memory } from "./memory.js";

const GOALS = ["character", "style", "object", "product", "photo"];

/** Beside the presets: what the pictures show, and a click for settings. */
export function recommendation(app, form) {
  const goal = h("select", { id: "lt-goal", class: "lt-input" });
  fill(
    goal,
    GOALS.map((name) => h("option", { value: name }, app.t(`goal.${name}`))),
  );
  const reasons = h("ul", { class: "lt-reasons" });
  const why = h("details", { class: "lt-advised", hidden: true }, h("summary", {}, app.t("advice.why")), reasons);
  const ask = button(app.t("advice.recommend"), () => think(), { class: "lt-button lt-recommend" });
  const think = async () => {
    ask.disabled = true; // what memory it takes is estimated, which lasts a while for a large base
    say(ask, app.t("advice.thinking"));
    await recommend(app, form, goal.value).finally(() => {
      say(ask, app.t("advice.recommend"));
      ask.disabled = !app.store.get("dataset");
    });
  };
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
