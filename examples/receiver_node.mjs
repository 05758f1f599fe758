// A receiver in Node, without packages: verify, keep, answer; the work is done afterwards.
//
//     RECEIVER_DIR=dir PORT=9000 node examples/receiver_node.mjs
//
// `dir` holds `secret` (the endpoint's, whsec_…) and `jwks.json` (the coordinator's, fetched once over https). What came is
// kept in `dir/inbox/`, each event once.
import { createHmac, createPublicKey, randomUUID, timingSafeEqual, verify } from "node:crypto";
import { access, link, mkdir, open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const folder = process.env.RECEIVER_DIR;
const inbox = join(folder, "inbox");
const secret = (await readFile(join(folder, "secret"), "ascii")).trim();
const { keys } = JSON.parse(await readFile(join(folder, "jwks.json"), "utf8"));
const coordinatorKeys = keys.map((jwk) => createPublicKey({ key: jwk, format: "jwk" }));
const MOST_BYTES = 64 * 1024;
await mkdir(inbox, { recursive: true });

function isAuthentic(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const stamp = headers["webhook-timestamp"] ?? "";
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(id) || !/^[1-9][0-9]{0,11}$/.test(stamp)) return false;
  // Sent just now, neither old nor from the future.
  if (Math.abs(Date.now() / 1000 - Number(stamp)) > 300) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${stamp}.`), body]);
  const offered = (headers["webhook-signature"] ?? "").split(" ");
  const given = (kind) =>
    offered.filter((each) => each.startsWith(kind)).map((each) => Buffer.from(each.slice(kind.length), "base64"));
  const mac = createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64")).update(signed).digest();
  const bySecret = given("v1,").some((each) => each.length === mac.length && timingSafeEqual(each, mac));
  const byKey = given("v1a,").some((each) => coordinatorKeys.some((key) => verify(null, signed, key, each)));
  return bySecret && byKey;
}

// Store an event for good, or leave what is there: a repeat bears the same id.
async function keep(id, body) {
  const draft = join(folder, `draft-${randomUUID()}`);
  const file = await open(draft, "wx");
  await file.writeFile(body);
  await file.sync();
  await file.close();
  try {
    await link(draft, join(inbox, `${id}.json`)); // whole, or not at all
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  } finally {
    await rm(draft);
  }
}

// Do what the events ask for, one after the other, also those of before a restart.
let working = Promise.resolve();
function work() {
  working = working.then(async () => {
    for (const name of (await readdir(inbox)).filter((each) => each.endsWith(".json")).sort()) {
      const done = join(inbox, name.replace(/json$/, "done"));
      if (await access(done).then(() => true, () => false)) continue;
      const event = JSON.parse(await readFile(join(inbox, name), "utf8"));
      // Here: verify the notice, and freeze. Of a drill, which the signed document says as well, say
      // what you would have found, and touch nobody's funds.
      const drill = event.data?.drill === true ? " drill" : "";
      console.log(`worked ${name.slice(0, -".json".length)} ${event.type}${drill}`);
      await writeFile(done, "");
    }
  }).catch((error) => console.error(error));
}

async function readBody(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size <= MOST_BYTES) parts.push(part); // to leave early would cut the connection before the answer
  }
  return size > MOST_BYTES ? null : Buffer.concat(parts);
}

const server = createServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/hook") return response.writeHead(404).end();
  try {
    const body = await readBody(request);
    if (body === null) return response.writeHead(413).end();
    if (!isAuthentic(request.headers, body)) return response.writeHead(401).end();
    await keep(request.headers["webhook-id"], body);
    response.writeHead(204).end();
    work();
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(); // it was not kept: let it come again
  }
});
work();
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
