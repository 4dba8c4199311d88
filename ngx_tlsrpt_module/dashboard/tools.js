/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// The tools: what one gives them is checked by the server and stored nowhere.

import { get, link, postPolicy } from './data.js';
import { card, copyButton, failed, h, later, says } from './dom.js';

const TOOLS = [
    ['record', 'Check or make a record', 'A TXT record of TLS reporting '
        + '(v=TLSRPTv1) or of MTA-STS (v=STSv1): is it right?'],
    ['policy', 'Check a policy', 'The text of an MTA-STS policy, line by '
        + 'line.'],
    ['report', 'Read a report', 'JSON, gzip or the whole mail, explained.'],
];

export async function tools() {
    return { title: 'Tools', content: [
        h('div', { class: 'head' }, h('h1', {}, 'Tools')),
        h('ul', { class: 'choices' }, TOOLS.map(([name, title, text]) =>
            h('li', {}, h('a', { href: link(['tools', name]) }, title),
                h('p', { class: 'quiet' }, text))))] };
}

export function toolHead(name) {
    const [, title] = TOOLS.find(([other]) => other === name);

    return [
        h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' },
            h('a', { href: link(['tools']) }, 'Tools')),
        h('div', { class: 'head' }, h('h1', {}, title)),
    ];
}

// A text, a button, and what the server says of the text.
function check({ id, label, value, rows, button, ask, show }) {
    const result = h('div', { class: 'later', 'aria-live': 'polite' });
    const input = h('textarea', { id, rows, spellcheck: 'false',
                                  autocapitalize: 'off' });
    input.value = value;

    async function run() {
        try {
            result.replaceChildren(...[show(await ask(input.value))]
                .flat(Infinity).filter(Boolean));
        } catch (error) {
            result.replaceChildren(failed(error));
        }
    }

    return [h('label', { for: id }, label), input,
            h('button', { type: 'button', class: 'main', id: `${id}-run`,
                          onclick: run }, button), result];
}

function verdict({ valid, errors, warnings }, where) {
    const said = list => h('ul', { class: 'plain' },
        list.map(({ at, message, section }) => h('li', {},
            at !== null && at !== undefined && `${where} ${at}: `,
            says(message), ' ', section && h('small', {}, section))));

    return [
        h('p', { class: valid ? 'note good' : 'note bad' }, valid
            ? 'It is valid.' : 'It is not valid: senders will ignore it.'),
        errors.length > 0 && said(errors),
        warnings.length > 0 && h('div', { class: 'note warn' },
            h('h2', {}, 'Advice'), said(warnings)),
    ];
}

async function recordOf(domain) {
    try {
        const { records } = await get(['domains', domain, 'records']);
        return records.find(({ name }) => name.startsWith('_smtp._tls'))
            ?.value || '';
    } catch {
        return '';
    }
}

export async function record({ params }) {
    const txt = params.txt
        || (params.domain ? await recordOf(params.domain) : '');

    return { title: 'Check or make a record', content: [
        toolHead('record'),
        card('Check a record', check({ id: 'txt', rows: 3, value: txt,
            label: 'The text of the record', button: 'Check',
            ask: text => get(['tools', 'record'], { txt: text.trim() }),
            show: answer => verdict(answer, 'Byte') })),
        card('Make a record', check({ id: 'rua', rows: 2, value: '',
            label: 'Where reports shall go: mailto: and https: addresses, '
                + 'separated by commas', button: 'Make',
            ask: text => get(['tools', 'record'],
                             { rua: text.trim().replace(/[\s,]+/g, ',') }),
            show: answer => [verdict(answer, 'Byte'), answer.record
                && h('div', { class: 'copied' }, h('span', {}, 'Value'),
                    h('code', {}, says(answer.record.value)),
                    copyButton(answer.record.value, 'the value'))] })),
    ] };
}

export async function policy({ params }) {
    const known = async () => params.domain
        ? (await get(['domains', params.domain, 'policy'])).policy?.text || ''
        : '';

    return { title: 'Check a policy', content: [
        toolHead('policy'),
        later(() => known().catch(() => ''), text => card('Policy',
            check({ id: 'policy', rows: 8, value: text.replace(/\r\n/g, '\n'),
                label: 'The text of the policy', button: 'Check',
                ask: postPolicy,
                show: answer => verdict(answer, 'Line') }))),
    ] };
}
