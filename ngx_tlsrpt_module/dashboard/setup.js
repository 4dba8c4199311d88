/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Setting a domain up: what is done, what is next, what to publish, and the
// policy.

import { fetchAs, forget, formatAgo, formatTime, get, link,
         mayChange } from './data.js';
import { copyButton, h, later, says } from './dom.js';
import { domainHead } from './domain.js';
import { enrolmentOf } from './admin.js';
import { enrolmentCard, lookButton } from './proof.js';
import { policyPart } from './policy.js';

export const STEPS = {
    'reporting-record': 'Ask senders for reports',
    'first-report': 'Receive the first report',
    'policy-served': 'Have a policy',
    'policy-host': 'Let senders fetch the policy',
    'sts-record': 'Announce the policy',
    'days-clean': 'See two weeks without a failure',
    'enforce': 'Enforce the policy',
};

const MARKS = { done: ['✓', 'Done'], todo: ['', 'To do'],
                wrong: ['!', 'Wrong'], unknown: ['?', 'Not known'] };

const FOUND = {
    published: ['good', 'DNS shows it'],
    missing: ['warn', 'Not in DNS yet'],
    different: ['bad', 'DNS shows something else'],
    several: ['bad', 'DNS shows several'],
    unknown: ['', 'Not checked'],
};

const LOOK_MS = 8000;

const GIVEN = ['policy-served', 'enforce'];     // by changing the policy

// By which step a record is told.
const PLACES = [['_smtp._tls.', 'reporting-record'],
                ['_mta-sts.', 'sts-record'], ['mta-sts.', 'policy-host']];

/** @param {{ name: string }} record */
export function placeOf({ name }) {
    return PLACES.find(([start]) => name.startsWith(start))?.[1];
}

/* What is wrong goes first; else the first that is not done, but for a record
   that nobody looked at and that must be there, as reports come. */
/** @param {import('./types').SetupStep[]} steps */
export function nextStep(steps) {
    const come = steps.some(({ step, state }) => step === 'first-report'
                                                 && state === 'done');

    return steps.find(({ state }) => state === 'wrong')
        || steps.find(({ step, state }) => state === 'todo'
            || (state === 'unknown'
                && !(come && step === 'reporting-record')));
}

async function orNull(promise, ...statuses) {
    try {
        return await promise;
    } catch (error) {
        if (statuses.includes(error.status)) {
            return null;
        }
        throw error;
    }
}

// Of one that waits to be proved the operator is told by its enrolment alone.
async function all(domain) {
    const path = ['domains', domain];
    const missing = mayChange() ? [404] : [];
    const [enrolment, steps, records, policy] = await Promise.all([
        enrolmentOf(domain),
        orNull(get([...path, 'setup']), ...missing),
        orNull(get([...path, 'records']), ...missing),
        orNull(get([...path, 'policy']), ...missing)]);

    if (!enrolment && !steps) {
        await get([...path, 'setup']);          // says that there is none
    }

    return { enrolment, steps, records, policy };
}

// For who has no report yet: what is next, at once.
export async function firstSteps(domain) {
    const known = await all(domain);

    return known.enrolment?.state === 'leaving' ? null
        : checklist(known, domain);
}

export async function setup(route) {
    const [, domain, view] = route.segments;
    const place = later(() => all(domain), known => {
        scrollTo_(view, place);
        const own = known.enrolment && enrolmentCard(known.enrolment, route,
                                                     recordBlock);
        const state = known.enrolment?.state || 'active';
        const first = state !== 'active';

        // of one that is to be proved, or leaves, that is what is next
        return [
            first && own,
            !first && known.steps && checklist(known, domain),
            state !== 'pending' && known.policy && policyPart(known.policy,
                domain, known.enrolment),
            known.records?.records.length > 0 && zoneCard(domain),
            !first && own,
        ];
    }, 8);

    return { title: `Set-up of ${domain}`, content: [
        domainHead(route, 'setup'), place] };
}

// An address of before, of records or of the policy, leads to that part.
function scrollTo_(view, place) {
    if (view !== 'setup') {
        setTimeout(() => place.querySelector(`#${view}`)
            ?.scrollIntoView(), 0);
    }
}


// The checklist

