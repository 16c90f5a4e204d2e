/** What happened, one line for each event but the steps. */

import { fill, h } from "./dom.js";
import { baseName, short } from "./format.js";

/** @param {import("./main.js").App} app */
export function log(app) {
  const list = h("div", { class: "lt-log", role: "log", tabindex: 0, "aria-label": app.t("log.title") });
  const fold = h("details", { class: "lt-fold" }, h("summary", {}, app.t("log.title")), list);
  app.store.on("run", () => {
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 20;
    const events = app.store.get("run")?.log || [];
    if (list.dataset.last === String(events[events.length - 1]?.n ?? "") && list.childElementCount === events.length)
      return;
    list.dataset.last = String(events[events.length - 1]?.n ?? "");
    fill(
      list,
      events.map((event) => h("div", { class: `lt-log-${event.kind}` }, sentenceOf(app, event))),
    );
    if (atEnd) list.scrollTop = list.scrollHeight;
  });
  fold.addEventListener("toggle", () => (list.scrollTop = list.scrollHeight));
  return fold;
}

/** An event in the reader's language. */
export function sentenceOf(app, event) {
  if (event.kind === "preparing") return app.t("log.preparing", { ...event, phase: phaseOf(app, event.phase) });
  if (event.kind === "warned" || event.kind === "advised")
    return app.words.sentence({ code: event.code, text: event.message, values: event.values });
  if (event.kind === "validated") return app.t("log.validated", { step: event.step, loss: short(event.loss, 4) });
  if (event.kind === "saved")
    return app.t(event.final ? "log.saved_final" : "log.saved", { step: event.step, file: baseName(event.path) });
  if (event.kind === "paused" || event.kind === "failed") {
    const message = app.words.sentence(event.sentence || event.message);
    return message
      ? app.t(`log.${event.kind}_why`, { step: event.step, message })
      : app.t(`log.${event.kind}`, { step: event.step });
  }
  if (event.kind === "finished") return app.t(event.stopped ? "log.stopped" : "log.finished", { step: event.step });
  return app.words.maybe(`log.${event.kind}`, "") ? app.t(`log.${event.kind}`, event) : event.message || event.kind;
}

/** The name of a phase of preparation. */
export function phaseOf(app, phase) {
  return app.words.maybe(`phase.${phase.replaceAll(" ", "_")}`, phase);
}
