/** A WebSocket that tells what plain routes would answer, as it happens; and when to try for one. */

const OPENING = 4000;
const ANSWER = 6000;
/** The server says something every 15 seconds. */
const SILENCE = 40000;
const OFTEN = 0.2;
const SELDOM = 8;
const SOON = 1000;
const FIRST_WAIT = 30000;
const LONGEST_WAIT = 600000;
/** How long one must have stood to be tried for again at once. */
const STOOD = 10000;

/** The socket is there no more, or does not answer: plain routes do. */
export class Gone extends Error {}

export class Socket {
  #channel;
  #asked = 0;
  #waiting = [];
  #heard = Date.now();
  #watch = 0;
  #ended = false;

  /**
   * @param {string} url
   * @param {{opened: () => void, state: (state: any, asked: boolean) => void, told: (answer: any) => void, ended: (socket: Socket) => void}} tell
   */
  constructor(url, tell) {
    this.tell = tell;
    this.since = 0;
    this.#channel = new WebSocket(url);
    this.#channel.onopen = () => ((this.since = Date.now()), this.pace(), tell.opened(this));
    this.#channel.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#channel.onclose = this.#channel.onerror = () => this.close();
    this.#watch = setInterval(() => this.#lookAtClock(), 1000);
    this.begun = Date.now();
  }

  /** The state as it is now. */
  state() {
    const number = ++this.#asked;
    return this.#answered((message) => message.asked >= number, { state: number });
  }

  /** Hear of a job's events from a cursor on, and be done when all that are there have been told. */
  watch(id, { after, feed }) {
    const all = ({ told, error, watch }) =>
      error ? watch === id : told?.job.id === id && told.events.length < 500;
    return this.#answered(all, { watch: id, after, feed });
  }

  /** Less often while nobody looks. */
  pace() {
    this.#say({ every: document.hidden ? SELDOM : OFTEN });
  }

  /** No more of it; whoever waits for an answer is told. */
  close() {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#watch);
    const channel = this.#channel;
    channel.onopen = channel.onmessage = channel.onclose = channel.onerror = null;
    channel.close();
    for (const { reject } of this.#waiting.splice(0)) reject(new Gone());
    this.tell.ended(this);
  }

  #answered(fits, message) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ fits, resolve, reject, until: Date.now() + ANSWER });
      this.#say(message);
    });
  }

  #say(message) {
    if (this.#channel.readyState === WebSocket.OPEN) this.#channel.send(JSON.stringify(message));
    else if (this.since) this.close();
  }

  #hear(message) {
    this.#heard = Date.now();
    for (const one of this.#waiting) one.until = this.#heard + ANSWER;
    if (message.state) this.tell.state(message.state, message.asked > 0);
    if (message.told) this.tell.told(message.told);
    const answered = this.#waiting.filter(({ fits }) => fits(message));
    this.#waiting = this.#waiting.filter((one) => !answered.includes(one));
    for (const { resolve } of answered) resolve(message);
  }

  #lookAtClock() {
    const now = Date.now();
    const slow = this.since ? now - this.#heard > SILENCE : now - this.begun > OPENING;
    if (slow || this.#waiting.some(({ until }) => now > until)) this.close();
  }
}

/** Tries for a socket now and then: soon after one broke that had stood, ever more seldom where none comes up. */
export class Line {
  #due = 0;
  #wait = FIRST_WAIT;
  #trying = null;
  /** The one that is open. */
  socket = null;

  /** @param {import("./main.js").App} app @param {{opened: Function, state: Function, told: Function, broke: Function}} tell */
  constructor(app, tell) {
    Object.assign(this, { app, tell });
  }

  /** To be called while plain routes answer. */
  tryNow() {
    if (this.socket || this.#trying || Date.now() < this.#due || typeof WebSocket !== "function") return;
    if (this.app.store.get("server")?.sockets) this.#open("");
  }

  /** No more. */
  close() {
    this.#due = Infinity;
    (this.socket || this.#trying)?.close();
  }

  #open(ticket) {
    const url = this.app.api.url("live", { ticket }).replace(/^http/, "ws");
    const { state, told } = this.tell;
    const opened = (socket) => {
      this.#trying = null;
      this.socket = socket;
      this.tell.opened();
    };
    try {
      this.#trying = new Socket(url, { opened, state, told, ended: (socket) => this.#ended(socket, ticket) });
    } catch {
      this.#later(); // the browser may not open any
    }
  }

  #ended(socket, ticket) {
    this.#trying = this.socket = null;
    if (this.#due === Infinity) return;
    if (!socket.since && !ticket && this.app.store.get("server")?.visitor?.name) {
      this.#withTicket();
      return;
    }
    if (socket.since && Date.now() - socket.since > STOOD) {
      this.#wait = FIRST_WAIT;
      this.#due = Date.now() + SOON * (1 + Math.random());
    } else this.#later();
    if (socket.since) this.tell.broke();
  }

  /** A sign-in that a WebSocket cannot carry is carried by a ticket. */
  async #withTicket() {
    this.#due = Date.now() + FIRST_WAIT;
    try {
      const { ticket } = await this.app.api.post("tickets");
      if (!this.socket && !this.#trying) this.#open(ticket);
    } catch {
      this.#later();
    }
  }

  #later() {
    this.#due = Date.now() + this.#wait;
    this.#wait = Math.min(LONGEST_WAIT, 2 * this.#wait);
  }
}
