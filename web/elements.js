// Elements of pages. Texts come from strangers: they enter as text, never as markup.

/** What `fill` put where. */
const shown = new WeakMap();

/** Shows `words`, or nothing. */
export function setText(element, words) {
  element.hidden = !words;
  if (element.textContent !== (words || "")) element.textContent = words || "";
}

/** Shows what is known, each fact behind its name. */
export function fillFacts(list, facts) {
  const known = facts.filter(([, value]) => value).flatMap(([term, value]) => [["dt", term], ["dd", value]]);
  fill(list, known, ([tag, text]) => element(tag, "", text));
}

/** Makes the children anew only if there is news: what is being read, selected or loaded stays. */
export function fill(parent, items, child) {
  const news = JSON.stringify(items);
  if (shown.get(parent) === news) return;
  shown.set(parent, news);
  parent.replaceChildren(...items.map(child));
}

export function element(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** The address, if a browser may be sent there; nothing for scripts and the like. */
export function webAddress(url) {
  return /^https?:\/\//i.test(url ?? "") ? url : "";
}
