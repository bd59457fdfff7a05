// Sign in: Basic credentials, kept for this tab.

import { html } from '../lib/html.js';
import { signal } from '../lib/signal.js';
import { signIn, signedOutBecause } from '../lib/api.js';
import { failed, icon } from '../lib/ui.js';
import { field } from '../lib/forms.js';

const error = signal(null);

async function submit(event) {
  event.preventDefault();
  const { name, password } = event.currentTarget.elements;
  error.set(null);
  try {
    await signIn(name.value, password.value);
  } catch (refused) {
    error.set(refused);
    password.select();
  }
}

export default () => html`<main class="sign-in"><form @submit=${submit}>
  <h1>${icon('leveret')}Leveret</h1>
  <p class="muted">An AMQP broker in memory, for development and tests.</p>
  ${error() ? failed(error()) : signedOutBecause() ? html`<p class="hint">You were signed out: ${signedOutBecause()}</p>` : null}
  ${field('User', html`<input name="name" autocomplete="username" required autofocus spellcheck="false" autocapitalize="none">`)}
  ${field('Password', html`<input name="password" type="password" autocomplete="current-password">`)}
  <button type="submit" class="primary">Sign in</button>
  <p class="hint">At first there is <code>guest</code> with the password <code>guest</code>, from this machine only. Others: <code>rabbitmqctl add_user NAME PASSWORD</code></p>
</form></main>`;
