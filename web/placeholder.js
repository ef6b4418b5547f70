// What is shown of a picture while it is loading.

import { thumbHashToDataURL } from "./thumbhash.js";

/** Shows it on `element`, which it covers or is contained in: `fit` is as in `background-size`. */
export function paint(element, placeholder, fit) {
  if (!placeholder) return;
  const { style } = element;
  const address = placeholder.thumbhash ? blurred(placeholder.thumbhash) : "";
  if (!address) style.backgroundColor = placeholder.color;
  else style.background = `center / ${fit} no-repeat url("${address}")`;
}

/** What can be seen through the picture is what is behind it, once it is there. */
export function wipe(element) {
  element.style.background = "";
}

/** An address that holds the picture itself; nothing if that is none. */
function blurred(thumbhash) {
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (letter) => letter.charCodeAt(0)));
  } catch {
    return "";
  }
}
