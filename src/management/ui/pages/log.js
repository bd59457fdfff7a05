// The log, as it is written.

import { html, keyed, View } from '../lib/html.js';
import { route, setQuery } from '../lib/router.js';
import { count, plural } from '../lib/format.js';
import { empty, head, icon, loaded } from '../lib/ui.js';

const LEVELS = ['debug', 'info', 'warning', 'error'];
const SHOWN_MAX = 500;

/** 2026-11-25 20:38:21.447338+00:00 [info] <0.0.0> text */
const LINE = /^(\S+ [\d:.]+)\S* \[\w+\] <[\d.]+> (.*)$/;

/** Each line of a text begins like the first. */
function parts({ line }) {
  const all = line.split('\n').map((one) => LINE.exec(one) ?? [one, '', one]);
  return { time: all[0][1].slice(0, 23), text: all.map(([, , text]) => text).join('\n') };
}

export default function log({ watch }) {
  const live = watch('/dev/log');
  return { title: 'Log', view: () => html`${head({ title: 'Log' })}${loaded(live, ({ lines }) => body(lines))}` };
}

function body(lines) {
  const { query } = route();
  const level = LEVELS.includes(query.level) ? query.level : 'debug';
  const wanted = (query.filter ?? '').toLowerCase();
  const categories = [...new Set(lines.map((one) => one.category))].sort();
  const found = lines.filter((one) => LEVELS.indexOf(one.level) >= LEVELS.indexOf(level) && (!query.category || one.category === query.category) && (!wanted || one.line.toLowerCase().includes(wanted)));
  const follows = query.follow !== '0';
  return html`<div class="table-bar">
      <label class="search">${icon('search')}<span class="unseen">Filter</span><input type="search" placeholder="Filter" .value=${query.filter ?? ''} data-filter="true" spellcheck="false" @input=${({ target }) => setQuery({ filter: target.value })}></label>
      <select aria-label="Least level" .value=${level} @change=${({ target }) => setQuery({ level: target.value === 'debug' ? '' : target.value })}>
        <option value="debug">All levels</option><option value="info">Info and above</option><option value="warning">Warnings and errors</option><option value="error">Errors</option></select>
      <select aria-label="Category" .value=${query.category ?? ''} @change=${({ target }) => setQuery({ category: target.value })}>
        <option value="">All categories</option>${[...new Set([...categories, ...(query.category ? [query.category] : [])])].map((one) => html`<option value=${one}>${one}</option>`)}</select>
      <span class="grow"></span><span class="hint">${amount(found.length, lines.length)}</span>
      <button type="button" class="plain" aria-pressed=${String(follows)} @click=${() => setQuery({ follow: follows ? '0' : '' })}>${icon(follows ? 'check' : 'arrow')}${follows ? 'Following' : 'Follow'}</button></div>
    ${found.length ? html`<log-lines .lines=${found.slice(-SHOWN_MAX)} .follows=${follows} .leave=${() => setQuery({ follow: '0' })}></log-lines>` : nothing(lines)}`;
}

function amount(found, all) {
  if (found > SHOWN_MAX) return `the latest ${count(SHOWN_MAX)} of ${plural(found, 'line')}`;
  return found === all ? plural(found, 'line') : `${count(found)} of ${plural(all, 'line')}`;
}

const nothing = (lines) => html`<div class="table-empty">${lines.length
  ? html`<div class="empty"><p class="empty-title">No line is like that</p><button type="button" class="plain" @click=${() => setQuery({ filter: '', level: '', category: '' })}>Show all lines</button></div>`
  : empty('Nothing is logged', 'Log more while the broker runs:', 'rabbitmqctl set_log_level debug')}</div>`;

/** Lines that stay at their end while one follows, and where one is when one reads. */
class LogLines extends View {
  view() {
    const { follows } = this;
    if (follows) requestAnimationFrame(() => this.toEnd());
    return html`<div class="log" tabindex="0" role="log" aria-live=${follows ? 'polite' : 'off'} aria-label="Lines of the log" @wheel=${(event) => event.deltaY < 0 && this.leave()}>
      ${(this.lines ?? []).map((one) => keyed(one.seq, line(one)))}</div>`;
  }

  toEnd() {
    const box = this.firstElementChild;
    if (box) box.scrollTop = box.scrollHeight;
  }
}
LogLines.define('log-lines', 'lines', 'follows', 'leave');

function line(one) {
  const { time, text } = parts(one);
  return html`<div class="log-line ${one.level}"><time>${time}</time><span class="log-level">${one.level}</span><span class="log-category">${one.category}</span><span class="log-text">${text}</span></div>`;
}
