// What lists have in common: the virtual host chosen, links to objects, columns that many have.

import { html } from './html.js';
import { vhostChosen } from './settings.js';
import { to } from './router.js';
import { exchangeName, clientName, rate } from './format.js';
import { state } from './ui.js';

export function ofVhost(rows) {
  const chosen = vhostChosen();
  return chosen ? rows.filter((row) => (row.vhost ?? row.name) === chosen) : rows;
}

export const queueLink = (vhost, name) => html`<a href=${to(['queues', vhost, name])}>${name}</a>`;
export const exchangeLink = (vhost, name) => html`<a href=${to(['exchanges', vhost, name || 'amq.default'])}>${exchangeName(name)}</a>`;
export const connectionLink = (name, text = name) => html`<a href=${to(['connections', name])}>${text}</a>`;
export const channelLink = (name, text = name) => html`<a href=${to(['channels', name])}>${text}</a>`;
export const vhostLink = (name) => html`<a href=${to(['vhosts', name])}>${name}</a>`;
export const userLink = (name) => html`<a href=${to(['users', name])}>${name}</a>`;

export const vhostColumn = { id: 'vhost', title: 'Virtual host', value: (row) => row.vhost, cell: (row) => vhostLink(row.vhost) };
export const stateColumn = { id: 'state', title: 'State', value: (row) => row.state, cell: (row) => state(row.state), narrow: true };

/** A column of a rate, told by `message_stats` or by the row itself. */
export function rateColumn(id, title, hint, stats = (row) => row.message_stats) {
  const value = (row) => stats(row)?.[`${id}_details`]?.rate;
  return { id: `${id}_rate`, title, hint, numeric: true, value, cell: (row) => rate(value(row)) };
}

/** Names of connections as their programs call themselves. */
export const clientNames = (connections) => new Map((connections ?? []).map((one) => [one.name, clientName(one)]));

/** The virtual hosts that one may choose for something new; the chosen one first. */
export function vhostChoices(vhosts) {
  const names = (vhosts ?? []).map((one) => one.name);
  const chosen = vhostChosen();
  return { names, chosen: names.includes(chosen) ? chosen : names.includes('/') ? '/' : names[0] };
}
