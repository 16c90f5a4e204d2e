/** What the tool proposes after a grid was scored: a save, a strength, the reasons, and what would tell more. */

import { attribute, button, fill, h, say, show } from "./dom.js";
import { short } from "./format.js";

/** @param {import("./main.js").App} app @param {import("./grid.js").Grid} grid */
export function proposalBox(app, grid) {
  const line = h("strong");
  const reasons = h("ul", { class: "lt-reasons" });
  const missing = h("div", { class: "lt-hint" });
  const choose = button(app.t("proposal.choose"), () => grid.chooseProposed(), { class: "lt-link lt-choose-proposed" });
  const box = h("div", { class: "lt-proposal", role: "status", "aria-live": "polite" }, line, " ", choose, reasons, missing);
  app.store.on(["grid", "chosen"], () => {
    const { grid, chosen } = app.store.values;
    const verdict = grid?.verdict;
    const proposal = verdict?.proposal;
    show(box, Boolean(proposal));
    if (!proposal) return;
    const { step, strength } = proposal;
    const text = app.t("proposal.title", { step: app.t("tryout.save", { step }), strength: short(strength) });
    say(line, text);
    const isChosen = chosen?.save === proposal.save && chosen?.strength === strength;
    attribute(choose, "hidden", isChosen);
    if (box.dataset.of === grid.id) return;
    box.dataset.of = grid.id;
    fill(
      reasons,
      proposal.reasons.map((reason) => h("li", {}, app.words.sentence(reason))),
    );
    fill(missing, unmeasured(app, verdict));
  });
  return box;
}

/** What nobody could measure for want of a model, and where to put one. */
function unmeasured(app, { judges, missing }) {
  if (judges.likeness || !missing.length) return [];
  return [app.t("proposal.unmeasured"), " ", missing.map(app.words.sentence).join(" ")];
}
