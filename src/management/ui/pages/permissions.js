// All permissions, and a tester: what may a user do with a name?

import { html } from '../lib/html.js';
import { exchangeName } from '../lib/format.js';
import { empty, failed, head, loaded, panel } from '../lib/ui.js';
import { field, options } from '../lib/forms.js';
import { ofVhost } from '../lib/lists.js';
import { route, setQuery } from '../lib/router.js';
import { allows, expand, permissionForm, permissionTable, topicForm, topicTable } from '../lib/permissions.js';

const ACTIONS = [
  ['configure', 'declare and delete it'],
  ['write', 'publish to it (exchange), bind it (queue)'],
  ['read', 'consume from it (queue), bind from it (exchange)'],
];

export default function permissions({ watch }) {
  const live = watch('/api/permissions');
  const topics = watch('/api/topic-permissions');
  const users = watch('/api/users?columns=name');
  const vhosts = watch('/api/vhosts?columns=name');
  const exchanges = watch('/api/exchanges?columns=name,type');
  const names = (of) => (of().data ?? []).map((one) => one.name);
  return {
    title: 'Permissions',
    view: () => html`${head({ title: 'Permissions' })}${loaded(live, (rows) => html`<div class="stack">
      ${tester(rows, topics().data ?? [], names(users), names(vhosts))}
      ${panel('Permissions', html`${permissionTable(ofVhost(rows), 'permissions', empty('Nobody has permissions', 'Without them no program can connect.'))}
        <h3>Set permissions</h3>${permissionForm({ users: names(users), vhosts: names(vhosts) })}`)}
      ${panel('Topic permissions', html`${failed(topics().error)}${topics().data?.length ? topicTable(ofVhost(topics().data), 'topics') : html`<p class="muted">None: routing keys of topic exchanges are not checked.</p>`}
        <h3>Set topic permissions</h3>${topicForm({ users: names(users), vhosts: names(vhosts), exchanges: [...new Set((exchanges().data ?? []).filter((one) => one.type === 'topic').map((one) => one.name))] })}`)}
    </div>`)}`,
  };
}

function tester(rows, topics, users, vhosts) {
  const { user = users[0], in: vhost = vhosts.includes('/') ? '/' : vhosts[0], name = '', key = '' } = route().query;
  const set = (part) => ({ target }) => setQuery({ [part]: target.value });
  const choice = (part, all, value) => html`<select .value=${value ?? ''} @change=${set(part)}>${options(all, value)}</select>`;
  return panel('What may …?', html`<div class="fields">
    ${field('User', choice('user', users, user))}${field('In the virtual host', choice('in', vhosts, vhost))}
    ${field('Name of a queue or an exchange', html`<input .value=${name} @input=${set('name')} placeholder="orders" spellcheck="false">`)}
    ${field('Routing key (topic exchange)', html`<input .value=${key} @input=${set('key')} placeholder="not checked" spellcheck="false">`)}</div>
    <div aria-live="polite">${verdicts(rows, topics, { user, vhost, name, key })}</div>
    <p class="hint below-it">Evaluated by this page with JavaScript's regular expressions; the broker's (PCRE) differ in rare constructs. A pattern matches anywhere in a name unless it has ^ and $.</p>`);
}

function verdicts(rows, topics, { user, vhost, name, key }) {
  if (!name) return html`<p class="muted">Write a name to see what ${user} may do with it.</p>`;
  const row = rows.find((one) => one.user === user && one.vhost === vhost);
  if (!row) return html`<p><span class="no">Nothing.</span> ${user} has no permissions in ${vhost} and cannot even connect to it.</p>`;
  const topic = topics.find((one) => one.user === user && one.vhost === vhost && one.exchange === name);
  const topicLines = topic && key ? [['write', 'publish with this key'], ['read', 'bind with this key']].map(([id, words]) => verdict(allows(expand(topic[id], user, vhost), key), words, topic[id], 'topic')) : [];
  return html`<ul class="verdicts">${ACTIONS.map(([id, words]) => verdict(allows(row[id], name), words, row[id], id))}${topicLines}
    ${key && !topic ? html`<li><span></span><span>No topic permission for ${exchangeName(name)}: any routing key.</span></li>` : null}</ul>`;
}

function verdict(answer, words, pattern, id) {
  if (typeof answer === 'string') return html`<li><span class="no">?</span><span>${id}: ${answer}</span></li>`;
  return html`<li><span class=${answer ? 'yes' : 'no'}>${answer ? 'may' : 'may not'}</span><span>${words} <span class="muted">${id} <code>${pattern || '(nothing)'}</code></span></span></li>`;
}
