// <message-view>: what a message is, read as JSON, text, bytes, base64, gzip, or as a Celery task.

import { html, View } from './html.js';
import { signal } from './signal.js';
import { bytes, dateTime } from './format.js';
import { badge, copyButton, facts } from './ui.js';

const HEX_BYTES_MAX = 4096;
const TEXT_CHARS_MAX = 200_000;

const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

function toBase64(data) {
  let text = '';
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text).replace(/.{76}/g, '$&\n');
}

const contentOf = (message) => (message.payload_encoding === 'base64' ? fromBase64(message.payload) : new TextEncoder().encode(message.payload));

function asText(data) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    return null;
  }
}

function asJson(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function hex(data) {
  const lines = [];
  for (let at = 0; at < Math.min(data.length, HEX_BYTES_MAX); at += 16) {
    const line = [...data.slice(at, at + 16)];
    const digits = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const letters = line.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${digits.padEnd(47)}  ${letters}`);
  }
  if (data.length > HEX_BYTES_MAX) lines.push(`… ${bytes(data.length - HEX_BYTES_MAX)} more`);
  return lines.join('\n');
}

const UNZIPPED_BYTES_MAX = 4 * 1024 * 1024;

/** How a body says that it is packed: gzip, or zlib as Celery writes it. */
function packing(data) {
  if (data[0] === 0x1f && data[1] === 0x8b) return { format: 'gzip', title: 'gzip' };
  if (data[0] === 0x78 && (data[0] * 256 + data[1]) % 31 === 0) return { format: 'deflate', title: 'zlib' };
  return null;
}

/** What is packed; of what was cut off, or is too much, the beginning. */
async function unpack(data, format) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const parts = [];
  try {
    for (let size = 0; size < UNZIPPED_BYTES_MAX; ) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
    }
    reader.cancel();
  } catch (error) {
    if (parts.length === 0) throw error;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

const GIST_CHARS_MAX = 240;

/** A message in a line: what it is called, and how its body begins. */
export function gist(message) {
  const headers = message.properties?.headers ?? {};
  const title = headers.task && headers.id ? headers.task : message.routing_key || '(no routing key)';
  if (headers.task && headers.argsrepr) return { title, text: `${headers.argsrepr} ${headers.kwargsrepr ?? ''}` };
  if (message.payload_encoding !== 'string') return { title, text: 'binary' };
  return { title, text: message.payload.slice(0, GIST_CHARS_MAX).replace(/\s+/g, ' ') };
}

/** A Celery task in its second protocol: the headers name it, the body is [args, kwargs, embedded]. */
function celery(headers, body) {
  if (!headers?.task || !headers.id) return null;
  const [args, kwargs, embedded] = Array.isArray(body) ? body : [];
  return { headers, args, kwargs, embedded };
}

const pretty = (value) => JSON.stringify(value, null, 2);

function taskView({ headers, args, kwargs, embedded }) {
  const after = (name) => (embedded?.[name]?.length ? pretty(embedded[name]) : null);
  return html`${facts([
    ['Task', html`<strong>${headers.task}</strong>`],
    ['Id', headers.id],
    ['Arguments', html`<code>${args ? JSON.stringify(args) : headers.argsrepr}</code>`],
    ['Keywords', html`<code>${kwargs ? JSON.stringify(kwargs) : headers.kwargsrepr}</code>`],
    ['Retries', headers.retries],
    ['Not before', headers.eta],
    ['Expires', headers.expires],
    ['Group', headers.group],
    ['Parent', headers.parent_id],
    ['Root', headers.root_id === headers.id ? null : headers.root_id],
    ['Time limits', headers.timelimit?.some(Boolean) ? headers.timelimit.map((one) => one ?? '–').join(' / ') : null],
    ['Sent by', headers.origin],
    ['Then', after('chain')],
    ['Chord', embedded?.chord ? pretty(embedded.chord) : null],
    ['On success', after('callbacks')],
    ['On failure', after('errbacks')],
  ])}`;
}

/** The deaths of a message, the first one first. */
function deaths(list) {
  const steps = [...list].reverse().map((one) => html`<li><strong>${one.reason}</strong> in ${one.queue}${one.count > 1 ? `, ${one.count} times` : ''}
    <span class="muted">published to ${one.exchange || '(default exchange)'} with ${(one['routing-keys'] ?? []).join(', ')}</span></li>`);
  return html`<ol class="deaths">${steps}</ol>`;
}

class MessageView extends View {
  #as = signal(null);
  #unzipped = signal(null);
  #of = null;

  view() {
    const message = this.message;
    if (this.#of !== message) this.take(message);
    const data = this.#unzipped() ?? this.content;
    const views = this.views(data, message);
    const chosen = views.find((one) => one.id === this.#as()) ?? views[0];
    const properties = Array.isArray(message.properties) ? {} : message.properties;
    return html`<article class="message">
      <header><strong>${message.routing_key || '(no routing key)'}</strong><span class="muted">from ${message.exchange || 'the default exchange'}</span>
        ${message.redelivered && !this.bare ? badge('redelivered', 'warn', 'It was out before') : null}${properties.content_type ? badge(properties.content_type) : null}
        <span class="muted">${bytes(message.payload_bytes)}</span><span class="grow"></span>
        <span class="choices" role="group" aria-label="Read the body as">${views.map((one) => html`<button type="button" class="quiet" aria-pressed=${String(one === chosen)} @click=${() => this.#as.set(one.id)}>${one.title}</button>`)}</span></header>
      <div class="body">${chosen.view()}</div>
      ${this.about(properties)}</article>`;
  }

  take(message) {
    this.#of = message;
    this.content = contentOf(message);
    this.#unzipped.set(null);
    this.packing = packing(this.content);
    if (this.packing) unpack(this.content, this.packing.format).then((data) => this.#unzipped.set(data), () => {});
  }

  views(data, message) {
    const text = asText(data);
    const json = text === null ? undefined : asJson(text);
    const task = celery(message.properties?.headers, json);
    const block = (content) => html`<div class="copyable"><pre tabindex="0"><code>${content}</code></pre>${copyButton(content)}</div>`;
    const zipped = this.#unzipped() ? ` (${this.packing.title})` : '';
    const cut = (content) => (content.length > TEXT_CHARS_MAX ? `${content.slice(0, TEXT_CHARS_MAX)}…` : content);
    return [
      task && { id: 'task', title: 'Celery task', view: () => taskView(task) },
      json !== undefined && { id: 'json', title: `JSON${zipped}`, view: () => block(cut(pretty(json))) },
      text !== null && { id: 'text', title: `Text${zipped}`, view: () => (text ? block(cut(text)) : html`<p class="muted">The body is empty.</p>`) },
      { id: 'hex', title: `Bytes${zipped}`, view: () => block(hex(data)) },
      { id: 'base64', title: 'Base64', view: () => block(toBase64(this.content)) },
    ].filter(Boolean);
  }

  about(properties) {
    const { headers = {}, ...others } = properties;
    const pairs = Object.entries(others).map(([name, value]) => [name.replaceAll('_', ' '), name === 'timestamp' ? dateTime(value * 1000) : String(value)]);
    const named = Object.entries(headers).filter(([name]) => name !== 'x-death');
    if (!pairs.length && !named.length && !headers['x-death']) return null;
    return html`<details><summary>Properties${named.length ? ' and headers' : ''}</summary>
      ${headers['x-death'] ? html`<h3>Deaths</h3>${deaths(headers['x-death'])}` : null}
      ${pairs.length ? html`<h3>Properties</h3>${facts(pairs)}` : null}
      ${named.length ? html`<h3>Headers</h3>${facts(named.map(([name, value]) => [name, html`<code>${typeof value === 'string' ? value : JSON.stringify(value)}</code>`]))}` : null}</details>`;
  }
}
MessageView.define('message-view', 'message', 'bare');
