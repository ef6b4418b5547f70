// What was made of a file: to look at, to play, and to open.

import { element, fill, webAddress } from "./elements.js";
import * as film from "./film.js";
import { paint, wipe } from "./placeholder.js";
import * as sound from "./sound.js";
import { bytes, formatWords, sizeWords, variantWords } from "./words.js";

/** Shows it in a card, of which `find` finds the parts; `facts` are words about the whole. */
export function showVariants(find, { variants: all, placeholder, cdn_url: cdnUrl }, facts) {
  find(".variants").hidden = false;
  const variants = withAvif(all);
  const ofKind = (...kinds) => variants.find((variant) => kinds.includes(variant.kind));
  const main = ofKind("full", "playlist", "page");
  const audio = ofKind("audio");
  const hdr = ofKind("hdr");
  showMain(find, main, cdnUrl, facts);
  showLink(find(".hdr"), "Open in high dynamic range", hdr);
  showLink(find(".whole"), "Open it as one file", ofKind("audio", "video"));
  const pictures = variants.filter((variant) => variant.content_type.startsWith("image/") && variant !== hdr);
  const further = pictures.filter((variant) => variant.page > 1);
  const small = pictures.filter((variant) => variant !== main && !(audio && variant.kind === "waveform")
    && !further.includes(variant));
  const tiles = small.length > 0 || audio ? small : pictures.filter((variant) => !further.includes(variant));
  fill(find(".tiles"), tiles, (variant) => tile(variant, placeholder));
  const bySize = small.toSorted((a, b) => (a.width ?? Infinity) - (b.width ?? Infinity));
  const thumb = find(".thumb");
  const least = bySize[0] ?? tiles[0];
  if (least) fill(thumb, [least], (variant) => outer(picture(variant, "", () => wipe(thumb))));
  const first = further.length > 0 ? [small[0] ?? main] : [];
  fill(find(".pages"), [...first, ...further], (variant) => pageTile(variant, placeholder));
  const played = main?.kind === "playlist" ? [audio ?? main] : [];
  fill(find(".player"), played, (variant) => player(variant, bySize, pictures, placeholder));
}

function showMain(find, main, cdnUrl, facts) {
  const link = find(".full");
  link.href = webAddress(main?.url ?? cdnUrl);
  link.hidden = find(".copy").hidden = !link.getAttribute("href");
  const about = [main && sizeWords(main), facts].filter(Boolean).join(" · ");
  if (main?.kind === "playlist") link.textContent = ["Open the playlist", about].filter(Boolean).join(": ");
  else if (main?.kind === "page") link.textContent = `Open the first page of ${facts}: ${variantWords(main)}`;
  else link.textContent = main ? `Open full size: ${variantWords(main)}` : "Open full size";
}

function showLink(link, words, variant) {
  link.hidden = !variant;
  if (variant) Object.assign(link, { href: webAddress(variant.url), textContent: `${words}: ${variantWords(variant)}` });
}

/** Plays a film or a sound; of the pictures of a kind, the largest is shown with it. */
function player({ kind, url }, bySize, pictures, placeholder) {
  const address = (variant) => webAddress(variant?.url);
  const largest = (kind) => bySize.findLast((variant) => variant.kind === kind);
  if (kind !== "audio") return film.player(webAddress(url), address(largest("poster")), placeholder);
  const wave = pictures.find((variant) => variant.kind === "waveform");
  const { width, height, ...cover } = largest("cover") ?? {};
  const shown = address(cover) ? { address: address(cover), width, height } : undefined;
  return sound.player(webAddress(url), address(wave), shown, placeholder);
}

function tile(variant, placeholder) {
  const image = picture(variant, [variant.kind, sizeWords(variant)].filter(Boolean).join(", "), () => wipe(image));
  image.dataset.testid = "variant";
  paint(image, placeholder, "contain");
  const item = framed(variant, image, sizeWords(variant) || variant.kind);
  const formats = [variant, variant.avif].filter(Boolean);
  const words = formats.map((format) => `${formatWords(format.content_type)} · ${bytes(format.size_bytes)}`);
  item.append(element("span", "tile-facts", words.join(", ")));
  return item;
}

/** Of a document, several pages of which are shown. */
function pageTile(variant, placeholder) {
  const words = `Page ${variant.page ?? 1}`;
  const image = picture(variant, words, () => wipe(image));
  const isFirst = (variant.page ?? 1) === 1;
  // Pages that were drawn by an older version have none of their own; they are of the same paper.
  const paper = isFirst ? placeholder : placeholder && { color: placeholder.color };
  paint(image, variant.placeholder ?? paper, "contain");
  image.loading = "lazy";
  image.dataset.testid = "page";
  return framed(variant, image, words);
}

function framed(variant, image, words) {
  const item = element("li", "tile");
  const address = webAddress(variant.url);
  const link = element(address ? "a" : "span", "frame");
  if (address) Object.assign(link, { href: address, target: "_blank", rel: "noopener noreferrer" });
  link.append(outer(image));
  item.append(link, element("span", "tile-size", words));
  return item;
}

/** Pictures that are made as AVIF, too, have it as `avif`. */
function withAvif(variants) {
  const isAvif = ({ content_type: type }) => type === "image/avif";
  const isSame = (a, b) => a.kind === b.kind && a.width === b.width && a.height === b.height;
  return variants.filter((variant) => !isAvif(variant)).map((variant) => {
    const avif = variants.find((other) => isAvif(other) && isSame(other, variant));
    return avif ? { ...variant, avif } : variant;
  });
}

/** The element to be shown for an image. */
const outer = (image) => image.closest("picture") ?? image;

function picture({ url, width, height, size_bytes: size, avif }, alt, onLoad = () => {}) {
  const image = element("img");
  Object.assign(image, { alt, decoding: "async", referrerPolicy: "no-referrer" });
  image.addEventListener("load", onLoad, { once: true });
  if (width && height) Object.assign(image, { width, height });
  // Of drawings it is often the larger.
  if (avif?.size_bytes < size) {
    const source = Object.assign(element("source"), { type: "image/avif", srcset: webAddress(avif.url) });
    element("picture").append(source, image);
  }
  image.src = webAddress(url);
  return image;
}
