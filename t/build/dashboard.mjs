// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// Unit tests of the dashboard, for dashboard.t.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import zlib from 'node:zlib';

import { RESULTS, address, consequence, count, formatDay, formatShare, rangeOf,
         stateOf } from './data.js';
import { bucketsOf, ticksOf } from './days.js';
import { verdictOf } from './domains.js';
import { attachedReport } from './mail.js';
import { matches, unicodeOf } from './names.js';
import { findProblem, problemText, questionText } from './problem.js';
import { bodyOf, changesOf, fieldOf, wantedOf } from './enrol.js';
import { policyText } from './policy.js';
import { daysLeft, pause } from './proof.js';
import { nextStep, placeOf } from './setup.js';

const PostalMime = createRequire(`${process.env.NODE_PATH}/`)('postal-mime');

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

test('what results are called is said once', () => {
    const titles = Object.fromEntries([...fs.readFileSync('explain.txt', 'utf8')
        .matchAll(/^\[([a-z-]+)\]\ntitle: (.*)$/mg)].map(([, name, title]) =>
        [name, title]));

    for (const [name, title] of Object.entries(RESULTS)) {
        assert.equal(titles[name], title, name);
    }
});

test('an A-label as people write it, if it is meant to be read so', () => {
    for (const [domain, unicode] of [
        ['xn--mller-kva.example', 'müller.example'],
        ['xn--strae-oqa.de', 'straße.de'], ['xn--fiqs8s.example', '中国.example'],
        ['xn--e1afmkfd.xn--p1ai', 'пример.рф'], ['xn--zckzah.jp', 'テスト.jp'],
        ['xn--mgbh0fb.xn--kgbechtv', 'مثال.إختبار']])
    {
        assert.equal(unicodeOf(domain), unicode);
    }

    // Cyrillic letters that look like Latin ones, among them and alone; no
    // punycode, or none that a browser would make
    for (const domain of ['xn--pple-43d.com', 'xn--80ak6aa92e.com',
        'xn--.example', 'xn--a.example', 'xn--99999999999.example',
        `xn--${'9'.repeat(59)}.example`, 'xn--Mller-kva.example',
        'xn--mller-kva-.example', 'xn--abc-.example', 'example.com', ''])
    {
        assert.equal(unicodeOf(domain), '', domain);
    }

    assert.ok(matches('xn--mller-kva.example', 'müll'));
    assert.ok(matches('xn--mller-kva.example', 'mu\u0308ll'));
    assert.ok(matches('xn--mller-kva.example', 'xn--'));
    assert.ok(!matches('xn--mller-kva.example', 'muell'));
    assert.ok(!matches('example.com', 'müll'));
});


// Mails, as senders, gateways and mail programs make them

const REPORT = '{"organization-name":"Größe = 1"}';
const gzip = zlib.gzipSync(REPORT).toString('base64')
    .replace(/.{76}/g, '$&\r\n');
const part = (fields, body) => [...fields, '', body].join('\r\n');
const parts = (boundary, ...all) => [...all.flatMap(
    one => [`--${boundary}`, one]), `--${boundary}--`, ''].join('\r\n');
const packed = part(['Content-Type: application/tlsrpt+gzip',
                     'Content-Transfer-Encoding: base64'], gzip);
const words = part(['Content-Type: text/plain'], '{ no report }');
const quoted = Buffer.from(REPORT).toString('latin1').replace(/[=\x80-\xff]/g,
    c => `=${c.charCodeAt(0).toString(16).toUpperCase()}`);

