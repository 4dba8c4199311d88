/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// The reports of a domain, and one of them.

import { FAILURES, SESSIONS, VIA, count, dayOf, fetchAs, formatBytes,
         formatNumber, formatRange, formatShare, formatTime, get, link,
         rangeOf, share } from './data.js';
import { card, csvOf, domainName, downloadButton, empty, facts, failed, h, join,
         later, named, rangePicker, rowOf, says, table, tile } from './dom.js';
import { domainHead } from './domain.js';
import { strikeControl } from './admin.js';

// The days of UTC that it covers; some end at the midnight after.
function covers(one) {
    const from = Date.parse(one['start-datetime']);
    const to = Math.max(from, Date.parse(one['end-datetime']) - 1);

    return isNaN(to) ? '–' : formatRange(dayOf(from), dayOf(to));
}

const sessionsOf = part => part[SESSIONS] + part[FAILURES];

function failedOf(part) {
    const bad = part[FAILURES];

    return bad === 0 ? h('span', { class: 'quiet none' }, '0')
        : h('b', { class: 'bad' }, `${formatNumber(bad)} (${
            formatShare(share(bad, sessionsOf(part)))})`);
}

export async function reports(route) {
    const [, domain] = route.segments;
    const range = rangeOf(route.params);
    const organization = route.params['organization-name'];
    const only = route.params.failures === 'only';
    const params = { from: range.from, to: range.to,
        'organization-name': organization, failures: only ? 'only' : '' };
    const box = h('input', { type: 'checkbox', id: 'only', onchange() {
        location.hash = link(route.segments, { ...route.params,
            failures: box.checked ? 'only' : '' });
    } });
    box.checked = only;

    const without = { ...route.params };
    delete without['organization-name'];

    return { title: `Reports of ${domain}`, content: [
        domainHead(route, 'reports', rangePicker(route)),
        h('div', { class: 'bar' },
            h('label', { class: 'check' }, box, 'Only with failures'),
            organization && h('span', { class: 'chip' }, 'From: ',
                named(organization), h('a', { href: link(route.segments,
                    without), 'aria-label': 'From all' }, '×')),
            csvOf(`${domain}-reports-${range.from}-${range.to}`,
                  ['domains', domain, 'reports'], params)),
        later(() => get(['domains', domain, 'reports'], params),
              page => page.reports.length === 0 ? noReports(only)
                  : reportList(route, params, page), 8),
    ] };
}

function noReports(only) {
    return empty(only ? 'No report of a failure in this range'
                      : 'No reports in this range',
        'The reports themselves are kept for a shorter time than the numbers '
        + '(tlsrpt_retention), so older days have numbers alone.');
}

function reportList(route, params, page) {
    const [, domain] = route.segments;
    const { days, from, to } = route.params;
    const columns = [
        ['Sender', one => h('a', { href: link(['domains', domain, 'reports',
            one.id], { days, from, to }) },
            named(one['organization-name'], 'A sender without a name')),
         'name'],
        ['Connections', one => formatNumber(sessionsOf(one)), 'number'],
        ['Failed', failedOf, 'number'],
        ['Received by', one => [h('span', { class: one.via === 'https'
            ? 'none' : null }, VIA[one.via] || '–'), one['signed-by']
            && h('small', {}, ' signed by ', named(one['signed-by']))]],
        ['Formal errors', one => one.warnings > 0
            && h('span', { class: 'pill warn' }, formatNumber(one.warnings)),
         'some'],
    ];
    const list = table('Reports', columns, []);
    list.classList.add('dated');
    const body = list.querySelector('tbody');
    const more = h('button', { type: 'button', class: 'more',
                               onclick: next }, 'Show more');
    let cursor;
    let day;

    // a day's name above its reports
    function add(answer) {
        for (const one of answer.reports) {
            if (covers(one) !== day) {
                day = covers(one);
                body.append(h('tr', { class: 'day' }, h('th', { scope:
                    'rowgroup', colspan: columns.length }, day)));
            }
            body.append(rowOf(columns, one));
        }
        cursor = answer.next;
        more.hidden = !cursor;
    }

    async function next() {
        more.disabled = true;
        try {
            add(await get([...route.segments], { ...params, cursor }));
        } catch (error) {
            more.after(failed(error));
        }
        more.disabled = false;
    }

    add(page);

    return [list, more];
}

