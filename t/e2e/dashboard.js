// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// Drives the dashboard in Chromium, for dashboard.t; says how it went as TAP.
//
//     node dashboard.js PART BASE

'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const zlib = require('zlib');
const { chromium } = require('playwright-core');

const [, , part, base] = process.argv;
const story = JSON.parse(process.env.STORY || '{}');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// Without these, Chromium asks hosts of its maker at every start.
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic',
               '--no-first-run', '--disable-background-networking',
               '--disable-component-update', '--disable-sync'];

let n = 0;

function ok(good, name, ...about) {
    n++;
    console.log(`${good ? 'ok' : 'not ok'} ${n} - ${name}`);
    if (!good) {
        about.forEach(text => console.log(
            `# ${String(text).replaceAll('\n', '\n# ')}`));
    }
}

function is(got, expected, name) {
    ok(got === expected, name, `got: ${got}`, `expected: ${expected}`);
}

const dayAgo = ago => new Date(Date.now() - 86400000 * ago).toISOString()
    .slice(0, 10);

let browser;
let page;
let trouble = [];

async function open(options = {}) {
    const context = await browser.newContext({ locale: 'en-GB',
        viewport: { width: 1280, height: 900 }, ...options });

    page = await context.newPage();
    trouble = [];
    page.on('pageerror', error => trouble.push(`error: ${error.message}`));
    page.on('dialog', dialog => {
        trouble.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on('console', message => {
        const text = message.text();
        if (message.type() === 'error'
            && !/Failed to load resource: .* status of (403|404|503)/.test(text))
        {
            trouble.push(text);
        }
    });
    // nothing may ever be asked of another host
    page.on('request', request => {
        const { protocol, host } = new URL(request.url());
        if (/^http/.test(protocol) && host !== new URL(base).host) {
            trouble.push(`request: ${request.url()}`);
        }
    });

    return context;
}

async function go(view) {
    await page.goto('about:blank');
    await page.goto(base + view);
    await settled();
}

async function settled() {
    await page.waitForFunction(() => {
        const main = document.querySelector('main');
        return main && main.dataset.shown === location.hash
            && !main.querySelector('.skeleton');
    });
}

async function accessible(name) {
    await page.evaluate(axe);
    // eslint-disable-next-line no-undef
    const { violations } = await page.evaluate(() => axe.run());

    ok(violations.length === 0, `${name}: axe finds nothing`,
       ...violations.map(({ id, nodes }) =>
           `${id}: ${nodes.map(node => node.target.join(' ')).join(', ')}`));
}

function clean(name) {
    ok(trouble.length === 0, `${name}: no error, no foreign request`,
       ...trouble);
    trouble = [];
}

const text = selector => page.innerText(selector);
const texts = selector => page.$$eval(selector,
    list => list.map(element => element.innerText.trim()));


// All views, light on a desk and dark on a phone

const VIEWS = {
    'all domains': ['#/', 'table.domains tbody tr'],
    'one domain': ['#/domains/example.com?days=60', '.chart svg'],
    'failures of one kind': ['#/domains/example.org?days=60'
        + '&result-type=certificate-expired&by=receiving-mx-hostname',
        '.groups li'],
    'its reports': ['#/domains/example.com/reports', 'table.rows tbody tr'],
    'its senders': ['#/domains/example.com/senders', 'table.rows tbody tr'],
    'its records': ['#/domains/example.com/records', '.record code'],
    'its policy': ['#/domains/example.com/policy', 'pre'],
    'the reader': ['#/reader', '#file'],
    'nothing': ['#/domains/unknown.example', '.state'],
    'no view': ['#/nowhere', '.state'],
};

async function views() {
    for (const [colorScheme, width] of [['light', 1280], ['dark', 390]]) {
        const context = await open({ colorScheme,
            viewport: { width, height: 900 } });

        for (const [name, [view, selector]] of Object.entries(VIEWS)) {
            await look(`${name}, ${colorScheme}, ${width}`, view, selector);
        }
        await context.close();
    }
}

async function look(name, view, selector) {
    await go(view);
    ok(await page.waitForSelector(selector).catch(() => null), `${name}`);
    ok(await page.evaluate(
        () => document.documentElement.scrollWidth <= innerWidth),
       `${name}: not wider than the screen`);
    await accessible(name);
    clean(name);
}


// What the list says, and how it is used

async function list() {
    const context = await open();

    await go('');
    const rows = await texts('table.domains td.name');
    const worst = await texts('table.domains td.status');
    ok(rows.includes('example.com') && rows.includes('example.org'),
       'the domains are listed', rows);
    is(await text('footer'), `tlsrpt ${story.version}`,
       'the foot has the version');
    ok(worst.indexOf('Failing') <= worst.indexOf('OK')
       || !worst.includes('OK'), 'the failing ones come first', worst);
    ok(await page.waitForSelector('tr[data-domain="example.com"] svg'),
       'with a small picture of its days');
    await page.waitForSelector('tr[data-domain="example.com"] .pill');
    is(await text('tr[data-domain="example.com"] .mode'), 'enforce',
       'and the mode of the policy');

    await page.keyboard.press('/');
    await page.keyboard.type('example.net');
    is((await texts('table.domains td.name')).join(), 'example.net',
       'searching');
    ok(page.url().endsWith('q=example.net'), 'is in the address', page.url());
    await page.reload();
    await settled();
    is((await texts('table.domains td.name')).join(), 'example.net',
       'and comes back with it');

    await go('#/?sort=domain');
    const names = await texts('table.domains td.name');
    is(names.join(), [...names].sort().join(), 'sorted by name');

    await go('');
    const [csv] = await Promise.all([page.waitForEvent('download'),
                                     page.click('text=CSV')]);
    const lines = fs.readFileSync(await csv.path(), 'utf8').split('\r\n');
    ok(lines[0].startsWith('domain,status,'), 'as CSV', lines[0]);
    is(lines.length - 2, rows.length, 'with the same rows');

    await page.click('text=example.com');
    await settled();
    is(await text('h1'), 'example.com', 'a click opens a domain');
    is(await page.evaluate(() => document.activeElement.tagName), 'H1',
       'and the focus is at its heading');
    clean('the list');
    await context.close();
}


// One domain: range, grouping, problems, and from a red day to its report

async function domain() {
    const context = await open();

    await go('#/domains/example.org?days=60');
    const first = await text('.tiles .tile:first-child dd');
    const titles = (await texts('.problem h3')).join();
    ok(/expired/i.test(titles), 'the expired certificate is a problem',
       titles);
    ok((await text('.problem')).includes('backup.example.org'),
       'with the MX it is about');
    ok((await text('.problem .fix')).length > 20, 'and what to do');

    await page.focus('#range');
    await page.selectOption('#range', '7');
    await settled();
    await page.waitForFunction(
        old => document.querySelector('.tiles .tile:first-child dd')
            .innerText !== old, first);
    ok(page.url().endsWith('?days=7'), 'the range is in the address',
       page.url());
    is(await page.evaluate(() => document.activeElement.id), 'range',
       'and the focus stays');

    await go('#/domains/example.org?days=60');
    await page.click('#by-receiving-mx-hostname');
    await settled();
    ok((await texts('.groups .key')).includes('backup.example.org'),
       'grouped by MX');
    ok(page.url().includes('by=receiving-mx-hostname'),
       'which is in the address');
    await page.click('.groups .key a');
    await settled();
    ok((await text('.filters')).includes('backup.example.org'),
       'a group is a filter');

    const [csv] = await Promise.all([page.waitForEvent('download'),
        page.click('.card:last-child >> text=CSV')]);
    ok(fs.readFileSync(await csv.path(), 'utf8')
        .startsWith('receiving-mx-hostname,'), 'a group as CSV');

    await redDay();
    clean('a domain');
    await context.close();
}

async function redDay() {
    const day = dayAgo(story.red);

    await go(`#/domains/example.org?from=${day}&to=${day}`);
    await page.click('.chart svg .bad');
    await page.waitForURL(/reports/).catch(() => null);
    await settled();
    ok(page.url().includes(`/reports?from=${day}&to=${day}&failures=only`),
       'a click on a red day opens its reports', page.url());
    is((await texts('table.rows tbody tr')).length, story.reports,
       'all that had failures');

    await page.click('table.rows tbody tr td.name a');
    await settled();
    await page.waitForSelector('pre.document');
    ok((await text('main')).includes('certificate-expired'),
       'and one of them says why');
    ok((await text('main')).includes('X509_V_ERR_CERT_HAS_EXPIRED'),
       'in the words of its sender');

    const [original] = await Promise.all([page.waitForEvent('download'),
        page.click('text=The original')]);
    const bytes = fs.readFileSync(await original.path());
    const json = bytes[0] === 0x1f ? zlib.gunzipSync(bytes) : bytes;
    ok(JSON.parse(json)['report-id'].startsWith(day),
       'the original can be had');

    // the same by keyboard
    await go(`#/domains/example.org?from=${day}&to=${day}`);
    await page.focus('details.data summary');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/failures=only/);
    await settled();
    ok(true, 'the table of the days leads there too');
}


// The reader: JSON, gzip, a mail, and what is none

function mail(report) {
    const gzip = zlib.gzipSync(report).toString('base64')
        .replace(/.{76}/g, '$&\r\n');

    return ['From: reports@sender.example', 'To: tlsrpt@example.com',
        'Subject: Report Domain: example.com', 'MIME-Version: 1.0',
        'Content-Type: multipart/report; report-type="tlsrpt";',
        '\tboundary="=_b(1)+x"', '', 'preamble', '--=_b(1)+x',
        'Content-Type: text/plain', '', '{ no report }', '--=_b(1)+x',
        'Content-Type: application/tlsrpt+gzip; name="r.json.gz"',
        'Content-Transfer-Encoding: base64', '', gzip, '--=_b(1)+x--', '']
        .join('\r\n');
}

function printable(report) {
    const body = report.toString('latin1').replace(
        /[^!-<>-~ ]|=/g, c => `=${c.charCodeAt(0).toString(16).toUpperCase()
            .padStart(2, '0')}`).replace(/.{70}(?![0-9A-F])/g, '$&=\n');

    return ['Subject: x', 'Content-Type: multipart/mixed; boundary=b', '',
        '--b', 'Content-Type: message/rfc822', '',
        'Content-Type: multipart/mixed; boundary=c', '', '--c',
        'Content-Type: application/octet-stream',
        'Content-Disposition: attachment; filename=report.json',
        'Content-Transfer-Encoding: Quoted-Printable', '', body, '--c--', '',
        '--b--', ''].join('\n');
}

async function reader() {
    const context = await open();
    const report = Buffer.from(JSON.stringify(story.report));

    await go('#/reader');
    for (const [name, buffer] of [['report.json', report],
        ['report.json.gz', zlib.gzipSync(report)],
        ['whole.eml', mail(report)], ['nested.eml', printable(report)]])
    {
        await go('#/reader');
        await page.setInputFiles('#file', { name,
            mimeType: 'application/octet-stream',
            buffer: Buffer.from(buffer) });
        await page.waitForSelector('h2.title, .state.bad');
        const shown = await text('main');
        ok(shown.includes('Gale Post') && shown.includes('tlsa-invalid'),
           `${name} is explained`, shown);
    }
    await accessible('a report in the reader');

    for (const [name, buffer] of [['cut.gz',
        zlib.gzipSync(report).subarray(0, 60)], ['photo.jpg', 'JFIF'],
        ['other.json', '{"a":1}'], ['plain.eml', 'Subject: x\n\nhello\n']])
    {
        await page.setInputFiles('#file', { name, mimeType: 'x/x',
            buffer: Buffer.from(buffer) });
        await page.waitForFunction(() => !document.querySelector('h2.title'));
        await page.waitForSelector('.state.bad');
        ok((await text('.state')).includes('This is no report'),
           `${name} is none`);
    }
    trouble = trouble.filter(text => !/status of 4\d\d/.test(text));
    clean('the reader');
    await context.close();
}


// Reports whose every string is markup

async function hostile() {
    const context = await open();
    const where = '#/domains/hostile.example';
    const markup = '<img src=x onerror=';

    await page.addInitScript(() => {
        addEventListener('securitypolicyviolation',
            event => console.error(`CSP: ${event.violatedDirective}`));
    });

    for (const by of ['result-type', 'organization-name',
        'receiving-mx-hostname', 'sending-mta-ip', 'receiving-ip',
        'failure-reason-code', 'policy-type'])
    {
        await go(`${where}?by=${by}`);
        await page.waitForSelector('.groups li');
    }
    await go(`${where}?by=failure-reason-code`);
    ok((await text('.groups')).includes(markup), 'markup is shown as text');
    await page.click('.groups .key a');
    await settled();
    ok((await text('.filters')).includes(markup), 'as a filter too');

    await go(`${where}/senders`);
    await go(`${where}/reports`);
    ok((await text('table.rows')).includes(markup), 'in the list of reports');
    await page.click('table.rows tbody tr td.name a');
    await settled();
    await page.waitForSelector('pre.document');
    ok((await text('h1')).includes(markup), 'in a report');

    await go('#/reader');
    await page.setInputFiles('#file', { name: 'x.json', mimeType: 'x/x',
        buffer: Buffer.from(JSON.stringify(story.hostile)) });
    await page.waitForSelector('h2.title');
    ok((await text('h2.title')).includes(markup), 'in the reader');

    is(await page.$$eval('img, iframe, script:not([src])',
        list => list.length), 0, 'nothing of it became an element');
    is(await page.evaluate(() => window.ran), undefined, 'nothing ran');
    clean('hostile reports');
    await context.close();
}


// States: not allowed, and Redis away

async function denied() {
    const context = await open();

    await go('#/');
    await page.waitForSelector('.state.bad');
    ok((await text('.state')).includes('You may not see this'),
       'who may not read is told so');
    await accessible('no permission');
    clean('no permission');
    await context.close();
}

async function away() {
    const context = await open();

    await go('#/domains/example.com');
    await page.waitForSelector('.state.bad');
    ok((await text('main')).includes('Redis'), 'Redis away is said');
    ok(await page.$('.state.bad button'), 'with a way to try again');
    clean('Redis away');
    await context.close();
}

async function themes() {
    const context = await open({ colorScheme: 'light' });
    const paper = () => page.evaluate(
        () => getComputedStyle(document.body).backgroundColor);

    await go('#/');
    const light = await paper();
    await page.click('#theme');
    await page.click('#theme');
    is(await text('#theme'), 'Theme: dark', 'the theme can be chosen');
    ok(await paper() !== light, 'and is another');
    await page.reload();
    await settled();
    is(await text('#theme'), 'Theme: dark', 'and is remembered');
    await context.close();
}

async function languages() {
    const context = await open({ locale: 'de-DE' });

    await go(`#/domains/example.com?days=60`);
    ok(/\d\.\d{3}/.test(await text('.tiles')), 'numbers as in German',
       await text('.tiles'));
    await context.close();
}

const PARTS = { views, list, domain, reader, hostile, denied, away, themes,
                languages };

async function main() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tlsrpt-chromium-'));

    try {
        browser = await chromium.launch({ args: FLAGS,
            executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
            env: { ...process.env, HOME: dir } });
        for (const name of part.split(',')) {
            await PARTS[name]();
        }
    } catch (error) {
        ok(false, 'no exception', error.stack,
           page ? await page.innerText('body').catch(() => '') : '');
    } finally {
        await browser?.close();
        fs.rmSync(dir, { recursive: true, force: true });
    }

    console.log(`1..${n}`);
}

main();
