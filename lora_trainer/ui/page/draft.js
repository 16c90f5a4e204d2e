/** Captions as they are being edited: nothing of it is on the disk until it is saved, and every step can be taken back. */

import { key, split } from "./tags.js";

export class Draft {
  #apart = new Map();

  /** @param {Record<string, string>} captions @param {() => void} changed called after every change */
  constructor(captions, changed) {
    this.changed = changed;
    this.reset(captions);
  }

  /** Begin anew with what lies on the disk. */
  reset(captions) {
    this.saved = new Map(Object.entries(captions));
    this.now = new Map(this.saved);
    this.steps = [];
    this.at = 0;
    this.changed();
  }

  get names() {
    return [...this.now.keys()];
  }

  text(name) {
    return this.now.get(name) ?? "";
  }

  /** {text, tags, keys} of a caption, taken apart once; `keys` leads from what tags are compared by to the tags. */
  apart(name) {
    const text = this.text(name);
    let known = this.#apart.get(name);
    if (known?.text !== text) {
      const tags = split(text);
      known = { text, tags, keys: new Map(tags.map((tag) => [key(tag), tag])) };
      this.#apart.set(name, known);
    }
    return known;
  }

  /** Take one step: {name: caption}. What is as it was does not count. @returns {number} captions that are others now */
  change(title, texts) {
    const names = Object.keys(texts).filter((name) => this.now.has(name) && texts[name] !== this.text(name));
    if (!names.length) return 0;
    const before = Object.fromEntries(names.map((name) => [name, this.text(name)]));
    const after = Object.fromEntries(names.map((name) => [name, texts[name]]));
    this.steps = [...this.steps.slice(0, this.at), { title, before, after, count: names.length }];
    this.at = this.steps.length;
    this.#put(after);
    return names.length;
  }

  /** Go to where `at` steps are done. */
  go(at) {
    const texts = {};
    while (this.at > Math.max(0, at)) Object.assign(texts, this.steps[--this.at].before);
    while (this.at < Math.min(this.steps.length, at)) Object.assign(texts, this.steps[this.at++].after);
    this.#put(texts);
  }

  undo() {
    if (this.at > 0) this.go(this.at - 1);
  }

  redo() {
    if (this.at < this.steps.length) this.go(this.at + 1);
  }

  isChanged(name) {
    return this.now.get(name) !== this.saved.get(name);
  }

  /** The names of captions that are not as they lie on the disk. */
  unsaved() {
    return this.names.filter((name) => this.isChanged(name));
  }

  /** These captions lie on the disk now; null for one whose picture is gone. */
  keep(texts) {
    for (const [name, text] of Object.entries(texts)) {
      if (text !== null) this.saved.set(name, text);
      else for (const captions of [this.saved, this.now]) captions.delete(name);
    }
    this.changed();
  }

  #put(texts) {
    for (const [name, text] of Object.entries(texts)) if (this.now.has(name)) this.now.set(name, text);
    this.changed();
  }
}
