/** The line above the sections: which base is trained, and what keeps it from being trained. */

import { account } from "./account.js";
import { button, h, say, show } from "./dom.js";
import { people } from "./people.js";
import { viewSwitch } from "./views.js";

/** @param {import("./main.js").App} app */
export function header(app) {
  const base = h("span", { class: "lt-base" });
  const problem = h("p", { class: "lt-alarm", role: "alert" });
  const visitor = h("span", { class: "lt-visitor" });
  const all = button(app.t("header.people"), () => people(app), { class: "lt-button lt-all-people" });
  const mine = button(app.t("header.account"), () => account(app), { class: "lt-button lt-my-account" });
  const leave = button(app.t("header.sign_out"), () => signOut(app), { class: "lt-button lt-leave" });
  app.store.on(["server", "reachable"], () => {
    const { server, reachable } = app.store.values;
    const known = server?.host.base;
    say(
      base,
      known
        ? app.t("header.base", {
            name: known.name,
            family: app.t(`family.${known.family}`),
            device: server.host.device,
          })
        : app.t("header.no_base"),
    );
    base.title = known
      ? app.t("header.base_detail", { prediction: known.prediction_type, resolution: known.native_resolution })
      : "";
    const name = server?.visitor?.name || "";
    say(visitor, name);
    show(visitor, Boolean(name));
    const ours = Boolean(name) && server.host.kind === "standalone"; // a WebUI has a sign-in of its own
    show(all, ours && server.visitor.role === "admin");
    show(mine, ours);
    show(leave, ours);
    const problems = [server?.host.problem, server?.problem].filter(Boolean).map((one) => app.words.sentence(one));
    const text = reachable ? problems.join(" ") : app.t("page.unreachable");
    say(problem, text);
    show(problem, Boolean(text));
  });
  const title = h("h1", {}, app.t("header.title"));
  return h("header", { class: "lt-top" }, title, viewSwitch(app), base, visitor, all, mine, leave, problem);
}

/** Leave; the server then shows the page to sign in. */
async function signOut(app) {
  await app.api.delete("session");
  location.reload();
}
