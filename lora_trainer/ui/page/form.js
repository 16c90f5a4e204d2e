/** The values of the form: defaults, over them a preset, over it what was changed by hand. Paths are dotted. */

import { remember, remembered } from "./remembering.js";

const DRAFT = "lora-trainer.form";
const ASIDE = "lora-trainer.form.aside";
/** What was written here before the settings of a job took its place, the newest last. */
const MOST_ASIDE = 5;
const FROM_PRESET = 0.7;
/** The share of a preset's values by which it is known again. */
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
    const draft = read(DRAFT);
    /** Whether the form holds something that was written here, not only what a job was begun with. */
    this.written = Boolean(draft && !draft.shown);
    const { preset = "", changes = {}, advised = {} } = draft || {};
    app.store.set({ preset, changes, advised, aside: read(ASIDE) || [] });
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

  /** Set several options at once. @param {Record<string, any>} values by path */
  setAll(values) {
    for (const [path, value] of Object.entries(values)) this.set(path, value);
  }

  /** Set options as advice on a run says; like those of a recommendation, they are not taken for choices by hand. */
  advise(values) {
    this.setAll(values);
    this.#keep({ advised: { ...this.app.store.get("advised"), ...values } });
  }

  /** Paths of the options that somebody chose, not a recommendation. */
  chosenByHand() {
    const { changes, advised } = this.app.store.values;
    return Object.keys(changes).filter((path) => !(path in advised) || !same(changes[path], advised[path]));
  }

  /** Take recommended values; what was chosen by hand stays. */
  takeAdvice(preset, values) {
    const changes = this.app.store.get("changes");
    const mine = Object.fromEntries(this.chosenByHand().map((path) => [path, changes[path]]));
    const before = this.presetValues(preset);
    const says = Object.entries(flat(values, this.tables)).filter(([path]) => this.options.has(path));
    const advised = Object.fromEntries(says.filter(([path, value]) => !(path in mine) && !same(value, before[path])));
    this.#keep({ preset, advised, changes: { ...advised, ...mine } });
  }

  /** Choose a preset: it has the last word on its own options; other changes stay. */
  choose(name) {
    this.app.store.set({ reasons: [] });
    const says = this.presetValues(name);
    const stays = ([path]) => !(path in says) || OWN.includes(path);
    this.#keep({
      preset: name,
      changes: Object.fromEntries(Object.entries(this.app.store.get("changes")).filter(stays)),
    });
  }

  /** Come from a preset, or from none, with every value as it is. */
  adopt(name) {
    const now = Object.entries(this.values());
    const before = this.presetValues(name);
    const all = new Map([...Object.keys(before).map((path) => [path, this.options.get(path)?.default]), ...now]);
    const differs = ([path, value]) => !same(value, before[path] ?? this.options.get(path)?.default);
    this.#keep({ preset: name, changes: Object.fromEntries([...all].filter(differs)) });
  }

  /** Take the values of a file or of a job (`shown`), with the preset that they come from. */
  take(values, shown = false) {
    this.app.page.getRootNode().activeElement?.blur(); // a control that is written in keeps its own text
    this.app.store.set({ reasons: [] });
    const known = Object.entries(flat(values, this.tables)).filter(([path]) => this.options.has(path));
    const preset = this.#presetIn(Object.fromEntries(known));
    const before = this.presetValues(preset);
    const differs = ([path, value]) => !same(value, before[path] ?? this.options.get(path).default);
    this.#keep({ preset, changes: Object.fromEntries(known.filter(differs)) }, shown);
  }

  /** Whether the form says what a job was begun with. */
  isOf(job) {
    const [now, then] = [this.values(), flat(job.values, this.tables)];
    const default_ = (path) => this.options.get(path)?.default;
    return Object.keys({ ...now, ...then })
      .filter((path) => this.options.has(path))
      .every((path) => same(now[path] ?? default_(path), then[path] ?? default_(path)));
  }

  /** Show a job's settings; what was written here is put aside. */
  showJob(job) {
    if (this.isOf(job)) return;
    this.#putAside([...this.app.store.get("aside"), ...this.#mine()]);
    this.take(job.values, true);
  }

  /** Show again what was put aside. @returns {string} the data set that was chosen then */
  takeBack() {
    const aside = [...this.app.store.get("aside")];
    const { preset, changes, dataset } = aside.pop();
    this.#putAside([...this.#mine(), ...aside]);
    this.#keep({ preset, changes });
    return dataset || "";
  }

  /** What would be lost if something else took the form's place. */
  #mine() {
    const { preset, changes, dataset } = this.app.store.values;
    return this.written && (preset || Object.keys(changes).length) ? [{ preset, changes, dataset }] : [];
  }

  /** Undo all changes by hand but name, trigger word and prompts. */
  reset() {
    const own = ([path]) => OWN.includes(path);
    this.#keep({ changes: Object.fromEntries(Object.entries(this.app.store.get("changes")).filter(own)) });
  }

  /** The preset that values come from: all that it says is there, and most of it as it says; "" for none. */
  #presetIn(values) {
    const found = this.presets.flatMap(({ name }) => {
      const says = Object.entries(this.presetValues(name));
      const kept = says.filter(([path, value]) => same(values[path], value)).length;
      const whole = says.length > 0 && says.every(([path]) => path in values);
      return whole && kept >= says.length * FROM_PRESET ? [{ name, kept }] : [];
    });
    return found.sort((a, b) => b.kept - a.kept)[0]?.name || "";
  }

  #keep(values, shown = false) {
    this.written = !shown;
    this.app.store.set(values);
    const { preset, changes, advised } = this.app.store.values;
    write(DRAFT, { preset, changes, advised, shown });
  }

  #putAside(all) {
    const aside = all.slice(-MOST_ASIDE);
    this.app.store.set({ aside });
    write(ASIDE, aside);
  }
}

/** Values that the browser keeps; null where there are none. */
function read(key) {
  try {
    return JSON.parse(remembered(key) || "null");
  } catch {
    return null;
  }
}

const write = (key, value) => remember(key, JSON.stringify(value));
