// <message-list>: messages where they stand, a page at a time. Looking changes nothing; some or all can be chosen and set right.
//
// `states` are [{id, title, count}] of what can be looked at, `path` gives the address of one of them, and `actions` are
// [{title(chosen, count), state, needs, danger, run(seqs or 'all', count)}]; `run` tells whether it was done. Of a stream
// (`isstream`) places are its offsets, which need not begin at 0.

import { html, keyed, View } from './html.js';
import { signal } from './signal.js';
import { route, setQuery } from './router.js';
import { get } from './api.js';
import { bytes, clockTime, count, duration, plural } from './format.js';
import { badge, empty, failed, icon } from './ui.js';
import { tell } from './dialog.js';
import { connectionLink } from './lists.js';
import { gist } from './message.js';

const SIZES = [20, 50, 100];
/** Of each body at first, and when more is asked for. */
const BODY_BYTES = 16 * 1024;
const BODY_BYTES_MAX = 1024 * 1024;

class MessageList extends View {
  #found = signal(null);
  #error = signal(null);
  #chosen = signal(new Set());
  #opened = signal(new Set());
  #asked = '';
  #turn = 0;

  get wanted() {
    const { state, from, size } = route().query;
    const current = this.states.find((one) => one.id === state) ?? this.states[0];
    return { state: current.id, offset: Math.max(0, Math.floor(Number(from)) || 0), limit: SIZES.includes(Number(size)) ? Number(size) : SIZES[0] };
  }

  address({ state, offset, limit }, most = BODY_BYTES) {
    const path = this.path(state);
    return `${path}${path.includes('?') ? '&' : '?'}offset=${offset}&limit=${limit}&payload_bytes=${most}`;
  }

