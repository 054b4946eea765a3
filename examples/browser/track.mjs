// One data track: reads its frames, and shows value, rate and latency on a card.

import { Plot } from "./plot.mjs";

const LOOK = 250; // milliseconds between two points of rate and latency
const SPAN = 1000; // milliseconds over which frames are counted
const COLOURS = ["#5cc8ff", "#ffb454", "#7ee787", "#d2a8ff", "#ff7b72", "#f2cc60"];
let cards = 0;

export class Track {
  #track;
  #card;
  #plots;
  #arrivals = []; // times of the last second
  #latencies = []; // since the last look
  #looked = 0;
  #last; // value and size of the newest frame

  constructor(track, template, parent) {
    this.#track = track;
    this.#card = template.content.cloneNode(true).firstElementChild;
    const colour = COLOURS[cards++ % COLOURS.length];
    this.#card.style.setProperty("--colour", colour);
    this.#card.dataset.track = track.info.name;
    this.#write("name", track.info.name);
    this.#write("publisher", `by ${track.publisherIdentity}`);
    const plot = (name, options) => new Plot(this.#card.querySelector(`canvas.${name}`), colour, options);
    this.#plots = { value: plot("value"), rate: plot("rate", { floor: 0 }), latency: plot("latency", { floor: 0 }) };
    parent.append(this.#card);
  }

  // Ends with the track.
  async read() {
    const reader = this.#track.subscribe({ bufferSize: 256 }).getReader();
    try {
      for (let next; !(next = await reader.read()).done; ) this.#take(next.value);
    } finally {
      this.#card.remove();
    }
  }

  #take({ payload, userTimestamp }) {
    const now = performance.now();
    this.#arrivals.push(now);
    this.#last = { value: valueOf(payload), size: payload.length };
    if (userTimestamp !== undefined) this.#latencies.push(Date.now() - Number(userTimestamp));
    this.#plots.value.add(now, this.#last.value);
  }

  show(now) {
    if (now - this.#looked >= LOOK) this.#look(now);
    if (this.#last) {
      this.#card.dataset.value = this.#last.value;
      this.#write("value", round(this.#last.value));
      this.#write("size", this.#last.size.toLocaleString("en").replaceAll(",", "\u202f"));
    }
    for (const plot of Object.values(this.#plots)) plot.draw(now);
  }

  #look(now) {
    this.#looked = now;
    const recent = this.#arrivals.findIndex((time) => time > now - SPAN);
    this.#arrivals.splice(0, recent < 0 ? this.#arrivals.length : recent);
    this.#point("rate", now, this.#arrivals.length * (1000 / SPAN));
    const latencies = this.#latencies.sort((one, other) => one - other);
    if (latencies.length) this.#point("latency", now, latencies[latencies.length >> 1]);
    this.#latencies = [];
  }

  #point(name, now, value) {
    this.#plots[name].add(now, value);
    this.#write(name, round(value));
    this.#card.dataset[name] = value;
  }

  #write(name, text) {
    this.#card.querySelector(`:not(canvas).${name}`).textContent = text;
  }
}

// What a frame amounts to: the number that is its text, the first number of its JSON object, else its size.
function valueOf(payload) {
  try {
    const said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    const number = [said, ...Object.values(said ?? {})].find(Number.isFinite);
    if (number !== undefined) return number;
  } catch {
    // Not text, or no JSON.
  }
  return payload.length;
}

function round(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 3 : 1);
}
