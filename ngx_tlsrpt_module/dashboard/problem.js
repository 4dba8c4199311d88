/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// A problem: what it costs first, then what to do; and the same as text.

import { consequence, count, formatDay, formatNumber, formatRange,
         formatShare, formatShortDay, link, problemLink } from './data.js';
import { muteControl } from './admin.js';
import { copyButton, facts, h, says, some } from './dom.js';

const TOOLS = { 'tools/record': 'record', 'tools/policy': 'policy' };
const MAX_CONTACTS = 3;
const WITHOUT_GROUPS = ['silence', 'policy-not-found'];

/** @param {{ problems: import('./types').DomainProblem[] }} answer */
export function findProblem({ problems }, id, title) {
    return problems.find(one => one.id === id)
        || problems.find(one => one['result-type'] === id
                                && one.title === title)
        || problems.find(one => (one['result-type'] || 'null') === id
                                && !title);
}

function state(problem) {
    const first = problem['first-day'];
    const last = problem['last-day'];

    return problem.ongoing === false
        ? ['over', last ? `solved after ${formatShortDay(last)}` : 'solved']
        : problem.ongoing === null ? ['warn', 'nobody has reported since']
            : first && first === last
                ? ['warn', `seen once, ${formatShortDay(first)}`]
                : [consequence(problem['lost-mail'])[0] === 'bad' ? 'bad'
                    : 'warn', 'still happening'];
}

function about(problem) {
    const failed = problem['failed-session-count'];
    const who = problem['organization-names'];

    return [
        problem['first-day'] && formatRange(problem['first-day'],
                                            problem['last-day']),
        failed > 0 && `${count(failed, 'failed connection')}, ${
            formatShare(problem['share-of-senders'])} of these senders’, ${
            formatShare(problem.share)} of all`,
        who.length > 0 && ['reported by ', some(who)],
    ].filter(Boolean).flatMap((part, i) => i ? [' · ', part] : [part]);
}

function head(problem, level) {
    const [kind, text] = state(problem);

    return [
        h(level, { class: 'title' },
            says(problem.title || problem['result-type']), ' ',
            h('span', { class: `pill ${kind}` }, text)),
        h('p', { class: 'quiet' }, about(problem)),
    ];
}

// The worst, open.
export function problemCard(problem, domain, params) {
    return h('section', { class: `problem open ${problem.severity}` },
        h('div', { class: 'explained' }, head(problem, 'h2'),
            body(problem, domain, params)));
}

// One line, which opens.
export function problemLine(problem, domain, params) {
    return h('details', { class: `problem ${problem.severity}` },
        h('summary', {}, h('div', {}, head(problem, 'h3'))),
        h('div', { class: 'explained' }, body(problem, domain, params)));
}

function folded(list, title, domain, params, kind) {
    return list.length > 0 && h('details', { class: `folded ${kind}` },
        h('summary', {}, title),
        list.map(problem => problemLine(problem, domain, params)));
}

export function further(list, domain, params) {
    return folded(list, count(list.length, 'further problem'), domain, params,
                  'further');
}

export function minor(list, domain, params) {
    return folded(list, list.length === 1
        ? 'One minor problem: nothing to do unless it comes again'
        : `${formatNumber(list.length)} minor problems: nothing to do unless `
            + 'they come again', domain, params, 'minor');
}

export function solved(list, domain, params) {
    return folded(list, `Solved (${formatNumber(list.length)})`, domain,
                  params, 'solved');
}

function body(problem, domain, params) {
    const [kind] = consequence(problem['lost-mail']);

    return [
        problem['lost-mail'] && h('p', { class: `consequence ${kind}` },
            h('b', {}, 'Is mail lost? '), says(problem['lost-mail'])),
        steps(problem, domain),
        question(problem, domain),
        line('Could this be an attack?', problem['possible-attack'],
             'attack'),
        facts(
            listed('Who', problem['organization-names']),
            listed('From', problem['sending-mta-ips']),
            listed('To', problem['receiving-mx-hostnames']),
            listed('Address of the mail server', problem['receiving-ips']),
            listed('Error text', problem['failure-reason-codes'])),
        h('details', { class: 'data' }, h('summary', {}, 'What this means'),
            line('What it means', problem.meaning),
            line('Likely cause', problem['likely-cause'])),
        links(problem, domain, params),
    ];
}

function line(title, text, kind = '') {
    return text && h('div', { class: `line ${kind}` },
        h('p', { class: 'what' }, title), h('p', {}, says(text)));
}

function listed(title, list) {
    return list && list.length > 0 && [title, some(list, 5)];
}

function steps({ steps: list }, domain) {
    return h('ol', { class: 'steps fix', 'aria-label': 'What to do' },
        list.map(({ text, command }) => h('li', {},
            h('div', {}, h('p', {}, withTools(text, domain)),
                command && h('div', { class: 'command' },
                    h('pre', {}, h('code', {}, command)),
                    copyButton(command, 'the command'))))));
}

