/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// Making elements.  What comes from a report becomes text nodes and nothing
// else: there is no way here to make markup from a string.

import { FAILURES, Problem, SESSIONS, addDays, fetchAs, forget, formatNumber,
         link, rangeOf } from './data.js';

const SVG = 'http://www.w3.org/2000/svg';
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

export function join(list, what = says) {
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

const STATES = {
    '-1': ['This is not an answer of the server',
           'Something in between answered instead, a login page perhaps. '
           + 'Load the page again to log in.'],
    0: ['The server cannot be reached',
        'The network or the server is away. Nothing is lost: reports go on '
        + 'being sent again by their senders.'],
    401: ['You are not logged in', 'Load the page again to log in.'],
    403: ['You may not see this',
          'The server knows you, but this is not among what you may read. '
          + 'Whoever runs it can change that (tlsrpt_scope).'],
    404: ['There is nothing here that you may see',
          'Either no such thing exists, or it belongs to a domain that is '
          + 'not yours to read. A report may also have passed its retention.'],
    503: ['The numbers cannot be read now',
          'The server is there, but its Redis is not. Try again in a moment.'],
};

export function failed(error, retry) {
    if (!(error instanceof Problem)) {
        console.error(error);
    }

    const [title, text] = STATES[error.status]
        || ['That did not work', ''];
    const detail = error.problem && error.problem.detail || '';

    return h('div', { class: 'state bad', role: 'alert' },
             h('h2', {}, title),
             text && h('p', {}, text),
             detail && h('p', { class: 'quiet' },
                         `The server says: ${detail}`),
             retry && h('button', { type: 'button', onclick: retry },
                        'Try again'));
}

// A place that is filled when its answer is there.
export function later(ask, render, lines) {
    const place = h('div', { class: 'later' }, skeleton(lines));

    async function run() {
        try {
            const answer = await ask();
            const content = [await render(answer)].flat(Infinity)
                .filter(Boolean);
            place.replaceChildren(...content);
        } catch (error) {
            if (error.name !== 'AbortError') {
                place.replaceChildren(failed(error, again));
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

const STATUS = { ok: 'OK', failing: 'Failing', attention: 'Attention',
                 silent: 'Silent', occasional: 'Now and then' };

export function badge(status) {
    return h('span', { class: `badge ${STATUS[status] ? status : 'none'}` },
             STATUS[status] || 'No reports yet');
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
        h('tbody', {}, rows.map(row => h('tr', {}, columns.map(
            ([name, cell, kind]) => h('td', { class: kind },
                h('span', { class: 'label', 'aria-hidden': 'true' }, name),
                cell(row)))))));
}

export function copyButton(text, what) {
    const button = h('button', { type: 'button', class: 'small',
        'aria-label': `Copy ${what}`, onclick: copy }, 'Copy');

    async function copy() {
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            copyOld();
        }
        button.textContent = 'Copied';
        button.setAttribute('aria-label', `Copied ${what}`);
        setTimeout(() => {
            button.textContent = 'Copy';
            button.setAttribute('aria-label', `Copy ${what}`);
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

function csvCell(value) {
    let text = value === null || value === undefined ? '' : String(value);

    // a spreadsheet would take it for a formula
    if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) {
        text = `'${text}`;
    }

    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvButton(name, columns, rows) {
    return h('button', { type: 'button', class: 'small', onclick() {
        const lines = [columns, ...rows().map(row =>
            columns.map(column => Array.isArray(row[column])
                ? row[column].join(' ') : row[column]))];
        save(new Blob([lines.map(line => line.map(csvCell).join(',') + '\r\n')
            .join('')], { type: 'text/csv' }), `${name}.csv`);
    } }, 'CSV');
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

// Sessions of each day as small bars, the failed ones at the bottom.
export function sparkline(days, byDay, label) {
    const width = 4 * days.length;
    const height = 28;
    const sums = days.map(day => {
        const group = byDay.get(day) || {};
        return { bad: group[FAILURES] || 0,
                 all: (group[SESSIONS] || 0) + (group[FAILURES] || 0) };
    });
    const top = Math.max(1, ...sums.map(sum => sum.all));
    const bars = (kind, size) => s('path', { class: kind,
        d: sums.map((sum, i) => {
            const tall = size(sum);
            return tall > 0
                ? `M${4 * i} ${height}v-${tall.toFixed(1)}h3v${
                    tall.toFixed(1)}z` : '';
        }).join('') });
    const scale = n => n > 0 ? Math.max(2, n / top * height) : 0;

    return s('svg', { class: 'sparkline', role: 'img', 'aria-label': label,
        viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none' },
        bars('spark-all', sum => scale(sum.all)),
        bars('spark-bad', sum => scale(sum.bad)));
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
            : 'later', onclick() {
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
