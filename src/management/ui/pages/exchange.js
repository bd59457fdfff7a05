// One exchange: what comes in and goes out, its bindings drawn and listed, a message to publish.

import { html } from '../lib/html.js';
import { api, may, remove } from '../lib/api.js';
import { to } from '../lib/router.js';
import { attempt, confirm } from '../lib/dialog.js';
import { rates, sampleQuery } from '../lib/history.js';
import { exchangeName, plural, rate } from '../lib/format.js';
import { badge, empty, failed, head, loaded, panel, range, rangeChoice, tabs } from '../lib/ui.js';
import { features } from '../lib/arguments.js';
import { bindForm, bindingTable, flow } from '../lib/bindings.js';
import { publishForm } from '../lib/publish.js';
import { delayedView } from './exchange-delayed.js';
import '../lib/chart.js';
import '../lib/explain.js';

export default function exchange({ params, watch }) {
  const { vhost } = params;
  const name = params.name === 'amq.default' ? '' : params.name;
  const asked = name || 'amq.default';
  const path = () => `${api('exchanges', vhost, asked)}?${sampleQuery(range())}`;
  const live = watch(path());
  const from = watch(api('exchanges', vhost, asked, 'bindings', 'source'));
  const into = watch(api('exchanges', vhost, asked, 'bindings', 'destination'));
  const queues = watch(`${api('queues', vhost)}?columns=name`);
  const users = may('administrator') ? watch('/api/users?columns=name') : null;
  const delayed = delayedView(vhost, asked);
  return {
    title: exchangeName(name),
    view: () => {
      live.to(path());
      return html`${title(live().data, vhost, name, from().data)}${loaded(live, (data) => body(data, live().at, { vhost, name, from, into, queues, users, delayed }))}`;
    },
  };
}

function title(data, vhost, name, bindings) {
  const isOurs = name !== '' && !name.startsWith('amq.');
  const actions = isOurs ? html`<button type="button" class="danger" @click=${() => drop(vhost, name, bindings)}>Delete</button>` : null;
  const badges = data && html`${badge(data.type, 'accent', 'Type')}${data.policy ? badge(`policy ${data.policy}`, 'accent') : null}${features(data)}`;
  return head({ trail: [['Exchanges', to(['exchanges'])], [`virtual host ${vhost}`, to(['vhosts', vhost])]], title: exchangeName(name), badges, actions });
}

async function drop(vhost, name, bindings) {
  if (!(await confirm({ title: `Delete the exchange ${name}?`, text: `With it go ${plural(bindings?.length ?? 0, 'binding')}.`, action: 'Delete the exchange' }))) return;
  await attempt(`${name} was deleted.`, () => remove(api('exchanges', vhost, name)), to(['exchanges']));
}

function body(data, at, { vhost, name, from, into, queues, users, delayed }) {
  const key = `exchange/${vhost}/${name}`;
  const series = [['publish_in', 'In'], ['publish_out', 'Out']].map(([id, text]) => ({ name: text, hint: id, samples: rates(data.message_stats, id, `${key}/${id}`, at) }));
  const outgoing = from().data ?? [];
  const incoming = into().data ?? [];
  const chart = () => panel('Messages per second', html`<line-chart .series=${series} .span=${range()} .least=${10} .format=${rate} .label=${'Messages per second'}></line-chart>`, { actions: rangeChoice() });
  return html`<div>${tabs('show', [
      { id: 'bindings', title: 'Bindings', count: from().data ? outgoing.length + incoming.length : null, view: () => html`<div class="stack">${chart()}${bindings({ data, vhost, name, incoming, outgoing, error: from().error, queues: queues().data })}</div>` },
      { id: 'publish', title: 'Publish', view: () => panel('Publish to this exchange', publishForm({ vhost, exchange: name })) },
      { id: 'explain', title: 'Explain', view: () => panel('Where would a message go?', html`<explain-publish .vhost=${vhost} .exchange=${name} .users=${(users?.().data ?? []).map((one) => one.name)}></explain-publish>`) },
      ...(data.type === 'x-delayed-message' ? [{ id: 'delayed', title: 'Delayed', count: data.message_stats?.delayed ?? null, view: delayed }] : []),
    ])}</div>`;
}

function bindings({ data, vhost, name, incoming, outgoing, error, queues }) {
  const drawing = flow(data, incoming, name === '' ? [] : outgoing);
  const names = (queues ?? []).map((one) => one.name);
  if (name === '') return html`<p class="hint">Every queue is bound to the default exchange by its own name; nothing can be added or removed.</p>${outgoing.length ? bindingTable(outgoing, 'default-bindings', null, ['source', 'remove', 'arguments']) : null}`;
  return html`${failed(error)}${drawing ? panel('Where messages go', drawing) : null}
    ${incoming.length + outgoing.length ? bindingTable([...incoming, ...outgoing], 'exchange-bindings') : empty('Nothing is bound', 'What is published here is dropped, or returned when it is mandatory. Bind a queue below.')}
    ${panel('Bind to this exchange', bindForm({ vhost, source: name, names }))}`;
}
