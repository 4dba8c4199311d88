/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// One domain: what is wrong, and its sessions by day and by what they have in
// common.

import { DIMENSIONS, FAILURES, RESULTS, SESSIONS, VIA, addDays, consequence,
         count, dayOf, formatDay, formatNumber, formatRange, formatShare, get,
         link, rangeOf, share, stateOf } from './data.js';
import { announce, badge, card, csvOf, domainName, empty, h, keyed, later,
         named, rangePicker, says, tile } from './dom.js';
import { daysChart } from './days.js';
import { ORDERS } from './domains.js';
import { findProblem, further, minor, problemCard, problemLine, solved }
    from './problem.js';

const TABS = [['', 'Overview'], ['reports', 'Reports'], ['senders', 'Senders'],
              ['setup', 'Set-up']];
const SUMMED = ['organization-name', 'policy-type', 'via'];
const MAX_GROUPS = 12;
const MAX_LINES = 4;            // of problems beside the worst

// What a problem says of each of these.
const OF_PROBLEM = {
    'result-type': one => [one['result-type']],
    'organization-name': one => one['organization-names'],
    'receiving-mx-hostname': one => one['receiving-mx-hostnames'],
    'sending-mta-ip': one => one['sending-mta-ips'],
    'receiving-ip': one => one['receiving-ips'],
    'failure-reason-code': one => one['failure-reason-codes'],
    'policy-type': one => one['policy-types'],
    'via': one => Object.keys(one.via || {}).filter(way => one.via[way] > 0),
};

// What stands above each view of a domain.
export function domainHead(route, view, ...tools) {
    const name = route.segments[1];
    const { days, from, to } = route.params;
    const sender = route.params['organization-name'];

    return [
        h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' },
            h('a', { href: link([], { days, from, to, all: '1' }) },
                'Overview'), nextWrong(name, { days, from, to })),
        h('div', { class: 'head' },
            h('div', { class: 'domain' }, h('h1', {}, domainName(name)),
              howItIs(name)), tools),
        h('nav', { class: 'tabs', 'aria-label': 'Domain sections' },
            TABS.map(([tab, text]) => h('a', { id: `tab-${tab}`,
                href: link(['domains', name, tab].filter(Boolean),
                           { days, from, to, 'organization-name': sender }),
                'aria-current': tab === view ? 'page' : null }, text))),
    ];
}

// How it is now, beside the name, once that is known; a mode is no health.
function howItIs(name) {
    const place = h('span', { class: 'how' });

    get(['domains'], { name, limit: '1000' }).then(({ domains }) => {
        const row = domains.find(other => other.domain === name);
        if (row) {
            place.append(badge(stateOf(row)), row['policy-mode']
                ? h('span', { class: 'pill' }, `policy: ${row['policy-mode']}`)
                : '');
        }
    }, () => null);

    return place;
}

// For who works through what fails: the way on to the next, without the list.
function nextWrong(name, range) {
    const place = h('span', { class: 'next' });

    get(['domains'], { status: 'failing', limit: '1000' }).then(answer => {
        const all = [...answer.domains].sort(ORDERS.worst)
            .map(row => row.domain);
        const at = all.indexOf(name);
        const next = all[(at + 1) % all.length];

        if (at >= 0 && all.length > 1) {
            place.append(`${formatNumber(at + 1)} of ${answer.next
                ? 'more than ' : ''}${formatNumber(all.length)} failing · `,
            h('a', { id: 'next', href: link(['domains', next], range),
                     'aria-label': `Next failing: ${next}` },
              `${next} ›`));
        }
    }, () => null);

    return place;
}

export async function domain(route) {
    const [, name] = route.segments;
    const range = rangeOf(route.params);
    const own = { from: range.from, to: range.to };
    const filters = filtersOf(route.params);
    const details = Object.keys(filters).some(key => !SUMMED.includes(key));
    const path = ['domains', name];
    const filtered = Object.keys(filters).length > 0;
    const daily = () => get(path, { ...own, ...filters, by: 'day' });
    const troubles = () => get([...path, 'problems'], own);
    const grouped = () => get(path, { ...own, ...filters,
                                      by: grouping(route) });

    // asked for at once, and shown from what is kept
    for (const ask of [troubles, grouped]) {
        ask().catch(() => null);
    }

    const key = JSON.stringify([name, own, filters]);
    const place = (part, ...rest) => keyed(part + key, later(...rest));

    return { title: name, content: [
        domainHead(route, '', rangePicker(route)),
        filterChips(route, filters),
        place('problems', troubles, async list =>
            problems(list, await daily(), route, filters), 4),
        place('numbers', daily, async answer => [
            answer.reports > 0 && (details ? detailTiles(answer)
                : tiles(answer, await outcome(troubles))),
            answer.reports === 0 && !filtered ? nothing(route, range) : [
                card('By day', daysChart(answer, name,
                                         reportFilters(filters)),
                     csvOf(`${name}-by-day-${own.from}-${own.to}`, path,
                           { ...own, ...filters, by: 'day' })),
            ],
        ], 8),
        keyed(`groups${key}${grouping(route)}`,
              h('div', { class: 'later' }, later(daily, answer =>
                  (answer.reports > 0 || filtered)
                      && groupsCard(route, own, filters, grouped), 0))),
    ] };
}

