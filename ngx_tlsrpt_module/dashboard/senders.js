/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Who reports on a domain, and how they keep to the RFC.

import { VIA, count, formatDay, formatDuration, formatNumber, get, link,
         rangeOf } from './data.js';
import { csvOf, empty, h, join, later, rangePicker, says, table }
    from './dom.js';
import { domainHead } from './domain.js';

export async function senders(route) {
    const [, domain] = route.segments;
    const range = rangeOf(route.params);
    return { title: `Senders to ${domain}`, content: [
        domainHead(route, 'senders', rangePicker(route)),
        h('div', { class: 'bar' },
            h('p', { class: 'quiet' }, 'Who sends you reports, how quickly, '
                + 'and whether their reports follow the standard.'),
            csvOf(`${domain}-senders-${range.from}-${range.to}`,
                  ['domains', domain, 'senders'],
                  { from: range.from, to: range.to })),
        later(() => get(['domains', domain, 'senders'],
                        { from: range.from, to: range.to }), answer => {
            const rows = answer.senders;

            return rows.length === 0
                ? empty('No reports in this range', 'The reports themselves '
                    + 'are kept for a shorter time than the numbers '
                    + '(tlsrpt_retention).')
                : table('Senders', senderColumns(route), rows);
        }, 6),
    ] };
}

function senderColumns(route) {
    const [, domain] = route.segments;
    const { days, from, to } = route.params;

    return [
        ['Sender', sender => h('a', { href: link(
            ['domains', domain, 'reports'], { days, from, to,
                'organization-name': sender['organization-name'] }) },
            says(sender['organization-name'])), 'name'],
        ['Reports', sender => formatNumber(sender.reports), 'number'],
        ['Last', sender => formatDay(sender['last-report']),
         'brief'],
        ['Delay', sender => delay(sender), 'brief'],
        ['Received by', sender => [
            sender.via.map(via => VIA[via] || via).join(', '),
            (sender['signed-by'] || []).length > 0 && h('small', {},
                'signed by ', join(sender['signed-by']))]],
        ['Formal errors', sender => sender.deviations.length === 0
            ? h('span', { class: 'quiet' }, 'none')
            : h('ul', { class: 'plain' }, sender.deviations.map(deviation))],
    ];
}

function deviation({ path, message, section, reports }) {
    return h('li', {}, path && [h('code', {}, says(path)), ': '],
        says(message), h('small', { class: 'quiet' },
            section && [says(section), ', '], count(reports, 'report')));
}

function delay(sender) {
    const median = sender['median-delay-seconds'];
    const max = sender['max-delay-seconds'];

    return median === null || median === undefined ? '–'
        : [formatDuration(Math.max(0, median)), max > 2 * median
            && h('small', {}, `at most ${formatDuration(max)}`)];
}