  view() {
    if (!this.path || !this.states) return null;
    const wanted = this.wanted;
    const address = this.address(wanted);
    if (address !== this.#asked) this.look(address, wanted);
    const found = this.#found();
    return html`${this.bar(wanted, found)}${failed(this.#error())}${found ? this.page(wanted, found) : this.#error() ? null : html`<div class="loading" role="status">Loading…</div>`}`;
  }

  /** Look now, or once more. */
  async look(address = this.#asked, wanted = this.wanted) {
    const isOther = address !== this.#asked;
    this.#asked = address;
    const turn = (this.#turn += 1);
    try {
      const found = await get(address);
      if (turn !== this.#turn) return;
      const most = found.messages[wanted.state] ?? 0;
      // The page that was shown is gone: the last one is there.
      if (found.items.length === 0 && wanted.offset > 0 && !this.isstream) return void setQuery({ from: Math.max(0, Math.floor((most - 1) / wanted.limit) * wanted.limit) || '' });
      if (isOther) this.#opened.set(new Set());
      const seen = new Set(found.items.map((one) => one.seq));
      this.#chosen.set(new Set(isOther ? [] : [...this.#chosen.peek()].filter((seq) => seen.has(seq))));
      this.#error.set(null);
      this.#found.set({ ...found, of: wanted.state, at: Date.now() });
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#error.set(error);
      this.#found.set(null);
    }
  }

  bar({ state }, found) {
    const now = found?.messages ?? {};
    const choices = this.states.map((one) => html`<button type="button" class="quiet" aria-pressed=${String(one.id === state)} @click=${() => setQuery({ state: one.id === this.states[0].id ? '' : one.id, from: '' })}>${one.title}<span class="pill">${count(now[one.id] ?? one.count ?? 0)}</span></button>`);
    return html`<div class="table-bar">${this.states.length > 1 ? html`<span class="choices" role="group" aria-label="Messages that are">${choices}</span>` : null}
      <span class="hint" role="status">${found ? `as of ${clockTime(found.at)}` : ''}</span>
      <button type="button" class="plain small" @click=${() => this.look()}>${icon('again')}Look again</button><span class="grow"></span>${found ? this.actionBar(state, found) : null}</div>`;
  }

  actionBar(state, { messages, of }) {
    const chosen = [...this.#chosen()];
    const all = of === state ? (messages[state] ?? 0) : 0;
    const run = async (action) => {
      if (await action.run(chosen.length ? chosen : 'all', chosen.length || all)) {
        this.#chosen.set(new Set());
        this.look();
      }
    };
    const fit = (this.actions ?? []).filter((one) => one.state === state);
    return fit.map((one) => keyed(one.id, html`<button type="button" class="${one.danger ? 'danger' : 'plain'} small" ?disabled=${all === 0 || (one.needs && chosen.length === 0)} @click=${() => run(one)}>${one.title(chosen.length, all)}</button>`));
  }

  page(wanted, found) {
    if (found.items.length === 0) return this.nothing(wanted.state);
    const canChoose = (this.actions ?? []).some((one) => one.state === found.of);
    return html`<ol class="standing">${canChoose ? this.head(found.items) : null}${found.items.map((one, at) => keyed(`${found.of} ${one.seq}`, this.row(one, found.offset + at, canChoose)))}</ol>
      ${this.pager(wanted, found)}`;
  }

  pager(wanted, found) {
    const first = this.isstream ? found.items[0].seq : found.offset;
    const next = first + found.items.length;
    const all = found.messages[found.of] ?? next;
    const isLast = this.isstream ? found.items.length < wanted.limit : next >= all;
    if (found.offset === 0 && isLast) return null;
    const turn = (from) => setQuery({ from: from > 0 ? from : '' });
    const words = this.isstream ? `Offsets ${count(first)}–${count(next - 1)}` : `${count(first + 1)}–${count(next)} of ${count(all)}`;
    return html`<nav class="pager" aria-label="Pages of messages">
        <button type="button" class="plain" ?disabled=${found.offset === 0} @click=${() => turn(first - wanted.limit)}>Back</button>
        <span>${words}</span>
        <button type="button" class="plain" ?disabled=${isLast} @click=${() => turn(next)}>Next</button>
        <select aria-label="Messages on a page" .value=${String(wanted.limit)} @change=${(event) => setQuery({ size: event.target.value, from: '' })}>${SIZES.map((size) => html`<option value=${size}>${size} a page</option>`)}</select></nav>`;
  }

  nothing(state) {
    const { none = ['No message', ''] } = this.states.find((one) => one.id === state);
    return html`<div class="table-empty">${empty(none[0], none[1], none[2])}</div>`;
  }

  head(items) {
    const chosen = this.#chosen();
    const isAll = items.every((one) => chosen.has(one.seq));
    return html`<li class="standing-head"><label class="tick"><input type="checkbox" aria-label="Choose all on this page" .checked=${isAll} @change=${() => this.#chosen.set(new Set(isAll ? [] : items.map((one) => one.seq)))}><span>${chosen.size ? `${plural(chosen.size, 'message')} chosen` : 'Choose all on this page'}</span></label></li>`;
  }

  row(message, place, canChoose) {
    const { seq } = message;
    const position = this.isstream ? seq : place + 1;
    const toggle = (kept) => {
      const next = new Set(kept.peek());
      if (!next.delete(seq)) next.add(seq);
      kept.set(next);
    };
    const isOpen = this.#opened().has(seq);
    const { title, text } = gist(message);
    return html`<li class="standing-row">
      ${canChoose ? html`<input type="checkbox" aria-label=${`Choose message ${position}`} .checked=${this.#chosen().has(seq)} @change=${() => toggle(this.#chosen)}>` : null}
      <button type="button" class="opener" aria-expanded=${String(isOpen)} @click=${() => toggle(this.#opened)}>
        <span class="position"><span class="unseen">Message </span>${count(position)}</span><strong>${title}</strong><span class="gist">${text}</span><span class="since">${this.since(message)}</span><span class="size">${bytes(message.payload_bytes)}</span></button>
      ${isOpen ? html`<div class="standing-body">${this.place(message)}<message-view .message=${message} .bare=${true}></message-view>${message.payload_truncated ? this.more(message, this.isstream ? seq : place) : null}</div>` : null}</li>`;
  }

  since(message) {
    if (message.state === 'delayed') return `in ${duration(message.due_in_ms)}`;
    if (message.state === 'unacked') return `out for ${duration(message.delivery.out_for_ms)}`;
    return message.published_ms_ago < 1000 ? 'just now' : `${duration(message.published_ms_ago)} ago`;
  }

  /** What its queue knows of it. */
  place(message) {
    const { delivery, expires_in_ms: expires, returns, failures, priority, redelivered } = message;
    return html`<p class="place">
      ${delivery ? html`<span>Out to ${delivery.consumer_tag ? html`the consumer <code>${delivery.consumer_tag}</code> of ` : 'a get of '}${connectionLink(delivery.connection)}, channel ${delivery.channel}, delivery tag ${delivery.delivery_tag}</span>` : null}
      ${priority ? badge(`priority ${priority}`) : null}${redelivered ? badge('redelivered', 'warn', 'It was out before') : null}
      ${expires == null ? null : badge(`expires in ${duration(expires)}`)}${returns ? badge(`returned ${plural(returns, 'time')}`, 'warn') : null}${failures ? badge(`${plural(failures, 'failed delivery', 'failed deliveries')}`, 'warn') : null}</p>`;
  }

  more(message, offset) {
    const load = async () => {
      try {
        const { items: [one] } = await get(this.address({ ...this.wanted, offset, limit: 1 }, BODY_BYTES_MAX));
        if (one?.seq !== message.seq) return void this.look();
        const found = this.#found.peek();
        this.#found.set({ ...found, items: found.items.map((other) => (other.seq === one.seq ? one : other)) });
      } catch (error) {
        tell('The message could not be had.', error);
      }
    };
    const isMost = message.payload_bytes > BODY_BYTES_MAX && message.payload.length > BODY_BYTES * 2;
    return html`<p class="hint">These are the first bytes of ${bytes(message.payload_bytes)}. ${isMost ? null : html`<button type="button" class="plain small" @click=${load}>Show more</button>`}</p>`;
  }
}

MessageList.define('message-list', 'path', 'states', 'actions', 'isstream');
