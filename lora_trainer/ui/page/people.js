/** For admins of the standalone page: who may sign in, what everybody uses and may use, and what admins did. */

import { attribute, button, fill, h, say } from "./dom.js";
import { bytes, short } from "./format.js";
import { review } from "./review.js";

const EVERYBODY = "*";
const LIMITS = { jobs: 1, disk: 0.1, hours: 0.1, runs: 1 };
const ROLES = ["user", "admin"];
const AGAIN = 5000;

/** Open the dialog. It asks the server again every few seconds, but leaves a row alone in which somebody writes. */
export function people(app) {
  const dialog = h("dialog", { class: "lt-dialog lt-people", "aria-label": app.t("people.title") });
  const use = h("div", { class: "lt-in-use" });
  const table = h("tbody");
  const load = async () => {
    const known = await app.trying(() => app.api.get("people"));
    if (!known) return;
    fill(use, inUse(app, known));
    if (!table.contains(dialog.getRootNode().activeElement)) fill(table, rows(app, known, load));
  };
  const timer = setInterval(() => !document.hidden && load(), AGAIN);
  dialog.addEventListener("close", () => clearInterval(timer));
  dialog.append(
    h(
      "div",
      { class: "lt-row lt-people-top" },
      h("h2", {}, app.t("people.title")),
      button(app.t("view.close"), () => dialog.close(), { class: "lt-button" }),
    ),
    use,
    h("div", { class: "lt-people-table" }, h("table", {}, head(app), table)),
    h("p", { class: "lt-hint" }, app.t("people.limits_hint")),
    adding(app, load),
    fold(app, "review.title", review),
    fold(app, "people.log", log),
  );
  app.dialogs.open(dialog);
  load();
}

/** A fold that is filled when it is opened. */
function fold(app, title, content) {
  const element = h("details", { class: "lt-fold" }, h("summary", {}, app.t(title)));
  const inside = h("div");
  element.append(inside);
  element.addEventListener("toggle", () => element.open && content(app, inside));
  return element;
}

/** What has the model, who waits for it, and what is left of the disk. */
function inUse(app, { device, on_the_model: holder, line, disk_free: free, damaged }) {
  const waiting = line.map(({ name, owner }) => (owner ? `${name} (${owner})` : name)).join(", ");
  const parts = [
    holder ? app.t("people.on_model", { name: holder.name, device }) : app.t("people.idle", { device }),
    line.length && app.t("people.waiting", { n: line.length, names: waiting }),
    app.t("people.disk", { free: bytes(free) }),
  ];
  return [
    h("p", {}, parts.filter(Boolean).join(" · ")),
    damaged.length &&
      h("p", { class: "lt-alarm", role: "alert" }, app.t("people.damaged", { names: damaged.join(", ") })),
  ];
}

function head(app) {
  const names = ["name", "role", ...Object.keys(LIMITS), "actions"];
  return h(
    "thead",
    {},
    h(
      "tr",
      {},
      names.map((name) => h("th", { scope: "col" }, app.t(`people.column.${name}`))),
    ),
  );
}

function rows(app, known, load) {
  const usual = { name: EVERYBODY, limits: known.everybody, used: null, role: null };
  return [...known.people, usual].map((person) => row(app, person, known.accounts, load));
}

function row(app, person, accounts, load) {
  const { name, role, disabled } = person;
  const change = async (values) => {
    await app.trying(() => app.api.put(["people", name], values));
    await load();
  };
  const shown = name === EVERYBODY ? app.t("people.everybody") : name;
  return h(
    "tr",
    { class: disabled ? "lt-switched-off" : "", data: { name } },
    h("th", { scope: "row" }, shown, disabled && h("span", { class: "lt-badge" }, app.t("people.off"))),
    h("td", {}, accounts && role ? roles(app, person, change) : name === EVERYBODY ? "" : app.t("people.no_account")),
    Object.keys(LIMITS).map((limit) => h("td", {}, limited(app, person, limit, load))),
    h("td", { class: "lt-people-acts" }, actions(app, person, accounts, change, load)),
  );
}

function roles(app, { name, role }, change) {
  const select = h("select", { class: "lt-input", "aria-label": app.t("people.role_of", { name }) });
  fill(
    select,
    ROLES.map((one) => h("option", { value: one, selected: one === role }, app.t(`people.role.${one}`))),
  );
  select.addEventListener("change", () => {
    select.blur();
    change({ role: select.value });
  });
  return select;
}

