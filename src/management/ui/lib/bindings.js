// Bindings of a queue or an exchange: drawn, listed, added and removed.

import { html, View } from './html.js';
import { api, post, remove } from './api.js';
import { attempt, confirm } from './dialog.js';
import { exchangeName } from './format.js';
import { field, form, select, text } from './forms.js';
import { exchangeLink, queueLink } from './lists.js';
import './table.js';

const DRAWN_MAX = 24;
const ROW_PX = 44;
const NS = 'http://www.w3.org/2000/svg';

const kind = (binding) => (binding.destination_type === 'queue' ? 'q' : 'e');
const target = (binding) => (binding.destination_type === 'queue' ? queueLink(binding.vhost, binding.destination) : exchangeLink(binding.vhost, binding.destination));
const keyOf = (binding) => binding.routing_key || Object.entries(binding.arguments).map(([name, value]) => `${name}: ${value}`).join(', ');

async function unbind(binding) {
  const from = exchangeName(binding.source);
  const isSure = await confirm({ title: `Remove the binding of ${binding.destination} to ${from}?`, text: binding.routing_key ? `Routing key ${binding.routing_key}` : 'Without a routing key', action: 'Remove the binding' });
  if (isSure) await attempt(`${binding.destination} is no longer bound to ${from}.`, () => remove(api('bindings', binding.vhost, 'e', binding.source, kind(binding), binding.destination, binding.properties_key)));
}

const COLUMNS = [
  { id: 'source', title: 'From', first: true, value: (row) => exchangeName(row.source), cell: (row) => exchangeLink(row.vhost, row.source) },
  { id: 'key', title: 'Routing key', narrow: true, value: (row) => row.routing_key, cell: (row) => html`<code>${row.routing_key || '–'}</code>` },
  { id: 'destination', title: 'To', narrow: true, value: (row) => row.destination, cell: target },
  { id: 'type', title: 'Kind', value: (row) => row.destination_type },
  { id: 'arguments', title: 'Arguments', value: (row) => (Object.keys(row.arguments).length ? JSON.stringify(row.arguments) : undefined), cell: (row) => html`<code>${Object.keys(row.arguments).length ? JSON.stringify(row.arguments) : '–'}</code>` },
  { id: 'remove', title: 'Remove', plain: true, narrow: true, class: 'end', value: () => '', cell: (row) => (row.source ? html`<button type="button" class="quiet" @click=${() => unbind(row)} aria-label=${`Remove the binding of ${row.destination} to ${row.source} with ${row.routing_key}`}>Remove</button>` : html`<span class="muted" title="Every queue is bound to the default exchange by its name">always there</span>`) },
];

export function bindingTable(rows, name, nothing, without = []) {
  return html`<data-table .name=${name} .label=${'Bindings'} .noun=${'binding'} .small=${true} .rows=${rows} .columns=${without.length ? COLUMNS.filter((one) => !without.includes(one.id)) : COLUMNS} .empty=${nothing}
    .rowkey=${(row) => [row.source, row.destination_type, row.destination, row.properties_key].join('\u0000')}></data-table>`;
}

/** Lines from the middle to each row of a column, or the other way. */
class BindLines extends View {
  view() {
    const svg = document.createElementNS(NS, 'svg');
    const height = this.amount * ROW_PX;
    const attributes = { viewBox: `0 0 100 ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', height };
    for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
    for (let at = 0; at < this.amount; at += 1) {
      const row = at * ROW_PX + ROW_PX / 2;
      const [from, to] = this.inward ? [row, height / 2] : [height / 2, row];
      const line = document.createElementNS(NS, 'path');
      line.setAttribute('d', `M0 ${from}C50 ${from} 50 ${to} 100 ${to}`);
      svg.append(line);
    }
    return svg;
  }
}
BindLines.define('bind-lines', 'amount', 'inward');

/** An exchange between what it gets messages from and what it routes them to. */
export function flow(exchange, incoming, outgoing) {
  if (outgoing.length > DRAWN_MAX || incoming.length > DRAWN_MAX) return null;
  const sources = incoming.map((one) => html`<li>${exchangeLink(one.vhost, one.source)}<code title=${keyOf(one)}>${keyOf(one) || 'any key'}</code></li>`);
  const targets = outgoing.map((one) => html`<li>${target(one)}<code title=${keyOf(one)}>${keyOf(one) || 'no key'}</code></li>`);
  return drawing({
    sources: sources.length ? sources : [html`<li><span class="muted">publishers</span></li>`],
    targets: targets.length ? targets : [html`<li><span class="muted">nothing: messages are dropped</span></li>`],
    centre: exchangeName(exchange.name),
  });
}

/** What leads to something, and where it leads. */
export const drawing = ({ sources, targets, centre }) => html`<div class="flow">
  <ul class="sources" aria-label="From">${sources}</ul><bind-lines .amount=${sources.length} .inward=${true}></bind-lines>
  <div class="centre">${centre}</div>
  <bind-lines .amount=${targets.length} .inward=${false}></bind-lines><ul aria-label="To">${targets}</ul></div>`;

/** A form that binds something to an exchange (`source`), or an exchange's messages to a queue (`queue`). */
export function bindForm({ vhost, source, queue, names }) {
  const submit = (values) => {
    const from = source ?? values.source;
    const to = queue ?? values.destination;
    const type = queue ? 'q' : values.type;
    return attempt(`${to} is bound to ${from}.`, () => post(api('bindings', vhost, 'e', from, type, to), { routing_key: values.routing_key, arguments: values.arguments }));
  };
  const list = `names-${vhost}`;
  const fields = queue
    ? field('From exchange', html`<input name="source" required list=${list} autocomplete="off">`)
    : html`${field('To a', select('type', [['q', 'Queue'], ['e', 'Exchange']], 'q'))}${field('Name', html`<input name="destination" required list=${list} autocomplete="off">`)}`;
  return form(html`<div class="fields">${fields}${field('Routing key', text('routing_key'))}
    <div class="field-group all"><span>Arguments</span><args-editor name="arguments" .names=${['x-match']}></args-editor></div></div>
    <datalist id=${list}>${names.map((name) => html`<option value=${name}></option>`)}</datalist>`, { action: 'Bind', submit });
}
