/** What the page knows, in one place; whoever shows a part of it is told when that part changes. */

export class Store {
  #listeners = [];

  /** @param {Record<string, any>} values */
  constructor(values) {
    this.values = values;
  }

  get(name) {
    return this.values[name];
  }

  /** Take over values; listeners of those that are not the same object as before are called once. */
  set(values) {
    const changed = Object.keys(values).filter((name) => this.values[name] !== values[name]);
    Object.assign(this.values, values);
    if (!changed.length) return;
    for (const { names, action } of [...this.#listeners]) if (names.some((name) => changed.includes(name))) action();
  }

  /** Call `action` now, and whenever one of `names` changes. */
  on(names, action) {
    this.#listeners.push({ names: [names].flat(), action });
    action();
  }
}
