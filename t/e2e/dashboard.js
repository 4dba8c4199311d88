// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// Drives the dashboard in Chromium, for dashboard.t; says how it went as TAP.
//
//     node dashboard.js PART,PART BASE PART,PART BASE ...
//
// All parts, in one browser.

'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const zlib = require('zlib');
const { chromium } = require('playwright-core');

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

let base;
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
            && !/Failed to load resource: .* status of (403|404|409|412|422|429|503)/.test(text))
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

// What is asked of the server; the icon, which the browser has twice, once.
function requests() {
    const all = new Set();

    page.on('request', request => all.add(request.url()));

    return all;
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
    'its set-up': ['#/domains/example.com/setup', '.record code'],
    'its policy': ['#/domains/example.com/policy', '#policy pre'],
    'one problem': ['#/domains/example.com/problems/starttls-not-supported'
        + '?days=60', '.problem.open .steps'],
    'the tools': ['#/tools', '.choices a'],
    'the record tool': ['#/tools/record?domain=example.com', '#txt'],
    'the policy tool': ['#/tools/policy?domain=example.com', '#policy'],
    'the reader': ['#/tools/report', '#file'],
    'nothing': ['#/domains/unknown.example', '.state'],
    'no view': ['#/nowhere', '.state'],
};

// Names that are long, and written from right to left
const LONG = {
    'a long domain': [`#/domains/${story.long}`],
    'its long senders': [`#/domains/${story.long}?by=organization-name`],
    'their reports': [`#/domains/${story.long}/reports`],
    'what they are like': [`#/domains/${story.long}/senders`],
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
    is(worst[0], 'Mail bounces', 'what loses mail comes first');
    ok(/needs? you; mail from one sender is not arriving/
        .test(await text('h1')), 'the heading is the answer', await text('h1'));
    ok((await text('.todo')).includes('mx1.example.com'),
       'with what is to be done', await text('.todo'));
    ok((await text('.changed')).includes('New: '), 'and what has changed',
       await text('.changed'));
    ok((await text('tr[data-domain="example.com"] .wrong'))
        .includes('mx1.example.com'), 'a row tells what is wrong');
    is(await text('tr[data-domain="example.com"] .mode'), 'enforce',
       'and the mode of the policy');
    is((await texts('#status-waiting b')).join(), '2',
       'those without a report can be found');

    await page.focus('#status-waiting');
    await page.keyboard.press('Enter');
    await settled();
    is((await texts('table.domains tbody tr')).length, 2, 'alone');
    is(await page.evaluate(() => document.activeElement.id), 'status-waiting',
       'and the focus stays');
    await go('');
    await page.click('.todo .button');
    await settled();
    is(await text('.problem.open h2'),
       'No encryption offered: mx1.example.com still happening',
       'how to fix it is a click away');
    await go('');

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
                                     page.click('.bar >> text=CSV')]);
    const lines = fs.readFileSync(await csv.path(), 'utf8').split('\r\n');
    ok(lines[0].startsWith('domain,'), 'as CSV', lines[0]);
    is(lines.filter(Boolean).length - 1, rows.length,
       'with the same rows');

    await page.click('td.name >> text=example.com');
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
    await page.click('.solved > summary');
    const titles = (await texts('.problem h3')).join();
    ok(/expired/i.test(titles), 'the expired certificate is a problem',
       titles);
    ok(/solved after/.test(titles), 'which is solved', titles);
    await page.click('.solved .problem summary');
    ok((await text('.solved .problem')).includes('backup.example.org'),
       'with the mail server it is about');
    ok((await text('.problem .fix')).length > 20, 'and what to do');
    is(await text('.how .badge'), 'All encrypted', 'all is well now');
    await page.focus('#by-receiving-mx-hostname');
    await page.keyboard.press('Enter');
    await settled();
    is(await page.evaluate(() => document.activeElement.id),
       'by-receiving-mx-hostname', 'the focus stays with a grouping');
    ok(await page.isVisible('.solved .problem .fix'),
       'and what is open stays open');

    await page.focus('#range');
    await page.selectOption('#range', '7');
    await settled();
    await page.waitForFunction(
        old => document.querySelector('.tiles .tile:first-child dd')
            .innerText !== old, first);
    ok(page.url().endsWith('days=7'), 'the range is in the address',
       page.url());
    is(await page.evaluate(() => document.activeElement.id), 'range',
       'and the focus stays');

    await go('#/domains/example.org?days=60');
    await page.click('#by-receiving-mx-hostname');
    await settled();
    ok((await texts('.groups .key')).includes('backup.example.org'),
       'grouped by mail server');
    ok(page.url().includes('by=receiving-mx-hostname'),
       'which is in the address');
    await page.click('.groups .key a');
    await settled();
    ok((await text('.filters')).includes('backup.example.org'),
       'a group is a filter');
    ok(await page.evaluate(() => document.activeElement !== document.body),
       'and the focus is not lost');

    const [csv] = await Promise.all([page.waitForEvent('download'),
        page.click('.card:has(.groups) >> text=CSV')]);
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
    is((await texts('table.rows tbody td.name')).length, story.reports,
       'all that had failures');

    is((await texts('table.rows .day')).length, 1, 'below that day');
    await page.click('table.rows tbody tr td.name a');
    await settled();
    await page.waitForSelector('pre.document');
    ok((await text('main')).includes('certificate-expired'),
       'and one of them says why');
    ok((await text('main')).includes('X509_V_ERR_CERT_HAS_EXPIRED'),
       'in the words of its sender');

    const [original] = await Promise.all([page.waitForEvent('download'),
        page.click('text=Download original')]);
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
    is(await page.getAttribute('#theme', 'aria-label'), 'Theme: dark',
       'the theme can be chosen');
    const dark = await paper();
    ok(dark !== light, 'and is another');
    await page.reload();
    await settled();
    is(await paper(), dark, 'and is remembered');
    await page.click('#theme');
    is(await paper(), light, 'or the system says it');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForSelector('html[data-dark]');
    is(await paper(), dark, 'also when it changes');
    await page.emulateMedia({ media: 'print' });
    is(await paper(), 'rgba(0, 0, 0, 0)', 'paper is white');
    is(await page.evaluate(() => getComputedStyle(document.body).color),
       'rgb(27, 36, 48)', 'and its ink is dark');
    await page.emulateMedia({ media: 'screen' });
    await contrasts();
    await context.close();
}

