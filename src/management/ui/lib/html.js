// `html` templates: parsed by the browser once, afterwards only what changed is touched.
//
// In a tag: name="${text}", ?disabled=${bool}, .rows=${property}, @click=${listener}, style:width=${css}.
// Between tags: text, nodes, templates, lists of them (keyed(key, template) keeps rows of a list what they are).
// Names of properties are lower case: HTML knows no other.

import { effect, signal } from './signal.js';

const compiled = new WeakMap();
const HOLE = /\{\{(\d+)\}\}/;

class Template {
  constructor(strings, values) {
    this.strings = strings;
    this.values = values;
    this.key = undefined;
  }
}

export const html = (strings, ...values) => new Template(strings, values);

export function keyed(key, template) {
  template.key = key;
  return template;
}

function compile(strings) {
  let text = '';
  let inTag = false;
  strings.forEach((piece, at) => {
    text += piece;
    const open = piece.lastIndexOf('<');
    const close = piece.lastIndexOf('>');
    if (open !== close) inTag = open > close;
    if (at < strings.length - 1) text += inTag ? `{{${at}}}` : `<!--{{${at}}}-->`;
  });
  const element = document.createElement('template');
  element.innerHTML = text;
  return { element, holes: findHoles(element.content) };
}

function walk(root) {
  return document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT);
}

function findHoles(root) {
  const holes = [];
  const walker = walk(root);
  for (let index = 0; walker.nextNode(); index += 1) {
    const node = walker.currentNode;
    if (node.nodeType === Node.COMMENT_NODE) {
      const hole = HOLE.exec(node.data);
      if (hole) holes.push({ index, make: (at) => new ChildPart(at, Number(hole[1])) });
      continue;
    }
    for (const { name, value } of [...node.attributes]) {
      if (!HOLE.test(value)) continue;
      node.removeAttribute(name);
      const pieces = value.split(HOLE);
      holes.push({ index, isLast: name[0] === '.', make: (at) => new AttributePart(at, name, pieces) });
    }
  }
  return holes;
}

class Instance {
  constructor(template) {
    if (!compiled.has(template.strings)) compiled.set(template.strings, compile(template.strings));
    const { element, holes } = compiled.get(template.strings);
    this.strings = template.strings;
    this.content = document.importNode(element.content, true);
    const nodes = [];
    for (const walker = walk(this.content); walker.nextNode(); ) nodes.push(walker.currentNode);
    const parts = holes.map((hole) => [hole.make(nodes[hole.index]), hole.isLast]);
    // Properties last: the value of a <select> means nothing before its options are there.
    this.parts = [...parts.filter((part) => !part[1]), ...parts.filter((part) => part[1])].map(([part]) => part);
    this.update(template.values);
  }

  update(values) {
    for (const part of this.parts) part.update(values);
  }
}

class AttributePart {
  constructor(node, name, pieces) {
    this.node = node;
    this.kind = name.startsWith('style:') ? 's' : name[0];
    this.name = this.kind === 's' ? name.slice(6) : name.replace(/^[@.?]/, '');
    this.pieces = pieces;
    this.isWhole = pieces.length === 3 && !pieces[0] && !pieces[2];
    if (this.kind === '@') node.addEventListener(this.name, this);
  }

  handleEvent(event) {
    this.last?.call(this.node, event);
  }

  update(values) {
    const value = this.isWhole
      ? values[this.pieces[1]]
      : this.pieces.map((piece, at) => (at % 2 ? (values[piece] ?? '') : piece)).join('');
    if (value === this.last && this.wasSet) return;
    this.last = value;
    this.wasSet = true;
    this.apply(value);
  }

  apply(value) {
    const { node, name, kind } = this;
    if (kind === '@') return;
    if (kind === '.') node[name] = value;
    else if (kind === 's') node.style.setProperty(name, value ?? '');
    else if (kind === '?') node.toggleAttribute(name, Boolean(value));
    else if (value == null || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? '' : value);
  }
}

/** What stands between two tags: everything after `start` up to `end`. */
class ChildPart {
  constructor(end, at) {
    this.end = end;
    this.at = at;
    this.start = document.createComment('');
    end.before(this.start);
  }

  update(values) {
    this.set(values[this.at]);
  }

  set(value) {
    if (value instanceof Template) this.setTemplate(value);
    else if (Array.isArray(value)) this.setList(value);
    else if (value instanceof Node) this.setNode(value);
    else this.setText(value == null || typeof value === 'boolean' ? '' : String(value));
  }

  become(kind) {
    this.clear();
    this.kind = kind;
  }

  setTemplate(value) {
    if (this.kind === 'template' && this.instance.strings === value.strings) {
      this.instance.update(value.values);
      return;
    }
    this.become('template');
    this.instance = new Instance(value);
    this.end.before(this.instance.content);
  }

  setNode(node) {
    if (this.kind === 'node' && this.node === node) return;
    this.become('node');
    this.node = node;
    this.end.before(node);
  }

  setText(text) {
    if (this.kind !== 'text') {
      this.become('text');
      this.node = document.createTextNode(text);
      this.end.before(this.node);
    } else if (this.node.data !== text) {
      this.node.data = text;
    }
  }

  setList(values) {
    if (this.kind !== 'list') {
      this.become('list');
      this.items = new Map();
    }
    const old = this.items;
    this.items = new Map();
    values.forEach((value, at) => {
      const key = value instanceof Template && value.key !== undefined ? value.key : at;
      this.items.set(key, old.get(key) ?? null);
      old.delete(key);
    });
    for (const item of old.values()) item.remove();
    this.place(values);
  }

  place(values) {
    let cursor = this.start.nextSibling;
    let at = 0;
    for (const [key, known] of this.items) {
      const item = known ?? this.newItem(cursor);
      if (known && item.start !== cursor) item.moveBefore(cursor);
      item.set(values[at]);
      this.items.set(key, item);
      cursor = item.end.nextSibling;
      at += 1;
    }
  }

  newItem(before) {
    const end = document.createComment('');
    before.before(end);
    return new ChildPart(end, 0);
  }

  moveBefore(cursor) {
    for (let node = this.start; ; ) {
      const next = node.nextSibling;
      cursor.before(node);
      if (node === this.end) return;
      node = next;
    }
  }

  clear() {
    while (this.start.nextSibling !== this.end) this.start.nextSibling.remove();
    this.instance = undefined;
  }

  remove() {
    this.clear();
    this.start.remove();
    this.end.remove();
  }
}

const roots = new WeakMap();

/** Make a container show a template, touching only what differs from what it showed. */
export function render(value, container) {
  if (!roots.has(container)) {
    const end = document.createComment('');
    container.replaceChildren(end);
    roots.set(container, new ChildPart(end, 0));
  }
  roots.get(container).set(value);
}

/** A custom element that shows `view()`, again whenever a property or a signal it read has changed. */
export class View extends HTMLElement {
  static define(tag, ...properties) {
    for (const name of properties) {
      Object.defineProperty(this.prototype, name, {
        get() {
          return this.property(name)();
        },
        set(value) {
          this.property(name).set(value);
        },
      });
    }
    customElements.define(tag, this);
  }

  #properties = new Map();
  #stop = null;

  property(name) {
    if (!this.#properties.has(name)) this.#properties.set(name, signal(undefined));
    return this.#properties.get(name);
  }

  connectedCallback() {
    this.#stop ??= effect(() => render(this.view(), this));
  }

  disconnectedCallback() {
    this.#stop?.();
    this.#stop = null;
  }
}
