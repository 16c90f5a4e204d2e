/**
 * Keeps up with the server. A WebSocket tells what happens, where one comes up; else, and whenever it breaks, plain
 * routes are asked again and again. Both give the same answers, and the cursor of a run goes from one to the other.
 */

import { ApiError } from "./api.js";
import { Run } from "./run.js";
import { Gone, Line } from "./socket.js";

const BUSY = 700;
const CALM = 2500;
const HIDDEN = 8000;
/** The WebUI breaks off when it is asked in a certain moment of its own start ('Reload UI'), so it is left in peace. */
const AWAY = 5000;
/** A sign-in lives from plain requests: now and then there is one, also while a socket tells everything. */
const SIGN_OF_LIFE = 4 * 60 * 1000;
/** No answer at all, or one of a host whose start has not come to our routes yet. */
const NOT_OURS = ["page.unreachable", "page.status"];
const ALIVE = ["queued", "preparing", "running", "stopping"];
const RESTING = ["paused", "interrupted"];
const PAGE = 500;

/** Whether a job is on its way: it will go on without anybody's help. */
export const alive = (job) => ALIVE.includes(job?.state);
/** Whether a job has not ended: it is on its way, or somebody can let it go on. */
export const underWay = (job) => alive(job) || RESTING.includes(job?.state);

export class Live {
  #timer = 0;
  #busy = null;
  #rounds = 0;
  #begun = null;

  /** @param {import("./main.js").App} app */
  constructor(app) {
    this.app = app;
    this.line = new Line(app, {
      opened: () => this.soon(),
      state: (server, asked) => this.#pushed(server, asked),
      told: (answer) => this.#hear(answer),
      broke: () => this.soon(),
    });
    document.addEventListener("visibilitychange", () => {
      this.line.socket?.pace();
      if (!document.hidden) this.soon();
    });
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
    this.#rounds += 1;
    const round = (this.#busy || Promise.resolve()).then(() => this.#round()).finally(() => (this.#rounds -= 1));
    this.#busy = round;
    return round;
  }

  #later() {
    clearTimeout(this.#timer);
    if (!this.app.element.isConnected) return this.line.close(); // the host emptied its page and will load it anew
    if (this.line.socket) this.#timer = setTimeout(() => this.#signOfLife(), SIGN_OF_LIFE);
    else this.#timer = setTimeout(() => this.soon(), this.#pause());
    return undefined;
  }

  #pause() {
    const { reachable, job } = this.app.store.values;
    if (reachable === false) return AWAY;
    return document.hidden ? HIDDEN : alive(job) ? BUSY : CALM;
  }

  async #signOfLife() {
    await this.app.api.get("session").catch(() => this.line.socket?.close());
    this.#later();
  }

  async #round() {
    try {
      await this.#ask();
    } catch (error) {
      if (error.status === undefined) throw error;
      const { server } = this.app.store.values;
      if (error.status === 401 && server?.visitor?.name && server.host.kind === "standalone") location.reload();
      this.app.store.set({ reachable: !NOT_OURS.includes(error.sentence.code) });
    }
  }

  /** Over the socket, and where it goes meanwhile, over plain routes. */
  async #ask() {
    const { socket } = this.line;
    try {
      if (socket) await socket.state();
      else this.#take(await this.app.api.get("state"));
      await this.#follow(socket);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      await this.#ask();
    }
    this.line.tryNow();
  }

  /** A state that was told unasked may be older than what somebody has just done here; an asked one comes after it. */
  #pushed(server, asked) {
    if (!this.app.element.isConnected) return void this.line.close();
    if (!asked && (this.#rounds || this.app.store.get("ordered"))) return;
    const before = this.app.store.get("shown");
    this.#take(server);
    if (!asked && this.app.store.get("shown") !== before) this.soon();
  }

  #take(server) {
    const before = this.app.store.get("server");
    const unchanged = before && JSON.stringify(before) === JSON.stringify(server);
    this.app.store.set({ server: unchanged ? before : server, reachable: true });
    this.#choose(server);
  }

  /** Show the job that runs; a new one takes the place of one that has ended, not of one that somebody has paused. */
  #choose({ jobs, current }) {
    const { shown, job, latest } = this.app.store.values;
    const known = jobs.some((one) => one.id === shown);
    const newest = jobs.length ? jobs.reduce((a, b) => (b.created >= a.created ? b : a)).id : "";
    const began = current && current !== latest;
    if (!known || (began && !underWay(job))) this.app.store.set({ shown: current || newest });
    this.app.store.set({ latest: current });
  }

  /** Hear what is new of the shown job. */
  async #follow(socket) {
    const { store, api } = this.app;
    const id = store.get("shown");
    if (!id) return store.set({ job: null, run: null });
    if (store.get("run")?.id !== id) {
      const run = new Run(id);
      run.begin(await api.get(["jobs", id, "curve"], { points: 600 }));
      this.#begun = run;
    }
    if (socket) {
      const { error } = await socket.watch(id, this.#runOf(id));
      if (error) throw new ApiError(404, error);
      return undefined;
    }
    for (let more = true; more;) {
      const { after, feed } = this.#runOf(id);
      const answer = await api.get(["jobs", id, "events"], { after, feed, limit: PAGE, wait: 0 });
      more = answer.events.length === PAGE;
      if (store.get("shown") !== id) return undefined;
      this.#hear(answer);
    }
    return undefined;
  }

  /** What is known of the run of that id; its curve alone at first. */
  #runOf(id) {
    const { run } = this.app.store.values;
    return run?.id === id ? run : this.#begun;
  }

  /** Take in an answer about the shown job. Events that are known already are left out. */
  #hear({ events, feed, job }) {
    const { store } = this.app;
    const before = store.get("run");
    let run = this.#runOf(job.id);
    if (job.id !== store.get("shown") || run?.id !== job.id) return;
    if (run.feed && run.feed !== feed) run = new Run(job.id); // the program was started anew and numbers from 1
    const fresh = events.filter(({ n }) => n > run.after);
    if (fresh.length && fresh[0].n !== run.after + 1) return void this.soon(); // told while another run was shown
    run.feed = feed;
    run.absorb(fresh);
    if (fresh.length || run !== before) run = Object.assign(new Run(job.id), run);
    const same = JSON.stringify(job) === JSON.stringify(store.get("job"));
    store.set({ job: same ? store.get("job") : job, run });
  }
}
