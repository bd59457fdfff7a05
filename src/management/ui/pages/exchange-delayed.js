// What waits in an x-delayed-message exchange: looked at, delivered now, dropped.

import { html } from '../lib/html.js';
import { dev, post } from '../lib/api.js';
import { attempt, confirm, tell } from '../lib/dialog.js';
import { count, plural } from '../lib/format.js';
import { panel } from '../lib/ui.js';
import '../lib/message-list.js';

const STATES = [{ id: 'delayed', title: 'Delayed', none: ['No message waits here', 'Publish one with the header x-delay, in milliseconds.'] }];

export function delayedView(vhost, name) {
  const path = () => dev('exchanges', vhost, name, 'delayed');
  const actions = [
    { id: 'deliver', state: 'delayed', title: (chosen, all) => `Deliver ${chosen ? `${count(chosen)} chosen` : `all ${count(all)}`} now`, run: (seqs) => deliver(vhost, name, seqs) },
    { id: 'discard', state: 'delayed', needs: true, danger: true, title: (chosen) => `Discard ${chosen ? count(chosen) : 'chosen'}`, run: (seqs) => discard(vhost, name, seqs) },
  ];
  return () => panel('Messages that wait', html`<p class="hint">The next one first. When its time has come, a message goes where the bindings lead then.</p>
    <message-list .path=${path} .states=${STATES} .actions=${actions}></message-list>`);
}

const deliver = (vhost, name, seqs) => attempt(null, async () => {
  const { released } = await post(dev('exchanges', vhost, name, 'deliver'), { seq: seqs });
  tell(`${plural(released, 'message was', 'messages were')} routed.`);
});

async function discard(vhost, name, seqs) {
  const words = plural(seqs.length, 'message');
  const isSure = await confirm({ title: `Discard ${words} of ${name}?`, text: 'They will never be routed.', action: `Discard ${words}` });
  return isSure && attempt(null, async () => {
    const { discarded } = await post(dev('exchanges', vhost, name, 'discard'), { seq: seqs });
    tell(`Discarded ${plural(discarded, 'message')}.`);
  });
}
