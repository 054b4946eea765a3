// Joins a room and shows every data track in it. Where, and as whom: `?url=…&token=…`, or what `session.json` says.

import { Track } from "./track.mjs";

const { Room, RoomEvent } = window.LivekitClient;
const parent = document.querySelector("#tracks");
const template = document.querySelector("#card");
const state = document.querySelector("#state");
const tracks = new Set();
const BETWEEN_PICTURES = 30; // milliseconds: smooth enough, and half the work
let drawn = 0;

const room = new Room();
room.on(RoomEvent.DataTrackPublished, follow);
for (const [event, text] of [
  [RoomEvent.Reconnecting, "reconnecting…"],
  [RoomEvent.Reconnected, "live"],
  [RoomEvent.Disconnected, "the room has ended"],
]) {
  room.on(event, () => (state.textContent = text));
}

try {
  const { url, token } = await session();
  await room.connect(url, token, { autoSubscribe: false });
  state.textContent = `live in “${room.name}”`;
} catch (error) {
  state.textContent = String(error.message ?? error);
}
requestAnimationFrame(draw);

async function session() {
  const asked = new URLSearchParams(location.search);
  if (asked.has("token")) return { url: asked.get("url"), token: asked.get("token") };
  const answer = await fetch("session.json");
  return { url: `ws://${location.host}`, ...(await answer.json()) };
}

async function follow(published) {
  const track = new Track(published, template, parent);
  tracks.add(track);
  try {
    await track.read();
  } catch (error) {
    console.warn(`${published.info.name}: ${error.message}`);
  }
  tracks.delete(track);
}

function draw() {
  requestAnimationFrame(draw); // first: a picture that fails is not the last one
  const now = performance.now();
  if (now - drawn >= BETWEEN_PICTURES) {
    drawn = now;
    for (const track of tracks) track.show(now);
  }
}