// Windows' high contrast; and who wants no movement.
async function contrasts() {
    const styleOf = (selector, name) => page.$eval(selector,
        (element, property) => getComputedStyle(element)[property], name);

    await page.emulateMedia({ forcedColors: 'active',
                              reducedMotion: 'reduce' });
    await page.waitForSelector('.badge');
    is(await styleOf('.badge', 'borderTopStyle'), 'solid',
       'forced colours: a badge has an edge');
    is(await styleOf('.chip[aria-current]', 'borderTopWidth'), '2px',
       'and what is chosen another');
    await go('#/domains/example.com?days=60');
    ok(await styleOf('.bars .bad', 'fill') !== await styleOf('.bars .ok',
        'fill'), 'bars keep their colours');
    is(await styleOf('.bars .bad', 'forcedColorAdjust'), 'none', 'as told');
    is(await page.evaluate(() => {
        const bone = document.createElement('div');
        bone.className = 'skeleton';
        bone.append(document.createElement('i'));
        document.body.append(bone);
        return getComputedStyle(bone.firstChild).animationName;
    }), 'none', 'nothing moves for who wants no movement');
}

async function languages() {
    const context = await open({ locale: 'de-DE' });

    await go(`#/domains/example.com?days=60`);
    ok(/\d\.\d{3}/.test(await text('.tiles')), 'numbers as in German',
       await text('.tiles'));
    await context.close();
}

// What is printed, copied and asked; and that an address brings a problem

async function problem() {
    const context = await open();

    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await go('#/domains/example.com');
    await page.waitForSelector('.problem.open .steps');
    ok(/^Is mail lost\? Yes/.test(await text('.problem.open .consequence')),
       'what it costs comes first');
    await page.click('.command button');
    ok((await page.evaluate(() => navigator.clipboard.readText()))
        .startsWith('openssl s_client'), 'a command can be copied');
    await page.click('.acts >> text=Copy as text');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    ok(copied.startsWith('example.com: No encryption offered')
       && copied.includes('What to do:\n1. '), 'and the whole as text', copied);
    is((await page.$$('.ask a')).length, 0,
       'an address that nobody verified is no link');
    ok((await page.getAttribute('.acts >> text=Mail it', 'href'))
        .startsWith('mailto:?subject=example.com%3A'), 'it can be mailed');
    await page.click('text=Link to this problem');
    await settled();
    ok((await text('.problem.open h2')).includes('mx1.example.com'),
       'its address shows it alone');
    is(await page.getAttribute('#next', 'href'), '#/domains/example.net',
       'the next one that fails is a click away');

    await go('#/domains/example.com?days=60&organization-name=Elm+University');
    ok((await text('.problem.open h2')).includes('mx1.example.com'),
       'what is wrong for one sender');
    await go('#/domains/example.com?days=60&organization-name=Alder+Mail');
    is((await page.$$('.problem')).length, 0, 'and for another nothing');
    is(await page.getAttribute('#tab-reports', 'href'), '#/domains/example.com/'
        + 'reports?days=60&organization-name=Alder+Mail',
       'range and sender go with the tabs');

    await go('#/domains/example.com/problems/starttls-not-supported?days=60');
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    ok(await page.isVisible('text=Likely cause'), 'all is open on paper');
    ok(!await page.isVisible('header.top') && !await page.isVisible('.acts'),
       'and nothing to press');
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    ok(!await page.isVisible('text=Likely cause'), 'and closed after it');
    clean('a problem');
    await context.close();
}

