/** The line of runs: who is where, who is next, what was paused or left lying by the end of the program, and their order. */

import { button, fill, h, say, show } from "./dom.js";

/** @param {import("./main.js").App} app */
export function queue(app) {
  const list = h("ol", { class: "lt-line" });
  const running = places(app);
  const title = h("strong", {});
  const all = button(app.t("queue.resume_all"), () => order(app, ["jobs", "resume-all"]), { class: "lt-button lt-resume-all" });
  const others = h("p", { class: "lt-hint", hidden: true });
  const top = h("div", { class: "lt-row lt-between" }, title, all);
  const block = h("div", { class: "lt-block", hidden: true }, top, others, list);
  const element = h("div", { class: "lt-queue" }, running, block, atStart(app));
  app.store.on(["server", "shown"], () => {
    const { server, shown } = app.store.values;
    const those = (state) => inOrder((server?.jobs || []).filter((job) => job.state === state));
    const waiting = those("queued");
    const left = those("interrupted");
    const paused = those("paused").filter((job) => job.id !== shown); // the one in sight has its buttons above
    const first = othersFirst(server);
    say(others, first ? app.t("queue.others", { n: first }) : "");
    show(others, waiting.length > 0 && first > 0);
    const key = JSON.stringify([...left, ...waiting, ...paused].map((job) => [job.id, job.name, job.state, job.place, job.priority]));
    show(block, waiting.length + left.length + paused.length > 0);
    show(all, left.length > 1);
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    const of = left.length ? "left" : waiting.length ? "title" : "paused";
    say(title, app.t(`queue.${of}`, { n: left.length || waiting.length || paused.length }));
    fill(
      list,
      left.map((job) => row(app, job, [goOn(app, job)])),
      waiting.map((job, n) => row(app, job, orderOf(app, waiting, n))),
      paused.map((job) => row(app, job, [goOn(app, job)])),
    );
  });
  return element;
}

/** The runs that are on, where there are several devices or another run is in sight. The Train panel follows the one that is chosen. */
function places(app) {
  const list = h("ul", { class: "lt-line lt-places", hidden: true });
  app.store.on(["server", "shown"], () => {
    const { server, shown } = app.store.values;
    const known = server?.places || [];
    const busy = known.filter((place) => place.taken);
    show(list, busy.length > 0 && (known.length > 1 || busy.some((place) => place.job && place.job !== shown)));
    const rows = busy.map(({ name, job: id }) => ({ name, job: server.jobs.find((job) => job.id === id) }));
    const key = JSON.stringify([shown, rows.map(({ name, job }) => [name, job?.id, job?.name, job?.state])]);
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    fill(
      list,
      rows.map(({ name, job }) => there(app, name, job, shown)),
    );
  });
  return list;
}

/** A device with its run; of somebody else's, only that it is there. */
function there(app, name, job, shown) {
  const device = h("span", { class: "lt-hint lt-device" }, name);
  if (!job) return h("li", { class: "lt-row" }, h("span", {}, app.t("queue.somebody")), device);
  const look = button(job.name, () => pick(app, job), { class: "lt-link", "aria-current": job.id === shown && "true" });
  const state = h("span", { class: "lt-hint" }, app.t(`state.${job.state}`) + whose(app, job));
  return h("li", { class: "lt-row", data: { job: job.id, place: name } }, look, state, device);
}

/** The switch for what the next start of the program does with runs that were interrupted; the server keeps it. */
function atStart(app) {
  const box = h("input", {
    type: "checkbox",
    class: "lt-box",
    id: "lt-goes-on",
    on: {
      change: async () => {
        await app.trying(() => app.api.put("habits", { goes_on: box.checked }));
        app.live.soon();
      },
    },
  });
  const label = h("label", { for: "lt-goes-on" }, app.t("queue.goes_on"));
  const element = h("div", { class: "lt-row lt-switch", title: app.t("queue.goes_on_hint"), hidden: true }, box, label);
  app.store.on("server", () => {
    const server = app.store.get("server");
    box.checked = Boolean(server?.habits.goes_on);
    const concerned = (server?.jobs || []).some((job) => UNDER_WAY.includes(job.state));
    show(element, concerned && server?.visitor?.role !== "user");
  });
  return element;
}

const UNDER_WAY = ["queued", "preparing", "running", "stopping", "paused", "interrupted"];

const inOrder = (jobs) => [...jobs].sort((a, b) => b.priority - a.priority || a.place - b.place || a.created - b.created);

/** How many runs of others wait before the visitor's own first one; the server names none of them. */
function othersFirst(server) {
  const mine = (server?.line || []).findIndex((one) => one.id);
  return Math.max(0, mine);
}

function row(app, job, controls) {
  const look = button(job.name, () => pick(app, job), { class: "lt-link" });
  const state = h("span", { class: "lt-hint" }, app.t(`state.${job.state}`) + whose(app, job));
  const remove = button("×", () => removed(app, job), { class: "lt-small-button", ...named(app, "queue.delete", job) });
  return h("li", { class: "lt-row", data: { job: job.id } }, look, state, h("span", { class: "lt-row lt-tools" }, controls, remove));
}

/** The owner's name behind what is not the visitor's own, as an admin sees it. */
function whose(app, job) {
  const name = app.store.get("server")?.visitor?.name;
  return job.owner && job.owner !== name ? ` · ${job.owner}` : "";
}

function pick(app, job) {
  app.store.set({ shown: job.id });
  app.live.soon();
}

const goOn = (app, job) =>
  button(app.t("training.resume"), () => order(app, ["jobs", job.id, "resume"]), { class: "lt-button lt-small-button" });

/** Earlier, later, and before everybody else: the run that has the model steps aside then. */
function orderOf(app, waiting, n) {
  const job = waiting[n];
  const move = (before) => order(app, ["jobs", job.id, "move"], { before });
  const first = button("⇈", () => order(app, ["jobs", job.id, "priority"], { priority: waiting[0].priority + 1 }), {
    class: "lt-small-button lt-first",
    ...named(app, "queue.first", job),
  });
  const earlier = n > 0 && button("↑", () => move(waiting[n - 1].id), { class: "lt-small-button", ...named(app, "queue.earlier", job) });
  const later =
    n < waiting.length - 1 &&
    button("↓", () => move(waiting[n + 2]?.id || ""), { class: "lt-small-button", ...named(app, "queue.later", job) });
  const admin = app.store.get("server")?.visitor?.role !== "user"; // others are passed by nobody else
  return [admin && first, earlier, later];
}

function named(app, key, job) {
  const text = app.t(key, { name: job.name });
  return { title: text, "aria-label": text };
}

/** Forget a run with its files, after asking; the promise holds whether that was done. */
export async function removed(app, job) {
  const question = app.t("queue.ask_delete", { name: job.name });
  if (!(await app.dialogs.ask(question, app.t("pictures.delete"), app.t("queue.ask_delete_detail")))) return false;
  const done = await app.trying(() => app.api.delete(["jobs", job.id]));
  app.live.soon();
  return Boolean(done);
}

async function order(app, path, body = {}) {
  await app.trying(() => app.api.post(path, body));
  app.live.soon();
}
