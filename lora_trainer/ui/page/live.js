/** Keeps up with the server by asking again and again: plain routes, which nothing on the host's page can hold up. */

import { Run } from "./run.js";

const BUSY = 700;
const CALM = 2500;
const HIDDEN = 8000;
/** The WebUI breaks off when it is asked in a certain moment of its own start ('Reload UI'), so it is left in peace. */
const AWAY = 5000;
/** No answer at all, or one of a host whose start has not come to our routes yet. */
const NOT_OURS = ["page.unreachable", "page.status"];
const ALIVE = ["queued", "preparing", "running", "stopping"];
const PAGE = 500;

/** Whether a job is on its way: it will go on without anybody's help. */
export const alive = (job) => ALIVE.includes(job?.state);

export class Live {
  #timer = 0;
  #busy = null;

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    document.addEventListener("visibilitychange", () => !document.hidden && this.soon());
  }

  /** Ask now, and go on asking. */
  async start() {
    await this.refresh();
    this.#later();
  }

  /** Ask at once instead of at the next turn. */
  soon() {
    clearTimeout(this.#timer);
    this.refresh().finally(() => this.#later());
  }

  /** One round of questions; whoever asks during one waits for the next. */
  refresh() {
    const round = (this.#busy || Promise.resolve()).then(() => this.#round());
    this.#busy = round;
    return round;
  }

  #later() {
    clearTimeout(this.#timer);
    if (!this.app.element.isConnected) return; // the host emptied its page and will load it anew
    this.#timer = setTimeout(() => this.soon(), this.#pause());
  }

  #pause() {
    const { reachable, job } = this.app.store.values;
    if (reachable === false) return AWAY;
    return document.hidden ? HIDDEN : alive(job) ? BUSY : CALM;
  }

  async #round() {
    try {
      const server = await this.app.api.get("state");
      const before = this.app.store.get("server");
      const unchanged = before && JSON.stringify(before) === JSON.stringify(server);
      this.app.store.set({ server: unchanged ? before : server, reachable: true });
      this.#choose(server);
      await this.#follow();
    } catch (error) {
      if (error.status === undefined) throw error;
      const { server } = this.app.store.values;
      if (error.status === 401 && server?.visitor?.name && server.host.kind === "standalone") location.reload();
      this.app.store.set({ reachable: !NOT_OURS.includes(error.sentence.code) });
    }
  }

  /** Show the job that runs; a new one takes the place of one that has ended. */
  #choose({ jobs, current }) {
    const { shown, job, latest } = this.app.store.values;
    const known = jobs.some((one) => one.id === shown);
    const newest = jobs.length ? jobs.reduce((a, b) => (b.created >= a.created ? b : a)).id : "";
    const began = current && current !== latest;
    if (!known || (began && !alive(job))) this.app.store.set({ shown: current || newest });
    this.app.store.set({ latest: current });
  }

  /** Hear what is new of the shown job. */
  async #follow() {
    const { store, api } = this.app;
    const id = store.get("shown");
    if (!id) return store.set({ job: null, run: null });
    let run = store.get("run");
    if (run?.id !== id) {
      run = new Run(id);
      run.begin(await api.get(["jobs", id, "curve"], { points: 600 }));
    }
    for (let more = true; more;) {
      const asked = { after: run.after, feed: run.feed, limit: PAGE, wait: 0 };
      const { events, feed, job } = await api.get(["jobs", id, "events"], asked);
      more = events.length === PAGE;
      if (store.get("shown") !== id) return undefined;
      if (run.feed && run.feed !== feed) run = new Run(id); // the program was started anew and numbers from 1
      run.feed = feed;
      run.absorb(events);
      const copy = events.length || store.get("run") !== run ? Object.assign(new Run(id), run) : run;
      run = copy;
      const same = JSON.stringify(job) === JSON.stringify(store.get("job"));
      store.set({ job: same ? store.get("job") : job, run });
    }
    return undefined;
  }
}