// One problem, at an address of its own.
export async function problem(route) {
    const [, name, , id] = route.segments;
    const range = rangeOf(route.params);
    const ask = days => get(['domains', name, 'problems'], days);

    return { title: `Problem of ${name}`, content: [
        domainHead(route, 'problems'),
        later(async () => {
            const days = { from: range.from, to: range.to };
            const found = findProblem(await ask(days), id, route.params.title);

            return found || findProblem(await ask(
                { from: addDays(range.to, -399), to: range.to }), id,
                route.params.title);
        }, found => found ? problemCard(found, name, route.params)
            : empty('This problem is not open', 'It is over, or its reports '
                + 'are kept no more. ', h('a', { href: link(['domains', name]) },
                    `How ${name} is now`)), 8),
    ] };
}

function filtersOf(params) {
    return Object.fromEntries(Object.keys(DIMENSIONS)
        .filter(name => params[name] !== undefined && params[name] !== '')
        .map(name => [name, params[name]]));
}

// The list of reports knows one of them.
function reportFilters(filters) {
    return { 'organization-name': filters['organization-name'] };
}

function filterChips(route, filters) {
    const names = Object.keys(filters);

    return names.length > 0 && h('div', { class: 'chips filters' }, 'Only',
        names.map(name => {
            const rest = { ...route.params };
            delete rest[name];
            return h('span', { class: 'chip' }, `${DIMENSIONS[name]}: `,
                named(filters[name]),
                h('a', { href: link(route.segments, rest),
                         'aria-label': `Without ${DIMENSIONS[name]} ${
                             filters[name]}` }, '×'));
        }));
}

// What became of these failures, and how it looks.
async function outcome(troubles) {
    try {
        const { problems: all } = await troubles();
        const going = all.filter(one => one.ongoing !== false);

        return all.length === 0 ? ['bad', '']
            : all.every(one => consequence(one['lost-mail'])[0] === 'good')
                ? ['warn', 'the mail still arrived']
                : going.length === 0 ? ['', 'solved'] : ['bad', ''];
    } catch {
        return ['bad', ''];
    }
}

function tiles(answer, after) {
    const [kind, became] = after;
    const bad = answer[FAILURES];
    const all = answer[SESSIONS] + bad;
    const last = answer.groups.map(group => group.day).sort().pop();

    return h('dl', { class: 'tiles' },
        tile('Encrypted', all > 0 ? formatShare(share(all - bad, all)) : '–',
             `of ${count(all, 'connection')}`),
        tile('Failed', formatNumber(bad), bad > 0 && [
            formatShare(share(bad, all)), became].filter(Boolean).join(', '),
        bad === 0 ? all && 'good' : kind),
        tile('Reports up to', last ? formatDay(last) : '–',
             count(answer.reports, 'report')));
}

// What the filters leave of the failure details.
function detailTiles(answer) {
    const bad = answer.groups.reduce(
        (n, group) => n + group['failed-session-count'], 0);
    const days = answer.groups.map(group => group.day).sort();

    return h('dl', { class: 'tiles' },
        tile('Failed', formatNumber(bad), '', bad ? 'bad' : 'good'),
        tile('Days', formatNumber(days.length)),
        tile('First day', days.length ? formatDay(days[0]) : '–'),
        tile('Latest day', days.length ? formatDay(days[days.length - 1])
                                       : '–'));
}

function nothing(route, range) {
    return range.to < addDays(dayOf(Date.now()), -2)
        ? empty('No reports in this range', 'Choose other days above.')
        : [h('p', {}, h('b', {}, 'No reports in this range. '),
            'Senders report a day at its end, so the first report takes a day '
            + 'or two after the record is published.'),
        later(async () => (await import('./setup.js')).firstSteps(
            route.segments[1]), steps => steps, 6)];
}


