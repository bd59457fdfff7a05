// The one stream of events: opened by a ticket, gone on by id, shut while nobody looks, and healed when it breaks.

import { signal } from './signal.js';
import { post } from './api.js';

const RETRY_MS_MAX = 10000;
/** The broker is heard every 15 s at least: when not, it is not there. */
const SILENCE_MS_MAX = 35000;
const TICKET_MS = 20000;
/** Pages that follow each other are one change of what is wanted. */
const SETTLE_MS = 30;

/** live, paused (by hand), or lost, with when it is tried again. */
export const connection = signal({ state: 'live' });

/** Whether updates were stopped by hand. */
export const paused = signal(false);

let source = null;
let lastId = null;
let wanted = '';
let turn = 0;
let failures = 0;
let timer = 0;
let silence = 0;
let spare = null;
let listener = { hear: () => {}, reset: () => {}, heal: () => {} };

/** Who is told: `hear(topic, news)`, `reset()` when all is to be asked for anew, `heal()` after a loss. */
export const listen = (one) => (listener = one);

async function ticket() {
  const { ticket: way, position } = await post('/dev/ticket');
  // What is asked for after this and the stream from here on leave nothing out between them.
  lastId ??= position;
  return way;
}

/** From now on nothing is missed. Resolves when that is so; ask for lists afterwards. */
export function begin() {
  if (lastId === null && !spare) spare = { at: Date.now(), ticket: ticket() };
  return spare?.ticket.catch(() => {});
}

function way() {
  const { at, ticket: one } = spare ?? { at: 0 };
  spare = null;
  return Date.now() - at < TICKET_MS ? one : ticket();
}

/** What is to be heard: names of topics with commas between them; nothing for silence. */
export function want(topics) {
  if (topics === wanted) return;
  wanted = topics;
  // The stream of before would go past news of the new topics: what comes from here on is told anew.
  shut();
  schedule(SETTLE_MS);
}

function schedule(wait) {
  clearTimeout(timer);
  timer = setTimeout(open, wait);
}

export const isResting = () => paused.peek() || document.hidden;

export function shut() {
  turn += 1;
  clearTimeout(timer);
  clearTimeout(silence);
  source?.close();
  source = null;
}

/** Forget where it was: somebody else signs in. */
export function forget() {
  shut();
  lastId = spare = null;
  wanted = '';
  failures = 0;
  connection.set({ state: 'live' });
}

async function open() {
  shut();
  if (!wanted || isResting()) return;
  const mine = turn;
  const isFresh = lastId === null && !spare;
  try {
    const one = await way();
    if (mine !== turn) return;
    attach(new EventSource(`dev/events?${new URLSearchParams({ ticket: one, topics: wanted, last_event_id: lastId })}`), isFresh);
  } catch {
    if (mine === turn) fail();
  }
}

function attach(one, isFresh) {
  source = one;
  let readyAt = 0;
  const on = (name, act) => one.addEventListener(name, (event) => {
    if (one !== source) return;
    lastId = event.lastEventId || lastId;
    watchSilence();
    act(event.data);
  });
  const ready = (isNew) => {
    readyAt ||= Date.now();
    succeed();
    if (isNew) listener.reset();
  };
  on('ready', () => ready(isFresh));
  on('reset', () => ready(true));
  on('lost', () => listener.reset());
  on('beat', () => {});
  for (const topic of wanted.split(',')) on(topic, (data) => listener.hear(topic, data));
  one.addEventListener('error', () => {
    if (one !== source) return;
    // A stream that was cut is opened anew at once; one that does not open is waited for.
    if (readyAt && Date.now() - readyAt > 1000) open();
    else fail();
  });
  watchSilence();
}

function watchSilence() {
  clearTimeout(silence);
  silence = setTimeout(open, SILENCE_MS_MAX);
}

function succeed() {
  failures = 0;
  const wasLost = connection.peek().state === 'lost';
  connection.set({ state: 'live' });
  if (wasLost) listener.heal();
}

function fail() {
  shut();
  failures += 1;
  const wait = Math.min(RETRY_MS_MAX, 250 * 2 ** failures);
  connection.set({ state: 'lost', retry: Date.now() + wait });
  schedule(wait);
}

/** Look at once whether the broker is there. */
export const retry = () => open();

/** Shut or open, as the page is looked at or not. */
export function rest() {
  if (isResting()) shut();
  else schedule(0);
  if (connection.peek().state !== 'lost') connection.set({ state: paused.peek() ? 'paused' : 'live' });
}
