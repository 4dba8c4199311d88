/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Making elements.  What comes from a report becomes text nodes and nothing
// else: there is no way here to make markup from a string.

import { Problem, STATES, addDays, dayOf, fetchAs, forget, formatAgo,
         formatNumber, formatTime, link, rangeOf } from './data.js';
import { unicodeOf } from './names.js';

const SVG = 'http://www.w3.org/2000/svg';
const LONG = 60;                // characters of a name
const WAIT_MS = 5000;           // until what is away is asked again
const MAX_WAIT_MS = 60000;
const PRESETS = [[7, '7 days'], [30, '30 days'], [90, '90 days'],
                 [365, 'A year']];

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith('on')) {
            element.addEventListener(name.slice(2), value);
        } else if (value !== undefined && value !== null && value !== false) {
            element.setAttribute(name, value === true ? '' : value);
        }
    }
    element.append(...children.flat(Infinity)
        .filter(child => child !== null && child !== undefined
                         && child !== false && child !== ''));

    return element;
}

export function h(name, attributes = {}, ...children) {
    return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
}

// A text of a sender: kept apart from the direction of the text around it.
export function says(text, absent = 'not given') {
    return text === null || text === undefined || text === ''
        ? h('span', { class: 'absent' }, absent)
        : h('bdi', { class: 'says' }, String(text));
}

// A name that a sender gave: two lines of a long one, and all of it as title.
export function named(text, absent) {
    const element = says(text, absent);

    if (String(text).length > LONG) {
        element.classList.add('long');
        element.title = text;
    }

    return element;
}

// A domain as DNS has it, and beside it as people write it.
export function domainName(domain) {
    const unicode = unicodeOf(domain);

    return [domain, unicode && h('bdi', { class: 'unicode' }, unicode)];
}

// "5 minutes ago", for a while: see keepTimes().
export function ago(time) {
    return h('time', { class: 'ago', datetime: time,
                       title: formatTime(time) }, formatAgo(time));
}

export function keepTimes() {
    /** @type {NodeListOf<HTMLTimeElement>} */
    const all = document.querySelectorAll('time.ago');

    for (const time of all) {
        time.textContent = formatAgo(time.dateTime);
    }
}

export function join(list, what = named) {
    return list.flatMap((item, i) => i ? [', ', what(item)] : [what(item)]);
}

// "Google, Microsoft and 3 more"
export function some(list, max = 3) {
    const more = list.length - max;

    return [join(list.slice(0, max)),
            more > 0 && ` and ${formatNumber(more)} more`];
}


// States

export function skeleton(lines = 3) {
    return h('div', { class: 'skeleton', role: 'status' },
             h('span', { class: 'only-read' }, 'Loading'),
             Array.from({ length: lines }, () => h('i')));
}

export function empty(title, ...text) {
    return h('div', { class: 'state' }, h('h2', {}, title),
             h('p', {}, ...text));
}

const ERRORS = {
    '-1': ['Unexpected answer, perhaps a login page',
           'Load the page again to log in.'],
    0: ['The server cannot be reached',
        'The network or the server is away. Nothing is lost: senders will '
        + 'deliver their reports later.'],
    401: ['You are not logged in', 'Load the page again to log in.'],
    403: ['You may not see this',
          'The server knows you, but this is not among what you may read. '
          + 'Whoever runs it can change that (tlsrpt_scope).'],
    404: ['Not found',
          'This is unknown here, or your login may not see it. Reports are '
          + 'kept for a shorter time than the numbers.'],
    503: ['The numbers cannot be read now',
          'The database (Redis) does not answer. Incoming reports are put '
          + 'off, not lost.'],
};

export function failed(error, retry) {
    if (!(error instanceof Problem)) {
        console.error(error);
    }

    const [title, text] = ERRORS[error.status]
        || ['That did not work', ''];
    const known = error.status === 404;
    const detail = !known && error.problem && error.problem.detail || '';

    return h('div', { class: 'state bad', role: 'alert' },
             h('h2', {}, title),
             text && h('p', {}, text),
             detail && h('p', { class: 'quiet' },
                         `The server says: ${detail}`),
             retry && !known && h('button', { type: 'button', onclick: retry },
                        'Try again'));
}

// What is away is asked again by itself, ever more rarely, as long as its place
// shows the error; the function is told of each.
export function patient(place, ask) {
    let wait = WAIT_MS;

    function next() {
        if (document.hidden) {
            setTimeout(next, WAIT_MS);
        } else if (place.isConnected && place.querySelector('.state.bad')) {
            forget();
            ask();
        }
    }

    return error => {
        if (error.status === 0 || error.status === 503) {
            setTimeout(next, wait);
            wait = Math.min(2 * wait, MAX_WAIT_MS);
        }
    };
}

// A place that is filled when its answer is there.
export function later(ask, render, lines) {
    const place = h('div', { class: 'later' }, skeleton(lines));
    const waits = patient(place, run);

    async function run() {
        try {
            const answer = await ask();
            const content = [await render(answer)].flat(Infinity)
                .filter(Boolean);
            place.replaceChildren(...content);
        } catch (error) {
            if (error.name !== 'AbortError') {
                place.replaceChildren(failed(error, again));
                waits(error);
            }
        }
    }

    function again() {
        forget();
        place.replaceChildren(skeleton(lines));
        run();
    }

    run();

    return place;
}


