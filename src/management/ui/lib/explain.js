// <explain-publish>: where a message with this key and these headers would go, drawn exchange by exchange. Nothing is published.

import { html, keyed, View } from './html.js';
import { signal } from './signal.js';
import { me, post } from './api.js';
import { route, setQuery } from './router.js';
import { exchangeName } from './format.js';
import { badge, failed, icon } from './ui.js';
import { field, options } from './forms.js';
import { exchangeLink, queueLink } from './lists.js';
import { drawing } from './bindings.js';

/** After a key is pressed, until the broker is asked. */
const REST_MS = 150;

/** Ends that are no good ones. */
const BAD = new Set(['refused', 'expires', 'duplicate', 'gone', 'drops_head']);

class ExplainPublish extends View {
  #found = signal(null);
  #error = signal(null);
  #timer = 0;
  #turn = 0;

  connectedCallback() {
    super.connectedCallback();
    this.ask();
  }

  later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), REST_MS);
  }

  async ask() {
    const turn = (this.#turn += 1);
    const { key = '', as } = route.peek().query;
    try {
      const headers = this.querySelector('args-editor')?.collect() ?? {};
      const found = await post('/dev/explain/publish', { vhost: this.vhost, exchange: this.exchange || 'amq.default', routing_key: key, headers, ...(as ? { user: as } : {}) });
      if (turn === this.#turn) this.show(found, null);
    } catch (error) {
      if (turn === this.#turn) this.show(null, error);
    }
  }

  show(found, error) {
    this.#found.set(found);
    this.#error.set(error);
  }

  view() {
    const { key = '', as } = route().query;
    const change = (name) => ({ target }) => {
      setQuery({ [name]: target.value });
      this.later();
    };
    const users = this.users ?? [];
    return html`<div class="fields" @input=${() => this.later()} @change=${() => this.later()} @click=${() => this.later()}>
        ${field('Routing key', html`<input .value=${key} @input=${change('key')} placeholder=${this.exchange === '' ? 'the name of a queue' : 'order.paid'} autocomplete="off" spellcheck="false">`)}
        ${users.length > 1 ? field('Published by', html`<select @change=${change('as')}>${options(users, as ?? me().name)}</select>`) : null}
        <div class="field-group all"><span>Headers</span><args-editor .noun=${'a header'}></args-editor></div></div>
      <div aria-live="polite">${failed(this.#error())}${this.#found() ? answer(this.#found(), this.vhost, key) : null}</div>`;
  }
}
ExplainPublish.define('explain-publish', 'vhost', 'exchange', 'users');

function answer(found, vhost, key) {
  const isGood = found.key === 'routed' || found.key === 'held';
  const extra = found.extra_routing_keys;
  const ends = new Map(found.queues.map((one) => [one.queue, one]));
  return html`<p class="verdict ${isGood ? 'good' : 'bad'}">${icon(isGood ? 'check' : 'warning')}<strong>${found.text}.</strong></p>
    ${extra.length ? html`<p class="hint">Its headers CC and BCC give further keys: ${extra.map((one) => html`<code>${one}</code> `)}</p>` : null}
    ${found.exchanges.map((one, at) => keyed(`${at} ${one.exchange}`, step(one, { vhost, key, ends, isFirst: at === 0 })))}`;
}

/** One exchange that it comes to. */
function step(visit, { vhost, key, ends, isFirst }) {
  const sources = [isFirst ? html`<li><strong>a message</strong><code>${key || 'no key'}</code></li>` : html`<li><span class="muted">from above</span></li>`];
  const isDefault = visit.exchange === 'amq.default';
  const named = isDefault ? [...ends.keys()].map((name) => ({ destination: name, destination_type: 'queue', routing_key: name, arguments: {} })) : [];
  const targets = [...visit.bindings, ...named].map((one) => target(one, vhost, ends));
  if (visit.alternate) targets.push(html`<li>${exchangeLink(vhost, visit.alternate)}<small>as the alternate exchange</small></li>`);
  const words = visit.key === 'matched' && !isDefault ? visit.text : `${visit.text}.`;
  return html`<section class="step"><p class="hint">${words}</p>${drawing({
    sources, targets: targets.length ? targets : [html`<li><span class="muted">${visit.key === 'held' ? 'nowhere yet' : 'nothing'}</span></li>`],
    centre: html`${exchangeName(isDefault ? '' : visit.exchange)} ${badge(visit.type)}`,
  })}</section>`;
}

function target(binding, vhost, ends) {
  const { destination: name, destination_type: type, routing_key: key, arguments: given } = binding;
  const by = key || Object.entries(given).map(([one, value]) => `${one}: ${value}`).join(', ') || 'any key';
  const end = type === 'queue' ? ends.get(name) : null;
  return html`<li>${type === 'queue' ? queueLink(vhost, name) : exchangeLink(vhost, name)}<small class=${end && BAD.has(end.key) ? 'bad' : ''} title=${end ? `${by}: ${end.text}` : by}><code>${by}</code> ${end?.text}</small></li>`;
}
