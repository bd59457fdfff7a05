// Messages of a queue: looked at where they stand, moved, dropped, delivered now; or got, in the four modes of the API.

import { html, keyed } from '../lib/html.js';
import { signal } from '../lib/signal.js';
import { api, dev, post, ApiError } from '../lib/api.js';
import { attempt, confirm, open, tell } from '../lib/dialog.js';
import { count, plural } from '../lib/format.js';
import { failed, panel } from '../lib/ui.js';
import { field, form, select, text, tick } from '../lib/forms.js';
import { refresh } from '../lib/live.js';
import '../lib/message.js';
import '../lib/message-list.js';

const MODES = [
  ['ack_requeue_true', 'Look, and put back', false],
  ['ack_requeue_false', 'Take out (acknowledge)', true],
  ['reject_requeue_true', 'Reject, and put back', false],
  ['reject_requeue_false', 'Reject (dead letter)', true],
];

const STOPPED = { refused: 'the next one is refused: the queue there is full or gone', unroutable: 'the next one leads to no queue' };

/** `all 12` or `3 chosen`. */
const amount = (chosen, all) => (chosen ? `${count(chosen)} chosen` : `all ${count(all)}`);

export function messagesView(vhost, name, queues) {
  const path = (state) => `${dev('queues', vhost, name, 'peek')}?state=${state}`;
  const actions = [
    { id: 'move', state: 'ready', title: (chosen, all) => `Move ${amount(chosen, all)} …`, run: (seqs, all) => move(vhost, name, queues, seqs, all) },
    { id: 'discard', state: 'ready', needs: true, danger: true, title: (chosen) => `Discard ${chosen ? count(chosen) : 'chosen'}`, run: (seqs) => discard(vhost, name, seqs) },
    { id: 'deliver', state: 'delayed', title: (chosen, all) => `Deliver ${amount(chosen, all)} now`, run: (seqs) => deliver(vhost, name, seqs) },
  ];
  const got = getView(vhost, name);
  return (data) => {
    const isStream = data.type === 'stream';
    return html`<div class="stack">${panel('Messages', html`<p class="hint">Looking changes nothing: no message is marked as redelivered, none loses its place.</p>
      <message-list .path=${path} .states=${states(data)} .actions=${isStream ? [] : actions} .isstream=${isStream}></message-list>`)}${isStream ? null : got()}</div>`;
  };
}

/** Which messages there are. */
function states(data) {
  const all = [
    { id: 'ready', title: 'Ready', count: data.messages_ready, none: ['No message waits here', 'Publish one on the tab Publish, or from a shell:', `rabbitmqadmin publish message --routing-key ${data.name} --payload hello`] },
    { id: 'unacked', title: 'Unacknowledged', count: data.messages_unacknowledged, none: ['No message is out', 'Here are those that consumers have and did not yet acknowledge.'] },
    { id: 'delayed', title: 'Delayed', count: data.messages_delayed ?? 0, none: ['No message is delayed', 'Quorum queues with a delayed retry keep messages here until their next try. What x-delayed-message exchanges keep is on their pages.'] },
  ];
  return data.type === 'stream' ? all.slice(0, 1) : data.type === 'quorum' ? all : all.slice(0, 2);
}

function move(vhost, name, queues, seqs, all) {
  const names = (queues().data ?? []).map((one) => one.name).filter((one) => one !== name);
  const words = `Move ${plural(all, 'message')} from ${name}`;
  const submit = async ({ queue, copy, forget }, close) => {
    const request = { to: { queue }, which: seqs, copy, remove_death_headers: forget };
    const isDone = await attempt(null, async () => {
      const { moved, copied, stopped } = await post(dev('queues', vhost, name, 'move'), request);
      const done = `${copy ? 'Copied' : 'Moved'} ${plural(moved ?? copied, 'message')} to ${queue}.`;
      tell(done, stopped ? new ApiError(200, 'Stopped', STOPPED[stopped] ?? stopped) : null);
    });
    if (isDone) close(true);
  };
  return open((close) => html`<div class="ask"><h2>${words}</h2>
    ${form(html`<div class="fields">${field('To the queue', html`<input name="queue" list="move-to" required autocomplete="off" spellcheck="false">`)}</div>
      <datalist id="move-to">${names.map((one) => html`<option value=${one}></option>`)}</datalist>
      <div class="ticks">${tick('copy', 'Copy them: they stay here too')}${tick('forget', 'Forget their deaths', false, 'Without the headers x-death, x-first-death-… and x-last-death-…')}</div>`, { action: 'Move', submit: (values) => submit(values, close) })}</div>`, { label: words });
}

async function discard(vhost, name, seqs) {
  const words = plural(seqs.length, 'message');
  const isSure = await confirm({ title: `Discard ${words} of ${name}?`, text: 'They are gone, and not dead-lettered.', action: `Discard ${words}` });
  return isSure && attempt(null, async () => {
    const { discarded } = await post(dev('queues', vhost, name, 'discard'), { seq: seqs });
    tell(`Discarded ${plural(discarded, 'message')}.`);
  });
}

const deliver = (vhost, name, seqs) => attempt(null, async () => {
  const { released } = await post(dev('queues', vhost, name, 'deliver'), { seq: seqs });
  tell(`${plural(released, 'message waits', 'messages wait')} no longer.`);
});

function getView(vhost, name) {
  const got = signal(null);
  const error = signal(null);
  const submit = async ({ mode, count: most }) => {
    const [, words, isTaking] = MODES.find(([id]) => id === mode);
    if (isTaking && !(await confirm({ title: `Take messages out of ${name}?`, text: `${words}: up to ${plural(Number(most), 'message')} will leave the queue.`, action: words }))) return;
    try {
      // As base64 every byte is what it was; the page reads them.
      const messages = await post(api('queues', vhost, name, 'get'), { count: Number(most), ackmode: mode, encoding: 'base64' });
      got.set({ messages, number: (got.peek()?.number ?? 0) + 1 });
      error.set(null);
    } catch (refused) {
      error.set(refused);
    }
    refresh();
  };
  return () => panel('Get messages', html`
    <p class="hint">As a client does: what is put back keeps its place, but is marked as redelivered, and counts as a delivery in a quorum queue.</p>
    ${form(html`<div class="fields">${field('How', select('mode', MODES, 'ack_requeue_true'))}${field('How many', text('count', { type: 'number', value: '10' }))}</div>`, { action: 'Get messages', submit })}
    ${failed(error())}${results(got(), name)}`);
}

function results(got, name) {
  if (!got) return null;
  if (got.messages.length === 0) return html`<p class="hint below-it" role="status">No message is ready in ${name}.</p>`;
  return html`<p class="hint below-it" role="status">${plural(got.messages.length, 'message')}, the oldest first; ${plural(got.messages.at(-1).message_count, 'more is', 'more are')} ready.</p>
    ${got.messages.map((message, at) => keyed(`${got.number}.${at}`, html`<message-view .message=${message}></message-view>`))}`;
}