// Small things

// Stays in the page, with what is open and focused in it, when an address with
// other parameters gives the same key.
export function keyed(key, element) {
    element.dataset.key = key;

    return element;
}

// To a screen reader.
export function announce(text) {
    document.getElementById('said').textContent = text;
}

export function badge(state) {
    return h('span', { class: `badge ${state}` }, STATES[state].text);
}

export function card(title, ...content) {
    return h('section', { class: 'card' }, h('h2', {}, title), content);
}

export function facts(...pairs) {
    return h('dl', { class: 'facts' },
             pairs.filter(Boolean).map(([name, ...value]) =>
                 h('div', {}, h('dt', {}, name), h('dd', {}, ...value))));
}

export function tile(name, value, note, kind) {
    return h('div', { class: `tile ${kind || ''}` }, h('dt', {}, name),
             h('dd', {}, value, note && h('small', {}, note)));
}

// columns: [heading, cell of a row, class]; a table that a phone can show,
// each row as a block.
export function table(label, columns, rows) {
    return h('table', { class: 'rows' },
        h('caption', { class: 'only-read' }, label),
        h('thead', {}, h('tr', {}, columns.map(([name, , kind]) =>
            h('th', { scope: 'col', class: kind }, name)))),
        h('tbody', {}, rows.map(row => rowOf(columns, row))));
}

export function rowOf(columns, row) {
    return h('tr', {}, columns.map(([name, cell, kind]) => {
        const content = cell(row);

        return h('td', { class: content ? kind : 'absent' }, content && h(
            'span', { class: 'label', 'aria-hidden': 'true' }, name), content);
    }));
}

export function copyButton(text, what, label = 'Copy') {
    const button = h('button', { type: 'button', class: 'small',
        'aria-label': label === 'Copy' ? `Copy ${what}` : null,
        onclick: copy }, label);

    async function copy() {
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            copyOld();
        }
        button.textContent = 'Copied';
        announce(`Copied ${what}`);
        setTimeout(() => {
            button.textContent = label;
        }, 2000);
    }

    // where the page did not come by https, browsers have no clipboard
    function copyOld() {
        const area = h('textarea', { readonly: true, class: 'only-read' });
        area.value = text;
        button.after(area);
        area.select();
        document.execCommand('copy');
        area.remove();
        button.focus();
    }

    return button;
}

function save(blob, name) {
    const url = URL.createObjectURL(blob);
    const a = h('a', { href: url, download: name });

    document.body.append(a);
    a.click();
    a.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// The server's own CSV.
export function csvOf(name, segments, params) {
    return downloadButton('CSV', `${name}.csv`, 'text/csv', segments, params);
}

export function downloadButton(text, name, type, segments, params) {
    const button = h('button', { type: 'button', class: 'small', onclick:
        async () => {
            try {
                const response = await fetchAs(type, segments, params);
                save(await response.blob(), fileName(response) || name);
            } catch (error) {
                button.after(failed(error));
            }
        } }, text);

    return button;
}

function fileName(response) {
    const header = response.headers.get('Content-Disposition') || '';
    const match = /filename="([^"\\/]+)"/.exec(header);

    return match && match[1];
}


// The range: a preset, or two days.

export function rangePicker(route) {
    const range = rangeOf(route.params);
    const others = { ...route.params };
    delete others.days;
    delete others.from;
    delete others.to;

    const go = params => {
        location.hash = link(route.segments, { ...others, ...params });
    };
    const choice = h('select', { id: 'range', 'aria-label': 'Time range',
        onchange() {
            if (choice.value === 'own') {
                go({ from: range.from, to: range.to });
            } else {
                go({ days: choice.value });
            }
        } },
        !range.fixed && !PRESETS.some(([n]) => n === range.days)
            && h('option', { value: range.days }, `${range.days} days`),
        PRESETS.map(([n, text]) => h('option', { value: n },
            n === 365 ? text : `Last ${text}`)),
        h('option', { value: 'own' }, 'From … to …'));
    choice.value = range.fixed ? 'own' : String(range.days);

    const from = dayInput('from', 'From', range.from);
    const to = dayInput('to', 'To', range.to);

    function dayInput(id, label, value) {
        return h('input', { type: 'date', id, 'aria-label': label, value,
            onchange() {
                if (from.value && to.value) {
                    const [a, b] = [from.value, to.value].sort();
                    go({ from: a, to: b });
                }
            } });
    }

    const step = n => h('button', { type: 'button', class: 'small',
        'aria-label': n < 0 ? 'Earlier' : 'Later', id: n < 0 ? 'earlier'
            : 'later', disabled: n > 0 && range.to >= dayOf(Date.now()),
        onclick() {
            const size = (Date.parse(range.to) - Date.parse(range.from))
                / 86400000 + 1;
            go({ from: addDays(range.from, n * size),
                 to: addDays(range.to, n * size) });
        } }, n < 0 ? '‹' : '›');

    return h('div', { class: 'range' }, step(-1), choice,
             range.fixed && [from, h('span', { 'aria-hidden': 'true' }, '–'),
                             to],
             step(1));
}