async function tools() {
    const context = await open();

    await go('#/tools/record?domain=example.com');
    ok((await page.inputValue('#txt')).startsWith('v=TLSRPTv1; rua=https:'),
       'the record of the domain is filled in');
    await page.click('#txt-run');
    is(await page.innerText('.note.good'), 'It is valid.', 'and right');
    await page.fill('#txt', 'v=STSv1; id=2026-11');
    await page.click('#txt-run');
    ok((await page.innerText('.note.bad + ul')).startsWith('Byte 16: '),
       'a wrong one is told, with the place');
    await page.fill('#rua', 'mailto:a@example.com,  https://b.example.com/');
    await page.click('#rua-run');
    is(await page.innerText('.copied code'),
       'v=TLSRPTv1; rua=mailto:a@example.com,https://b.example.com/',
       'a record is made');

    await go('#/tools/policy?domain=example.com');
    await page.click('#policy-run');
    await page.waitForSelector('.note.good');
    await page.fill('#policy', 'version: STSv1\nmode: on\nmax_age: 86400\n');
    await page.click('#policy-run');
    ok((await page.innerText('.note.bad + ul')).startsWith('Line 2: '),
       'a policy is checked by line');
    clean('the tools');
    await context.close();
}

// No width between a phone and a wide screen scrolls sideways, nor does a page
// that is enlarged to 400 % (320 pixels are left).
async function widths() {
    const context = await open();
    const all = story.every ? [320, ...Array.from({ length: 40 },
        (_, i) => 360 + 40 * i)] : [320, 360, 721, 821, 1024, 1920];

    for (const [name, [view]] of Object.entries({ ...VIEWS, ...LONG })) {
        await go(view);
        const wide = [];
        for (const width of all) {
            await page.setViewportSize({ width, height: 900 });
            if (await page.evaluate(() => document.documentElement.scrollWidth
                                          > innerWidth)) {
                wide.push(width);
            }
        }
        is(wide.join(), '', `${name} fits at ${all.length} widths`);
    }
    await context.close();
}

// What is true changes while the page is left alone: nothing is asked again
// soon, and later all of it, without losing the place, or what is open.
async function left() {
    const context = await open();
    let asked = 0;

    await page.clock.install();
    await go('#/domains/example.com?days=60');
    await page.waitForSelector('.problem.open .steps');
    page.on('request', () => asked++);
    await page.click('#days-table');
    await page.focus('#by-organization-name');
    await page.evaluate(() => {
        scrollTo(0, 400);
        document.querySelector('h1').dataset.old = '';
    });
    await page.clock.fastForward(40000);
    is(asked, 0, 'after half a minute nothing is asked');
    await page.clock.fastForward(600000);
    await page.clock.runFor(2000);
    await page.waitForFunction(() => !document.querySelector('h1[data-old]'));
    ok(asked > 2, 'after ten minutes all of it', asked);
    is(await page.evaluate(() => scrollY), 400, 'the place is the same');
    is(await page.evaluate(() => document.activeElement.id),
       'by-organization-name', 'so is the focus');
    ok(await page.isVisible('#days table'), 'and what was open');

    await go('#/');
    await page.clock.fastForward(120000);
    ok(/minutes ago/.test(await text('#summary')),
       'what is said of the last report goes on', await text('#summary'));

    const away = route => route.fulfill({ status: 503,
        contentType: 'application/problem+json', body: '{"status":503}' });
    await page.route('**/domains?*', away);
    await go('#/?days=7');
    await page.waitForSelector('.list .state.bad');
    await page.clock.fastForward(6000);
    await page.waitForSelector('.list .state.bad');
    await page.unroute('**/domains?*', away);
    await page.clock.fastForward(11000);
    ok(await page.waitForSelector('table.domains').catch(() => null),
       'when Redis is back, the page is, by itself');
    clean('a page that is left alone');
    await context.close();
}

