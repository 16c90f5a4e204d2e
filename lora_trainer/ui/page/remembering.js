/** What this browser keeps between visits. One without storage forgets it with the page; nothing else is lost. */

/** The text under a key; "" where there is none. */
export function remembered(key) {
  try {
    return localStorage.getItem(key) || "";
  } catch {
    return "";
  }
}

/** Keep a text under a key. */
export function remember(key, text) {
  try {
    localStorage.setItem(key, text);
  } catch {
    /* It lasts as long as the page. */
  }
}