// A tool that is named is a link to it.
function withTools(text, domain) {
    const name = Object.keys(TOOLS).find(tool => text.includes(`(${tool})`));

    if (!name) {
        return says(text);
    }

    const [before, after] = text.split(`(${name})`);

    return [says(before), h('a', { href: link(['tools', TOOLS[name]],
        { domain }) }, `(the ${TOOLS[name]} tool)`), says(after)];
}

const mailto = (address, subject, text) => `mailto:${
    address.split('@').map(encodeURIComponent).join('@')}?subject=${
    encodeURIComponent(subject)}&body=${encodeURIComponent(text)}`;

// Whom to ask, and what.  An address that nobody verified is text, never a
// link.
function question(problem, domain) {
    const { contacts } = problem;
    const text = questionText(problem, domain);

    return contacts && contacts.length > 0 && h('div', { class: 'ask' },
        h('p', {}, 'To ask the sender: ', contacts.slice(0, MAX_CONTACTS)
            .flatMap(({ address, verified }, i) => [i > 0 && ', ', verified
                ? h('a', { href: mailto(address,
                    `TLS to ${domain}: ${problem.title}`, text) },
                says(address))
                : [says(address), ' (not verified)']]),
        contacts.length > MAX_CONTACTS
            && ` and ${formatNumber(contacts.length - MAX_CONTACTS)} more`),
        copyButton(text, 'the question', 'Copy the question'));
}

/** @param {import('./types').DomainProblem} problem */
export function questionText(problem, domain) {
    const list = (title, values) => values && values.length > 0
        ? `${title}: ${values.slice(0, 10).join(', ')}\n` : '';

    return 'Hello,\n\n'
        + `your TLS reports on ${domain} tell of failures:\n\n`
        + `${problem.title}\n`
        + (problem['first-day'] ? `Days: ${problem['first-day']} to ${
            problem['last-day']}\n` : '')
        + `Failed sessions: ${problem['failed-session-count']}\n`
        + list('Sending IPs', problem['sending-mta-ips'])
        + list('Mail servers', problem['receiving-mx-hostnames'])
        + list('Receiving IPs', problem['receiving-ips'])
        + list('Reasons', problem['failure-reason-codes'])
        + '\nWhich address of the server did you come to, and which '
        + 'certificate were you shown?\n';
}

// To whoever shall mend it.
/** @param {import('./types').DomainProblem} problem */
export function problemText(problem, domain, address) {
    const days = problem['first-day']
        ? `From ${formatDay(problem['first-day'])} to ${
            formatDay(problem['last-day'])}` : '';
    const failed = problem['failed-session-count'];

    return [
        `${domain}: ${problem.title}`, '',
        [days, failed > 0 && count(failed, 'failed connection'),
         problem['organization-names'].length > 0 && `reported by ${
             problem['organization-names'].slice(0, 5).join(', ')}`]
            .filter(Boolean).join('; '), '',
        `Is mail lost? ${problem['lost-mail']}`, '',
        'What to do:',
        ...problem.steps.flatMap(({ text, command }, i) =>
            [`${i + 1}. ${text}`, ...command ? [`   ${command}`] : []]), '',
        `What it means: ${problem.meaning}`, '',
        `Likely cause: ${problem['likely-cause']}`, '',
        ...problem['possible-attack']
            ? [`Could this be an attack? ${problem['possible-attack']}`, '']
            : [],
        address, '',
    ].join('\n');
}

function links(problem, domain, params) {
    const own = problemLink(domain, problem, params);
    const text = problemText(problem, domain,
                             location.href.split('#')[0] + own);
    const silent = problem['result-type'] === 'silence';
    const days = { from: problem['first-day'], to: problem['last-day'] };
    const all = [];

    if (silent) {
        all.push(h('a', { href: link(['domains', domain, 'reports'],
            { days: '90' }) }, 'Last reports before the silence'));
    } else if (days.from) {
        all.push(h('a', { href: link(['domains', domain, 'reports'],
            { ...days, failures: 'only' }) }, 'See the reports'));
    }
    if (days.from && problem['result-type']
        && !WITHOUT_GROUPS.includes(problem['result-type']))
    {
        all.push(h('a', { href: link(['domains', domain], { ...days,
            'result-type': problem['result-type'],
            by: 'receiving-mx-hostname' }) }, 'Break these failures down'));
    }
    all.push(h('a', { href: own }, 'Link to this problem'),
        h('a', { href: mailto('', `${domain}: ${problem.title}`,
                              text).replace('mailto:@', 'mailto:') },
            'Mail it'));

    return h('div', { class: 'acts' }, all,
        muteControl(problem, domain),
        copyButton(text, 'the problem', 'Copy as text'),
        h('button', { type: 'button', class: 'small', onclick() {
            print();
        } }, 'Print'));
}
