// Policies and operator policies, with a preview of what a pattern matches.

import { html, View } from '../lib/html.js';
import { signal } from '../lib/signal.js';
import { api, may, put, remove } from '../lib/api.js';
import { attempt, confirm, open } from '../lib/dialog.js';
import { count } from '../lib/format.js';
import { badge, empty, failed, head, icon, loaded } from '../lib/ui.js';
import { policyKeys, readable, about } from '../lib/arguments.js';
import { field, form, select, text } from '../lib/forms.js';
import { ofVhost, vhostChoices, vhostColumn } from '../lib/lists.js';
import { allows } from '../lib/permissions.js';
import '../lib/table.js';

const APPLIES = [['queues', 'All queues'], ['classic_queues', 'Classic queues'], ['quorum_queues', 'Quorum queues'], ['streams', 'Streams'], ['exchanges', 'Exchanges'], ['all', 'Exchanges and queues']];
const FAMILIES = { policies: 'policy', 'operator-policies': 'operator policy' };

const definition = (row) => Object.entries(row.definition).map(([name, value]) => badge(`${about(name)?.[0] ?? name}: ${readable(name, value)}`, '', `${name}: ${JSON.stringify(value)}`));

export default function policies({ params, watch }) {
  const context = { policies: watch('/api/policies'), operators: watch('/api/operator-policies'), queues: watch('/api/queues?columns=name,vhost,type,policy,operator_policy'), exchanges: watch('/api/exchanges?columns=name,vhost,policy,operator_policy'), vhosts: watch('/api/vhosts?columns=name') };
  const add = may('policymaker') ? html`<button type="button" class="primary" @click=${() => openForm(context, 'policies')}>${icon('plus')}Add a policy</button>` : null;
  const addOperator = may('administrator') ? html`<button type="button" class="plain" @click=${() => openForm(context, 'operator-policies')}>Add an operator policy</button>` : null;
  const only = (rows) => (params.name ? rows.filter((row) => row.vhost === params.vhost && row.name === params.name) : ofVhost(rows));
  const nothing = empty('No policies', 'A policy sets arguments of queues and exchanges by their names, also of those that are there. From a shell:', "rabbitmqctl set_policy ttl '^temp\\.' '{\"message-ttl\":60000}' --apply-to queues");
  return {
    title: 'Policies',
    view: () => html`${head({ title: params.name ?? 'Policies', trail: params.name ? [['Policies', '#/policies']] : [], actions: html`${addOperator}${add}` })}
      ${loaded(context.policies, (rows) => table(only(rows), 'policies', context, nothing))}
      <h2 class="below">Operator policies</h2>${failed(context.operators().error)}
      ${table(only(context.operators().data ?? []), 'operator-policies', context, empty('No operator policies', 'They limit what users may set: the smaller value holds.'))}`,
  };
}

function columns(family, context) {
  return [
    { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => html`<button type="button" class="link" @click=${() => openForm(context, family, row)}>${row.name}</button>` },
    vhostColumn,
    { id: 'pattern', title: 'Pattern', narrow: true, value: (row) => row.pattern, cell: (row) => html`<code>${row.pattern}</code>` },
    { id: 'applies', title: 'Applies to', value: (row) => row['apply-to'], cell: (row) => APPLIES.find(([id]) => id === row['apply-to'])?.[1] ?? row['apply-to'] },
    { id: 'definition', title: 'Sets', value: (row) => JSON.stringify(row.definition), cell: (row) => html`${definition(row)}` },
    { id: 'priority', title: 'Priority', numeric: true, value: (row) => row.priority },
    { id: 'matches', title: 'Matches', hint: 'Queues and exchanges that the pattern matches, as this page evaluates it', numeric: true, value: (row) => matching(row, context).length },
    { id: 'remove', title: 'Remove', plain: true, narrow: true, class: 'end', value: () => '', cell: (row) => html`<button type="button" class="quiet" aria-label=${`Delete the ${FAMILIES[family]} ${row.name}`} @click=${() => drop(family, row)}>Delete</button>` },
  ];
}

const table = (rows, family, context, nothing) => html`<data-table .main=${family === 'policies'} .name=${family} .label=${family === 'policies' ? 'Policies' : 'Operator policies'} .noun=${'policy'} .small=${true} .sort=${'name'} .rows=${rows} .columns=${columns(family, context)} .empty=${nothing}></data-table>`;

async function drop(family, row) {
  if (!(await confirm({ title: `Delete the ${FAMILIES[family]} ${row.name}?`, text: 'What it set no longer holds, at once.', action: 'Delete the policy' }))) return;
  await attempt(`${row.name} was deleted.`, () => remove(api(family, row.vhost, row.name)));
}

const KINDS = { classic_queues: 'classic', quorum_queues: 'quorum', streams: 'stream' };

