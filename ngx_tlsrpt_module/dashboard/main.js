/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// The frame around the views, and which view an address is.  The address is
// behind the #, so that any location of nginx will do.

import { announce, h, failed, keepTimes, skeleton } from './dom.js';
import { forget, link, mayChange } from './data.js';

/** @type {[RegExp, string, string][]} */
const ROUTES = [
    [/^$/, './domains.js', 'domains'],
    [/^reader$/, './reader.js', 'reader'],
    [/^tools$/, './tools.js', 'tools'],
    [/^tools\/report$/, './reader.js', 'reader'],
    [/^tools\/record$/, './tools.js', 'record'],
    [/^tools\/policy$/, './tools.js', 'policy'],
    [/^domains\/[^/]+$/, './domain.js', 'domain'],
    [/^domains\/[^/]+\/problems\/[^/]+$/, './domain.js', 'problem'],
    [/^domains\/[^/]+\/reports$/, './reports.js', 'reports'],
    [/^domains\/[^/]+\/reports\/[^/]+$/, './reports.js', 'report'],
    [/^domains\/[^/]+\/senders$/, './senders.js', 'senders'],
    [/^domains\/[^/]+\/(setup|records|policy)$/, './setup.js', 'setup'],
    [/^domains\/[^/]+\/change$/, './enrol.js', 'edit'],
    [/^domains\/[^/]+\/struck$/, './enrol.js', 'struck'],
    [/^enrol$/, './enrol.js', 'enrol'],
];

const THEMES = { '': 'Theme: system', light: 'Theme: light',
                 dark: 'Theme: dark' };
const systemDark = matchMedia('(prefers-color-scheme: dark)');

const TICK_MS = 30000;
const STALE_MS = 300000;

let controller = new AbortController();
let shownPath;
let shownAt = 0;
let moved = false;

// Of the entries of history; a new one is not known yet.
const places = new Map();
let entry;
let entered = false;

function parse(hash) {
    const [path, query] = hash.replace(/^#?\/?/, '').split('?');
    let segments;

    try {
        segments = path.split('/').filter(Boolean).map(decodeURIComponent);
    } catch {
        segments = [path];
    }

    return { path: path.replace(/\/$/, ''), segments,
             params: Object.fromEntries(new URLSearchParams(query || '')) };
}

async function view(route) {
    const found = ROUTES.find(([pattern]) => pattern.test(route.path));

    if (!found) {
        return { title: 'Not found', content: h('div', { class: 'state' },
            h('h1', {}, 'There is no such view'),
            h('p', {}, h('a', { href: link([]) }, 'Overview'))) };
    }

    const [, file, name] = found;

    try {
        return (await import(file))[name](route);
    } catch (error) {
        // another version of the dashboard is served by now
        console.error(error);
        return { title: 'Load again', content: failed(error,
            () => location.reload()) };
    }
}

async function show() {
    if (location.hash && !location.hash.startsWith('#/')) {
        return;
    }

    controller.abort();
    controller = new AbortController();

    const { signal } = controller;
    const { hash } = location;
    const place = enterPlace();
    const route = { ...parse(hash), signal, place, waits: [] };
    const main = document.querySelector('main');
    const samePath = route.path === shownPath;
    const focused = document.activeElement;
    main.setAttribute('aria-busy', 'true');

    const slow = setTimeout(() => {
        if (!samePath) {
            main.replaceChildren(skeleton(6));
        }
    }, 150);

    const { title, content } = await view(route);
    clearTimeout(slow);
    if (signal.aborted) {
        return;
    }

    shownPath = route.path;
    shownAt = Date.now();
    main.dataset.shown = hash;
    main.removeAttribute('aria-busy');
    document.title = `${title} – TLS reports`;
    replaceParts(main, [content].flat(Infinity).filter(Boolean));
    markPlace(main, route);

    if (samePath) {
        focusAgain(main, focused);
    } else {
        scrollTo(0, 0);
        focusHeading(main);
    }
    await Promise.all(route.waits);
    if (place && !signal.aborted) {
        scrollTo(0, place.top);
    }
    entered = true;
}

// Where one was in this entry of history, if it is not a new one.
function enterPlace() {
    entered = false;
    entry = history.state && history.state.entry;
    if (!entry) {
        entry = `${Date.now()}.${Math.random()}`;
        history.replaceState({ entry }, '');
    }

    return places.get(entry);
}

function keepPlace() {
    if (entered) {
        places.set(entry, { top: scrollY, rows: rowsDrawn() });
    }
}

// Who comes back to the page, or leaves it open, sees what is true now: made
// aside, and put in place of the old once all of it is there.
async function refresh() {
    const main = document.querySelector('main');
    const focused = document.activeElement;

    keepTimes();
    if (document.hidden || Date.now() - shownAt < STALE_MS
        || focused.matches('input, select, textarea')
        || main.querySelector('form, textarea, .drop, dialog'))
    {
        return;
    }

    shownAt = Date.now();
    forget();

    const { signal } = controller;
    const route = { ...parse(location.hash), signal, waits: [],
                    place: { rows: rowsDrawn() } };
    const parts = [(await view(route)).content].flat(Infinity).filter(Boolean);

    await Promise.all(route.waits);
    await filled(parts);
    if (!signal.aborted && !parts.some(part => part.querySelector?.(
        '.skeleton, .state.bad')))
    {
        exchange(main, parts, focused);
    }
}

function exchange(main, parts, focused) {
    const top = scrollY;
    const open = [...main.querySelectorAll('details[open] > summary')]
        .map(summary => summary.textContent);

    main.replaceChildren(...parts);
    for (const summary of main.querySelectorAll('details > summary')) {
        if (open.includes(summary.textContent)) {
            summary.parentNode.open = true;
        }
    }
    if (focused.id) {
        document.getElementById(focused.id)?.focus({ preventScroll: true });
    }
    scrollTo(0, top);
}

async function filled(parts) {
    for (let i = 0; i < 100 && parts.some(part => part.querySelector?.(
        '.skeleton')); i++)
    {
        await new Promise(resolve => setTimeout(resolve, 100));
    }
}

const rowsDrawn = () => document.querySelectorAll('table.domains tbody tr')
    .length;

// What has the key of a part that is there stays as it is.
function replaceParts(main, parts) {
    const old = new Map([.../** @type {HTMLCollectionOf<HTMLElement>} */ (
        main.children)].filter(part => part.dataset.key)
        .map(part => [part.dataset.key, part]));
    const next = parts.map((/** @type {any} */ part) => {
        const kept = part.dataset && old.get(part.dataset.key);
        return kept && !kept.querySelector('.state.bad') ? kept : part;
    });

    for (const part of [...main.childNodes]) {
        if (!next.includes(part)) {
            part.remove();
        }
    }
    next.forEach((part, i) => {
        if (main.childNodes[i] !== part) {
            main.insertBefore(part, main.childNodes[i] || null);
        }
    });
}

// The focus stays, or goes to the heading if what had it is gone.
function focusAgain(main, focused) {
    if (!focused || focused === document.body || focused.isConnected) {
        return;
    }

    const same = focused.id && document.getElementById(focused.id);

    if (same) {
        same.focus({ preventScroll: true });
    } else {
        focusHeading(main);
    }
}

function markPlace(main, { path }) {
    const tab = main.querySelector('.tabs [aria-current]');

    /** @type {NodeListOf<HTMLElement>} */
    const all = document.querySelectorAll('header nav a');

    for (const a of all) {
        const part = /^enrol/.test(path) ? 'enrol'
            : /^(tools|reader)/.test(path) ? 'tools' : 'domains';
        if (a.dataset.view === part) {
            a.setAttribute('aria-current', ['', 'tools', 'enrol'].includes(path)
                ? 'page' : 'true');
        } else {
            a.removeAttribute('aria-current');
        }
    }

    if (tab) {
        tab.parentNode.scrollLeft = tab.offsetLeft - 60;
    }
}

// So that a screen reader says where it is now; not at the first load.
function focusHeading(main) {
    const heading = main.querySelector('h1');

    if (heading && moved) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
    }
    moved = true;
}