// A name with letters beyond ASCII is shown and found as people write it.
async function names() {
    const context = await open();

    await go('');
    is(await text('tr[data-domain="xn--mller-kva.example"] .unicode'),
       'müller.example', 'an A-label has its U-label beside');
    await page.fill('#search', 'Müller');
    is((await texts('table.domains td.name a')).length, 1,
       'and is found by it');
    is(await text('table.domains td.status'), 'Waiting for reports',
       'that one');
    clean('names');
    await context.close();
}

// One domain in sight: straight to it.
async function alone() {
    const context = await open();

    await go('');
    await page.waitForURL(/domains\/example\.com$/);
    await settled();
    is(await text('h1'), 'example.com', 'who has one domain sees it at once');
    await context.close();
}

// To the end of what is drawn, and again when there is more.
async function scrollOn(times) {
    const drawn = () => document.querySelectorAll('table.domains tbody tr')
        .length;

    for (let i = 0; i < times; i++) {
        const before = await page.evaluate(drawn);
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        await page.waitForFunction(n => document.querySelectorAll(
            'table.domains tbody tr').length > n, before);
    }
}

// A thousand domains: few requests, and Back finds the place again.
async function many() {
    const context = await open();
    const asked = requests();

    await go('');
    await page.waitForSelector('.todo, .two .state');
    is(await page.getAttribute('#status- b', 'class'), null, 'all are there');
    ok(asked.size - 1 <= 12, 'at most 12 requests to a full screen',
       ...asked);
    const before = asked.size;
    await scrollOn(5);
    is(asked.size, before, 'and none while scrolling');

    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    is((await page.$$('table.domains tbody tr')).length, 999,
       'paper has all of them');

    await page.evaluate(() => scrollTo(0, 4000));
    await page.waitForTimeout(100);
    await page.evaluate(() => [...document.querySelectorAll('td.name a')]
        .find(a => a.getBoundingClientRect().top > 100).click());
    await page.waitForFunction(() => document.querySelector('.tabs'));
    await page.goBack();
    await page.waitForFunction(() => Math.abs(scrollY - 4000) < 5)
        .catch(() => null);
    is(await page.evaluate(() => scrollY), 4000, 'Back finds the place again');
    await context.close();
}

// Ten thousand: the server searches and chooses.
async function more() {
    const context = await open();
    const asked = requests();

    await go('');
    await page.waitForSelector('.todo, .two .state');
    ok((await text('#summary')).includes('more than 1,000 domains'),
       'not all are here', await text('#summary'));
    ok(asked.size - 1 <= 12, 'at most 12 requests to a full screen',
       ...asked);
    const before = asked.size;
    await scrollOn(5);
    is(asked.size, before, 'and none a row while scrolling');

    await page.fill('#search', 'd9150');
    await page.waitForFunction(() => document.querySelectorAll(
        'table.domains tbody tr').length === 1);
    is((await texts('td.name')).join(), 'd9150.b.example',
       'the server finds one that was not');
    await page.fill('#search', '');
    await page.waitForFunction(() => document.querySelectorAll(
        'table.domains tbody tr').length > 1);
    await page.click('#status-ok');
    await settled();
    ok((await text('.list')).includes('No such domain'),
       'and none of another status', await text('.list'));
    await page.click('#status-waiting');
    await settled();
    await page.waitForSelector('table.domains');
    is((await page.$$('table.domains tbody tr')).length, 60,
       'those of one status');
    clean('many domains');
    await context.close();
}

// Changing, in a file of its own.
async function changing() {
    await require('./dashboard_admin.js')({
        open: async () => ({ context: await open(), page }), go, settled, text,
        texts, ok, is, clean, accessible, origin: new URL(base).origin });
}

const PARTS = { alone, away, changing, denied, domain, hostile, languages, left, list,
                many, more, names, problem, reader, themes, tools, views,
                widths };

async function main() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tlsrpt-chromium-'));

    try {
        browser = await chromium.launch({ args: FLAGS,
            executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
            env: { ...process.env, HOME: dir } });
        for (let i = 2; i < process.argv.length; i += 2) {
            base = process.argv[i + 1];
            for (const name of process.argv[i].split(',')) {
                await PARTS[name]();
            }
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