/** What is used of a limit, and the limit to be changed; an empty field is none. */
function limited(app, { name, limits, used }, limit, load) {
  const shown = name === EVERYBODY ? app.t("people.everybody") : name;
  const input = h("input", {
    class: "lt-input lt-limit",
    type: "number",
    min: 0,
    step: LIMITS[limit],
    value: limits[limit] || "",
    placeholder: "∞",
    "aria-label": app.t("people.limit_of", { name: shown, limit: app.t(`people.column.${limit}`) }),
  });
  input.addEventListener("change", async () => {
    await app.trying(() => app.api.put(["people", name, "limits"], { [limit]: Number(input.value) || 0 }));
    if (input.getRootNode().activeElement === input) input.blur();
    await load();
  });
  const full = used && limits[limit] && used[limit] >= limits[limit];
  const text = used ? `${short(used[limit])} /` : "";
  return h("span", { class: "lt-row lt-of" }, h("span", { class: full ? "lt-full" : "" }, text), input);
}

function actions(app, person, accounts, change, load) {
  const { name, role, disabled } = person;
  const link = (id, action) => button(app.t(id), action, { class: "lt-link", "aria-label": `${app.t(id)}: ${name}` });
  const usual = async () => {
    await app.trying(() => app.api.delete(["people", name, "limits"]));
    await load();
  };
  const remove = async () => {
    const detail = app.t("people.remove_detail");
    if (!(await app.dialogs.ask(app.t("people.ask_remove", { name }), app.t("people.remove"), detail))) return;
    await app.trying(() => app.api.delete(["people", name]));
    await load();
  };
  return [
    person.own_limits && link("people.usual", usual),
    accounts && role && link("people.password", () => askPassword(app, name, change)),
    accounts && role && link(disabled ? "people.enable" : "people.disable", () => change({ disabled: !disabled })),
    accounts && role && link("people.remove", remove),
  ];
}

/** A new password for somebody, who is signed out everywhere by that. */
function askPassword(app, name, change) {
  const input = password("lt-new-password");
  const question = app.t("people.password_of", { name });
  const dialog = h("dialog", { class: "lt-dialog", "aria-label": question });
  const form = h(
    "form",
    { method: "dialog" },
    h("p", { class: "lt-question" }, question),
    input,
    h("p", { class: "lt-hint" }, app.t("people.password_hint")),
    h(
      "div",
      { class: "lt-row lt-end" },
      button(app.t("dialog.cancel"), () => dialog.close(), { class: "lt-button" }),
      h("button", { class: "lt-button lt-primary" }, app.t("people.set")),
    ),
  );
  form.addEventListener("submit", () => change({ password: input.value }));
  dialog.append(form);
  app.dialogs.open(dialog);
  input.focus();
}

/** An input for a new password; browsers offer to keep it. @param {string} id */
export function password(id, complete = "new-password") {
  return h("input", { class: "lt-input", id, type: "password", autocomplete: complete, minlength: 10, required: true });
}

/** A new account. */
function adding(app, load) {
  const name = h("input", { class: "lt-input", id: "lt-person-name", maxlength: 40, autocomplete: "off", required: true });
  const secret = password("lt-person-password");
  const role = h("select", { class: "lt-input", id: "lt-person-role" });
  fill(
    role,
    ROLES.map((one) => h("option", { value: one }, app.t(`people.role.${one}`))),
  );
  const field = (id, input) =>
    h("div", { class: "lt-field" }, h("label", { class: "lt-label", for: input.id }, app.t(id)), input);
  const add = h("button", { class: "lt-button" }, app.t("people.add"));
  const form = h(
    "form",
    { class: "lt-row lt-person-new" },
    field("people.column.name", name),
    field("people.column.password", secret),
    field("people.column.role", role),
    add,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    attribute(add, "disabled", true);
    const body = { name: name.value, password: secret.value, role: role.value };
    const made = await app.trying(() => app.api.post("people", body));
    attribute(add, "disabled", false);
    if (!made) return;
    form.reset();
    app.dialogs.notice(app.t("people.added", { name: made.name }));
    await load();
  });
  return form;
}

/** What admins did, the newest first. */
async function log(app, place) {
  const told = await app.trying(() => app.api.get("audit"));
  const line = ({ at, who, what, whom, ...more }) => {
    const item = h("li", {});
    const detail = Object.entries(more).map(([key, value]) => `${key}: ${value}`).join(", ");
    const when = new Date(at * 1000).toLocaleString(app.words.language);
    const act = app.words.maybe(`people.did.${what}`, what);
    const doer = who === "the command line" ? app.t("people.command_line") : who;
    say(item, app.t("people.did", { when, who: doer, what: act, whom }) + (detail ? ` (${detail})` : ""));
    return item;
  };
  const list = h("ul", { class: "lt-log-of-admins" }, (told?.rows || []).map(line));
  fill(place, told?.rows.length ? list : h("p", { class: "lt-empty" }, app.t("people.log_empty")));
}
