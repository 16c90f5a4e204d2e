/** Fills our element with the page as soon as it is seen: a tab that nobody opens costs nothing. */

/** Draw the page in `place` when it first becomes visible. @param {HTMLElement} place */
export function whenSeen(place) {
  if (place.dataset.watched) return;
  place.dataset.watched = "yes";
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    begin(place);
  });
  watcher.observe(place);
}

/** Wait for the element, which gradio draws at some time. @param {string} id */
export function whenThere(id) {
  const find = () => {
    const place = document.getElementById(id);
    if (place) whenSeen(place);
    return Boolean(place);
  };
  if (find()) return;
  const watcher = new MutationObserver(() => find() && watcher.disconnect());
  watcher.observe(document.documentElement, { childList: true, subtree: true });
}

async function begin(place) {
  try {
    const { mount } = await import("./main.js");
    await mount(place);
  } catch (error) {
    console.error(error);
    if (!place.shadowRoot) place.textContent = `Train LoRA: ${error.message}`;
    else place.shadowRoot.append(`Train LoRA: ${error.message}`);
  }
}