export async function report(route) {
    const [, domain, , id] = route.segments;
    const path = ['domains', domain, 'reports', id];

    const { days, from, to } = route.params;
    const range = { days, from, to };

    return { title: `Report of ${domain}`, content: [
        h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' },
            h('a', { href: link([], range) }, 'Overview'), ' / ',
            h('a', { href: link(['domains', domain], range) },
              domainName(domain)), ' / ',
            h('a', { href: link(['domains', domain, 'reports'], range) },
                'Reports')),
        later(() => get(path), answer => reportPage(answer, {
            text: async () => (await fetchAs('text/plain', path)).text(),
            tools: h('div', { class: 'choice' },
                strikeControl(domain, id, answer.struck),
                downloadButton('Download original', `${id}.json.gz`,
                    'application/tlsrpt+gzip', path)),
        }), 8),
    ] };
}

// A report as a page, kept or only read.
/** @param {any} answer
    @param {{ text: () => Promise<string>, tools?: Element,
              heading?: string }} how */
export function reportPage(answer, how) {
    const { text, tools, heading = 'h1' } = how;

    return [
        h('div', { class: 'head' }, h('div', {},
            h(heading, { class: 'title' }, says(answer['organization-name'],
                             'A sender without a name')),
            h('p', { class: 'quiet' }, covers(answer))), tools),
        totals(answer),
        warningsOf(answer.warnings || []),
        card('Explanation', later(text, words => h('pre', { class: 'document',
            tabindex: '0', role: 'region', 'aria-label': 'Explanation' },
            words), 4)),
        answer.policies.map(policyCard),
        card('Details', facts(
            ['Report-ID', says(answer['report-id'])],
            ['From', formatTime(answer['start-datetime'])],
            ['To', formatTime(answer['end-datetime'])],
            ['Contact', says(answer['contact-info'])],
            answer.received && ['Received', formatTime(answer.received)],
            answer.via && ['Received by', VIA[answer.via] || says(answer.via)],
            answer.via === 'mail' && ['Signed by',
                says(answer['signed-by'], 'nobody')],
            answer.size && ['Size', formatBytes(answer.size)])),
    ];
}

function totals(answer) {
    const sum = name => answer[name] !== undefined ? answer[name]
        : answer.policies.reduce((n, policy) => n + policy[name], 0);
    const bad = sum(FAILURES);
    const all = sum(SESSIONS) + bad;

    return h('dl', { class: 'tiles' }, tile('Connections', formatNumber(all)),
        tile('Failed', formatNumber(bad), all > 0
            && formatShare(share(bad, all)), bad ? 'bad' : 'good'));
}

function warningsOf(warnings) {
    return warnings.length > 0 && h('details', { class: 'note warn' },
        h('summary', {}, warnings.length === 1
            ? 'This report has one formal error; the numbers are still usable'
            : `This report has ${count(warnings.length, 'formal error')}; `
                + 'the numbers are still usable'),
        h('ul', {}, warnings.map(({ path, section, message }) => h('li', {},
            path && [h('code', {}, says(path)), ': '], says(message), ' ',
            section && h('small', { class: 'quiet' }, says(section))))));
}

function policyCard(policy) {
    const details = policy['failure-details'] || [];
    const strings = policy['policy-string'] || [];

    return h('section', { class: 'card' },
        h('h2', {}, says(policy['policy-domain']), ' ',
            h('span', { class: 'pill' }, says(policy['policy-type']))),
        h('p', {}, `${count(sessionsOf(policy), 'connection')}, `,
            policy[FAILURES] ? failedOf(policy) : 'none',
            ' failed'),
        (policy['mx-host'] || []).length > 0 && h('p', {},
            'Mail servers of the policy: ', join(policy['mx-host'])),
        strings.length > 0 && h('details', {},
            h('summary', {}, 'The policy as the sender saw it'),
            h('pre', { tabindex: '0', role: 'region',
                       'aria-label': 'Policy' }, strings.join('\n'))),
        details.length > 0 && table('Failures', DETAIL_COLUMNS, details));
}

const DETAIL_COLUMNS = [
    ['Result', detail => says(detail['result-type']), 'name'],
    ['Failed', detail => formatNumber(detail['failed-session-count']),
     'number'],
    ['Mail server', detail => [says(detail['receiving-mx-hostname']),
        detail['receiving-ip'] && h('small', {},
            says(detail['receiving-ip'])),
        detail['receiving-mx-helo'] && h('small', {}, 'HELO ',
            says(detail['receiving-mx-helo']))]],
    ['Sending IP', detail => says(detail['sending-mta-ip'])],
    ['Error text', detail => [says(detail['failure-reason-code']),
        detail['additional-information'] && h('small', {},
            says(detail['additional-information']))]],
];
