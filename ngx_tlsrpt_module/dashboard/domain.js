/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// One domain: what is wrong, and its sessions by day and by what they have in
// common.

import { DIMENSIONS, FAILURES, SESSIONS, count, formatDay, formatNumber,
         formatRange, formatShare, get, link, rangeOf, share }
    from './data.js';
import { card, csvOf, empty, h, later, rangePicker, says, some, tile }
    from './dom.js';
import { daysChart } from './days.js';
import { modeBadge } from './domains.js';

const TABS = [['', 'Overview'], ['reports', 'Reports'], ['senders', 'Senders'],
              ['records', 'DNS records'], ['policy', 'Policy']];
const SEVERITY = { high: 'Serious', medium: 'Worth a look', low: 'Minor' };
const SUMMED = ['organization-name', 'policy-type', 'via'];
const MAX_GROUPS = 12;

// What stands above each view of a domain.
export function domainHead(route, view, ...tools) {
    const domain = route.segments[1];
    const { days, from, to } = route.params;

    return [
        h('nav', { class: 'crumbs', 'aria-label': 'Up' },
            h('a', { href: link([], { days, from, to }) }, 'Domains')),
        h('div', { class: 'head' },
            h('div', { class: 'domain' }, h('h1', {}, domain),
              modeOf(domain)), tools),
        h('nav', { class: 'tabs', 'aria-label': 'About this domain' },
            TABS.map(([name, text]) => h('a', {
                href: link(['domains', domain, name].filter(Boolean),
                           { days, from, to }),
                'aria-current': name === view ? 'page' : null }, text))),
    ];
}