const MAILS = {
    'as RFC 8460 has it': part(['Subject: x',
        'Content-Type: multipart/report; report-type="tlsrpt";',
        '\tboundary="=_b(1)+x"'], parts('=_b(1)+x', words, packed)),
    'a boundary in pieces': part(['Content-Type: multipart/mixed;',
        ' boundary*0="one-";', ' boundary*1=two;', " boundary*2*=%20three"],
    parts('one-two three', words, packed)),
    'a boundary in another charset': part(['Content-Type: multipart/mixed;',
        " boundary*=us-ascii'en'a%2Bb"], parts('a+b', words, packed)),
    'a file name in pieces': part(['Content-Type: multipart/mixed; boundary=b'],
        parts('b', words, part(['Content-Type: application/octet-stream',
            'Content-Disposition: attachment;', " filename*0*=utf-8''r%C3%A9;",
            ' filename*1="port.json.gz"', 'Content-Transfer-Encoding: BASE64'],
        gzip))),
    'within another mail': part(['Content-Type: multipart/mixed; boundary=b'],
        parts('b', words, part(['Content-Type: multipart/mixed;'
            + ' boundary="b-inner"'], parts('b-inner', words, packed)))),
    'printable': part(['Content-Type: multipart/mixed; boundary="q\\"q"'],
        parts('q"q', words, part(['Content-Type: application/json; name=x.json',
            'Content-Disposition: attachment; filename=x.json',
            'Content-Transfer-Encoding: quoted-printable'],
        quoted.replace(/.{30}(?![0-9A-F])/g, '$&=\r\n')))),
    'eight bits': part(['Content-Type: multipart/mixed; boundary=b'],
        parts('b', part(['Content-Type: application/tlsrpt+json',
            'Content-Disposition: attachment',
            'Content-Transfer-Encoding: 8bit'], REPORT))),
    'folded and in capitals': part(['CONTENT-TYPE: MULTIPART/MIXED;',
        '\tCHARSET=x;  BOUNDARY=b', 'Received: a;', '\tb'],
    `preamble\r\n${parts('b', words, packed)}\r\n--b\r\nepilogue`),
    'zip, as a gateway has made it': part(['Content-Type: multipart/mixed;'
        + ' boundary=b'], parts('b', words, part(['Content-Type: application/'
        + 'zip; name="r.json.zip"', 'Content-Transfer-Encoding: base64'],
    'UEsDBA=='))),
};

for (const [name, mail] of Object.entries(MAILS)) {
    for (const [lines, text] of [['CRLF', mail],
                                 ['LF', mail.replace(/\r\n/g, '\n')]]) {
        test(`the report in a mail: ${name}, ${lines}`, async () => {
            const bytes = new TextEncoder().encode(text);
            const { attachments } = await PostalMime.parse(bytes,
                { attachmentEncoding: 'arraybuffer' });
            // which keeps the line end that belongs to the delimiter
            const theirs = Buffer.from(attachments[0].content)
                .toString('latin1').replace(/}\n$/, '}');

            assert.equal(attachments.length, 1);
            assert.equal(Buffer.from(attachedReport(bytes)).toString('latin1'),
                         theirs);
        });
    }
}

test('a mail without a report, and what is no mail', () => {
    const bytes = text => new TextEncoder().encode(text);

    for (const text of ['Subject: x\n\nhello\n', '', 'x',
        'Content-Type: multipart/mixed; boundary=b\n\n--b--\n',
        'Content-Type: multipart/mixed\n\n--b\n\nx\n'])
    {
        assert.equal(attachedReport(bytes(text)), null);
    }
    assert.equal(new TextDecoder().decode(attachedReport(bytes(
        'Content-Type: application/tlsrpt+json\n\n{"a":1}'))), '{"a":1}');
});


// WCAG 2.2 1.4.3 and 1.4.11, of the palettes in style.css

const CSS = fs.readFileSync('style.css', 'utf8');

function paletteOf(selector) {
    const block = CSS.slice(CSS.indexOf(selector)).match(/\{([^}]*)\}/)[1];

    return Object.fromEntries([...block.matchAll(
        /--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]));
}

function luminance(hex) {
    const [r, g, b] = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);

    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
    const [a, b] = [luminance(one), luminance(other)].sort((x, y) => y - x);

    return (a + 0.05) / (b + 0.05);
}

const TEXT = [
    ...['ink', 'quiet', 'accent', 'bad', 'warn', 'good'].flatMap(
        ink => [[ink, 'card'], [ink, 'paper']]),
    ['ink', 'hover'], ['quiet', 'hover'], ['accent', 'accent-soft'],
    ['bad', 'bad-soft'], ['warn', 'warn-soft'], ['good', 'good-soft'],
    ['ink', 'warn-soft'], ['card', 'accent'],
];
// what must be seen to use the page: edges of fields, bars, what has the focus
const SHAPES = [['edge', 'card'], ['edge', 'paper'], ['series', 'card'],
    ['bad', 'card'], ['accent', 'card'], ['accent', 'paper'],
    ['warn', 'card'], ['good', 'card'], ['series', 'hover'], ['bad', 'hover']];

