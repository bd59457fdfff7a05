// Why messages wait in a queue: what the broker says, in plain sentences.

import { html } from './html.js';
import { signal } from './signal.js';
import { dev, get } from './api.js';
import { to } from './router.js';
import { count } from './format.js';
import { failed, panel } from './ui.js';
import { connectionLink } from './lists.js';

const SHOWN_MAX = 20;

const messagesOf = (vhost, name, state) => to(['queues', vhost, name], { show: 'messages', state });

/** What one can do about it. */
const NEXT = {
  no_consumers: (at) => html`Start a program that subscribes, or look at what waits: <a href=${messagesOf(...at, '')}>Messages</a>.`,
  no_room: (at) => html`Consumers get more when they acknowledge what they have: <a href=${messagesOf(...at, 'unacked')}>Unacknowledged messages</a>.`,
  delayed: (at) => html`They can be delivered now: <a href=${messagesOf(...at, 'delayed')}>Delayed messages</a>.`,
};

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

const consumerLine = (one, names) => html`<li><span class=${one.key === 'has_room' ? 'yes' : 'no'}>${one.key === 'has_room' ? 'takes' : 'waits'}</span>
  <span><code>${one.consumer_tag}</code> of ${connectionLink(one.connection, names.get(one.connection))} ${one.text}.${one.connection_blocked ? ' Its connection is paused by the memory alarm: what it acknowledges is not read before that is over.' : ''}</span></li>`;

/** The panel of a queue. It asks anew when numbers of the queue are others; `names` are those of the connections. */
export function whyView(vhost, name, names) {
  const found = signal({ data: undefined, error: null });
  let asked = '';
  const ask = async (numbers) => {
    asked = numbers;
    try {
      const data = await get(dev('explain', 'queue', vhost, name));
      if (asked === numbers) found.set({ data, error: null });
    } catch (error) {
      if (asked === numbers) found.set({ ...found.peek(), error });
    }
  };
  return (data) => {
    const numbers = [data.messages_ready, data.messages_unacknowledged, data.consumers].join();
    if (numbers !== asked) ask(numbers);
    const { data: why, error } = found();
    return panel('Why is nothing consumed?', html`${failed(error)}${why ? answer(why, [vhost, name], names()) : null}`);
  };
}

function answer({ reasons, consumers }, at, names) {
  const rest = consumers.length - SHOWN_MAX;
  return html`<ul class="reasons">${reasons.map((one) => html`<li><strong>${sentence(one.text)}</strong> ${NEXT[one.key]?.(at)}</li>`)}</ul>
    ${consumers.length ? html`<ul class="verdicts below-it">${consumers.slice(0, SHOWN_MAX).map((one) => consumerLine(one, names))}</ul>` : null}
    ${rest > 0 ? html`<p class="hint">and ${count(rest)} more</p>` : null}`;
}
