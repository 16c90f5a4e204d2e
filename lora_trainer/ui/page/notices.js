/** Who is told when a run ends or needs somebody: the server's channels, and this browser. */

import { browserNotices } from "./browsernotices.js";
import { attribute, button, fill, h, say } from "./dom.js";

/** A fold that asks the server when it is opened. @param {import("./main.js").App} app */
export function notices(app) {
  const list = h("ul", { class: "lt-channels" });
  const form = h("div", { class: "lt-new-channel" });
  const load = async () => {
    if (app.store.get("server")?.visitor?.role === "user") return; // the channels are the admins'
    const known = await app.trying(() => app.api.get("notices"));
    if (!known) return;
    fill(
      list,
      known.channels.map((channel) => row(app, known, channel, load)),
    );
    if (!form.firstChild) fill(form, new Adding(app, known, load).element);
  };
  const element = h(
    "details",
    { class: "lt-fold lt-notify" },
    h("summary", {}, app.t("notices.title")),
    h("div", { class: "lt-asked" }, browserNotices(app), list, form),
  );
  element.addEventListener("toggle", () => element.open && load());
  return element;
}

/** One channel: what it tells, a test, and how its newest notice went. */
function row(app, known, channel, load) {
  const hint = h("span", { class: "lt-hint lt-outcome", role: "status", "aria-live": "polite" });
  say(hint, went(app, channel.outcome));
  const change = async (values) => {
    await app.trying(() => app.api.put(["notices", channel.id], values));
    await load();
  };
  const trial = button(
    app.t("notices.test"),
    async () => {
      attribute(trial, "disabled", true);
      say(hint, app.t("notices.testing"));
      const outcome = await app.trying(() => app.api.post(["notices", channel.id, "test"]));
      attribute(trial, "disabled", false);
      say(hint, went(app, outcome || channel.outcome));
    },
    { class: "lt-button lt-test-channel" },
  );
  const remove = async () => {
    if (!(await app.dialogs.ask(app.t("notices.ask_remove", channel), app.t("pictures.delete")))) return;
    await app.trying(() => app.api.delete(["notices", channel.id]));
    await load();
  };
  const gone = app.t("notices.remove", channel);
  const name = h("strong", {}, channel.name);
  const place = h("span", { class: "lt-hint" }, `${app.t(`notices.kind.${channel.kind}`)} · ${channel.place}`);
  const tools = h(
    "span",
    { class: "lt-row lt-tools" },
    trial,
    button("×", remove, { class: "lt-small-button", title: gone, "aria-label": gone }),
  );
  const on = tick(app.t("notices.on"), channel.on, (checked) => change({ on: checked }));
  const when = known.occasions.map((occasion) =>
    tick(app.t(`notices.when.${occasion}`), channel.when.includes(occasion), (checked) =>
      change({ when: [...channel.when.filter((one) => one !== occasion), ...(checked ? [occasion] : [])] }),
    ),
  );
  return h(
    "li",
    { data: { channel: channel.id } },
    h("div", { class: "lt-row lt-between" }, h("span", { class: "lt-row" }, name, place), tools),
    h("div", { class: "lt-row lt-occasions", role: "group", "aria-label": app.t("notices.tells", channel) }, on, when),
    hint,
  );
}

function tick(text, checked, action) {
  const box = h("input", { type: "checkbox", class: "lt-box", checked });
  box.addEventListener("change", () => action(box.checked));
  return h("label", { class: "lt-tick" }, box, text);
}

/** How the newest notice went, in words. */
function went(app, outcome) {
  if (!outcome) return "";
  const at = new Date(outcome.at * 1000).toLocaleString(app.words.language);
  return outcome.ok
    ? app.t("notices.came_through", { at })
    : app.t("notices.failed", { at, reason: app.words.sentence(outcome.message) });
}

/** The fields of a new channel, as its kind wants them. */
class Adding {
  /** @param {import("./main.js").App} app */
  constructor(app, known, load) {
    Object.assign(this, { app, known, load, inputs: {} });
    const kinds = Object.keys(known.kinds);
    this.kind = h("select", { class: "lt-input", id: "lt-channel-kind", on: { change: () => this.#ask() } });
    fill(
      this.kind,
      kinds.map((kind) => h("option", { value: kind }, app.t(`notices.kind.${kind}`))),
    );
    this.name = h("input", { class: "lt-input", id: "lt-channel-name", type: "text", maxlength: 80 });
    this.fields = h("div", { class: "lt-fields" });
    this.hint = h("p", { class: "lt-hint" });
    this.add = button(app.t("notices.add"), () => this.#send(), { class: "lt-button lt-add-channel" });
    this.element = h(
      "div",
      {},
      h("div", { class: "lt-fields" }, this.#field("kind", this.kind), this.#field("name", this.name)),
      this.hint,
      this.fields,
      h("div", { class: "lt-row lt-buttons" }, this.add),
    );
    this.#ask();
  }

  #field(name, input) {
    const label = h("label", { for: input.id }, this.app.t(`notices.field.${name}`));
    return h("div", { class: "lt-field" }, h("div", { class: "lt-label" }, label), input);
  }

  /** Show what the chosen kind wants; what is secret is not shown while it is typed. */
  #ask() {
    const fields = this.known.kinds[this.kind.value];
    this.inputs = Object.fromEntries(fields.map((field) => [field.name, this.#input(field)]));
    fill(
      this.fields,
      fields.map((field) => this.#field(field.name, this.inputs[field.name])),
    );
    const where = this.known.inner ? "" : ` ${this.app.t("notices.outside")}`;
    say(this.hint, this.app.t(`notices.hint.${this.kind.value}`) + where);
  }

  #input({ name, secret, required, choices, default: usual }) {
    const id = `lt-channel-${name}`;
    if (choices.length) {
      const select = h("select", { class: "lt-input", id });
      fill(
        select,
        choices.map((choice) => h("option", { value: choice, selected: choice === usual }, choice)),
      );
      return select;
    }
    const type = secret ? { type: "password", autocomplete: "new-password" } : { type: "text", autocomplete: "off" };
    return h("input", { class: "lt-input", id, ...type, "aria-required": required ? "true" : false });
  }

  async #send() {
    attribute(this.add, "disabled", true);
    const values = Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, input.value]));
    const body = { kind: this.kind.value, name: this.name.value, values };
    const made = await this.app.trying(() => this.app.api.post("notices", body));
    attribute(this.add, "disabled", false);
    if (!made) return;
    this.name.value = "";
    this.#ask(); // with empty fields: what was secret is not left lying on the page
    await this.load();
  }
}