for (const [name, selector] of [['light', ':root {'],
                                ['dark', ':root[data-dark] {']]) {
    test(`contrast is enough: ${name}`, () => {
        const palette = paletteOf(selector);

        assert.ok(Object.keys(palette).length >= 16);
        for (const [pairs, least] of [[TEXT, 4.5], [SHAPES, 3]]) {
            for (const [one, other] of pairs) {
                const ratio = contrast(palette[one], palette[other]);
                assert.ok(ratio >= least, `${one} on ${other}: ${ratio}`);
            }
        }
    });
}

test('each colour is said in one place', () => {
    const colours = CSS.match(/--series: /g);

    assert.equal(colours.length, 2);            // light and dark
    assert.equal(contrast('#000000', '#ffffff'), 21);
});

const step = (name, state) => ({ step: name, state, text: '' });

test('the next step is what is wrong, else the first to be done', () => {
    const steps = [step('reporting-record', 'unknown'),
                   step('first-report', 'done'), step('policy-served', 'todo'),
                   step('sts-record', 'wrong'), step('enforce', 'todo')];

    assert.equal(nextStep(steps).step, 'sts-record');
    assert.equal(nextStep(steps.slice(0, 3)).step, 'policy-served');
    assert.equal(nextStep([steps[0], step('first-report', 'todo')]).step,
                 'reporting-record');
    assert.equal(nextStep([steps[1]]), undefined);
});

test('a record belongs to a step by its name', () => {
    assert.equal(placeOf({ name: '_mta-sts.example.com' }), 'sts-record');
    assert.equal(placeOf({ name: 'mta-sts.example.com' }), 'policy-host');
    assert.equal(placeOf({ name: '_smtp._tls.example.com' }),
                 'reporting-record');
    assert.equal(placeOf({ name: '_tlsrpt-verify.example.com' }), undefined);
});

test('a form becomes a body, and an enrolment a form', () => {
    const policy = { mode: 'testing', 'max-age': 86400, mx: ['a.example'] };
    const wanted = wantedOf({ policy, contact: ['x@a.example'] });

    assert.deepEqual(bodyOf(wanted), { ...policy, contact: ['x@a.example'] });
    assert.deepEqual(bodyOf({ ...wanted, mx: ' a.example,\n b.example;',
                              contact: '' }),
                     { ...policy, mx: ['a.example', 'b.example'] });
    assert.deepEqual(bodyOf(wantedOf({ 'same-as': 'b.example', policy })),
                     { 'same-as': 'b.example' });
    assert.deepEqual(bodyOf(wantedOf({ policy: null })), {});
    assert.equal(wantedOf(null).mode, 'testing');
    assert.equal(policyText(policy), 'version: STSv1\r\nmode: testing\r\n'
        + 'mx: a.example\r\nmax_age: 86400\r\n');
});

test('what changes is told in words', () => {
    const before = wantedOf({ policy: { mode: 'testing', 'max-age': 86400,
                                        mx: ['a.example', 'b.example'] } });

    assert.deepEqual(changesOf(before, { ...before, mx: 'b.example\na.example' }),
                     []);
    assert.deepEqual(changesOf(before, { ...before, mode: 'enforce',
        mx: 'a.example c.example', contact: 'x@a.example' }),
    ['Mode: testing → enforce', 'New mail server: c.example',
     'Mail server that goes: b.example',
     'Told of problems: nobody → x@a.example']);
    assert.equal(changesOf(before, { ...before, kind: 'reports' }).length, 1);
});

test('what an error is about has a field, or none', () => {
    assert.equal(fieldOf('mx[2]'), 'mx');
    assert.equal(fieldOf('max-age'), 'max-age');
    assert.equal(fieldOf(''), '');
    assert.equal(fieldOf(undefined), '');
    assert.equal(fieldOf('constructor'), '');
});

test('DNS is asked ever more seldom; days are counted to the last', () => {
    const waits = [5000];
    while (waits.length < 12) {
        waits.push(pause(waits[waits.length - 1]));
    }
    assert.ok(waits.every((ms, i) => i === 0 || ms >= waits[i - 1]));
    assert.equal(waits[11], 60000);

    const now = Date.parse('2026-11-27T10:00:00Z');
    assert.equal(daysLeft('2026-11-27T10:00:01Z', now), 1);
    assert.equal(daysLeft('2026-12-04T10:00:00Z', now), 7);
    assert.equal(daysLeft('2026-11-01T00:00:00Z', now), 0);
});
