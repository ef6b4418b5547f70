// What facts are called to people.

const number = new Intl.NumberFormat("en");

export function variantWords(variant) {
  return [sizeWords(variant), formatWords(variant.content_type), bytes(variant.size_bytes)].filter(Boolean).join(" · ");
}

export function sizeWords({ width, height }) {
  return width && height ? `${width} × ${height}` : "";
}

/** How long a sound is, and how it was sent. */
export function soundWords(audio) {
  if (!audio) return "";
  const seconds = Math.round(audio.duration_seconds);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const time = parts.slice(parts[0] > 0 ? 0 : 1).map((part) => String(part).padStart(2, "0")).join(":");
  const channels = { 1: "mono", 2: "stereo" }[audio.channels] ?? `${audio.channels} channels`;
  return `${time} · ${channels} · ${audio.sample_rate / 1000} kHz`;
}

/** How many pages a document has. */
export function pageWords(facts) {
  return facts ? `${number.format(facts.pages)} ${facts.pages === 1 ? "page" : "pages"}` : "";
}

/** What people call formats that have other names as media types. */
const formatNames = new Map([
  ["application/msword", "Word"],
  ["application/vnd.ms-excel", "Excel"],
  ["application/vnd.ms-powerpoint", "PowerPoint"],
  ["application/vnd.oasis.opendocument.presentation", "OpenDocument presentation"],
  ["application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet"],
  ["application/vnd.oasis.opendocument.text", "OpenDocument text"],
  ["application/vnd.openxmlformats-officedocument.presentationml.presentation", "PowerPoint"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word"],
  ["audio/mp4", "M4A"],
  ["audio/mpeg", "MP3"],
  ["image/webp", "WebP"],
  ["text/csv", "CSV"],
  ["text/markdown", "Markdown"],
  ["text/plain", "Text"],
  ["video/quicktime", "QuickTime"],
  ["video/webm", "WebM"],
]);

/** `image/jpeg` is JPEG to people, and `audio/x-wav` is WAV. */
export function formatWords(mimeType) {
  const type = (mimeType ?? "").split(";")[0].trim().toLowerCase();
  const subtype = type.split("/").pop().replace(/^(x-|vnd\.)/, "");
  return formatNames.get(type) ?? subtype.toUpperCase();
}

/** Characters that turn or hide the text around them would let a name lie about its ending. */
export function printable(name) {
  return name.replace(/[\p{Cc}\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu, "\uFFFD");
}

/** `5368709120 bytes` is easier to read as `5,368,709,120 bytes`. */
export function spaced(quantity) {
  return quantity?.replace(/\d{5,}/g, (digits) => number.format(BigInt(digits)));
}

export function bytes(count) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1);
  const value = count / 1024 ** power;
  return `${value.toFixed(power > 0 && value < 100 ? 1 : 0)} ${units[power]}`;
}
