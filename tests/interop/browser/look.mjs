// Opens a page in the running Chromium, and says again and again, in a line of JSON, what the cards of `examples/browser` show.
//
//     node look.mjs ADDRESS
//
// DATATRACKS_BROWSER and DATATRACKS_BROWSER_ENDPOINT are those of `peer.mjs`. With DATATRACKS_SCREENSHOT a picture goes there at the end.

import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";

const env = process.env;
const require = createRequire(`${env.DATATRACKS_BROWSER}/`);
const puppeteer = require("puppeteer-core");

const browser = await puppeteer.connect({ browserWSEndpoint: env.DATATRACKS_BROWSER_ENDPOINT, defaultViewport: null });
const page = await browser.newPage();
await page.setViewport({ width: 1120, height: 864 });
page.on("console", (message) => console.error("console:", message.text().slice(0, 300)));
page.on("pageerror", (error) => console.error("page:", error.message));
page.on("request", (request) => console.error("asks for", request.url().split("?")[0]));
await page.goto(process.argv[2]);

let goOn = true;
process.stdin.on("end", () => (goOn = false)).resume();
while (goOn) {
  console.log(JSON.stringify(await page.$$eval("[data-track]", (cards) => cards.map((card) => ({ ...card.dataset })))));
  await setTimeout(100);
}
if (env.DATATRACKS_SCREENSHOT) await page.screenshot({ path: env.DATATRACKS_SCREENSHOT });
await page.close();
await browser.disconnect();
