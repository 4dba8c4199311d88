// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// Opens views of the dashboard in Chromium, for bench/page; says what they cost
// as lines of a table.
//
//     node page.js BASE DOMAINS

'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { chromium } = require('playwright-core');

const [, , base, domains] = process.argv;

const LINES = {
    near: null,
    slow: { offline: false, latency: 300, downloadThroughput: 400000 / 8,
            uploadThroughput: 400000 / 8 },
};
const SLOW_CPU = 4;
const VIEWS = [
    ['all domains, 30 days', '#/?all=1', '.todo, .two .state'],
    ['all domains, 400 days', '#/?all=1&days=400', '.todo, .two .state'],
    ['one, 30 days', '#/domains/example.com', '.chart svg'],
    ['one, 400 days', '#/domains/example.com?days=400', '.chart svg'],
];

async function measure(browser, view, selector, line) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    let bytes = 0;
    let requests = 0;

    await cdp.send('Network.enable');
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => {
        bytes += encodedDataLength;
        requests++;
    });
    if (line) {
        await cdp.send('Network.emulateNetworkConditions', line);
        await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOW_CPU });
    }

    await page.goto(base + view);
    await page.waitForSelector(selector, { timeout: 120000 });
    await page.waitForFunction(() => !document.querySelector('.skeleton'),
                               null, { timeout: 120000 });
    const content = await page.evaluate(() => performance.now());
    const paint = await page.evaluate(() => performance.getEntriesByName(
        'first-contentful-paint')[0]?.startTime);
    await page.waitForLoadState('networkidle');
    await context.close();

    return { bytes, requests, paint, content };
}

const seconds = ms => `${(ms / 1000).toFixed(2)} s`;

async function main() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tlsrpt-chromium-'));
    const browser = await chromium.launch({
        args: ['--no-sandbox', '--disable-gpu',
               '--disable-background-networking'],
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        env: { ...process.env, HOME: dir } });

    for (const [name, view, selector] of VIEWS) {
        for (const [line, limits] of Object.entries(LINES)) {
            const got = await measure(browser, view, selector, limits);
            console.log(`| ${Number(domains).toLocaleString('en')} | ${name} | ${
                line} | ${Math.round(got.bytes / 1000)} kB | ${got.requests} | ${
                seconds(got.paint)} | ${seconds(got.content)} |`);
        }
    }
    await browser.close();
    fs.rmSync(dir, { recursive: true, force: true });
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
