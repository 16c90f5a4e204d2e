/** A control for an option, made from the option's one definition: label, help, range, choices and default. */

import { attribute, fill, h, say } from "./dom.js";
import { lines } from "./format.js";

let counter = 0;
const MOST_LETTERS = 16;
/** As many as fit into an empty field. */

export class Control {
  /** @param {import("./main.js").App} app @param {any} option @param {import("./form.js").Form} form */
  constructor(app, option, form) {
    Object.assign(this, { app, option, form });
    const id = `lt-option-${++counter}`;
    this.input = this.#input(id);
    const nothing = this.#nothing();
    const brief = nothing.length > MOST_LETTERS ? app.t("settings.automatic") : nothing;
    if (nothing) Object.assign(this.input, { placeholder: brief, title: nothing });
    const example = app.words.maybe(`option.${option.path}.example`, "");
    if (example) this.input.placeholder = example;
    this.problem = h("div", { class: "lt-problem", id: `${id}-problem`, hidden: true });
    this.element = this.#frame(id);
    this.input.addEventListener(this.input.type === "checkbox" || option.choices?.length ? "change" : "input", () =>
      form.set(option.path, this.#read()),
    );
    this.update();
  }

  /** Show the form's value, unless the user is just writing here. */
  update() {
    const { option, form, input } = this;
    const value = form.value(option.path);
    this.element.classList.toggle("lt-changed", form.isChanged(option.path));
    if (input.getRootNode().activeElement === input && input.type !== "checkbox") return;
    if (input.type === "checkbox") input.checked = Boolean(value);
    else input.value = value === 0 && input.placeholder ? "" : written(value);
  }

  /** Mark what is wrong here; an empty text takes the mark away. */
  mark(text) {
    say(this.problem, text);
    this.problem.hidden = !text;
    this.element.classList.toggle("lt-wrong", Boolean(text));
    attribute(this.input, "aria-invalid", text ? "true" : false);
  }

  label() {
    return labelOf(this.app, this.option);
  }

  #frame(id) {
    const { option, app } = this;
    const help = app.words.maybe(`option.${option.path}.help`, option.help) + rangeText(option);
    const tip = h("span", { class: "lt-tip", role: "tooltip", id: `${id}-help` }, help);
    const mark = h(
      "button",
      {
        type: "button",
        class: "lt-help",
        "aria-label": app.t("settings.help", { name: this.label() }),
        "aria-describedby": `${id}-help`,
        on: { pointerenter: () => inside(app.page, tip), focus: () => inside(app.page, tip) },
      },
      "?",
    );
    const label = h("label", { for: id }, this.label());
    const head = h("div", { class: "lt-label" }, label, mark, tip);
    attribute(this.input, "aria-describedby", `${id}-help ${id}-problem`);
    const wide = option.type === "list[str]" || option.type === "dict";
    const kind = option.type === "bool" ? " lt-check" : wide ? " lt-wide-field" : "";
    return h("div", { class: `lt-field${kind}`, data: { path: option.path } }, head, this.input, this.problem);
  }

  #input(id) {
    const { option } = this;
    if (option.type === "bool") return h("input", { id, type: "checkbox", class: "lt-box" });
    if (option.choices?.length) return this.#select(id);
    if (option.type === "list[str]" || option.type === "dict") return h("textarea", { id, class: "lt-input", rows: 2 });
    if (option.type === "int") {
      return h("input", { id, class: "lt-input", type: "number", min: option.least, max: option.most, step: 1 });
    }
    return h("input", {
      id,
      class: "lt-input",
      type: "text",
      inputmode: option.type === "float" ? "decimal" : "text",
      autocomplete: "off",
    });
  }

  #select(id) {
    const select = h("select", { id, class: "lt-input" });
    const name = (choice) => this.app.words.maybe(`choice.${this.option.path}.${choice}`, String(choice));
    fill(
      select,
      this.option.choices.map((choice) => h("option", { value: choice }, name(choice))),
    );
    return select;
  }

  /** What 0 stands for where it is the default, in words: they are shown in its place. */
  #nothing() {
    const { option, app } = this;
    if (option.default !== 0 || option.type === "bool") return "";
    const help = app.words.maybe(`option.${option.path}.help`, option.help);
    return /(?:^|[;.；。]\s*)0\s*[:：]\s*(.+?)[.。]?$/.exec(help)?.[1] || "";
  }

  #read() {
    const { input, option } = this;
    if (option.type === "bool") return input.checked;
    if (option.choices?.length) return option.choices.find((choice) => String(choice) === input.value);
    if (option.type === "list[str]") return lines(input.value);
    if (option.type === "dict") return table(input.value);
    if (input.type === "number" || option.type === "float") return number(input.value, option.default);
    return input.value;
  }
}

/** The name of an option in the reader's language. */
export function labelOf(app, option) {
  const plain = option.path.split(".").pop().replaceAll("_", " ");
  return app.words.maybe(`option.${option.path}.label`, plain[0].toUpperCase() + plain.slice(1));
}

/** Move a tip to the left as far as it would stick out of the page. */
function inside(page, tip) {
  tip.style.left = "0";
  const over = tip.getBoundingClientRect().right - page.getBoundingClientRect().right;
  if (over > 0) tip.style.left = `${-over}px`;
}

/** A sentence about options, with their names in place of their paths, and in the words of this page, which has a place for pictures. */
export function readable(app, sentence) {
  if (sentence?.code === "pictures_missing") return app.t("settings.need_pictures");
  const name = (path) => (app.form.options.has(path) ? labelOf(app, app.form.options.get(path)) : path);
  return app.words.sentence(sentence).replace(/[a-z_]+\.[a-z_0-9]+/g, name);
}

function rangeText({ least, most }) {
  return least === null || least === undefined ? "" : ` (${least} – ${most})`;
}

/** A number, or the text as it is: the server says what is wrong with it. Nothing stands for the default. */
function number(text, otherwise) {
  const value = text.trim().replace(",", ".");
  return value === "" ? otherwise : Number.isFinite(Number(value)) ? Number(value) : text;
}

/** "name: value" lines as a table; values are read as JSON where they are JSON. */
function table(text) {
  const entries = lines(text).map((line) => {
    const [name, ...rest] = line.split(":");
    const value = rest.join(":").trim();
    try {
      return [name.trim(), JSON.parse(value)];
    } catch {
      return [name.trim(), value];
    }
  });
  return Object.fromEntries(entries);
}

function written(value) {
  if (Array.isArray(value)) return value.join("\n");
  if (value && typeof value === "object") {
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${typeof one === "string" ? one : JSON.stringify(one)}`)
      .join("\n");
  }
  return value === null || value === undefined ? "" : String(value);
}
