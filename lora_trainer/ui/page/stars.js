/** Zero to five stars to click; the one that is set already takes them all away. */

import { attribute, button, h, say } from "./dom.js";

const MOST = 5;

/** @param {import("./main.js").App} app @param {number} rating @param {(rating: number) => any} action */
export function stars(app, rating, action) {
  const all = Array.from({ length: MOST }, (_, n) =>
    button("☆", () => action(n + 1 === rating ? 0 : n + 1), { class: "lt-star", title: app.t("history.stars", { n: n + 1 }) }),
  );
  const element = h("span", { class: "lt-stars", role: "group", "aria-label": app.t("history.rating", { n: rating }) }, all);
  for (const [n, star] of all.entries()) {
    say(star, n < rating ? "★" : "☆");
    attribute(star, "aria-label", app.t("history.stars", { n: n + 1 }));
    attribute(star, "aria-pressed", String(n + 1 === rating));
  }
  return element;
}
