// The participant in the page; `peer.mjs` calls `join`, `obey` and `leave`, and prints what `say` is given.

const { ExternalE2EEKeyProvider, Room, RoomEvent } = window.LivekitClient;
const say = window.say;
const published = new Map(); // name → our track
const found = new Map(); // SID → track of another
const wanted = new Set(); // names to read as soon as there is a track
let room;

window.join = async ({ url, token, passphrase, key }) => {
  const encryption = await encrypted(passphrase, key);
  room = new Room({ encryption });
  room.on(RoomEvent.DataTrackPublished, (track) => {
    const { sid, name, usesE2ee } = track.info;
    found.set(sid, track);
    say({ event: "track", publisher: track.publisherIdentity, name, sid, encrypted: usesE2ee });
    if (wanted.delete(name)) read(track);
  });
  room.on(RoomEvent.DataTrackUnpublished, (sid) => {
    say({ event: "untrack", name: found.get(sid)?.info.name });
    found.delete(sid);
  });
  room.on(RoomEvent.Disconnected, () => say({ event: "disconnected" }));
  room.on(RoomEvent.Reconnected, () => say({ event: "reconnected" }));
  if (encryption) await room.setE2EEEnabled(true);
  await room.connect(url, token);
  await say({ event: "joined" });
};

window.obey = (command, ...words) => ({ publish, send, unpublish, subscribe })[command](...words);

window.leave = async () => {
  await room.disconnect();
  await say({ event: "left" });
};

async function encrypted(passphrase, key) {
  if (!passphrase && !key) return undefined;
  const keyProvider = new ExternalE2EEKeyProvider();
  await keyProvider.setKey(key ? bytes(key).buffer : passphrase);
  return { keyProvider, worker: new Worker("/worker.js") };
}

async function publish(name) {
  try {
    const track = await room.localParticipant.publishDataTrack({ name });
    published.set(name, track);
    say({ event: "published", name, encrypted: track.info.usesE2ee });
  } catch (error) {
    say({ event: "refused", name: name.slice(0, 100), error: String(error).slice(0, 200) });
  }
}

async function send(name, timestamp, payload) {
  const userTimestamp = timestamp === "-" ? undefined : BigInt(timestamp);
  try {
    await published.get(name).tryPush({ payload: bytes(payload), userTimestamp });
  } catch (error) {
    say({ event: "not sent", name, error: String(error).slice(0, 200) });
  }
}

async function unpublish(name) {
  await published.get(name).unpublish();
  say({ event: "unpublished", name });
}

function subscribe(name) {
  const track = [...found.values()].find((track) => track.info.name === name);
  track ? read(track) : wanted.add(name);
}

async function read(track) {
  const name = track.info.name;
  try {
    const reader = track.subscribe({ bufferSize: 256 }).getReader();
    for (let next; !(next = await reader.read()).done; ) {
      const { payload, userTimestamp } = next.value;
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", payload));
      const sha = [...digest.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      say({ event: "frame", name, len: payload.length, sha, ts: userTimestamp === undefined ? null : Number(userTimestamp) });
    }
    say({ event: "ended", name });
  } catch (error) {
    say({ event: "ended", name, error: String(error).slice(0, 200) });
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
