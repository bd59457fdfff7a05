// The management API: one way to ask it, errors as it says them.

import { signal } from './signal.js';
import { credentials } from './settings.js';

/** Who is signed in: what /api/whoami says, or null. */
export const me = signal(null);

export class ApiError extends Error {
  constructor(status, error, reason, request) {
    super([error, reason].filter(Boolean).join(': ') || `HTTP status ${status}`);
    Object.assign(this, { status, error, reason, request });
  }
}

/** The server could not be asked at all. */
export class LostError extends Error {}

const asText = (reason) => (typeof reason === 'string' || reason == null ? reason : JSON.stringify(reason));

async function failure(response, request) {
  const text = await response.text();
  try {
    const { error, reason } = JSON.parse(text);
    return new ApiError(response.status, asText(error), asText(reason), request);
  } catch {
    return new ApiError(response.status, response.statusText, text, request);
  }
}

async function ask(method, path, body, { raw = false, more = {} } = {}) {
  const headers = { ...more };
  if (credentials.peek()) headers.authorization = credentials.peek();
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response;
  try {
    // Without the browser's own credentials it never asks for a password in a window of its own.
    response = await fetch(path.slice(1), {
      method,
      headers,
      body: raw ? body : body === undefined ? undefined : JSON.stringify(body),
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch (cause) {
    throw new LostError('The broker does not answer', { cause });
  }
  if (response.ok) return response;
  const failed = await failure(response, `${method} ${path}`);
  // Refused is not unknown: who may not see one thing stays signed in.
  if (response.status === 401 && failed.error === 'not_authorized') signOut(failed.message);
  throw failed;
}

async function json(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const get = async (path) => json(await ask('GET', path));
export const put = async (path, body = {}) => json(await ask('PUT', path, body));
export const post = async (path, body = {}) => json(await ask('POST', path, body));
export const remove = async (path, body, more) => json(await ask('DELETE', path, body, { more }));
export const download = async (path) => (await ask('GET', path)).blob();
export const upload = async (path, file) => json(await ask('POST', path, file, { raw: true }));

/** A path below /api, its parts escaped. */
export const api = (...parts) => `/api/${parts.map(encodeURIComponent).join('/')}`;

/** Likewise below /dev: what only this broker has. */
export const dev = (...parts) => `/dev/${parts.map(encodeURIComponent).join('/')}`;

/** Why one was signed out, for the page to sign in. */
export const signedOutBecause = signal('');

export async function signIn(name, password) {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  credentials.set(`Basic ${btoa(String.fromCharCode(...bytes))}`);
  await knowMe();
}

/** Ask who we are; wrong credentials are forgotten. */
export async function knowMe() {
  if (!credentials.peek()) return;
  try {
    me.set(await get('/api/whoami'));
    signedOutBecause.set('');
  } catch (error) {
    if (error instanceof ApiError) credentials.set(null);
    throw error;
  }
}

export function signOut(because = '') {
  credentials.set(null);
  me.set(null);
  signedOutBecause.set(because);
}

/** Whether who is signed in has a tag that allows what this one does. */
export function may(tag) {
  const tags = me()?.tags ?? [];
  const above = { management: ['policymaker', 'monitoring'], policymaker: [], monitoring: [], administrator: [] };
  return tags.includes('administrator') || tags.includes(tag) || above[tag].some((one) => tags.includes(one));
}
