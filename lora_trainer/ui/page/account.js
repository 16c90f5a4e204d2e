/** One's own account on the standalone page: another password, and what one has used of what one may use. */

import { button, fill, h } from "./dom.js";
import { short } from "./format.js";
import { password } from "./people.js";

const LIMITS = ["jobs", "disk", "hours", "runs"];

/** @param {import("./main.js").App} app */
export function account(app) {
  const { name } = app.store.get("server").visitor;
  const title = app.t("account.title", { name });
  const dialog = h("dialog", { class: "lt-dialog lt-account", "aria-label": title });
  const used = h("ul", { class: "lt-usage" });
  dialog.append(
    h("h2", {}, title),
    used,
    passwords(app, name, dialog),
  );
  app.dialogs.open(dialog);
  usage(app, used);
}

async function usage(app, place) {
  const told = await app.trying(() => app.api.get("usage"));
  const line = (limit) => {
    const most = told.limits[limit];
    const values = { used: short(told.used[limit]), most: short(most) };
    return h("li", {}, app.t(`account.${limit}`, values), most ? ` ${app.t("account.of", values)}` : "");
  };
  if (told) fill(place, LIMITS.map(line));
}

/** Afterwards one is signed in again, and nowhere else. */
function passwords(app, name, dialog) {
  const old = password("lt-old-password", "current-password");
  old.removeAttribute("minlength");
  const fresh = password("lt-own-password");
  const field = (id, input) =>
    h("div", { class: "lt-field" }, h("label", { class: "lt-label", for: input.id }, app.t(id)), input);
  const form = h(
    "form",
    { class: "lt-fields" },
    h("input", { type: "text", autocomplete: "username", value: name, hidden: true }),
    field("account.old", old),
    field("account.new", fresh),
    h(
      "div",
      { class: "lt-row lt-end lt-wide-field" },
      button(app.t("view.close"), () => dialog.close(), { class: "lt-button" }),
      h("button", { class: "lt-button lt-primary" }, app.t("account.change")),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wish = { old: old.value, new: fresh.value };
    const done = await app.trying(() => app.api.put(["session", "password"], wish));
    if (!done) return;
    await app.trying(() => app.api.post("session", { name, password: wish.new }));
    dialog.close();
    app.dialogs.notice(app.t("account.changed"));
  });
  return form;
}
