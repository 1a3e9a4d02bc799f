// Drives tus-js-client as a page would: breaks an upload off, goes on with it at another address (the node was
// killed and started again meanwhile), begins another one and takes it back. Says each step on a line; each
// line on standard input is the address to go on at.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const [modules, address, file] = process.argv.slice(2)
const tus = createRequire(`${modules}/`)('tus-js-client')
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const size = statSync(file).size
const say = (step, more = {}) => console.log(JSON.stringify({ step, ...more }))
const at = (host, url) => url.replace(/^http:\/\/[^/]+/, `http://${host}`)

function upload(options) {
  return new Promise((resolve, reject) => {
    const running = new tus.Upload(options.source ?? createReadStream(file), {
      chunkSize: 3_000_000,
      uploadSize: size,
      retryDelays: null,
      metadata: { filename: 'winter.bin', filetype: 'application/octet-stream' },
      onError: reject,
      onSuccess: () => resolve(running),
      onChunkComplete: (_, accepted) => options.stopAfter && accepted >= options.stopAfter
        && running.abort().then(() => resolve(running)),
      ...options.tus,
    })
    running.start()
  })
}

const first = await upload({ stopAfter: 5_000_000, tus: { endpoint: `http://${address}/api/v1/uploads` } })
say('broken off', { url: first.url })

const again = (await lines.next()).value
const bytes = readFileSync(file)
const second = await upload({ source: bytes, tus: { uploadUrl: at(again, first.url) } })
say('complete', { url: second.url })

const given = await upload({ stopAfter: 1, tus: { endpoint: `http://${again}/api/v1/uploads` } })
await tus.Upload.terminate(given.url)
say('given up', { url: given.url })
process.exit(0)
