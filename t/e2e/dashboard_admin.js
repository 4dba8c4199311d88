// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// What is set up and changed in the dashboard, by clicks: a part of
// dashboard.js, which gives it what all parts share.

'use strict';

module.exports = async ({ open, go, settled, text, texts, ok, is, clean,
                          accessible, origin }) => {
    const { context, page } = await open();
    const D = 'new.example';

    // as somebody else, or DNS, would do it
    async function put(body, headers = {}) {
        const answer = await context.request.put(
            `${origin}/admin/domains/${D}`, { data: body, headers });

        return answer.json();
    }

    async function fits(name, wanted) {
        await page.waitForSelector(wanted);
        await accessible(name);

        const wide = [];
        for (const width of [320, 390, 721, 821, 1024, 1920]) {
            await page.setViewportSize({ width, height: 900 });
            if (await page.evaluate(() => document.documentElement.scrollWidth
                                          > innerWidth)) {
                wide.push(width);
            }
        }
        is(wide.join(), '', `${name}: fits at six widths`);
        await page.setViewportSize({ width: 1280, height: 900 });
    }

    const focused = () => page.evaluate(() => document.activeElement.id);

    async function confirmed(action) {
        await page.waitForSelector('dialog[open]');
        await page.click(`dialog button:text-is("${action}")`);
    }

    await enrols();
    await changes();
    await leaves();
    await mutes();
    await strikes();
    await records();
    await context.close();

    async function enrols() {
        await go('');
        await page.click('header nav >> text=Add a domain');
        await settled();
        await fits('adding a domain', '#domain');

        await page.fill('#domain', 'example.com');
        await page.fill('#mx', 'mx.new.example');
        await page.keyboard.press('Tab');
        await page.click('text=Add the domain');
        await page.waitForSelector('#domain[aria-invalid]');
        ok((await text('#domain-wrong')).includes('configuration'),
           'what is wrong with the domain is told beside it',
           await text('#domain-wrong'));
        is(await focused(), 'domain', 'and the focus is there');
        await page.fill('#domain', D);
        await page.fill('#mx', 'mx.new.example\nmx.*');
        await page.click('text=Add the domain');
        await page.waitForSelector('#mx[aria-invalid]');
        ok((await text('#mx-wrong')).includes('mx.*'), 'of a mail server, too',
           await text('#mx-wrong'));
        is(await text('#domain-wrong'), '', 'and no more of the domain');

        await page.fill('#mx', 'mx.new.example');
        await page.click('text=Add the domain');
        await page.waitForSelector('.enrolment.pending');
        await settled();
        is(await text('.enrolment.pending .record code'), '_tlsrpt-verify',
           'the record that proves it comes first, its host as panels want it');
        await fits('the proof', '.watch');
        await page.click('#look');
        await page.waitForFunction(() => /DNS (is being|was) checked/.test(
            document.querySelector('.watch').innerText));
        ok(true, 'DNS can be checked at once');

        await put({ verified: true, mode: 'testing', 'max-age': 604800,
                    mx: ['mx.new.example'] });
        await page.waitForSelector('.checklist .next', { timeout: 60000 });
        ok(true, 'the page goes on by itself when the proof is there');
        is((await texts('.checklist h3 .now')).join(), 'Next',
           'one step is next');
        await fits('its set-up', '.checklist .next .record');
    }

    async function changes() {
        await page.click('#policy a.button');
        await settled();
        await page.selectOption('#mode', 'enforce');
        await page.click('text=Preview the change');
        await page.waitForSelector('#save');
        is((await texts('.changes li')).join(), 'Mode: testing → enforce',
           'a change is told before it is saved');
        ok((await text('#preview')).includes('no reports'),
           'and what it would have done, if that is known',
           await text('#preview'));
        await fits('a change', '#save');
        await page.selectOption('#max-age', '1209600');
        is(await page.$('#save'), null,
           'what is changed after the preview is not saved by it');

        await put({ mode: 'testing', 'max-age': 86400, mx: ['mx.new.example'] });
        await page.click('text=Preview the change');
        await page.click('#save');
        await fits('a question', 'dialog[open]');
        await confirmed('Save');
        await page.waitForSelector('dialog .note.bad:not([hidden])');
        ok((await text('dialog .note.bad')).startsWith('Somebody has changed'),
           'what somebody else has changed is not overwritten',
           await text('dialog .note.bad'));
        await page.keyboard.press('Escape');
        is(await focused(), 'save', 'the focus is where it was');

        await page.reload();
        await settled();
        await page.selectOption('#mode', 'enforce');
        await page.click('text=Preview the change');
        await page.click('#save');
        await confirmed('Save');
        await page.waitForURL(/\/setup$/);
        await settled();
        await page.waitForFunction(() => /enforce/.test(
            document.querySelector('#policy dd').innerText), null,
        { timeout: 20000 }).catch(() => null);
        const { policy } = await (await context.request.get(
            `${origin}/admin/domains/${D}`)).json();
        is(policy.mode, 'enforce', 'the policy is saved');
    }

    async function leaves() {
        await go(`#/domains/${D}/setup`);
        await page.click('.enrolment button:text-is("Leave")');
        await page.waitForSelector('dialog[open]');
        is(await page.evaluate(() => document.activeElement.innerText), 'Cancel',
           'what is done by Enter does no harm');
        await confirmed('Leave');
        await page.waitForSelector('.enrolment.leaving');
        ok(/leaves in \d+ days/.test(await text('.enrolment h2')),
           'a domain leaves, and when is told', await text('.enrolment h2'));
        await fits('leaving', '.enrolment.leaving');
        await go('#/enrol?state=leaving');
        is((await texts('#added td.name a')).join(), D, 'it is listed so');

        await page.click('#added td.name a');
        await page.waitForSelector('.enrolment.leaving');
        await page.click('text=Take it back');
        await settled();
        is(await page.inputValue('#mx'), 'mx.new.example',
           'who takes it back finds the former policy');
        await page.click('text=Preview the change');
        await page.click('#save');
        await confirmed('Save');
        await page.waitForSelector('.enrolment.active');
        ok(true, 'and it stays');
        clean('enrolling');
    }

    async function mutes() {
        await go('#/domains/example.com');
        await page.click('.problem.open button:text-is("Mute")');
        await fits('a day to choose', '#mute-day');
        await confirmed('Mute');
        await page.waitForSelector('.problem.open .control >> text=No alerts');
        await page.reload();
        await page.click('.problem.open >> text=End the mute');
        await confirmed('End it');
        await page.waitForSelector('.problem.open button:text-is("Mute")');
        ok(true, 'a problem is muted until a day, and that is ended');
        clean('muting');
    }

    async function strikes() {
        await go('#/domains/example.org/reports');
        await page.click('table.rows tbody td.name a');
        await page.click('.control button');
        await confirmed('Strike out');
        await page.waitForSelector('.pill >> text=Struck out');
        await page.click('text=All that are struck out');
        await settled();
        is((await texts('table.rows tbody tr')).length, 1,
           'a report is struck out, and listed as such');
        await fits('what is struck out', '.control');
        await page.click('.control >> text=Restore');
        await confirmed('Restore');
        await page.waitForSelector('.control >> text=Strike out');
        ok(true, 'and restored');
        clean('striking out');
    }

    // Where nobody may change anything, and addresses of before.
    async function records() {
        await page.goto(`${origin}/tlsrpt/#/domains/example.com/records`);
        await settled();
        is(await page.getAttribute('#tab-setup', 'aria-current'), 'page',
           'the address of the records leads to the set-up');
        is((await page.$$('header nav a')).length, 2,
           'where nothing may be changed, nothing offers it');
        await fits('the set-up of a domain of the configuration', '.checklist');
        await page.click('#try summary');
        await page.fill('#trial', 'version: STSv1\nmode: enforce\n'
            + 'mx: mx2.example.com\nmax_age: 604800\n');
        await page.click('#trial-run');
        await page.waitForSelector('#try .note.bad');
        ok(/would have been refused[^]*Of these senders/.test(
            await text('#try')), 'what another policy would have refused, and of whom',
           await text('#try'));
        clean('a policy tried');
    }
};
