/** Questions that the server answers beside everything else: begun, followed and stopped. */

const PAUSE = 400;
const OPEN = ["waiting", "working"];

/** Whether an answer is still to come. */
export const open = (inquiry) => OPEN.includes(inquiry?.state);

/**
 * Ask the server; the store's `name` holds how far it is, and null again when there is an answer or none will come.
 * Whoever sets it to something else gives the question up.
 * @param {import("./main.js").App} app @param {string} name @param {string} route @param {any} body
 * @returns {Promise<any>} the answer, or null
 */
export async function inquire(app, name, route, body) {
  let inquiry = await app.trying(() => app.api.post(route, body));
  if (!inquiry) return null;
  const { id } = inquiry;
  while (open(inquiry)) {
    app.store.set({ [name]: inquiry });
    await new Promise((later) => setTimeout(later, PAUSE));
    if (app.store.get(name)?.id !== id) {
      app.api.post(["inquiries", id, "stop"]).catch(() => null); // gone or not, nobody waits for it
      return null;
    }
    inquiry = await app.trying(() => app.api.get(["inquiries", id]));
  }
  app.store.set({ [name]: null });
  if (inquiry?.state === "failed") app.dialogs.notice(app.words.sentence(inquiry.message), "bad");
  return inquiry?.answer || null;
}