function theme(set) {
    let name = '';

    try {
        if (set !== undefined) {
            localStorage.setItem('tlsrpt-theme', set);
        }
        name = localStorage.getItem('tlsrpt-theme') || '';
    } catch {
        name = set || '';
    }

    name = Object.hasOwn(THEMES, name) ? name : '';
    document.documentElement.toggleAttribute('data-dark',
        name ? name === 'dark' : systemDark.matches);

    return name;
}

function themeButton() {
    const button = h('button', { type: 'button', class: 'small', id: 'theme',
        onclick() {
            const names = Object.keys(THEMES);
            const next = names[(names.indexOf(theme()) + 1) % names.length];
            tell(THEMES[theme(next)]);
            announce(THEMES[next]);
        } }, '◐');

    function tell(text) {
        button.title = text;
        button.setAttribute('aria-label', text);
    }

    tell(THEMES[theme()]);

    return button;
}

function frame() {
    const main = h('main', { id: 'main', tabindex: '-1' });
    const foot = document.querySelector('footer');

    document.body.replaceChildren(
        h('button', { type: 'button', class: 'skip', onclick() {
            main.focus();
        } }, 'Skip to content'),
        h('header', { class: 'top' }, h('div', { class: 'wide' },
            h('a', { class: 'brand', href: link([]) },
                h('span', { class: 'mark', 'aria-hidden': 'true' }),
                'TLS reports'),
            h('nav', { 'aria-label': 'Main' },
                h('a', { href: link([]), 'data-view': 'domains' }, 'Overview'),
                h('a', { href: link(['tools']), 'data-view': 'tools' },
                    'Tools'),
                mayChange() && h('a', { href: link(['enrol']),
                    'data-view': 'enrol' }, 'Add a domain')),
            themeButton())),
        main, h('p', { id: 'said', class: 'only-read', role: 'status' }),
        foot);
}

addEventListener('keydown', event => {
    const search = document.getElementById('search');

    if (event.key === '/' && search && event.target !== search
        && !(/** @type {Element} */ (event.target))
            .closest('input, select, textarea'))
    {
        event.preventDefault();
        search.focus();
    }
});

// A closed card cannot be opened on paper.
addEventListener('beforeprint', () => {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const all = document.querySelectorAll('details:not([open])');

    for (const closed of all) {
        closed.open = true;
        closed.dataset.printed = '';
    }
});

addEventListener('afterprint', () => {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const all = document.querySelectorAll('[data-printed]');

    for (const opened of all) {
        opened.open = false;
        delete opened.dataset.printed;
    }
});

history.scrollRestoration = 'manual';
addEventListener('scroll', keepPlace, { passive: true });

theme();
systemDark.addEventListener('change', () => theme());
frame();
addEventListener('hashchange', show);
document.addEventListener('visibilitychange', refresh);
setInterval(refresh, TICK_MS);
show();
