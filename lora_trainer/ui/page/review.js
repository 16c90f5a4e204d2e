/** For admins: the samples of everybody's runs, to be looked at, hidden or deleted. */

import { button, fill, h, say } from "./dom.js";

const AT_ONCE = 60;

/** @param {import("./main.js").App} app @param {Element} place */
export async function review(app, place) {
  const grid = h("div", { class: "lt-review" });
  const more = button(app.t("review.more"), () => next(), { class: "lt-button" });
  const hint = h("p", { class: "lt-empty" });
  let seen = 0;
  const next = async () => {
    const told = await app.trying(() => app.api.get("samples", { limit: AT_ONCE, after: seen }));
    if (!told) return;
    seen += told.samples.length;
    grid.append(...told.samples.map((sample) => card(app, sample)));
    more.hidden = seen >= told.total;
    say(hint, told.total ? "" : app.t("review.empty"));
  };
  fill(place, grid, hint, more);
  await next();
}

function card(app, sample) {
  const parts = ["jobs", sample.job, "samples", sample.file];
  const url = app.api.url(parts);
  const title = app.t("review.one", { name: sample.name, owner: sample.owner || app.t("review.nobody") });
  const hide = button("", () => turn(!sample.hidden), { class: "lt-link" });
  const show = (hidden) => {
    sample.hidden = hidden;
    element.classList.toggle("lt-is-hidden", hidden);
    say(hide, app.t(hidden ? "review.show" : "review.hide"));
  };
  const turn = async (hidden) => {
    const told = await app.trying(() => app.api.put([...parts, "hidden"], { hidden }));
    if (told) show(told.hidden.includes(sample.file));
  };
  const remove = async () => {
    if (!(await app.dialogs.ask(app.t("review.ask_delete"), app.t("review.delete"), title))) return;
    const told = await app.trying(() => app.api.delete(parts));
    if (told) element.remove();
  };
  const image = h("img", { src: url, alt: title, loading: "lazy" });
  const larger = () => app.dialogs.enlarge([{ url, title, detail: sample.file }], 0);
  const element = h(
    "figure",
    { class: "lt-reviewed" },
    h("button", { type: "button", class: "lt-sample", title, on: { click: larger } }, image),
    h("figcaption", {}, title),
    h("div", { class: "lt-row" }, hide, button(app.t("review.delete"), remove, { class: "lt-link" })),
  );
  show(sample.hidden);
  return element;
}