// Of the policy, beside the name once it is known.
function modeOf(domain) {
    const place = h('span', { class: 'mode' });

    get(['domains', domain, 'policy']).then(({ policy }) => {
        if (policy) {
            place.append(modeBadge(policy.mode));
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
    for (const ask of [filtered ? null : troubles, grouped]) {
        ask?.().catch(() => null);
    }

    return { title: name, content: [
        domainHead(route, '', rangePicker(route)),
        filterChips(route, filters),
        later(daily, answer => [
            details ? detailTiles(answer) : tiles(answer),
            !filtered && later(troubles, list => problems(list, answer,
                                                          route), 4),
            answer.reports === 0 && !filtered ? nothing(route) : [
                card('By day', daysChart(answer, name,
                                         reportFilters(filters)),
                     csvOf(`${name}-by-day`, path,
                           { ...own, ...filters, by: 'day' })),
                groupsCard(route, own, filters, grouped),
            ],
        ], 8),
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
                says(filters[name]),
                h('a', { href: link(route.segments, rest),
                         'aria-label': `Without ${DIMENSIONS[name]} ${
                             filters[name]}` }, '×'));
        }));
}

function tiles(answer) {
    const bad = answer[FAILURES];
    const all = answer[SESSIONS] + bad;
    const last = answer.groups.map(group => group.day).sort().pop();

    return h('dl', { class: 'tiles' },
        tile('Sessions', formatNumber(all)),
        tile('Failed', formatNumber(bad), all > 0
            && formatShare(share(bad, all)), bad ? 'bad' : all && 'good'),
        tile('Reports', formatNumber(answer.reports)),
        tile('Latest day', last ? formatDay(last) : '–'));
}

// What the filters leave of the failure details.
function detailTiles(answer) {
    const { groups } = answer;
    const bad = groups.reduce((n, group) => n + group['failed-session-count'],
                              0);
    const days = groups.map(group => group.day).sort();

    return h('dl', { class: 'tiles' },
        tile('Failed', formatNumber(bad), '', bad ? 'bad' : 'good'),
        tile('Days', formatNumber(days.length)),
        tile('First day', days.length ? formatDay(days[0]) : '–'),
        tile('Latest day', days.length ? formatDay(days[days.length - 1])
                                       : '–'));
}

function nothing(route) {
    const records = link([...route.segments, 'records']);

    return empty('No reports in this range',
        'Senders report a day at its end, so the first report takes a day or '
        + 'two after the record is published. ',
        h('a', { href: records }, 'What to publish'));
}


// Problems

function problems(answer, { reports }, route) {
    if (answer.problems.length === 0) {
        return reports > 0 && h('p', { class: 'note good' },
            'No sender reported a problem: '
            + `${formatRange(answer.from, answer.to)}.`);
    }

    return h('section', { class: 'problems', 'aria-label': 'Problems' },
        h('h2', {}, answer.problems.length === 1 ? 'One problem'
            : `${formatNumber(answer.problems.length)} problems`),
        answer.problems.map((problem, i) => problemCard(problem, i === 0,
                                                        route)));
}

// Whether a problem goes on; null: nobody reported since.
const STATE = { true: ['bad', 'ongoing'], false: ['over', 'over'],
                null: ['warn', 'not known since'] };

function problemCard(problem, open, route) {
    const { severity } = problem;
    const failed = problem['failed-session-count'];
    const [kind, state] = STATE[String(problem.ongoing)];
    const who = problem['organization-names'];
    const about = [
        SEVERITY[severity],
        problem['first-day'] && formatRange(problem['first-day'],
                                            problem['last-day']),
        failed > 0 && `${count(failed, 'failed session')}, ${
            formatShare(problem.share)} of all, ${
            formatShare(problem['share-of-senders'])} of these senders’`,
        who.length > 0 && ['by ', some(who)],
    ].filter(Boolean);

    return h('details', { class: `problem ${severity}`, open },
        h('summary', {}, h('div', {},
            h('h3', {}, says(problem.title || problem['result-type']),
                ' ', h('span', { class: `pill ${kind}` }, state)),
            h('p', { class: 'quiet' }, about.flatMap(
                (part, i) => i ? [' · ', part] : [part])))),
        h('div', { class: 'explained' },
            line('What it means', problem.meaning),
            line('Likely cause', problem['likely-cause']),
            steps(problem.steps),
            line('Is mail lost?', problem['lost-mail']),
            line('An attack?', problem['possible-attack'], 'attack'),
            listed('MX', problem['receiving-mx-hostnames']),
            listed('Senders', who),
            contacts(problem.contacts),
            listed('Sending IPs', problem['sending-mta-ips']),
            listed('Receiving IPs', problem['receiving-ips']),
            listed('Reason codes', problem['failure-reason-codes']),
            problem['first-day'] && h('p', {}, problemLinks(problem, route))));
}

function line(title, text, kind = '') {
    return text && h('div', { class: `line ${kind}` }, h('h4', {}, title),
                     h('p', {}, says(text)));
}

function steps(list) {
    return h('div', { class: 'line fix' }, h('h4', {}, 'What to do'),
        h('ol', {}, list.map(({ text, command }) =>
            h('li', {}, says(text),
                command && h('pre', {}, h('code', {}, command))))));
}

const mailto = address =>
    `mailto:${address.split('@').map(encodeURIComponent).join('@')}`;

// Whom to ask.  An address that nobody verified is text, never a link.
function contacts(list) {
    return list.length > 0 && h('div', { class: 'line' },
        h('h4', {}, 'Contacts'),
        h('p', {}, list.flatMap(({ address, verified }, i) => [
            i > 0 && ', ',
            verified
                ? h('a', { href: mailto(address) }, says(address))
                : [says(address), ' (not verified)'],
        ])));
}

function listed(title, list) {
    return list && list.length > 0 && h('div', { class: 'line' },
        h('h4', {}, title), h('p', {}, some(list, 12)));
}

function problemLinks(problem, route) {
    const days = { from: problem['first-day'], to: problem['last-day'] };
    const links = [h('a', { href: link([...route.segments, 'reports'],
        { ...days, failures: 'only' }) }, 'Reports of these days')];

    if (problem['result-type']
        && !['silence', 'policy-not-found'].includes(problem['result-type']))
    {
        links.push(h('a', { href: link(route.segments, { ...days,
            'result-type': problem['result-type'],
            by: 'receiving-mx-hostname' }) }, 'These failures alone'));
    }

    return links.flatMap((a, i) => i ? [' · ', a] : [a]);
}


// Groups

function grouping(route) {
    return DIMENSIONS[route.params.by] ? route.params.by : 'result-type';
}

function groupsCard(route, own, filters, grouped) {
    const name = route.segments[1];
    const by = grouping(route);

    return card('Grouped by',
        h('nav', { class: 'chips', 'aria-label': 'Grouped by' },
            Object.entries(DIMENSIONS).map(([key, text]) => h('a', {
                class: 'chip', id: `by-${key}`, href: link(route.segments,
                    { ...route.params, by: key }),
                'aria-current': key === by ? 'true' : null }, text))),
        later(grouped, answer => groups(answer, by, route), 6),
        csvOf(`${name}-${by}`, ['domains', name],
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
            ? 'No reports to group.' : 'No failures to group.');
    }

    const show = n => rows.append(...list.slice(rows.children.length, n)
        .map(group => groupRow(group, by, route,
            { bad: failures(group), all: size(group), top, details })));
    const more = h('button', { type: 'button', onclick() {
        show(rows.children.length + 100);
        more.hidden = rows.children.length === list.length;
    } }, 'Show more');

    show(MAX_GROUPS);

    return [rows, list.length > MAX_GROUPS && more];
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
                { ...route.params, [by]: value }) }, says(value))
            : says(null)),
        h('span', { class: 'value' }, details
            ? `${formatNumber(bad)} failed`
            : [count(all, 'session'), bad > 0 && h('b', {},
                ` · ${formatNumber(bad)} failed (${
                    formatShare(share(bad, all))})`)]),
        bar);
}
