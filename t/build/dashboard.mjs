// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// Unit tests of the dashboard, for dashboard.t.

import assert from 'node:assert/strict';
import test from 'node:test';

import { address, count, formatDay, formatShare, rangeOf, stateOf }
    from './data.js';
import { bucketsOf, ticksOf } from './days.js';
import { verdictOf } from './domains.js';
import { attachedReport } from './mail.js';
import { consequence, findProblem, problemText, questionText }
    from './problem.js';

const GOOD = 'total-successful-session-count';
const BAD = 'total-failure-session-count';

test('an address is escaped, and empty parameters left out', () => {
    assert.equal(address(['domains', 'a/b', '..']), 'domains/a%2Fb/..');
    assert.equal(address(['x'], { q: '#&', none: '' }), 'x?q=%23%26');
});

test('a range is two days, or ends today', () => {
    assert.deepEqual(rangeOf({ from: '2026-01-02', to: '2026-01-05' }),
                     { from: '2026-01-02', to: '2026-01-05', fixed: true });
    for (const wrong of [{ from: '2026-01-05', to: '2026-01-02' },
        { from: 'x', to: 'y' }, { days: '-3' }, { days: '__proto__' }])
    {
        const { from, to } = rangeOf(wrong);
        assert.ok(from <= to);
    }
});

test('numbers are English, days Gregorian', () => {
    assert.equal(count(1, 'report'), '1 report');
    assert.match(formatDay('2026-11-27'), /27/);
    assert.match(formatDay('2026-11-27'), /2026/);
    assert.equal(formatDay(null), '–');
    assert.match(formatShare(0.00001), /^< /);
    assert.doesNotMatch(formatShare(0.99999), /100/);
});

test('only lost mail bounces', () => {
    const state = (status, lost) => stateOf({ status, 'lost-mail': lost });

    assert.equal(state('failing', 'yes'), 'bounces');
    assert.equal(state('failing', 'perhaps'), 'fix');
    assert.equal(state('failing', null), 'fix');
    assert.equal(state('attention', 'yes'), 'fix');
    assert.equal(state('silent', 'no'), 'silent');
    assert.equal(state('constructor', 'no'), 'waiting');
});

test('bars of days, and of weeks that begin on Monday', () => {
    const days = bucketsOf({ from: '2026-11-01', to: '2026-11-03', groups: [
        { day: '2026-11-02', [GOOD]: 5, [BAD]: 1 }] });
    assert.equal(days.buckets.length, 3);
    assert.deepEqual([days.buckets[1].ok, days.buckets[1].bad], [5, 1]);
    assert.equal(days.details, false);

    const year = bucketsOf({ from: '2025-11-01', to: '2026-10-31',
                             groups: [] });
    assert.equal(year.weekly, true);
    assert.equal(year.buckets[0].days, 2);          // Saturday and Sunday
    assert.equal(new Date(year.buckets[1].from).getUTCDay(), 1);
    assert.equal(year.buckets.reduce((n, { days: d }) => n + d, 0), 365);
});

test('the axis is round, and above the highest bar', () => {
    for (const max of [0, 1, 3, 7, 10, 99, 101, 2500, 123456789]) {
        const ticks = ticksOf(max);
        assert.ok(ticks[ticks.length - 1] >= max, `${max}: ${ticks}`);
        assert.ok(ticks.length >= 2 && ticks.length <= 5, `${max}: ${ticks}`);
        assert.ok(ticks.every(Number.isInteger), `${max}: ${ticks}`);
    }
});

const problem = {
    id: null, 'result-type': 'certificate-expired', severity: 'high',
    title: 'Certificate expired: mx.example.com', ongoing: true,
    'first-day': '2026-11-01', 'last-day': '2026-11-03',
    'failed-session-count': 7, share: 0.1, 'share-of-senders': 1,
    'lost-mail': 'Yes: it is returned.', contacts: [],
    'receiving-mx-hostnames': ['mx.example.com'],
    'organization-names': ['Elm'], 'sending-mta-ips': ['192.0.2.1'],
    'receiving-ips': [], 'failure-reason-codes': [], meaning: 'M',
    'likely-cause': 'C', 'possible-attack': null,
    steps: [{ text: 'Look:', command: 'openssl x' }, { text: 'Renew it.' }],
    domains: ['example.com'], 'domain-count': 1,
};

test('the verdict counts what is open, and says if mail is lost', () => {
    const row = status => ({ domain: 'a', status, 'lost-mail': 'no' });

    assert.deepEqual(verdictOf([], [row('ok')], null)[0], 'good');
    assert.deepEqual(verdictOf([], [row('waiting')], null)[0], 'none');
    assert.deepEqual(verdictOf([], [row('silent'), row('ok')], null)[0],
                     'warn');
    assert.deepEqual(verdictOf([problem], [row('failing')], null),
        ['bad', 'One problem needs you; mail from one sender is not arriving']);
    assert.deepEqual(verdictOf([{ ...problem, 'lost-mail': 'No: x' }],
        [row('failing')], null), ['warn', 'One problem needs you']);
    assert.match(verdictOf([problem], [row('failing')], 'next')[1],
                 /^More than 1 problems/);
});

test('what a problem costs', () => {
    assert.equal(consequence('Yes: x')[0], 'bad');
    assert.equal(consequence('Perhaps: x')[0], 'warn');
    assert.equal(consequence('No: x')[0], 'good');
    assert.equal(consequence(null)[0], '');
});

test('a problem is found by its id, or by kind and title', () => {
    const answer = { problems: [{ ...problem, id: 'a1' },
        { ...problem, title: 'Other' }] };

    assert.equal(findProblem(answer, 'a1', '').id, 'a1');
    assert.equal(findProblem(answer, 'certificate-expired', 'Other').title,
                 'Other');
    assert.equal(findProblem(answer, 'certificate-expired', undefined).id,
                 'a1');
    assert.equal(findProblem(answer, 'a2', 'Other'), undefined);
});

test('a problem as text has what it costs, steps and commands', () => {
    const text = problemText(problem, 'example.com', 'https://x.example/#/');

    assert.match(text, /^example.com: Certificate expired/);
    assert.match(text, /Is mail lost\? Yes/);
    assert.match(text, /1\. Look:\n {3}openssl x\n2\. Renew it\./);
    assert.ok(text.endsWith('https://x.example/#/\n'));
    assert.match(questionText(problem, 'example.com'),
                 /Sending IPs: 192\.0\.2\.1/);
});

test('the report in a mail', () => {
    const bytes = text => new TextEncoder().encode(text);

    assert.equal(attachedReport(bytes('Subject: x\n\nhello\n')), null);
    assert.equal(new TextDecoder().decode(attachedReport(bytes(
        'Content-Type: application/tlsrpt+json\n\n{"a":1}'))), '{"a":1}');
});
