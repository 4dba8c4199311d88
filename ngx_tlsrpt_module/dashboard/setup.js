/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// What a domain publishes, and how those who report on it keep to the RFC.

import { VIA, count, fetchAs, formatDay, formatDuration, formatNumber, get,
         link, rangeOf } from './data.js';
import { card, copyButton, csvOf, empty, facts, h, join, later,
         rangePicker, says, table } from './dom.js';
import { domainHead } from './domain.js';
import { modeBadge } from './domains.js';

function advice(list) {
    return list && list.length > 0 && h('div', { class: 'note warn' },
        h('h2', {}, 'Advice'),
        h('ul', {}, list.map(text => h('li', {}, says(text)))));
}

export async function records(route) {
    const [, domain] = route.segments;
    const path = ['domains', domain, 'records'];

    return { title: `DNS records of ${domain}`, content: [
        domainHead(route, 'records'),
        later(() => get(path), answer => [
            advice(answer.advice),
            answer.records.length === 0
                ? empty('Nothing to publish yet', 'Name the addresses of '
                    + 'collecting (tlsrpt_report_uri), and a policy '
                    + '(mta_sts_policy) if there shall be one.')
                : answer.records.map(recordCard),
            answer.records.length > 0 && zoneCard(path),
        ], 6),
    ] };
}

function recordCard(record) {
    return h('section', { class: 'card record' },
        h('h2', {}, says(record.name), ' ',
            h('span', { class: 'pill' }, says(record.type))),
        h('p', { class: 'quiet' }, says(record.purpose)),
        record.host && copied('Host', record.host),
        copied('Name', record.name), copied('Value', record.value));
}

function copied(label, text) {
    return h('div', { class: 'copied' }, h('span', {}, label),
        h('code', {}, says(text)), copyButton(text, label.toLowerCase()));
}

function zoneCard(path) {
    return card('For a zone file', later(
        async () => (await fetchAs('text/plain', path)).text(),
        text => [h('pre', { tabindex: '0', role: 'region',
                            'aria-label': 'Zone file' }, text),
                 copyButton(text, 'all of it')]));
}

export async function policy(route) {
    const [, domain] = route.segments;

    return { title: `Policy of ${domain}`, content: [
        domainHead(route, 'policy'),
        later(() => get(['domains', domain, 'policy']), answer => [
            advice(answer.advice),
            answer.policy ? policyCard(answer.policy, domain)
                : empty('No MTA-STS policy is served here',
                    'Without a policy an attacker can make senders fall back '
                    + 'to unencrypted mail. To add one, put this line into '
                    + 'nginx’s configuration: ',
                    h('code', {}, `mta_sts_policy ${domain} mode=testing `
                        + `max_age=1d mx=…;`)),
        ], 6),
    ] };
}

function policyCard(served, domain) {
    const text = served.text.replace(/\r\n/g, '\n');

    return [
        card('Current policy', facts(
            ['Mode', modeBadge(served.mode)],
            ['Senders keep it for', formatDuration(policy['max-age'])],
            ['Mail servers', served.mx.length ? join(served.mx) : '–'],
            ['id', h('code', {}, says(served.id)), ' ',
                copyButton(served.id, 'id')]),
            h('p', { class: 'quiet' }, 'The id is in the record at ',
                h('code', {}, `_mta-sts.${domain}`), ', and changes with the '
                + 'policy: see ', h('a', { href: link(['domains', domain,
                    'records']) }, 'DNS records'), '.')),
        card('Policy file', h('pre', { tabindex: '0', role: 'region',
                                     'aria-label': 'Policy' }, text),
             copyButton(text, 'policy')),
    ];
}

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
