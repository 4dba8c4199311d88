/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// The policy of a domain: what is served, who still holds what was served, is
// it ready for enforce; and what another one would have done.

import { RESULTS, address, ask, count, formatDay, formatDuration, formatNumber,
         formatRange, formatShare, formatTime, get, json, link,
         mayChange, share } from './data.js';
import { card, copyButton, facts, failed, h, join, later, says, some, table,
         tile } from './dom.js';
import { modeBadge } from './domains.js';

const PUBLISHED = {
    published: ['good', 'Senders get this policy'],
    missing: ['bad', 'Not published'],
    different: ['bad', 'Something else is published'],
    several: ['bad', 'Several records are published'],
};

// What it would have done to the sessions of the last 30 days.
export async function simulate(domain, text) {
    return json(await ask(address(['domains', domain, 'policy', 'simulate']),
        { method: 'POST', cache: 'no-store', body: text,
          headers: { Accept: 'application/json' } }));
}

/** @param {{ mode: string, 'max-age': number, mx: string[] }} policy */
export function policyText({ mode, 'max-age': age, mx }) {
    return ['version: STSv1', `mode: ${mode}`, ...mx.map(name => `mx: ${name}`),
            `max_age: ${age}`, ''].join('\r\n');
}

export function policyPart(answer, domain, enrolment) {
    const { policy, versions } = answer;
    const past = (versions || []).filter(({ served }) => !served);

    return h('div', { class: 'later', id: 'policy' },
        policy ? current(answer, domain, enrolment) : noPolicy(domain,
                                                               enrolment),
        answer['ready-for-enforce'] && readiness(answer['ready-for-enforce']),
        policy && advice(answer.advice),
        past.length > 0 && versionsCard(past),
        policy && enrolment?.state !== 'leaving' && trial(domain, policy),
        proposal(domain));
}

function advice(list) {
    return list?.length > 0 && h('div', { class: 'note warn' },
        h('h2', {}, 'Advice'),
        h('ul', {}, list.map(text => h('li', {}, says(text)))));
}

function changeLink(domain, text) {
    return h('a', { class: 'button', href: link(['domains', domain,
                                                 'change']) }, text);
}

function noPolicy(domain, enrolment) {
    return card('No policy yet', h('p', {}, 'Without a policy an attacker can '
        + 'make senders fall back to unencrypted mail.'), enrolment
        ? h('div', { class: 'choice' }, changeLink(domain, 'Give it a policy'))
        : [h('p', {}, 'To add one, put this line into nginx’s configuration:'),
           h('pre', {}, `mta_sts_policy ${domain} mode=testing max_age=1w `
               + 'mx=…;')]);
}

function current({ policy, published }, domain, enrolment) {
    const text = policy.text.replace(/\r\n/g, '\n');

    return card('Current policy',
        published && publishedNow(published),
        facts(
            ['Mode', modeBadge(policy.mode)],
            ['Senders keep it for', formatDuration(policy['max-age'])],
            ['Mail servers', policy.mx.length ? join(policy.mx) : '–'],
            ['Id', h('code', {}, says(policy.id)), ' ',
                copyButton(policy.id, 'id')]),
        h('pre', { tabindex: '0', role: 'region', 'aria-label': 'Policy' },
          text),
        h('div', { class: 'choice' },
            enrolment && enrolment.state !== 'leaving'
                && changeLink(domain, 'Change the policy'),
            copyButton(text, 'policy', 'Copy the policy file')),
        !enrolment && mayChange() && h('p', { class: 'quiet' }, 'This domain '
            + 'is named in nginx’s configuration, so its policy is changed '
            + 'there.'));
}

function publishedNow({ state, reason, checked, found }) {
    const [kind, text] = PUBLISHED[state] || ['', 'Not checked'];

    return h('div', {}, h('p', {}, h('span', { class: `pill ${kind}` }, text),
        reason && [' ', says(reason)],
        checked && h('small', { class: 'quiet' },
                     ` Checked ${formatTime(checked)}.`)),
        state !== 'published' && found?.length > 0 && h('p', { class: 'quiet' },
            'Seen: ', join(found, text_ => h('code', {}, says(text_)))));
}


// Is it ready for enforce?

function readiness(ready) {
    const lost = ready['would-be-lost'];
    const uncovered = ready['uncovered-mx'];

    return card(ready.ready ? 'Ready for enforce' : 'Not yet ready for enforce',
        h('dl', { class: 'tiles' },
            tile('Days in testing', formatNumber(ready['days-in-testing']),
                 '14 are enough'),
            tile('Senders', formatNumber(ready.senders)),
            tile('Connections', formatNumber(ready.sessions)),
            tile('Enforce would refuse', formatNumber(lost), ready.sessions > 0
                && formatShare(share(lost, ready.sessions)),
            lost ? 'bad' : 'good')),
        ready.uncertain > 0 && h('p', {}, `${count(ready.uncertain,
            'more connection')} would be uncertain: reports do not say `
            + 'enough.'),
        uncovered.length > 0 && h('p', { class: 'note bad' }, 'No line of the '
            + 'policy covers these mail servers: ', join(uncovered),
            '. Add them first.'),
        ready.ready && h('p', { class: 'note good' }, 'Nothing would have been '
            + 'refused. Change the mode to enforce.'));
}


// What senders may still hold

