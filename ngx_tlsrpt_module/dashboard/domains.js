/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// The first screen: is all right, what is to be done, what has changed, and
// all domains, the worst first.

import { FAILURES, SESSIONS, STATES, consequence, count, domainPages,
         formatNumber, formatRange, formatShare, formatShort, formatShortDay,
         formatTime, get, link, mayChange, problemLink, rangeOf, share,
         stateOf, worstFirst } from './data.js';
import { ago, announce, badge, csvOf, domainName, empty, failed, h, later,
         patient, rangePicker, says, skeleton, some } from './dom.js';
import { matches } from './names.js';

const CHUNK = 60;               // rows made at once
const PAUSE_MS = 300;           // of typing, before the server is asked
const NAMES = Object.keys(STATES);

const sessions = row => row[SESSIONS] + row[FAILURES];
const failedShare = row => share(row[FAILURES], sessions(row));
const rank = row => NAMES.indexOf(stateOf(row));
const byName = (a, b) => a.domain < b.domain ? -1 : 1;

export const ORDERS = {
    worst: (a, b) => rank(a) - rank(b) || failedShare(b) - failedShare(a)
        || sessions(b) - sessions(a) || byName(a, b),
    domain: byName,
    failed: (a, b) => failedShare(b) - failedShare(a) || byName(a, b),
    mode: (a, b) => (a['policy-mode'] || '')
        .localeCompare(b['policy-mode'] || '') || byName(a, b),
    last: (a, b) => (b['last-report'] || '')
        .localeCompare(a['last-report'] || '') || byName(a, b),
};

const orderOf = ({ sort }) => Object.hasOwn(ORDERS, sort || '')
    ? sort : 'worst';