// Problems: the worst as a card, the others one line each

function problems(answer, { reports }, route, filters) {
    const name = route.segments[1];
    const filtered = Object.keys(filters).length > 0;
    const chosen = answer.problems.filter(one => Object.entries(filters)
        .every(([key, value]) => OF_PROBLEM[key](one).includes(value)));
    const going = chosen.filter(one => one.ongoing !== false);
    const worth = going.filter(one => one.severity !== 'low');
    const small = going.filter(one => one.severity === 'low');
    const over = chosen.filter(one => one.ongoing === false);
    const [worst, ...others] = worth;

    if ((filtered || reports === 0) && chosen.length === 0) {
        return null;
    }

    return h('section', { class: 'problems', 'aria-label': 'Problems' },
        !worst && h('p', { class: 'note good' }, chosen.length === 0
            ? 'All connections reported from '
                + `${formatRange(answer.from, answer.to)} were encrypted.`
            : 'There is nothing to do now.'),
        worst && problemCard(worst, name, route.params),
        others.slice(0, MAX_LINES).map(
            one => problemLine(one, name, route.params)),
        further(others.slice(MAX_LINES), name, route.params),
        minor(small, name, route.params),
        solved(over, name, route.params));
}


// Groups

function grouping(route) {
    return Object.hasOwn(DIMENSIONS, route.params.by || '')
        ? route.params.by : 'result-type';
}

function groupsCard(route, own, filters, grouped) {
    const name = route.segments[1];
    const by = grouping(route);

    return card('Break down by',
        h('nav', { class: 'chips', 'aria-label': 'Break down by' },
            Object.entries(DIMENSIONS).map(([key, text]) => h('a', {
                class: 'chip', id: `by-${key}`, href: link(route.segments,
                    { ...route.params, by: key }),
                'aria-current': key === by ? 'true' : null }, text))),
        later(grouped, answer => groups(answer, by, route), 6),
        csvOf(`${name}-${by}-${own.from}-${own.to}`, ['domains', name],
              { ...own, ...filters, by }));
}

function groups(answer, by, route) {
    const details = answer.groups.some(
        group => group['failed-session-count'] !== undefined);
    const failures = group => details ? group['failed-session-count']
        : group[FAILURES];
    const size = group => details ? failures(group)
        : group[SESSIONS] + group[FAILURES];
    const list = answer.groups;
    const top = Math.max(1, ...list.map(size));
    const rows = h('ol', { class: 'groups' });

    if (list.length === 0) {
        return h('p', { class: 'quiet' }, SUMMED.includes(by)
            ? 'No reports in this period.' : 'No failures in this period.');
    }

    const show = n => rows.append(...list.slice(rows.children.length, n)
        .map(group => groupRow(group, by, route,
            { bad: failures(group), all: size(group), top, details })));
    const more = h('button', { type: 'button', onclick() {
        show(rows.children.length + 100);
        more.hidden = rows.children.length === list.length;
    } }, 'Show more');

    show(MAX_GROUPS);
    announce(`${count(list.length, 'group')}, by ${DIMENSIONS[by]}`);

    return [rows, list.length > MAX_GROUPS && more];
}

function inWords(by, value) {
    return by === 'result-type' && Object.hasOwn(RESULTS, value)
        ? [RESULTS[value], ' ', h('small', { class: 'quiet' }, value)]
        : by === 'via' && Object.hasOwn(VIA, value) ? VIA[value]
            : named(value);
}

function groupRow(group, by, route, { bad, all, top, details }) {
    const value = group[by];
    const known = value !== null && value !== undefined;
    const bar = h('span', { class: 'meter', 'aria-hidden': 'true' });
    const part = (kind, n) => {
        const i = h('i', { class: kind });
        i.style.width = `${n > 0 ? Math.max(0.6, 100 * n / top) : 0}%`;
        return i;
    };

    bar.append(part('bad', bad), part('ok', all - bad));

    return h('li', {},
        h('span', { class: 'key' }, known
            ? h('a', { href: link(route.segments,
                { ...route.params, [by]: value }) }, inWords(by, value))
            : says(null)),
        h('span', { class: 'value' }, details
            ? `${formatNumber(bad)} failed`
            : [count(all, 'connection'), bad > 0 && h('b', {},
                ` · ${formatNumber(bad)} failed (${
                    formatShare(share(bad, all))})`)]),
        bar);
}