function checklist({ steps: { steps }, records, enrolment }, domain) {
    const next = nextStep(steps);
    const done = steps.filter(({ state }) => state === 'done').length;
    const left = steps.filter(step => step.state !== 'done');

    return h('section', { class: 'card setup', id: 'records' },
        h('h2', {}, !next && left.length === 0 ? 'All is set up'
            : `${done} of ${steps.length} steps are done`),
        h('div', { class: 'progress', 'aria-hidden': 'true' },
            steps.map(({ state }) => h('i', { class: state }))),
        records?.advice.length > 0 && records.records.length === 0
            && records.advice.map(text => h('p', {}, says(text))),
        h('ol', { class: 'checklist' }, steps.map(step => stepItem(step,
            { next: step === next, domain, enrolment, records:
                (records?.records || []).filter(
                    record => placeOf(record) === step.step) }))),
        mayChange() && lookNow(domain));
}

// What a look shows is there some seconds later.
function lookNow(domain) {
    const status = h('span', { class: 'quiet', role: 'status' });

    return h('div', { class: 'choice' }, lookButton(domain, status, () => {
        setTimeout(() => {
            if (status.isConnected) {
                forget();
                dispatchEvent(new Event('hashchange'));
            }
        }, LOOK_MS);
    }), status);
}

function stepItem(step, { next, domain, enrolment, records }) {
    const [mark, state] = MARKS[step.state];
    const open = next || (step.state !== 'done' && step.state !== 'todo');
    const blocks = records.map(record => recordBlock(record.reason
        === step.text ? { ...record, reason: '' } : record, domain));

    return h('li', { class: `${step.state} ${next ? 'next' : ''}`,
                     'aria-current': next ? 'step' : null },
        h('span', { class: 'mark', 'aria-hidden': 'true' }, mark),
        h('div', {},
            h('h3', {}, STEPS[step.step] || step.step, ' ',
                next ? h('span', { class: 'pill now' }, step.state === 'wrong'
                    ? 'Put this right' : 'Next')
                    : h('span', { class: 'only-read' }, state)),
            h('p', {}, says(step.text), step.checked && h('small',
                { class: 'quiet', title: formatTime(step.checked) },
                ` Checked ${formatAgo(step.checked)}.`)),
            next && records.length > 0 && step.state === 'unknown'
                && h('p', {}, `Publish this where the DNS of ${domain} is `
                    + 'kept, if it is not there yet.'),
            next && enrolment?.state === 'active' && GIVEN.includes(step.step)
                && h('div', { class: 'choice' }, h('a', { class: 'button',
                    href: link(['domains', domain, 'change']) },
                'Change the policy')),
            blocks.length > 0 && (open ? blocks
                : h('details', { class: 'data' },
                    h('summary', {}, blocks.length === 1 ? 'The record'
                        : 'The records'), blocks))));
}

// A record as panels want it, and what DNS shows of it.
function recordBlock(record, domain) {
    const [kind, text] = FOUND[record.state] || ['', ''];
    const found = record.found || [];

    return h('section', { class: 'record', 'aria-label': record.name },
        h('p', {}, h('b', {}, says(record.type)), ' record ',
            text && h('span', { class: `pill ${kind}` }, text)),
        h('p', { class: 'quiet' }, says(record.purpose)),
        copied('Host', record.host, `Most DNS panels want this, and add ${
            domain} themselves.`),
        copied('Name', record.name, 'Where a panel wants the whole name.'),
        copied('Value', record.value),
        record.state && record.state !== 'published' && [
            record.reason && record.state !== 'unknown'
                && h('p', {}, says(record.reason)),
            found.length > 0 && h('div', { class: 'found' },
                h('p', { class: 'quiet' }, 'DNS shows now:'),
                found.map(value => h('code', {}, says(value))))]);
}

function copied(label, text, hint) {
    return text && h('div', { class: 'copied' }, h('span', {}, label),
        h('code', { title: hint }, says(text)),
        copyButton(text, label.toLowerCase()),
        hint && h('small', { class: 'quiet' }, hint));
}

function zoneCard(domain) {
    const path = ['domains', domain, 'records'];

    return h('details', { class: 'card data' },
        h('summary', {}, 'All records, for a zone file'), later(
            async () => (await fetchAs('text/plain', path)).text(),
            text => [h('pre', { tabindex: '0', role: 'region',
                                'aria-label': 'Zone file' }, text),
                     copyButton(text, 'all of it')], 2));
}
