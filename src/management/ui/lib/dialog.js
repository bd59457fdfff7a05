// Windows that ask, and notes that tell: <dialog> for the first, a polite list for the second.

import { html, keyed, render } from './html.js';
import { effect, signal } from './signal.js';
import { failed, icon } from './ui.js';
import { refresh } from './live.js';
import { go, route } from './router.js';

const notes = signal([]);
let noteNumber = 0;

/** Tell what was done, or what went wrong. */
export function tell(text, error = null) {
  const note = { id: (noteNumber += 1), text, error };
  notes.set([...notes.peek(), note].slice(-4));
  if (!error) setTimeout(() => drop(note), 5000);
}

function drop(note) {
  notes.set(notes.peek().filter((one) => one !== note));
}

const board = document.createElement('div');
board.className = 'notes';
board.setAttribute('role', 'status');

/** What stands outside of a window that asks is out of reach: the notes are in it while it is open. */
const pinBoard = () => ([...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body).append(board);
pinBoard();

effect(() => render(html`${notes().map((note) => keyed(note.id, html`
  <div class="note ${note.error ? 'error' : ''}">${icon(note.error ? 'warning' : 'check')}
    <div><p>${note.text}</p>${note.error ? failed(note.error) : null}</div>
    <button type="button" class="quiet" aria-label="Close this note" @click=${() => drop(note)}>${icon('close')}</button></div>`))}`, board));

/** Open a window with what `view(close)` shows; resolves with what it is closed with. */
export function open(view, { label, wide } = {}) {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-label', label);
  if (wide) dialog.className = 'wide';
  return new Promise((resolve) => {
    let result;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    dialog.addEventListener('close', () => {
      pinBoard();
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener('click', (event) => event.target === dialog && close());
    render(view(close), dialog);
    document.body.append(dialog);
    dialog.showModal();
    pinBoard();
  });
}

/** Ask once, naming the object. */
export function confirm({ title, text, action }) {
  return open((close) => html`<form method="dialog" class="ask" @submit=${(event) => { event.preventDefault(); close(true); }}>
    <h2>${title}</h2>${text ? html`<p>${text}</p>` : null}
    <div class="buttons"><button type="button" class="plain" @click=${() => close(false)}>Cancel</button>
    <button type="submit" class="danger" autofocus>${action}</button></div></form>`, { label: title });
}

/** Do it, tell that it was done (or null, where `work` tells) or why not, and look again; or leave, when what is shown is gone and
 * nobody went elsewhere. True when it was done. */
export async function attempt(done, work, leaveTo) {
  const here = route.peek().path;
  try {
    await work();
    if (done) tell(done);
    if (leaveTo && route.peek().path === here) go(leaveTo);
    else refresh();
    return true;
  } catch (error) {
    tell('That did not work.', error);
    refresh();
    return false;
  }
}
