// A curve over the last seconds that moves to the left. Knows nothing of tracks.

export const WINDOW = 8000; // milliseconds

export class Plot {
  #canvas;
  #colour;
  #points = []; // [time, value], in order of time
  #closest;
  #floor;

  // `closest`: milliseconds between two points; what comes sooner is not drawn. `floor`: a value that is always in sight.
  constructor(canvas, colour, { closest = 8, floor } = {}) {
    this.#canvas = canvas;
    this.#colour = colour;
    this.#closest = closest;
    this.#floor = floor;
  }

  add(time, value) {
    const last = this.#points.at(-1);
    if (!last || time - last[0] >= this.#closest) this.#points.push([time, value]);
  }

  draw(now) {
    const begin = now - WINDOW;
    const gone = this.#points.findIndex(([time]) => time >= begin);
    this.#points.splice(0, Math.max(gone - 1, 0)); // the curve begins outside
    const { context, width, height } = this.#clear();
    if (this.#points.length < 2) return;
    const [low, high] = this.#range();
    const x = (time) => ((time - begin) / WINDOW) * width;
    const y = (value) => height - 3 - ((value - low) / (high - low)) * (height - 6);
    context.beginPath();
    for (const [time, value] of this.#points) context.lineTo(x(time), y(value));
    context.strokeStyle = this.#colour;
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.stroke();
    this.#shade(context, x(this.#points[0][0]), x(this.#points.at(-1)[0]), height);
  }

  // Sharp on every screen, whatever size the page gave it.
  #clear() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = window.devicePixelRatio;
    this.#canvas.width = width * scale; // clears it too
    this.#canvas.height = height * scale;
    const context = this.#canvas.getContext("2d");
    context.scale(scale, scale);
    return { context, width, height };
  }

  #range() {
    // Not spread into arguments: of those there may be fewer than points.
    let [low, high] = this.#floor === undefined ? [Infinity, -Infinity] : [this.#floor, this.#floor];
    for (const [, value] of this.#points) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return low === high ? [low - 1, high + 1] : [low, high];
  }

  // The area below the curve that is the current path.
  #shade(context, left, right, height) {
    context.lineTo(right, height);
    context.lineTo(left, height);
    const shade = context.createLinearGradient(0, 0, 0, height);
    shade.addColorStop(0, `color-mix(in srgb, ${this.#colour} 28%, transparent)`);
    shade.addColorStop(1, "transparent");
    context.fillStyle = shade;
    context.fill();
  }
}
