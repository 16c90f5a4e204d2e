/** What the run needs of the device and of time: imagined, or tried with one step; and what would fit. */

import { attribute, button, debounced, fill, h, say, show } from "./dom.js";
import { nested } from "./form.js";
import { duration } from "./format.js";
import { inquire } from "./inquiry.js";
import { alive } from "./live.js";
import { phaseOf } from "./log.js";

const QUIET = 1500;
/** Milliseconds without a change after which memory is asked for: the answer takes a core a second or some. */
const LATER = 10000;
/** Until it is asked for again while the model is at work, which is left in peace. */

/** Below the run's sentence: what it needs, a click where something gentler fits, and two questions to ask. */
export function memory(app, form) {
  const question = () => ({ values: nested(form.values()), dataset: app.store.get("dataset") });
  watch(app, question);
  return h("div", { class: "lt-memory-needs" }, need(app, form), questions(app, question), sizes(app), fits(app, form));
}

/** Ask by itself, and forget every answer when the options change. */
function watch(app, question) {
  let asked = 0;
  let timer = 0;
  const ask = async () => {
    const { check, dataset, job, outlook } = app.store.values;
    if (!check || check.problems.length || !dataset || outlook) return;
    clearTimeout(timer);
    const turn = ++asked;
    const found = alive(job)
      ? { later: true }
      : await app.api.post("estimate", { ...question(), patient: true }).catch(() => null);
    if (turn !== asked || app.store.get("outlook")) return;
    if (found?.later && app.element.isConnected) timer = setTimeout(ask, LATER);
    app.store.set({ outlook: found?.later ? null : found });
  };
  const soon = debounced(ask, QUIET);
  app.store.on(["check"], () => {
    asked++;
    clearTimeout(timer);
    app.store.set({ outlook: null, probe: null, fitting: null, fits: null });
    soon();
  });
}

/** The need in a sentence. */
function need(app, form) {
  const sentence = h("span", { role: "status", "aria-live": "polite" });
  const use = button(app.t("advice.use"), () => form.setAll(app.store.get("outlook").milder), { class: "lt-link" });
  const line = h("p", { class: "lt-need", hidden: true }, sentence, " ", use);
  app.store.on(["outlook"], () => {
    const outlook = app.store.get("outlook");
    say(sentence, outlook ? app.words.sentence(outlook.sentence) : "");
    attribute(line, "title", outlook?.how === "sampled" ? app.t("memory.sampled") : null);
    line.classList.toggle("lt-too-much", Boolean(outlook && !outlook.fits));
    show(use, Boolean(outlook && Object.keys(outlook.milder).length));
    show(line, Boolean(outlook));
  });
  return line;
}

/** Try one step, look for what fits; while either goes on: how far it is, and a way to stop it. */
function questions(app, question) {
  const probe = async () => {
    const outlook = await inquire(app, "probe", "probes", question());
    if (outlook) app.store.set({ outlook });
  };
  const look = async () => {
    const found = await inquire(app, "fitting", "fits", question());
    if (found) app.store.set({ fits: found });
  };
  const hint = { class: "lt-link lt-try-step", title: app.t("memory.try_hint") };
  const acts = [
    button(app.t("memory.try"), probe, hint),
    button(app.t("memory.fits"), look, { class: "lt-link lt-what-fits" }),
  ];
  const state = h("span", { class: "lt-hint", role: "status" });
  const stop = button(app.t("dialog.cancel"), () => app.store.set({ probe: null, fitting: null }), { class: "lt-link" });
  app.store.on(["check", "dataset", "server", "probe", "fitting"], () => {
    const { check, dataset, server, probe, fitting } = app.store.values;
    const ready = check && !check.problems.length && dataset && server?.host.ready;
    const going = probe || fitting;
    for (const act of acts) attribute(act, "disabled", !ready || Boolean(going));
    say(state, going ? progressOf(app, going) : "");
    show(stop, Boolean(going));
  });
  return h("div", { class: "lt-row lt-questions" }, acts, state, stop);
}

function progressOf(app, inquiry) {
  const message = app.words.sentence(inquiry.message);
  if (message || !inquiry.total) return message || app.t("memory.begins");
  return app.t("training.preparing", { ...inquiry, phase: phaseOf(app, inquiry.phase) });
}

/** After a tried step: how long a step takes on pictures of each size. */
function sizes(app) {
  const list = h("ul", { class: "lt-sizes" });
  const fold = h("details", { hidden: true }, h("summary", { class: "lt-hint" }, app.t("memory.sizes")), list);
  app.store.on(["outlook"], () => {
    const buckets = app.store.get("outlook")?.buckets || [];
    fill(
      list,
      buckets.map(({ size: [height, width], count, share, seconds }) => {
        const percent = Math.round(100 * share);
        const time = seconds < 10 ? `${seconds.toFixed(2)} s` : duration(seconds, app.t);
        return h("li", {}, app.t("memory.size", { percent, count, width, height, time }));
      }),
    );
    show(fold, buckets.length > 1);
  });
  return fold;
}

/** The best batch and resolution, with and without checkpointing; a click sets each. */
function fits(app, form) {
  const sentence = h("p", { class: "lt-need", role: "status" });
  const body = h("tbody");
  const head = h(
    "thead",
    {},
    h("tr", {}, h("th", {}), ["fit_batch", "fit_resolution"].map((name) => h("th", {}, app.t(`memory.${name}`)))),
  );
  const whole = h("div", { class: "lt-fits", hidden: true }, sentence, h("table", {}, head, body));
  const choice = (best, unit, changes) =>
    h("td", {}, best ? button(`${best}${unit}`, () => form.setAll(changes), { class: "lt-link" }) : "–");
  app.store.on(["fits"], () => {
    const found = app.store.get("fits");
    say(sentence, found ? app.words.sentence(found.sentence) : "");
    fill(
      body,
      (found?.rows || []).map((row) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, app.t(`memory.fit_${row.checkpointing}`)),
          choice(row.batch, "", row.batch_changes),
          choice(row.resolution, " px", row.resolution_changes),
        ),
      ),
    );
    show(whole, Boolean(found));
  });
  return whole;
}