export async function domains(route) {
    const range = rangeOf(route.params);
    const params = { from: range.from, to: range.to };
    const status = Object.hasOwn(STATES, route.params.status || '')
        ? route.params.status : '';
    const order = orderOf(route.params);
    const state = { rows: [], shown: [], drawn: 0, whole: true, source: null,
                    grow: null, many: 0 };
    const place = h('div', { class: 'list' }, skeleton(8));
    const summary = h('p', { class: 'quiet', id: 'summary' });
    const chips = h('div', { class: 'chips', role: 'group',
                             'aria-label': 'Status' });
    const search = h('input', { type: 'search', id: 'search',
        placeholder: 'Search domains', 'aria-label': 'Search domains',
        autocomplete: 'off', spellcheck: 'false',
        value: route.params.q || '', oninput: searched });
    let opened;
    let pause;

    function address(more) {
        return link([], { ...route.params, q: search.value, ...more });
    }

    const typed = () => search.value.trim().toLowerCase();

    // without an entry of history for each letter
    function searched() {
        route.params.q = search.value;
        history.replaceState(history.state, '', address());
        if (state.whole) {
            draw();
            return;
        }
        clearTimeout(pause);
        pause = setTimeout(restart, PAUSE_MS);
    }

    // More than a page: the server searches and chooses.
    async function restart() {
        const sought = { ...params, name: typed() };
        const mine = status ? domainPages(sought, STATES[status].statuses)
            : order === 'worst' ? worstFirst(sought, ORDERS.worst)
                : domainPages(sought, ['']);
        state.source = mine;
        state.rows = [];
        await further(mine);
    }

    async function further(source) {
        const before = state.rows.length;

        while (state.rows.length < before + CHUNK) {
            const { value, done } = await source.next();
            if (source !== state.source || route.signal.aborted) {
                return;
            }
            if (done) {
                state.source = null;
                break;
            }
            state.rows.push(...value);
        }
        if (before > 0) {
            state.shown = chosen();
            state.grow();
        } else {
            draw();
        }
    }

    function chosen() {
        const q = state.whole ? typed() : '';

        return state.rows.filter(row => matches(row.domain, q)
            && (!status || stateOf(row) === status));
    }

    function draw() {
        state.shown = chosen();
        if (state.whole) {
            state.shown.sort(ORDERS[order]);
        }
        state.drawn = 0;
        drawChips();
        summary.replaceChildren(...said(state, range));
        announce(`${state.source ? 'More than ' : ''}${
            count(state.shown.length, 'domain')} shown`);
        place.replaceChildren(state.shown.length > 0 || state.source ? list()
            : state.rows.length === 0 && !typed() && !status ? none()
                : noMatch(search.value, link([])));
    }

    function drawChips() {
        const all = [['', 'All'], ...NAMES.map(n => [n, STATES[n].text])];
        const many = name => name ? state.rows.filter(
            row => stateOf(row) === name).length : state.rows.length;

        chips.replaceChildren(...all
            .filter(([name]) => !name || name === status || !state.whole
                                || many(name) > 0)
            .map(([name, text]) => h('a', { class: `chip ${name}`,
                id: `status-${name}`, href: address({ status: name }),
                'aria-current': name === status ? 'true' : null },
            text, state.whole && [' ', h('b', {}, formatNumber(many(name)))])));
    }

    function list() {
        const body = h('tbody');
        const more = h('button', { type: 'button', class: 'more',
                                   onclick: grow }, 'Show more');
        const left = () => state.drawn < state.shown.length || state.source;
        const end = new IntersectionObserver(entries => {
            if (entries.some(entry => entry.isIntersecting)) {
                grow();
            }
        }, { rootMargin: '600px' });

        function add(n) {
            const next = state.shown.slice(state.drawn, state.drawn + n);
            state.drawn += next.length;
            body.append(...next.map(row => domainRow(row, route.params)));
            // anew: it may be seen still, which would be told of no more
            end.disconnect();
            if (left()) {
                end.observe(more);
            } else {
                more.remove();
            }
        }

        function grow() {
            if (state.drawn < state.shown.length) {
                add(CHUNK);
            } else if (state.source) {
                further(state.source).catch(error => {
                    more.replaceWith(failed(error));
                });
            } else {
                add(0);
            }
        }

        state.grow = grow;
        add(Math.max(CHUNK, route.place?.rows || 0));
        route.signal.addEventListener('abort', () => end.disconnect());
        // paper has all of them
        addEventListener('beforeprint', () => add(Infinity),
                         { signal: route.signal });

        return h('div', {}, h('table', { class: 'domains' },
            h('caption', { class: 'only-read' }, 'Domains'),
            h('thead', {}, headings(order, address, state.whole)), body),
            left() && more);
    }

    async function load() {
        try {
            const page = await get(['domains'], { ...params, limit: '1000' });
            if (route.signal.aborted) {
                return;
            }
            if (!page.next && page.domains.length === 1
                && Object.keys(route.params).length === 0)
            {
                location.replace(link(['domains', page.domains[0].domain]));
                return;
            }
            state.whole = !page.next;
            state.many = page.domains.length;
            state.rows = page.domains;
            answerFirst(page, opened, top, range);
            await (state.whole ? draw() : restart());
        } catch (error) {
            place.replaceChildren(failed(error, () => {
                place.replaceChildren(skeleton(8));
                load();
            }));
            waits(error);
        }
    }

    const waits = patient(place, load);
    const ask = () => {
        opened = get(['problems'], { limit: '50' });
        opened.catch(() => null);
        return opened;
    };

    const top = h('div', { class: 'verdict' }, h('h1', {}, 'Overview'),
                  summary);
    const now = h('div', { class: 'two' },
        later(ask, answer => toDo(answer), 3),
        later(() => get(['events'], { limit: '8' }), changes, 3));
    route.waits.push(load());

    return { title: 'Overview', content: [
        h('div', { class: 'head first' }, top, rangePicker(route)),
        now,
        h('div', { class: 'bar' }, search, chips,
            csvOf(`domains-${range.from}-${range.to}`, ['domains'], params)),
        place] };
}


// The answer

async function answerFirst(page, opened, top, range) {
    try {
        const [kind, text] = verdictOf((await opened).problems, page.domains,
                                       (await opened).next);
        top.querySelector('h1').textContent = text;
        top.className = `verdict ${kind}`;
        top.querySelector('p').title = formatRange(range.from, range.to);
    } catch {
        // what is open says so itself
    }
}

