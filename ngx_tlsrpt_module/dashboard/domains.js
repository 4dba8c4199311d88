/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// All domains, the worst first.

import { FAILURES, SESSIONS, daysBetween, eachPage, formatAgo, formatNumber,
         formatRange, formatShare, formatShort, formatTime, get, link, rangeOf,
         share } from './data.js';
import { badge, csvButton, empty, failed, h, rangePicker, skeleton, sparkline }
    from './dom.js';

const CHUNK = 60;               // rows made at once
const RANK = { failing: 0, attention: 1, silent: 2, occasional: 3, ok: 4 };
const FILTERS = [['', 'All'], ['failing', 'Failing'],
                 ['attention', 'Attention'], ['silent', 'Silent'],
                 ['occasional', 'Now and then'], ['ok', 'OK']];

const sessions = row => row[SESSIONS] + row[FAILURES];
const failedShare = row => share(row[FAILURES], sessions(row));
const rank = row => RANK[row.status] ?? 5;
const byName = (a, b) => a.domain < b.domain ? -1 : 1;

const ORDERS = {
    worst: (a, b) => rank(a) - rank(b) || failedShare(b) - failedShare(a)
        || sessions(b) - sessions(a) || byName(a, b),
    domain: byName,
    sessions: (a, b) => sessions(b) - sessions(a) || byName(a, b),
    failed: (a, b) => failedShare(b) - failedShare(a) || byName(a, b),
    last: (a, b) => (b['last-report'] || '')
        .localeCompare(a['last-report'] || '') || byName(a, b),
};

export async function domains(route) {
    const range = rangeOf(route.params);
    const state = { rows: [], shown: [], drawn: 0, done: false };
    const place = h('div', { class: 'list' }, skeleton(8));
    const summary = h('p', { class: 'quiet', role: 'status' });
    const params = { from: range.from, to: range.to };
    const chips = h('div', { class: 'chips', role: 'group',
                             'aria-label': 'Status' });
    const search = h('input', { type: 'search', id: 'search',
        placeholder: 'Search domains', 'aria-label': 'Search domains',
        autocomplete: 'off', spellcheck: 'false',
        value: route.params.q || '', oninput: searched });
    const eye = watchRows(params);

    route.signal.addEventListener('abort', () => eye.disconnect());

    function address(more) {
        return link([], { ...route.params, q: search.value, ...more });
    }

    // without an entry of history for each letter
    function searched() {
        route.params.q = search.value;
        history.replaceState(null, '', address());
        draw();
    }

    function draw() {
        const q = search.value.trim().toLowerCase();
        const status = route.params.status || '';
        const order = ORDERS[route.params.sort] || ORDERS.worst;

        state.shown = state.rows.filter(row => row.domain.includes(q)
            && (!status || row.status === status)).sort(order);
        state.drawn = 0;
        drawChips(chips, state.rows, status, address);
        summary.textContent = said(state, range);
        place.replaceChildren(state.rows.length === 0 ? none()
            : state.shown.length === 0 ? noMatch() : list());
    }

    function list() {
        const body = h('tbody');
        const more = h('button', { type: 'button', class: 'more',
                                   onclick: grow }, 'Show more');
        const end = new IntersectionObserver(entries => {
            if (entries.some(entry => entry.isIntersecting)) {
                grow();
            }
        }, { rootMargin: '600px' });

        function grow() {
            const next = state.shown.slice(state.drawn, state.drawn + CHUNK);
            const rows = next.map(row => domainRow(row, route.params));
            state.drawn += next.length;
            body.append(...rows);
            rows.forEach(row => eye.observe(row));
            if (state.drawn >= state.shown.length) {
                end.disconnect();
                more.remove();
            }
        }

        grow();
        if (state.drawn < state.shown.length) {
            end.observe(more);
        }
        route.signal.addEventListener('abort', () => end.disconnect());

        return h('div', {}, h('table', { class: 'domains' },
            h('caption', { class: 'only-read' }, 'Domains'),
            h('thead', {}, headings(route.params, address)), body),
            state.drawn < state.shown.length && more);
    }

    async function load() {
        try {
            await eachPage(params, (rows, page, done) => {
                state.rows = rows;
                state.done = done;
                draw();
            }, route.signal);
        } catch (error) {
            place.replaceChildren(failed(error, () => {
                place.replaceChildren(skeleton(8));
                load();
            }));
        }
    }

    load();

    return { title: 'Domains', content: [
        h('div', { class: 'head' }, h('div', {}, h('h1', {}, 'Domains'),
                                      summary), rangePicker(route)),
        h('div', { class: 'bar' }, search, chips,
            csvButton(`domains-${range.from}-${range.to}`,
                ['domain', 'status', 'reports', SESSIONS, FAILURES,
                 'last-report'], () => state.shown)),
        place] };
}

