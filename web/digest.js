// SHA-256 of a file, so that the service can tell whether what arrived is what was chosen.

/** Browsers digest only what is in memory as a whole, so larger files are sent without. */
const MOST_BYTES = 64 * 1024 * 1024;

/** In hexadecimal; nothing for a file that is too large, and on pages without TLS. */
export async function sha256(file) {
  if (file.size > MOST_BYTES || !globalThis.crypto?.subtle) return undefined;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
