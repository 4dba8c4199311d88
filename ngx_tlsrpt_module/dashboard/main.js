/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// The frame around the views, and which view an address is.  The address is
// behind the #, so that any location of nginx will do.

import { h, failed, skeleton } from './dom.js';
import { link } from './data.js';

const ROUTES = [
    [/^$/, './domains.js', 'domains'],
    [/^reader$/, './reader.js', 'reader'],
    [/^domains\/[^/]+$/, './domain.js', 'domain'],
    [/^domains\/[^/]+\/reports$/, './reports.js', 'reports'],
    [/^domains\/[^/]+\/reports\/[^/]+$/, './reports.js', 'report'],
    [/^domains\/[^/]+\/senders$/, './setup.js', 'senders'],
    [/^domains\/[^/]+\/records$/, './setup.js', 'records'],
    [/^domains\/[^/]+\/policy$/, './setup.js', 'policy'],
];

const THEMES = { '': 'Theme: system', light: 'Theme: light',
                 dark: 'Theme: dark' };

let controller = new AbortController();
let shownPath;

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
            h('p', {}, h('a', { href: link([]) }, 'All domains'))) };
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
    const route = { ...parse(hash), signal };
    const main = document.querySelector('main');
    const samePath = route.path === shownPath;
    const focused = document.activeElement && document.activeElement.id;
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
    main.dataset.shown = hash;
    main.removeAttribute('aria-busy');
    document.title = `${title} – TLS reports`;
    main.replaceChildren(...[content].flat(Infinity).filter(Boolean));
    markPlace(main, route);

    if (samePath) {
        const same = focused && document.getElementById(focused);
        if (same) {
            same.focus({ preventScroll: true });
        }
    } else {
        scrollTo(0, 0);
        focusHeading(main);
    }
}

function markPlace(main, { path }) {
    const tab = main.querySelector('.tabs [aria-current]');

    for (const a of document.querySelectorAll('header nav a')) {
        const inReader = path === 'reader';
        if ((a.dataset.view === 'reader') === inReader) {
            a.setAttribute('aria-current',
                           path === '' || inReader ? 'page' : 'true');
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

    if (heading && focusHeading.moved) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll: true });
    }
    focusHeading.moved = true;
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

    name = name in THEMES ? name : '';
    document.documentElement.dataset.theme = name;
    dispatchEvent(new Event('themechange'));

    return name;
}

function themeButton() {
    const button = h('button', { type: 'button', class: 'small', id: 'theme',
        onclick() {
            const names = Object.keys(THEMES);
            const next = names[(names.indexOf(theme()) + 1) % names.length];
            button.textContent = THEMES[theme(next)];
        } }, THEMES[theme()]);

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
                h('a', { href: link([]), 'data-view': 'domains' }, 'Domains'),
                h('a', { href: link(['reader']), 'data-view': 'reader' },
                    'Read a report')),
            themeButton())),
        main, foot);
}

addEventListener('keydown', event => {
    const search = document.getElementById('search');

    if (event.key === '/' && search && event.target !== search
        && !event.target.closest('input, select, textarea'))
    {
        event.preventDefault();
        search.focus();
    }
});

theme();
frame();
addEventListener('hashchange', show);
show();