const NUMBERS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven',
                 'Eight', 'Nine', 'Ten'];

/** @param {import('./types').OpenProblem[]} problems
    @param {import('./types').DomainRow[]} rows
    @param {string | null} more */
export function verdictOf(problems, rows, more) {
    const n = problems.length;
    const lost = problems.filter(
        problem => consequence(problem['lost-mail'])[0] === 'bad');
    const senders = new Set(lost.flatMap(
        problem => problem['organization-names']));

    if (rows.length > 0 && rows.every(row => stateOf(row) === 'waiting')) {
        return ['none', 'Waiting for the first report'];
    }
    if (n === 0) {
        return rows.length === 0 ? ['none', 'Nothing to show yet']
            : rows.some(row => stateOf(row) === 'silent')
                ? ['warn', 'Nothing fails, but some reports have stopped']
                : ['good', 'All is well: nothing needs you'];
    }

    const many = more ? `More than ${formatNumber(n)}`
        : NUMBERS[n] || formatNumber(n);
    const need = n === 1 && !more ? `${many} problem needs you`
        : `${many} problems need you`;

    return lost.length === 0 ? ['warn', need]
        : ['bad', `${need}; mail from ${senders.size === 1 ? 'one sender'
            : 'some senders'} is not arriving`];
}

function said(state, range) {
    const rows = state.rows;
    const all = rows.reduce((sum, row) => sum + sessions(row), 0);
    const bad = rows.reduce((sum, row) => sum + row[FAILURES], 0);
    const last = rows.map(row => row['last-report'] || '').sort().pop();

    return [
        last && ['Last report ', ago(last)],
        `${state.whole ? '' : 'more than '}${count(state.many, 'domain')}`,
        state.whole && all > 0 && `${formatShort(all)} connections, ${
            formatShare(share(all - bad, all))} encrypted`,
        formatRange(range.from, range.to),
    ].filter(Boolean).flatMap((part, i) => i ? [' · ', part] : [part]).flat();
}

function toDo({ problems, next }) {
    return h('section', { class: 'card todo' }, h('h2', {}, 'To do now'),
        problems.length === 0
            ? h('p', { class: 'quiet' }, 'Nothing.')
            : h('ol', { class: 'todos' }, problems.slice(0, 5).map(toDoItem)),
        (problems.length > 5 || next) && h('details', { class: 'data' },
            h('summary', {}, next ? 'More problems'
                : `${formatNumber(problems.length - 5)} more`),
            h('ol', { class: 'todos' }, problems.slice(5).map(toDoItem))));
}

/** @param {import('./types').OpenProblem} problem */
function toDoItem(problem) {
    const [domain, ...others] = problem.domains;
    const [kind, text] = consequence(problem['lost-mail']);
    const who = problem['organization-names'];
    const where = link(['domains', domain, 'problems',
                        problem['result-type'] || 'null'],
                       { title: problem.title });

    return h('li', { class: problem.severity },
        h('div', {}, h('h3', {}, says(problem.title)),
            h('p', { class: 'quiet' }, domain,
                others.length > 0 && ` and ${
                    count(problem['domain-count'] - 1, 'other domain')}`,
                who.length > 0 && [who.length === 1 ? ' · only ' : ' · ',
                                   some(who, 2)],
                problem['first-day'] && ` · since ${
                    formatShortDay(problem['first-day'])}`),
            others.length > 0 && h('details', { class: 'data' },
                h('summary', {}, 'The other domains'),
                h('p', {}, others.flatMap((other, i) => [i > 0 && ', ',
                    h('a', { href: link(['domains', other]) }, other)])))),
        h('p', { class: `consequence ${kind}` }, text),
        h('a', { class: 'button', href: where, 'aria-label':
            `How to fix: ${problem.title}` }, 'How to fix'));
}

