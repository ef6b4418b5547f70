// Sends a file with tus-js-client: node tus.mjs <module> <endpoint> <key> <file> <chunk bytes> <type> [uploads beside each other]
import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'

const [module, endpoint, key, file, chunk, filetype, parallel] = process.argv.slice(2)
const tus = await import(pathToFileURL(module))
const upload = new tus.Upload(createReadStream(file), {
  endpoint,
  headers: { Authorization: `Bearer ${key}` },
  metadata: { filename: basename(file), filetype },
  uploadSize: parallel ? null : statSync(file).size,
  parallelUploads: Number(parallel) || 1,
  chunkSize: Number(chunk) || Infinity,
  retryDelays: [0, 200, 500, 1000, 2000, 3000, 3000, 3000],
  onAfterResponse: (_, response) => console.log(response.getStatus(), response.getHeader('X-File-Id') ?? ''),
  onError: (error) => { console.error(String(error)); process.exit(1) },
  onSuccess: () => console.log('done', upload.url),
})
upload.start()