/** What a policy matches, as far as this page can tell: queues first. */
function matching(policy, { queues, exchanges }) {
  const applies = policy['apply-to'];
  const isFit = (one) => one.vhost === policy.vhost && one.name !== '' && allows(policy.pattern, one.name) === true;
  const fit = applies === 'exchanges' ? [] : (queues().data ?? []).filter((one) => isFit(one) && (!KINDS[applies] || one.type === KINDS[applies]));
  const others = applies === 'exchanges' || applies === 'all' ? (exchanges().data ?? []).filter(isFit).map((one) => ({ ...one, isExchange: true })) : [];
  return [...fit, ...others];
}

function openForm(context, family, row) {
  const { names, chosen } = vhostChoices(context.vhosts().data);
  const draft = signal({ pattern: row?.pattern ?? '', 'apply-to': row?.['apply-to'] ?? 'queues', vhost: row?.vhost ?? chosen, name: row?.name ?? '', priority: String(row?.priority ?? 0) });
  const change = ({ target }) => target.name in draft.peek() && draft.set({ ...draft.peek(), [target.name]: target.value });
  const submit = async (values, close) => {
    const body = { pattern: values.pattern, 'apply-to': values['apply-to'], priority: Number(values.priority), definition: values.definition };
    if (await attempt(`The ${FAMILIES[family]} ${values.name} holds.`, () => put(api(family, values.vhost, values.name), body))) close();
  };
  const words = row ? `Change the ${FAMILIES[family]} ${row.name}` : `Add ${family === 'policies' ? 'a policy' : 'an operator policy'}`;
  return open((close) => html`<div class="ask" @input=${change}><h2>${words}</h2>${form(html`<div class="fields">
      ${row ? html`<input type="hidden" name="name" .value=${row.name}>` : field('Name', text('name', { required: true }))}
      ${row || names.length < 2 ? html`<input type="hidden" name="vhost" .value=${row?.vhost ?? chosen ?? '/'}>` : field('Virtual host', select('vhost', names, chosen))}
      ${field('Pattern of names', text('pattern', { value: row?.pattern ?? '', placeholder: '^temp\\.', required: true }))}
      ${field('Applies to', select('apply-to', APPLIES, row?.['apply-to'] ?? 'queues'))}
      ${field('Priority', text('priority', { type: 'number', value: String(row?.priority ?? 0) }), 'The highest that matches holds alone')}
      <div class="field-group all"><span>Sets</span><args-editor name="definition" .names=${policyKeys} .noun=${'a setting'} .start=${row?.definition ?? {}}></args-editor></div>
    </div><policy-preview .draft=${draft} .context=${context} .family=${family}></policy-preview>`, { action: row ? 'Change the policy' : 'Add the policy', submit: (values) => submit(values, close) })}</div>`, { label: words, wide: true });
}

const SHOWN_MAX = 30;

/** What a policy that is being written would match, and which policy it takes the place of. */
class PolicyPreview extends View {
  view() {
    const { pattern, ...rest } = this.draft();
    if (!pattern) return html`<p class="hint">Write a pattern to see what it matches.</p>`;
    const problem = allows(pattern, '');
    if (typeof problem === 'string') return html`<p class="hint bad">${problem}</p>`;
    const found = matching({ pattern, ...rest }, this.context);
    if (found.length === 0) return html`<p class="hint">Matches nothing that is there now; what is declared later is matched too.</p>`;
    const badges = found.slice(0, SHOWN_MAX).map((one) => this.found(one, rest));
    return html`<div class="preview"><p class="hint">Matches ${count(found.length)} now, as this page evaluates the pattern:</p>
      <div class="badges">${badges}${found.length > SHOWN_MAX ? html`<span class="hint">and ${count(found.length - SHOWN_MAX)} more</span>` : null}</div></div>`;
  }

  /** One that it matches; only the policy of the highest priority holds. */
  found(one, { name, vhost, priority }) {
    const [list, there] = this.family === 'policies' ? [this.context.policies, one.policy] : [this.context.operators, one.operator_policy];
    const other = there && there !== name ? (list().data ?? []).find((policy) => policy.vhost === vhost && policy.name === there) : null;
    const kind = one.isExchange ? 'Exchange' : `Queue, ${one.type}`;
    if (!other) return badge(one.name, one.isExchange ? '' : 'accent', kind);
    const order = Math.sign(Number(priority) - other.priority);
    const words = { '-1': `stays with ${there}`, 0: `or ${there}, of the same priority`, 1: `instead of ${there}` }[order];
    return badge(`${one.name} (${words})`, order > 0 ? 'accent' : 'warn', `${kind}. ${there} has the priority ${other.priority}`);
  }
}
PolicyPreview.define('policy-preview', 'draft', 'context', 'family');
