// A participant by livekit-client in Chromium, as a process: the lines of ../peer.py, in and out.
//
// This side serves the page, hands it the lines of standard input, and prints what it says. The page is the participant.
// DATATRACKS_BROWSER is the folder with node_modules, DATATRACKS_BROWSER_ENDPOINT where the running Chromium listens.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { once } from "node:events";
import readline from "node:readline";

const env = process.env;
const require = createRequire(`${env.DATATRACKS_BROWSER}/`);
const puppeteer = require("puppeteer-core");

const DIST = `${env.DATATRACKS_BROWSER}/node_modules/livekit-client/dist`;
const FILES = {
  "/": ["text/html", new URL("page.html", import.meta.url)],
  "/page.mjs": ["text/javascript", new URL("page.mjs", import.meta.url)],
  "/livekit-client.js": ["text/javascript", `${DIST}/livekit-client.umd.js`],
  "/worker.js": ["text/javascript", `${DIST}/livekit-client.e2ee.worker.js`],
};

const server = createServer(async (request, response) => {
  const [type, file] = FILES[request.url] ?? [];
  response.writeHead(file ? 200 : 404, { "Content-Type": type ?? "text/plain" });
  response.end(file && (await readFile(file)));
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const browser = await puppeteer.connect({ browserWSEndpoint: env.DATATRACKS_BROWSER_ENDPOINT });
const page = await browser.newPage();
page.on("console", (message) => {
  // Its worker prints the payloads that it encrypts, at the level of debugging.
  if (["warn", "error"].includes(message.type())) console.error("console:", message.text().slice(0, 300));
});
page.on("pageerror", (error) => console.error("page:", error.message));
process.on("SIGTERM", async () => {
  await page.close(); // else it would stay in the room
  process.exit();
});
await page.exposeFunction("say", (what) => console.log(JSON.stringify(what)));
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction("window.join");
await page.evaluate((options) => window.join(options), {
  url: env.LIVEKIT_URL,
  token: env.LIVEKIT_TOKEN,
  passphrase: env.DATATRACKS_E2EE_PASSPHRASE,
  key: env.DATATRACKS_E2EE_KEY,
});
for await (const line of readline.createInterface({ input: process.stdin })) {
  await page.evaluate((words) => window.obey(...words), line.split(" "));
}
await page.evaluate(() => window.leave());
await page.close();
await browser.disconnect();
server.close();