function said(state, range) {
    const failing = state.rows.filter(row => row.status === 'failing').length;
    const n = state.rows.length;
    const some = state.shown.length < n
        ? `${formatNumber(state.shown.length)} of ${formatNumber(n)}`
        : formatNumber(n);

    return `${formatRange(range.from, range.to)} · ${some} ${
        n === 1 ? 'domain' : 'domains'} · ${
        failing ? `${formatNumber(failing)} failing` : 'none failing'}${
        state.done ? '' : ' · more are coming'}`;
}

function drawChips(chips, rows, status, address) {
    const count = name => name
        ? rows.filter(row => row.status === name).length : rows.length;

    chips.replaceChildren(...FILTERS.map(([name, text]) =>
        h('a', { class: `chip ${name}`, href: address({ status: name }),
                 'aria-current': name === status ? 'true' : null },
          text, ' ', h('b', {}, formatNumber(count(name))))));
}

function headings(params, address) {
    const now = ORDERS[params.sort] ? params.sort : 'worst';
    const up = ['domain'];
    const heading = (name, text, kind) => h('th', { scope: 'col', class: kind,
        'aria-sort': name === now
            ? (up.includes(name) ? 'ascending' : 'descending') : null },
        name ? h('a', { href: address({ sort: name }) }, text) : text);

    return h('tr', {}, heading('worst', 'Status'), heading('domain', 'Domain'),
             heading('sessions', 'Sessions', 'number'),
             heading('failed', 'Failed', 'number'),
             heading('', 'By day', 'spark'), heading('', 'Policy', 'mode'),
             heading('last', 'Last report', 'last'));
}

function domainRow(row, params) {
    const { days, from, to } = params;
    const last = row['last-report'];
    const bad = row[FAILURES] > 0;

    return h('tr', { 'data-domain': row.domain },
        h('td', { class: 'status' }, badge(row.status)),
        h('td', { class: 'name' }, h('a', { href: link(
            ['domains', row.domain], { days, from, to }) }, row.domain)),
        h('td', { class: 'number sessions' }, formatShort(sessions(row)),
            h('span', { class: 'unit' }, ' sessions')),
        h('td', { class: `number failed ${bad ? 'bad' : ''}`,
            title: `${formatNumber(row[FAILURES])} failed` },
            sessions(row) ? formatShare(failedShare(row)) : '–',
            h('span', { class: 'unit' }, ' failed')),
        h('td', { class: 'spark' }),
        h('td', { class: 'mode' }),
        h('td', { class: 'last', title: last ? formatTime(last) : null },
            last ? formatAgo(last) : 'never'));
}

// The days and the policy of a domain are asked for when its row is seen.
function watchRows(params) {
    const eye = new IntersectionObserver(entries => {
        for (const { isIntersecting, target } of entries) {
            if (isIntersecting) {
                eye.unobserve(target);
                fillRow(target, params);
            }
        }
    }, { rootMargin: '100px' });

    return eye;
}

async function fillRow(row, params) {
    const { domain } = row.dataset;
    const quiet = () => null;

    const [stats, setup] = await Promise.all([
        get(['domains', domain], { ...params, by: 'day' }).catch(quiet),
        get(['domains', domain, 'policy']).catch(quiet)]);

    if (stats) {
        const bad = stats.groups.filter(group => group[FAILURES] > 0).length;
        row.querySelector('.spark').replaceChildren(sparkline(
            daysBetween(params.from, params.to),
            new Map(stats.groups.map(group => [group.day, group])),
            bad ? `Sessions by day, with failures on ${formatNumber(bad)}`
                : 'Sessions by day, without failures'));
    }

    row.querySelector('.mode').replaceChildren(
        ...(setup && setup.policy ? [modeBadge(setup.policy.mode)] : ['–']));
}

export function modeBadge(mode) {
    return h('span', { class: `pill ${mode}` }, mode);
}

function none() {
    return empty('No domains yet',
        'A domain appears here once it is configured (tlsrpt_domain, or a '
        + 'policy), and with its first report. If there should be some, this '
        + 'login may not be allowed to read them (tlsrpt_scope).');
}

function noMatch() {
    return empty('No domain matches', 'Try fewer letters, or all statuses.');
}
