// Uploads that are not over, kept in this browser, so that they go on after the page was closed. No key and no address
// is kept: only what tells a file again, and its upload.

const NAME = "mediamill.uploads";
const MOST = 500;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME));
    return Array.isArray(kept) ? kept.filter((one) => Date.parse(one.session?.expires_at) > Date.now()) : [];
  } catch {
    return [];
  }
}

function write(kept) {
  try {
    localStorage.setItem(NAME, JSON.stringify(kept.slice(-MOST)));
  } catch {
    // Storage is blocked or full: uploads live as long as the page.
  }
}

/** Keeps an upload of an owner. Signed addresses are secrets, and stay out. */
export function keep(owner, file, { file_id, upload_id, expires_at, upload }) {
  const { strategy, part_size_bytes, part_count } = upload;
  const session = { file_id, upload_id, expires_at, upload: { strategy, part_size_bytes, part_count } };
  write([...read(), { owner, name: file.name, size: file.size, modified: file.lastModified, session }]);
}

/** The kept upload of this very file: the same name, size and time of change. */
export function find(owner, file) {
  const same = ({ name, size, modified }) => name === file.name && size === file.size && modified === file.lastModified;
  return read().find((one) => one.owner === owner && same(one))?.session ?? null;
}

/** Whether an owner's file can go on here. */
export function has(owner, fileId) {
  return read().some((one) => one.owner === owner && one.session.file_id === fileId);
}

/** The upload is over. */
export function forget(fileId) {
  write(read().filter((one) => one.session.file_id !== fileId));
}

/** The owner leaves this browser. */
export function forgetAll(owner) {
  write(read().filter((one) => one.owner !== owner));
}