function versionsCard(versions) {
    return card('Earlier policies that were served', table('Earlier policies', [
        ['Mode', version => modeBadge(version.mode), 'brief'],
        ['Mail servers', version => version.mx.length ? some(version.mx)
            : '–', 'name'],
        ['Served', version => formatRange(version['first-day'],
                                          version['last-day'])],
        ['Held until', version => version.held
            ? formatDay(version['held-until'].slice(0, 10))
            : h('span', { class: 'quiet' }, 'nobody holds it')],
        ['Seen by', version => version.senders.length > 0
            ? some(version.senders.map(sender => sender['organization-name']))
            : h('span', { class: 'quiet' }, 'no report tells')],
    ], versions));
}


// Another one, tried on what was reported

function trial(domain, policy) {
    const input = h('textarea', { id: 'trial', rows: 7, spellcheck: 'false',
                                  autocapitalize: 'off' });
    const result = h('div', { class: 'later', 'aria-live': 'polite' });

    input.value = policyText({ ...policy, mode: 'enforce' })
        .replace(/\r\n/g, '\n');

    async function run() {
        try {
            result.replaceChildren(...effect(await simulate(domain,
                input.value.replace(/\r?\n/g, '\r\n'))).flat(Infinity)
                .filter(Boolean));
        } catch (error) {
            result.replaceChildren(failed(error));
        }
    }

    return h('details', { class: 'card data', id: 'try' },
        h('summary', {}, 'Try another policy on what was reported'),
        h('label', { for: 'trial' }, 'A policy, which is not saved'), input,
        h('button', { type: 'button', class: 'main', id: 'trial-run',
                      onclick: run }, 'What would it have done?'), result);
}

// What simulate answers, as parts of a card.
/** @param {import('./types').Effect} answer */
export function effect(answer) {
    const by = answer['would-be-lost-by'];

    if (!answer.valid) {
        return [h('p', { class: 'note bad' }, 'This is no policy.'),
                said(answer.errors)];
    }

    return [
        verdict(answer),
        answer['would-be-lost'] > 0 && facts(
            lostBy('Of these senders', by['organization-name'],
                   'organization-name'),
            lostBy('At these mail servers', by['receiving-mx-hostname'],
                   'receiving-mx-hostname'),
            lostBy('Because of', by['result-type'], 'result-type')),
        answer['uncovered-mx'].length > 0 && h('p', { class: 'note warn' },
            'No line covers these mail servers of the domain: ',
            join(answer['uncovered-mx']), '.'),
        answer.policy.mode === 'enforce' && answer.reasons.length > 0
            && h('ul', { class: 'plain quiet' }, answer.reasons.map(
                ({ text, sessions }) => h('li', {},
                    `${count(sessions, 'connection')}: `, says(text)))),
        answer.warnings.length > 0 && said(answer.warnings),
    ];
}

function verdict(answer) {
    const { sessions, mended, uncertain, from, to } = answer;
    const lost = answer['would-be-lost'];
    const days = formatRange(from, to);

    if (sessions === 0) {
        return h('p', { class: 'note warn' }, `There are no reports of ${days} `
            + 'to judge it by.');
    }

    const all = count(sessions, 'connection');
    const more = [
        mended > 0 && `${formatNumber(mended)} that failed would have passed.`,
        uncertain > 0 && `${formatNumber(uncertain)} are uncertain: reports do `
            + 'not say enough.'].filter(Boolean).join(' ');
    const enforced = answer.policy.mode === 'enforce';

    return h('p', { class: `note ${!enforced || lost + uncertain === 0 ? 'good'
        : lost > 0 ? 'bad' : 'warn'}` }, h('b', {}, !enforced
        ? `A policy in mode ${answer.policy.mode} refuses nothing. `
        : lost > 0 ? `${formatNumber(lost)} of ${all} would have been `
            + `refused (${formatShare(share(lost, sessions))}). `
            : `None of ${all} is known to have been refused by it. `),
    !enforced && lost > 0 && `In enforce, ${formatNumber(lost)} of ${all} `
        + 'would have been refused. ', more, ` Reports of ${days}.`);
}

const lostBy = (title, list, name) => list.length > 0 && [title,
    h('ul', { class: 'plain' }, list.slice(0, 8).map(one => h('li', {},
        says(Object.hasOwn(RESULTS, one[name] || '') ? RESULTS[one[name]]
            : one[name]), ` ${formatNumber(one.sessions)}`)),
    list.length > 8 && h('li', {},
        `and ${formatNumber(list.length - 8)} more`))];

function said(list) {
    return h('ul', { class: 'plain' }, list.map(({ at, message, section }) =>
        h('li', {}, at !== null && at !== undefined && `Line ${at}: `,
            says(message), ' ', section && h('small', { class: 'quiet' },
                                             section))));
}


// What the mail servers in DNS suggest

export async function proposalOf(domain) {
    try {
        return await get(['domains', domain, 'policy', 'proposal']);
    } catch {
        return null;
    }
}

function proposal(domain) {
    return later(() => proposalOf(domain), answer => answer?.proposal && h(
        'details', { class: 'card data' },
        h('summary', {}, 'A policy made from the mail servers in DNS'),
        h('pre', { tabindex: '0', role: 'region',
                   'aria-label': 'Proposed policy' },
          answer.proposal.text.replace(/\r\n/g, '\n')),
        h('div', { class: 'choice' }, copyButton(answer.proposal.text,
            'the proposal', 'Copy the proposal')),
        h('ul', { class: 'plain quiet' }, answer.reasons.map(text =>
            h('li', {}, says(text))))), 0);
}
