/** What of the page is shown: the training, or the history of runs. Without a WebUI around it the address says which. */

import { attribute, button, h, show } from "./dom.js";
import { history } from "./history.js";

export const TRAIN = "train";
export const HISTORY = "history";
const NAMES = [TRAIN, HISTORY];

/** The buttons that lead from one to the other. @param {import("./main.js").App} app */
export function viewSwitch(app) {
  const links = NAMES.map((name) =>
    button(app.t(`header.${name}`), () => go(app, name), { class: "lt-view-link", data: { view: name } }),
  );
  app.store.on("view", () => {
    for (const link of links) attribute(link, "aria-current", link.dataset.view === app.store.get("view") ? "page" : false);
  });
  return h("nav", { class: "lt-views", "aria-label": app.t("header.views") }, links);
}

/** All views, of which one is shown; the history asks the server when it is first opened. @param {any} train its element */
export function views(app, train) {
  const past = h("div", { class: "lt-history-view" });
  app.store.on("view", () => {
    const isPast = app.store.get("view") === HISTORY;
    if (isPast && !past.firstChild) past.append(history(app));
    show(train, !isPast);
    show(past, isPast);
  });
  if (app.host.kind === "standalone") {
    const follow = () => app.store.set({ view: named() });
    window.addEventListener("hashchange", follow);
    follow();
  }
  return [train, past];
}

/** Show a view. */
export function go(app, name) {
  app.store.set({ view: name });
  if (app.host.kind === "standalone" && named() !== name) location.hash = name === TRAIN ? "" : name;
}

const named = () => NAMES.find((name) => location.hash === `#${name}`) || TRAIN;
