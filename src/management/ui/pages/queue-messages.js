// Getting messages out of a queue, in the four modes of the API, and reading them.

import { html, keyed } from '../lib/html.js';
import { signal } from '../lib/signal.js';
import { api, post } from '../lib/api.js';
import { confirm } from '../lib/dialog.js';
import { plural } from '../lib/format.js';
import { failed, panel } from '../lib/ui.js';
import { field, form, select, text } from '../lib/forms.js';
import { refresh } from '../lib/live.js';
import '../lib/message.js';

const MODES = [
  ['ack_requeue_true', 'Look, and put back', false],
  ['ack_requeue_false', 'Take out (acknowledge)', true],
  ['reject_requeue_true', 'Reject, and put back', false],
  ['reject_requeue_false', 'Reject (dead letter)', true],
];

export function messagesView(vhost, name) {
  const got = signal(null);
  const error = signal(null);
  const submit = async ({ mode, count }) => {
    const [, words, isTaking] = MODES.find(([id]) => id === mode);
    if (isTaking && !(await confirm({ title: `Take messages out of ${name}?`, text: `${words}: up to ${plural(Number(count), 'message')} will leave the queue.`, action: words }))) return;
    try {
      // As base64 every byte is what it was; the page reads them.
      const messages = await post(api('queues', vhost, name, 'get'), { count: Number(count), ackmode: mode, encoding: 'base64' });
      got.set({ messages, number: (got.peek()?.number ?? 0) + 1 });
      error.set(null);
    } catch (refused) {
      error.set(refused);
    }
    refresh();
  };
  return () => html`<div class="stack">${panel('Get messages', html`
    <p class="hint">What is put back keeps its place, but is marked as redelivered, and counts as a delivery in a quorum queue.</p>
    ${form(html`<div class="fields">${field('How', select('mode', MODES, 'ack_requeue_true'))}${field('How many', text('count', { type: 'number', value: '10' }))}</div>`, { action: 'Get messages', submit })}
    ${failed(error())}${results(got(), name)}`)}</div>`;
}

function results(got, name) {
  if (!got) return null;
  if (got.messages.length === 0) return html`<p class="hint" role="status">No message is ready in ${name}.</p>`;
  return html`<p class="hint" role="status">${plural(got.messages.length, 'message')}, the oldest first; ${plural(got.messages.at(-1).message_count, 'more is', 'more are')} ready.</p>
    ${got.messages.map((message, at) => keyed(`${got.number}.${at}`, html`<message-view .message=${message}></message-view>`))}`;
}
