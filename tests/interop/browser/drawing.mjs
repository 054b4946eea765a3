// The scripts of examples/browser without a browser: what a page draws that was hidden for long, and what becomes of a picture that fails.

import assert from "node:assert/strict";

// Stands for every element: takes everything, and amounts to 0.
const anything = new Proxy(function () {}, {
  get: (_, name) => (name === Symbol.toPrimitive ? () => 0 : anything),
  set: () => true,
  apply: () => anything,
});
const pictures = [];
const handlers = {};
let fails = false;

globalThis.document = { querySelector: () => anything };
globalThis.location = { search: "?token=any" };
globalThis.requestAnimationFrame = (draw) => pictures.push(draw);
Object.defineProperty(globalThis, "performance", { value: { now: () => 1000 } }); // long enough after the last picture
globalThis.window = {
  get devicePixelRatio() {
    if (fails) throw new Error("this picture fails");
    return 1;
  },
  LivekitClient: {
    RoomEvent: { DataTrackPublished: "published" },
    Room: class {
      on(event, handler) {
        handlers[event] = handler;
      }
      async connect() {}
    },
  },
};

const { Plot } = await import("../../../examples/browser/plot.mjs");
const plot = new Plot(anything, "red", { closest: 0 });
for (let number = 0; number < 300_000; number++) plot.add(1000 + number / 100, number);
plot.draw(4000);

await import("../../../examples/browser/room.mjs");
const silent = { getReader: () => ({ read: () => new Promise(() => {}) }) };
handlers.published({ info: { name: "pose" }, publisherIdentity: "somebody", subscribe: () => silent });
fails = true;
assert.throws(pictures.shift(), /this picture fails/);
assert.equal(pictures.length, 1, "after a picture that fails there is no other");