const EVENTS = {
    'problem-opened': 'New', 'problem-worsened': 'Worse',
    'problem-resolved': 'Solved', 'problem-lapsed': 'Not heard of any more',
    'problem-withdrawn': 'Withdrawn', 'sender-new': 'New sender',
    'sender-gone': 'A sender has stopped',
};
const UNTOLD = ['state-built'];

function changes({ events }) {
    const told = events.filter(({ type }) => !UNTOLD.includes(type));

    return h('section', { class: 'card changed' },
        h('h2', {}, 'What changed'),
        told.length === 0 ? h('p', { class: 'quiet' }, 'Nothing yet.')
            : h('ul', { class: 'events' }, told.map(event => h('li', {},
                h('time', { datetime: event.time, title:
                    formatTime(event.time) },
                formatShortDay(event.time.slice(0, 10))),
                h('p', {}, Object.hasOwn(EVENTS, event.type)
                    && `${EVENTS[event.type]}: `,
                h('a', { href: event['problem-id']
                    ? problemLink(event.domain, { id: event['problem-id'],
                                                  title: event.title })
                    : link(['domains', event.domain]) },
                says(event.title || event.type)), ' ',
                h('small', { class: 'quiet' }, event.domain))))));
}


// The table

function headings(now, address, whole) {
    const up = ['domain', 'mode'];
    const heading = (name, text, kind) => h('th', { scope: 'col', class: kind,
        'aria-sort': name === now
            ? (up.includes(name) ? 'ascending' : 'descending') : null },
        name && (whole || ['worst', 'domain'].includes(name))
            ? h('a', { href: address({ sort: name }), id: `sort-${name}` },
                text) : text);

    return h('tr', {}, heading('worst', 'Status'), heading('domain', 'Domain'),
             heading('', 'What is wrong', 'wrong'),
             heading('failed', 'Failed', 'number'),
             heading('mode', 'Policy', 'mode'),
             heading('last', 'Last report', 'last'));
}

function domainRow(row, params) {
    const { days, from, to } = params;
    const last = row['last-report'];

    return h('tr', { 'data-domain': row.domain },
        h('td', { class: 'status' }, badge(stateOf(row))),
        h('td', { class: 'name' }, h('a', { href: link(
            ['domains', row.domain], { days, from, to }) },
        domainName(row.domain))),
        h('td', { class: 'wrong' }, whatIsWrong(row)),
        h('td', { class: 'number failed',
            title: `${formatNumber(row[FAILURES])} of ${
                count(sessions(row), 'connection')}` },
            sessions(row) ? [formatShare(failedShare(row)),
                             h('span', { class: 'unit' }, ' failed')] : '–'),
        h('td', { class: 'mode' }, row['policy-mode']
            ? h('span', { class: 'pill' }, row['policy-mode']) : 'none'),
        h('td', { class: 'last' }, last ? ago(last) : 'never'));
}

/** @param {import('./types').DomainRow} row */
function whatIsWrong(row) {
    const state = stateOf(row);

    return row['problem-title'] ? says(row['problem-title'])
        : state === 'waiting' ? h('a', { href: link(
            ['domains', row.domain, 'setup']) }, 'What to publish')
            : state === 'ok' && row[FAILURES] > 0
                ? h('span', { class: 'quiet' }, 'Failures of before: solved')
                : '';
}

export function modeBadge(mode) {
    return h('span', { class: 'pill' }, mode);
}

function none() {
    return h('div', { class: 'state' }, h('h2', {}, 'Nothing to show yet'),
        h('ol', {}, h('li', {}, mayChange()
            ? h('a', { href: link(['enrol']) }, 'Add a domain, or see those '
                + 'that wait for their proof.')
            : ['Name a domain in nginx: ',
               h('code', {}, 'tlsrpt_domain example.com;')]),
        h('li', {}, 'Publish its record, which is shown here then.'),
        h('li', {}, 'Wait a day or two for the first report.')),
        h('p', {}, 'Expected some? The scope of your login (tlsrpt_scope) may '
            + 'be empty.'));
}

function noMatch(text, all) {
    return empty(text ? `No domain matches “${text}”` : 'No such domain',
                 h('a', { href: all }, 'Show all domains'));
}
