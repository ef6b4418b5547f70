// The API key: where it comes from, where it is kept, and whose it is. A key never takes another's place unasked: a
// link could otherwise make somebody upload into a stranger's account.

import { setText } from "./elements.js";

const NAME = "mediamill.key";
const byId = (id) => document.getElementById(id);

/** A key in the address is taken out of it at once: addresses are copied, kept and logged. */
export function fromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

export function kept() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

export function keep(key) {
  try {
    if (key) sessionStorage.setItem(NAME, key);
    else sessionStorage.removeItem(NAME);
  } catch {
    // Storage is blocked: the key lives as long as the page.
  }
}

/** Whether it can be sent in a header at all. */
export function isPlausible(key) {
  return /^[\x21-\x7e]+$/.test(key);
}

/** Asks whether the key of a link may take the place of the one in use. Resolves with the answer. */
export function askToReplace(mine, theirs) {
  const panel = byId("other-key");
  // A second link while we ask: the first is forgotten.
  if (!panel.hidden) byId("keep-key").click();
  byId("mine").textContent = mine;
  byId("theirs").textContent = theirs;
  panel.hidden = false;
  byId("keep-key").focus();
  return new Promise((resolve) => {
    const answer = (replace) => () => {
      panel.hidden = true;
      byId("files").focus();
      resolve(replace);
    };
    byId("keep-key").onclick = answer(false);
    byId("replace-key").onclick = answer(true);
  });
}

/** Shows whose files these are. */
export function showOwner(owner) {
  setText(byId("account"), owner ? `Account: ${owner}` : "");
}
