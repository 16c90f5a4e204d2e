/** The values of the form: defaults, over them a preset, over it what was changed by hand. Paths are dotted. */

const DRAFT = "lora-trainer.form";
export const OWN = ["save.name", "data.trigger_word", "samples.prompts"];
/** Options that say what is learned, not how: they outlive another preset. */

/** Nested values as {path: value}; tables of the options in `leaves` stay whole. */
export function flat(values, leaves = new Set(), prefix = "") {
  const result = {};
  for (const [name, value] of Object.entries(values || {})) {
    const path = prefix + name;
    const section = value && typeof value === "object" && !Array.isArray(value) && !leaves.has(path);
    if (section) Object.assign(result, flat(value, leaves, `${path}.`));
    else result[path] = value;
  }
  return result;
}

/** {path: value} as nested values. */
export function nested(values) {
  const result = {};
  for (const [path, value] of Object.entries(values)) {
    const parts = path.split(".");
    const last = parts.pop();
    parts.reduce((section, part) => (section[part] ??= {}), result)[last] = value;
  }
  return result;
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Form {
  /** @param {import("./main.js").App} app @param {any[]} options of all sections @param {any[]} presets */
  constructor(app, options, presets) {
    this.app = app;
    this.options = new Map(options.map((option) => [option.path, option]));
    this.tables = new Set(options.filter((option) => option.type === "dict").map((option) => option.path));
    this.presets = presets;
    const draft = this.#draft();
    app.store.set({ preset: draft.preset || "", changes: draft.changes || {} });
  }

  /** What an option is now. */
  value(path) {
    return this.values()[path] ?? this.options.get(path)?.default;
  }

  /** {path: value} of everything that is not at its default. */
  values() {
    return { ...this.presetValues(), ...this.app.store.get("changes") };
  }

  /** What an option is without changes by hand. */
  before(path) {
    return this.presetValues()[path] ?? this.options.get(path)?.default;
  }

  presetValues(name = this.app.store.get("preset")) {
    return flat(this.presets.find((preset) => preset.name === name)?.values, this.tables);
  }

  isChanged(path) {
    return path in this.app.store.get("changes") && !OWN.includes(path);
  }

  set(path, value) {
    const changes = { ...this.app.store.get("changes") };
    if (same(value, this.before(path))) delete changes[path];
    else changes[path] = value;
    this.#keep({ changes });
  }

  /** Choose a preset: it has the last word on its own options; other changes stay. */
  choose(name) {
    const says = this.presetValues(name);
    const stays = ([path]) => !(path in says) || OWN.includes(path);
    this.#keep({
      preset: name,
      changes: Object.fromEntries(Object.entries(this.app.store.get("changes")).filter(stays)),
    });
  }

  /** Take the values of a file or of an earlier run. */
  take(values) {
    const known = Object.entries(flat(values, this.tables)).filter(([path]) => this.options.has(path));
    const differs = ([path, value]) => !same(value, this.options.get(path).default);
    this.#keep({ preset: "", changes: Object.fromEntries(known.filter(differs)) });
  }

  /** Undo all changes by hand but name, trigger word and prompts. */
  reset() {
    const own = ([path]) => OWN.includes(path);
    this.#keep({ changes: Object.fromEntries(Object.entries(this.app.store.get("changes")).filter(own)) });
  }

  #keep(values) {
    this.app.store.set(values);
    const { preset, changes } = this.app.store.values;
    try {
      localStorage.setItem(DRAFT, JSON.stringify({ preset, changes }));
    } catch {
      /* A browser without storage forgets the draft; nothing else is lost. */
    }
  }

  #draft() {
    try {
      return JSON.parse(localStorage.getItem(DRAFT) || "{}");
    } catch {
      return {};
    }
  }
}
