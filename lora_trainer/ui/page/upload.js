/** Files on their way from the browser to a data set: small ones at once, large ones in parts. */

import { baseName } from "./format.js";
import { LARGE, sendInParts } from "./parts.js";
import { scaledDown } from "./shrink.js";
import { Cancelled, passes, patiently, transfer } from "./transfer.js";

const AT_ONCE = 3;
const REPEATS = /^[1-9]\d{0,2}_/;
const LITTER = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;
const FOLLOWING = /(\.(txt|caption|csv|jsonl)|-mask\.\w+)$/i;
/** Captions and masks: they follow their pictures, whose names in the data set decide theirs. */

/** @typedef {{name: string, file: File}} Given A file with its name, which may hold folders. */

/** The files of a drop, those in dropped folders included. @param {DataTransfer} transfer @returns {Promise<Given[]>} */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return plain([...transfer.files]);
  const name = (entry) => (entry.isDirectory && !REPEATS.test(entry.name) ? "" : entry.name);
  const found = entries.map((entry) => filesBelow(entry, name(entry)));
  return (await Promise.all(found)).flat();
}

/** Files without folders. @param {File[]} files @returns {Given[]} */
export function plain(files) {
  return files.map((file) => ({ name: file.name, file }));
}

/** Folders in a dropped one stay, and so does its own name where it says how often its pictures are seen. */
async function filesBelow(entry, name) {
  if (entry.isFile) return [{ name, file: await new Promise((found, failed) => entry.file(found, failed)) }];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const batch = await new Promise((found, failed) => reader.readEntries(found, failed));
    if (!batch.length) return files;
    const kept = batch.filter((one) => !LITTER.test(one.name));
    const found = kept.map((one) => filesBelow(one, name ? `${name}/${one.name}` : one.name));
    files.push(...(await Promise.all(found)).flat());
  }
}

let before = Promise.resolve();

/**
 * Send files, after those that are being sent; the store's `upload` tells how far it is, and holds `cancel`.
 * @param {import("./main.js").App} app @param {string} id of the data set @param {Given[]} files
 * @param {number} least shorter side to which pictures are scaled down; 0: not at all
 * @returns {Promise<Upload>}
 */
export function upload(app, id, files, least = 0) {
  const one = new Upload(app, id, files, least);
  const done = before.then(() => one.run());
  before = done.catch(() => {});
  return done.then(() => one);
}

class Upload {
  refused = [];
  done = 0;
  /** Pictures that were scaled down, and the bytes that this spared. */
  scaled = 0;
  spared = 0;
  cancelled = false;
  /** The error that ended it, where the connection is gone. */
  lost = null;
  #renamed = new Map();
  #sent = new Map();
  #waiting = 0;
  #taking = 0;
  #turn = Promise.resolve();

  constructor(app, id, files, least) {
    Object.assign(this, { app, id, files, least });
    this.control = new AbortController();
    this.sizes = new Map(files.map((one) => [one, one.file.size]));
  }

  async run() {
    const leaving = (event) => event.preventDefault();
    addEventListener("beforeunload", leaving);
    try {
      this.#tell();
      await this.#all(this.files.filter((one) => !FOLLOWING.test(one.name)));
      await this.#all(this.files.filter((one) => FOLLOWING.test(one.name)));
    } finally {
      removeEventListener("beforeunload", leaving);
      this.app.store.set({ upload: null });
    }
  }

  async #all(files) {
    const waiting = [...files];
    const worker = async () => {
      for (let one = waiting.shift(); one && !this.control.signal.aborted; one = waiting.shift()) await this.#send(one);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #send(one) {
    try {
      const body = await this.#body(one);
      const name = this.#name(one.name);
      const result = body.size > LARGE ? await this.#inParts(one, name, body) : await this.#atOnce(one, name, body);
      this.refused.push(...result.refused);
      const [added] = result.added;
      if (result.added.length === 1 && stem(added) !== stem(name)) this.#renamed.set(stem(one.name), stem(added));
      this.done += 1;
    } catch (error) {
      this.#failed(one, error);
    }
    this.#tell();
  }

  #failed(one, error) {
    if (error instanceof Cancelled) this.cancelled = !this.lost;
    else if (passes(error)) {
      this.lost = error;
      this.control.abort(); // nothing else would arrive either
    } else {
      const unreadable = { code: "page.file_unreadable", text: "The browser cannot read the file.", values: {} };
      const sentence = error instanceof DOMException ? unreadable : error.sentence;
      if (!sentence) throw error;
      this.refused.push({ name: baseName(one.name), ...sentence });
      this.done += 1;
    }
  }

  /** What is sent: the picture scaled down, one after another, since each takes much memory meanwhile. */
  async #body(one) {
    if (!this.least) return one.file;
    const turn = this.#turn.then(() => scaledDown(one.file, this.least));
    this.#turn = turn.then(() => {});
    const body = await turn;
    if (body !== one.file) {
      this.scaled += 1;
      this.spared += one.file.size - body.size;
      this.sizes.set(one, body.size);
    }
    return body;
  }

  /** The name of a caption or mask after that of its picture. */
  #name(name) {
    const [, base, mask, ending] = name.match(/^(.*?)(-mask)?(\.\w+)$/s) || [];
    const renamed = FOLLOWING.test(name) && this.#renamed.get(base);
    return renamed ? renamed + (mask || "") + ending : name;
  }

  #atOnce(one, name, body) {
    const url = this.app.api.url(["datasets", this.id, "files", ...name.split("/")]);
    const send = async () => {
      await body.slice(0, 1).arrayBuffer(); // a file that went away looks like a broken connection otherwise
      return transfer("PUT", url, body, this.control.signal, (sent) => this.#count(one, sent));
    };
    return patiently(send, this.control.signal, (yes) => this.#wait(yes));
  }

  async #inParts(one, name, body) {
    let taking = false;
    try {
      return await sendInParts(
        this.app,
        this.id,
        { name, body },
        {
          signal: this.control.signal,
          sent: (bytes) => this.#count(one, bytes),
          waiting: (yes) => this.#wait(yes),
          taking: () => {
            if (!taking) this.#taking += 1;
            taking = true;
            this.#tell();
          },
        },
      );
    } finally {
      if (taking) this.#taking -= 1;
    }
  }

  #count(one, bytes) {
    this.#sent.set(one, Math.min(bytes, this.sizes.get(one)));
    this.#tell();
  }

  #wait(yes) {
    this.#waiting += yes ? 1 : -1;
    this.#tell();
  }

  #tell() {
    const sum = (numbers) => [...numbers].reduce((all, number) => all + number, 0);
    const { done, control, files } = this;
    const state = this.#waiting ? "waiting" : this.#taking ? "taking" : "sending";
    const [sent, bytes] = [sum(this.#sent.values()), sum(this.sizes.values())];
    this.app.store.set({ upload: { done, total: files.length, sent, bytes, state, cancel: () => control.abort() } });
  }
}

function stem(name) {
  return name.replace(/\.\w+$/, "");
}
