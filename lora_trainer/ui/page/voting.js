/** Blind votes: two pictures, nothing that tells whose they are, and at the end what the votes say. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { addressOf } from "./pastrun.js";

const KEYS = { ArrowLeft: "left", ArrowDown: "same", ArrowRight: "right" };

/** @param {import("./main.js").App} app @param {any[]} runs @param {any[]} results of earlier votes */
export function voting(app, runs, results) {
  const begin = button(app.t("voting.begin"), () => new Voting(app, runs, tell).start(), { class: "lt-button lt-vote" });
  const told = h("ul", { class: "lt-results", role: "status", "aria-live": "polite" });
  const look = button(app.t("voting.show"), () => (show(told, true), show(look, false)), { class: "lt-link" });
  const tell = (all, visible) => {
    fill(told, all.map((result) => h("li", {}, sentence(app, runs, result))));
    show(told, visible && all.length > 0);
    show(look, !visible && all.length > 0);
  };
  tell(results, false);
  return h(
    "div",
    { class: "lt-block lt-voting" },
    h("h3", {}, app.t("voting.title")),
    h("p", { class: "lt-hint" }, app.t("voting.hint")),
    h("div", { class: "lt-row" }, begin, look),
    told,
  );
}

/** Who won how often, with the interval, and whether that is more than chance. */
function sentence(app, runs, { runs: ids, wins, ties, share, low, high, verdict, better, chance }) {
  const name = (id) => runs.find((run) => run.id === id)?.name || id;
  const counts = { one: name(ids[0]), other: name(ids[1]), first: wins[0], second: wins[1], ties };
  const percent = (part) => `${Math.round(part * 100)} %`;
  const parts = [app.t("voting.counts", counts)];
  if (share !== null) parts.push(app.t("voting.interval", { one: counts.one, low: percent(low), high: percent(high) }));
  parts.push(app.t(`voting.${verdict}`, { name: name(better), chance: percent(chance) }));
  return parts.join(" ");
}

class Voting {
  #ballot = null;
  #count = 0;
  #busy = false;

  /** @param {import("./main.js").App} app @param {any[]} runs @param {(results: any[], visible: boolean) => void} tell */
  constructor(app, runs, tell) {
    Object.assign(this, { app, tell, jobs: runs.map((run) => run.id) });
    this.images = ["left", "right"].map((side) => h("img", { alt: app.t(`voting.${side}_picture`) }));
    this.prompt = h("p", { class: "lt-hint" });
    this.counted = h("span", { class: "lt-hint", role: "status", "aria-live": "polite" });
    this.buttons = ["left", "same", "right"].map((choice) =>
      button(app.t(`voting.${choice}`), () => this.#choose(choice), { class: "lt-button", data: { choice } }),
    );
    const done = button(app.t("voting.done"), () => this.dialog.close(), { class: "lt-button lt-vote-done" });
    this.dialog = h(
      "dialog",
      { class: "lt-dialog lt-voting-dialog", "aria-label": app.t("voting.title") },
      h("p", { class: "lt-question" }, app.t("voting.question")),
      this.prompt,
      h("div", { class: "lt-ballot" }, this.images),
      h("div", { class: "lt-row lt-center" }, this.buttons),
      h("div", { class: "lt-row lt-between" }, this.counted, done),
    );
    this.dialog.addEventListener("keydown", (event) => {
      if (!KEYS[event.key]) return;
      event.preventDefault();
      this.#choose(KEYS[event.key]);
    });
    this.dialog.addEventListener("close", () => this.#end());
  }

  async start() {
    if (!(await this.#next())) return;
    this.app.dialogs.open(this.dialog);
    this.buttons[1].focus();
  }

  /** Draw the next pair; whether there is one. */
  async #next() {
    const { app } = this;
    this.#ballot = await app.trying(() => app.api.post(["history", "ballots"], { jobs: this.jobs }));
    if (!this.#ballot) return false;
    this.images[0].src = addressOf(app, this.#ballot.left);
    this.images[1].src = addressOf(app, this.#ballot.right);
    say(this.prompt, app.t("samples.detail", this.#ballot));
    say(this.counted, app.t("voting.count", { n: this.#count }));
    return true;
  }

  async #choose(choice) {
    if (this.#busy || !this.#ballot) return;
    this.#busy = true;
    for (const one of this.buttons) attribute(one, "disabled", true);
    const { app } = this;
    const cast = await app.trying(() => app.api.post(["history", "ballots", this.#ballot.id], { choice }));
    if (cast) this.#count += 1;
    const more = await this.#next();
    for (const one of this.buttons) attribute(one, "disabled", false);
    this.#busy = false;
    if (!more) this.dialog.close();
    else this.buttons.find((one) => one.dataset.choice === choice)?.focus();
  }

  /** Only now is told who won: whoever knows after every vote is blind no more. */
  async #end() {
    const { app } = this;
    const found = await app.trying(() => app.api.get(["history", "compare"], { jobs: this.jobs.join(",") }));
    if (found) this.tell(found.results, this.#count > 0);
  }
}
