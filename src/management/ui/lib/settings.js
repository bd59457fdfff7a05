// What the page remembers: in this browser, or until the tab is closed.

import { effect, signal } from './signal.js';

function read(store, name, otherwise) {
  try {
    return JSON.parse(store.getItem(`leveret.${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function kept(store, name, otherwise) {
  const value = signal(read(store, name, otherwise));
  effect(() => {
    const now = value();
    try {
      if (now === null) store.removeItem(`leveret.${name}`);
      else store.setItem(`leveret.${name}`, JSON.stringify(now));
    } catch {
      // Storage may be full or forbidden: then it holds until the page is left.
    }
  });
  return value;
}

/** A signal that this browser remembers. */
export const remembered = (name, otherwise) => kept(localStorage, name, otherwise);

/** The credentials (the value of the Authorization header), for this tab only. */
export const credentials = kept(sessionStorage, 'credentials', null);

/** The virtual host that lists are limited to; empty for all. */
export const vhostChosen = kept(sessionStorage, 'vhost', '');

/** system, light or dark. */
export const theme = remembered('theme', 'system');

effect(() => {
  if (theme() === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme();
});
