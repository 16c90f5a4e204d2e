/** Try-outs on the server: begun by this page, by another or by the end of a run, and followed cell by cell. */

import { h } from "./dom.js";
import { nothingMissing } from "./requests.js";

const PAUSE = 500;
const GOING = ["waiting", "drawing", "judging"];

/** Whether more pictures of a try-out are to come. */
export const going = (tryout) => GOING.includes(tryout?.state);

export class Trial {
  #gone = new Set();

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    /** One object for each try-out that is followed: who finds another in its place follows no longer. */
    this.followed = { grid: {}, single: {} };
    app.store.on("shown", () => this.#forget());
    app.store.on("job", () => this.#find());
  }

  /** Draw the grid of `request`; its cells appear in the store's `grid` as they come, in place of those of the last. */
  async draw(request) {
    const missing = nothingMissing(request);
    if (missing) return this.app.dialogs.notice(this.app.t(missing), "bad");
    return this.#begin(request, "grid");
  }

  /** Draw one picture; it is the store's `single`. */
  async drawOne(request) {
    const missing = nothingMissing(request);
    if (missing) return this.app.dialogs.notice(this.app.t(missing), "bad");
    return this.#begin({ ...request, single: true }, "single");
  }

  /** Draw no further picture, neither of the grid nor beside it. */
  async stop() {
    for (const name of ["grid", "single"]) {
      const tryout = this.app.store.get(name);
      if (going(tryout)) await this.app.trying(() => this.app.api.post(["tryouts", tryout.id, "stop"]));
    }
  }

  /** Write the whole grid as one picture, and hand it to the reader. */
  async saveSheet() {
    const { app } = this;
    const grid = app.store.get("grid");
    const sheet = await app.trying(() => app.api.post(["tryouts", grid.id, "sheet"]));
    if (!sheet) return;
    h("a", { href: app.api.root + sheet.url, download: `${app.store.get("job").name}-grid.png` }).click();
    app.dialogs.notice(app.t("tryout.sheet_saved", { file: sheet.file }));
  }

  async #begin(request, name) {
    const { app } = this;
    app.store.set({ asking: true });
    const tryout = await app.trying(() => app.api.post("tryouts", request));
    app.store.set({ asking: false });
    if (!tryout || tryout.job !== app.store.get("shown")) return;
    if (name === "grid") app.store.set({ chosen: null });
    app.live.soon();
    await this.#follow(tryout, name);
  }

  /** The newest grid of the shown job, whoever began it. */
  async #find() {
    const id = this.app.store.get("job")?.tryout;
    if (!id || id === this.followed.grid.id || this.#gone.has(id)) return;
    const mine = (this.followed.grid = { id });
    const tryout = await this.#ask(id);
    if (tryout && this.followed.grid === mine) await this.#follow(tryout, "grid");
  }

  async #follow(tryout, name) {
    const { store } = this.app;
    const mine = (this.followed[name] = { id: tryout.id });
    for (let now = tryout; now && this.followed[name] === mine;) {
      store.set({ [name]: now });
      if (!going(now)) return;
      await new Promise((later) => setTimeout(later, document.hidden ? 10 * PAUSE : PAUSE));
      const news = await this.#ask(now.id, now.cells[now.cells.length - 1]?.n);
      now = news ? { ...news, cells: merged(now.cells, news.cells) } : { ...now, state: "stopped" };
    }
  }

  /** What is new of a try-out, asked again while the server does not answer; null for one that is gone. */
  async #ask(id, after = "") {
    while (Object.values(this.followed).some((one) => one.id === id)) {
      try {
        return await this.app.api.get(["tryouts", id], { after });
      } catch (error) {
        if (error.status === undefined) throw error;
        if (error.status === 404) {
          this.#gone.add(id);
          return null;
        }
        await new Promise((later) => setTimeout(later, 4 * PAUSE));
      }
    }
    return null;
  }

  #forget() {
    this.followed = { grid: {}, single: {} };
    this.app.store.set({ grid: null, single: null, chosen: null });
  }
}

function merged(before, news) {
  const known = new Set(before.map((cell) => cell.n));
  return [...before, ...news.filter((cell) => !known.has(cell.n))];
}
