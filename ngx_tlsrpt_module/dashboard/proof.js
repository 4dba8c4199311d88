/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// A domain that was enrolled at run time: its proof, which is watched for, what
// can be done with it, and its leaving.

import { count, formatDay, formatTime, link } from './data.js';
import { announce, h, says } from './dom.js';
import { change, confirm, enrolmentOf, refusalOf } from './admin.js';

const FIRST_MS = 5000;
const LAST_MS = 60000;
const DAY_MS = 86400000;

// Between two looks: ever longer, to a minute.
export function pause(ms) {
    return Math.min(ms * 1.5, LAST_MS);
}

// Whole days until a time, and at least one where it is still to come.
export function daysLeft(time, now = Date.now()) {
    return Math.max(0, Math.ceil((Date.parse(time) - now) / DAY_MS));
}

/** @param {import('./types').Enrolment} enrolment */
export function enrolmentCard(enrolment, route, recordBlock) {
    const place = h('section', { class: `card enrolment ${enrolment.state}`,
                                 'aria-label': 'This domain here' });
    const card = { place, route, recordBlock, domain: enrolment.domain };

    drawState(card, enrolment);

    return place;
}

function drawState(card, enrolment) {
    card.place.className = `card enrolment ${enrolment.state}`;
    card.place.replaceChildren(...(STATES[enrolment.state] || active)(
        enrolment, card).flat(Infinity).filter(Boolean));
}

const STATES = { pending, active, leaving };

function editLink(domain, text, kind = '') {
    return h('a', { class: `button ${kind}`, href: link(['domains', domain,
                                                         'change']) }, text);
}

function active(enrolment, { domain }) {
    const same = enrolment['same-as'];

    return [
        h('p', {}, 'Added on ', formatDay(enrolment.since.slice(0, 10)),
            enrolment.owner && [', owned by ', says(enrolment.owner)],
            same && [', with the policy of ', h('a', { href: link(['domains',
                same, 'setup']) }, same)], '.'),
        h('div', { class: 'choice' }, leaveButton(domain, enrolment)),
    ];
}


// Leaving

function leaveButton(domain, enrolment) {
    const waits = enrolment.state === 'pending';
    const policy = enrolment.policy && enrolment.policy.mode !== 'none';

    async function leave() {
        const answer = await change('DELETE', ['domains', domain]);

        announce(answer?.ends ? `${domain} leaves on ${
            formatDay(answer.ends.slice(0, 10))}` : `${domain} is gone`);
        setTimeout(() => {
            if (answer) {
                dispatchEvent(new Event('hashchange'));
            } else {
                location.hash = link(['enrol']);
            }
        }, 0);
    }

    return h('button', { type: 'button', class: 'small', onclick: () => confirm(
        { title: waits ? `Withdraw ${domain}?` : `Leave with ${domain}?`,
            action: waits ? 'Withdraw' : 'Leave', danger: true, run: leave,
            text: waits ? [
                'It is forgotten here. Added again, it gets other records.'] : [
                policy ? 'Senders keep the policy for as long as they were '
                    + 'told. So the domain leaves slowly: mode “none” is '
                    + 'served until the last of them has forgotten it, and '
                    + 'you can take that back until then.'
                    : 'No policy is served for it, so it goes at once.',
                'Let its DNS records stand until it is gone, then delete them. '
                    + 'Its numbers stay here as long as all others.'] }) },
        waits ? 'Withdraw' : 'Leave');
}

function leaving(enrolment, { domain }) {
    const left = daysLeft(enrolment.ends);

    return [
        h('h2', {}, left > 0 ? `This domain leaves in ${count(left, 'day')}`
            : 'This domain is about to leave'),
        h('p', {}, 'Until ', h('time', { datetime: enrolment.ends },
            formatTime(enrolment.ends)), ' senders may hold its policy. Mode '
            + '“none” is served until then, so let the records stand; delete '
            + 'them afterwards.'),
        h('div', { class: 'choice' },
            editLink(domain, 'Take it back: choose a policy')),
    ];
}


// Asks for a look at DNS; then() once it is asked for.
export function lookButton(domain, status, then) {
    const button = h('button', { type: 'button', id: 'look', onclick: look },
                     'Check DNS now');

    async function look() {
        button.disabled = true;
        try {
            await change('POST', ['domains', domain, 'check']);
            status.textContent = 'DNS is being checked …';
            then();
        } catch (error) {
            status.textContent = error.status === 429
                ? 'DNS was checked within this minute. Wait a little.'
                : refusalOf(error);
        }
        button.disabled = false;
        button.focus();
    }

    return button;
}


// The proof: looked for while somebody looks

function pending(enrolment, card) {
    const [proof] = enrolment.records;
    const status = h('p', { class: 'watch', role: 'status' });
    const { domain, route } = card;
    const look = lookButton(domain, status, () => watch.soon());

    const watch = watcher(route.signal, card.place, async () => {
        const now = await enrolmentOf(domain);

        if (now?.state === 'pending') {
            return;
        }
        watch.stop();
        announce(now ? `${domain} is proved to be yours`
                     : `${domain} is not enrolled any more`);
        dispatchEvent(new Event('hashchange'));
    });

    status.textContent = 'Waiting for DNS to show it. This page goes on by '
        + 'itself when it does.';

    return [
        h('h2', {}, 'Prove that this domain is yours'),
        h('p', {}, `Publish this record where the DNS of ${domain} is kept.`),
        card.recordBlock(proof, domain),
        status,
        h('div', { class: 'choice' }, look,
            editLink(domain, 'Change the policy'),
            leaveButton(domain, enrolment)),
        h('p', { class: 'quiet' }, `It waits for ${count(
            daysLeft(enrolment.ends), 'more day')}, until ${
            formatDay(enrolment.ends?.slice(0, 10))}. A reporting record `
            + 'with the address given here proves it as well.'),
        h('details', { class: 'data' },
            h('summary', {}, 'The other records, to publish with it'),
            enrolment.records.slice(1).map(record =>
                card.recordBlock(record, domain))),
    ];
}

// Asks again and again, ever more seldom; not where nobody sees it, and not
// after the view is left.
function watcher(signal, place, ask) {
    let ms = FIRST_MS;
    let timer;

    async function run() {
        clearTimeout(timer);
        if (document.hidden || signal.aborted || !place.isConnected) {
            return;
        }
        try {
            await ask();
        } catch {
            // the next time
        }
        ms = pause(ms);
        wait();
    }

    function wait() {
        clearTimeout(timer);
        if (!signal.aborted) {
            timer = setTimeout(run, ms);
        }
    }

    function soon() {
        ms = FIRST_MS;
        wait();
    }

    function stop() {
        clearTimeout(timer);
        signal = AbortSignal.abort();
    }

    document.addEventListener('visibilitychange', run, { signal });
    signal.addEventListener('abort', () => clearTimeout(timer));
    wait();

    return { soon, stop };
}
