/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Adding a domain, changing its policy, and the domains that were added.

import { count, forget, formatDay, formatDuration, get, link,
         mayChange } from './data.js';
import { announce, card, failed, h, later, says, table } from './dom.js';
import { domainHead } from './domain.js';
import { change, confirm, enrolmentOf, isOperator, list, refusalOf,
         strikeControl } from './admin.js';
import { effect, policyText, proposalOf, simulate } from './policy.js';
import { daysLeft } from './proof.js';

const DAY = 86400;
const SERVED_TRIES = 8;         // a second each
const AGES = [DAY, 7 * DAY, 14 * DAY, 30 * DAY, 180 * DAY, 365 * DAY];
const MODES = {
    testing: 'testing: failures are reported only',
    enforce: 'enforce: encrypted, or not delivered',
    none: 'none: senders shall forget it',
};
const KINDS = {
    policy: 'A policy of its own',
    same: 'The policy of another domain',
    reports: 'None: reports are collected only',
};
const STATES = { pending: ['warn', 'Waits for its proof'],
                 active: ['good', 'Active'], leaving: ['', 'Leaves'] };

const words = text => text.split(/[\s,;]+/).filter(Boolean);


// Between the form and the body of a PUT

/** @param {import('./types').Wanted} wanted */
export function bodyOf(wanted) {
    const contact = words(wanted.contact);
    const more = contact.length > 0 ? { contact } : {};

    return wanted.kind === 'same' ? { 'same-as': wanted.same.trim(), ...more }
        : wanted.kind === 'reports' ? more
            : { mode: wanted.mode, 'max-age': wanted.age,
                mx: words(wanted.mx), ...more };
}

/** @param {import('./types').Enrolment | null} enrolment
    @returns {import('./types').Wanted} */
export function wantedOf(enrolment) {
    const policy = enrolment?.policy;
    const same = enrolment?.['same-as'] || '';

    return {
        kind: same ? 'same' : enrolment && !policy ? 'reports' : 'policy',
        mode: policy?.mode || 'testing', age: policy?.['max-age'] || 7 * DAY,
        mx: (policy?.mx || []).join('\n'), same,
        contact: (enrolment?.contact || []).join(', '),
    };
}

// What would be another, in words.
/** @param {import('./types').Wanted} before
    @param {import('./types').Wanted} after */
export function changesOf(before, after) {
    const told = [before, after].map(({ contact }) =>
        words(contact).join(', ') || 'nobody');

    return [...policyChanges(before, after), ...told[0] === told[1] ? []
        : [`Told of problems: ${told[0]} → ${told[1]}`]];
}

function policyChanges(before, after) {
    if (before.kind !== after.kind) {
        return [`${KINDS[before.kind]} → ${KINDS[after.kind]}`];
    }
    if (after.kind === 'same') {
        return before.same === after.same ? []
            : [`The policy of: ${before.same} → ${after.same}`];
    }
    if (after.kind === 'reports') {
        return [];
    }

    const [old, now] = [words(before.mx), words(after.mx)];

    return [
        before.mode !== after.mode && `Mode: ${before.mode} → ${after.mode}`,
        before.age !== after.age && `Senders keep it for: ${formatDuration(
            before.age)} → ${formatDuration(after.age)}`,
        ...now.filter(name => !old.includes(name))
            .map(name => `New mail server: ${name}`),
        ...old.filter(name => !now.includes(name))
            .map(name => `Mail server that goes: ${name}`),
    ].filter(Boolean);
}

// "mx[2]" is about the field mx; what has no field, about all.
export function fieldOf(path) {
    const name = (path || '').replace(/\[.*/, '');

    return ['domain', 'mode', 'max-age', 'mx', 'same-as', 'contact', 'owner']
        .includes(name) ? name : '';
}


// The form

function field(id, label, input, hint) {
    const about = h('small', { class: 'quiet', id: `${id}-hint` }, hint);

    input.id = id;
    input.setAttribute('aria-describedby', `${id}-hint ${id}-wrong`);

    return h('div', { class: 'field' }, h('label', { for: id }, label), about,
        input, h('p', { class: 'blame', id: `${id}-wrong` }));
}

function options(pairs, value) {
    const select = h('select', {}, pairs.map(([name, text]) => h('option',
        { value: name }, text)));
    select.value = value;

    return select;
}

/* The fields of a policy, and wanted() of what is in them.  of: where the
   proposal is looked for; oninput: anything was changed. */
function policyFields(wanted, oninput) {
    const ages = [...new Set([...AGES, wanted.age])].sort((a, b) => a - b);
    const text = (value, more = {}) => {
        const input = h('input', { type: 'text', autocomplete: 'off',
                                   spellcheck: 'false', ...more });
        input.value = value;
        return input;
    };
    const mode = options(Object.entries(MODES), wanted.mode);
    const age = options(ages.map(n => [String(n), formatDuration(n)]),
                        String(wanted.age));
    const mx = h('textarea', { rows: 3, spellcheck: 'false',
                               autocapitalize: 'off' });
    mx.value = wanted.mx;
    const same = text(wanted.same, { placeholder: 'example.com' });
    const contact = text(wanted.contact, { inputmode: 'email' });
    const offer = h('div', { class: 'offer', role: 'status' });
    const parts = {
        policy: h('div', { class: 'fields' },
            field('mode', 'Mode', mode, 'Begin with testing, and go to enforce '
                + 'when two weeks of reports were without a failure.'),
            field('max-age', 'Senders keep it for', age, 'A mistake is held as '
                + 'long as this, so begin with a week or less.'),
            field('mx', 'Mail servers', mx, 'One a line, as in the MX records '
                + 'of the domain; *.example.com stands for all names one '
                + 'level below.'), offer),
        same: field('same-as', 'Whose policy', same, 'It has the policy of '
            + 'that domain at any time, and changes with it.'),
    };
    const kinds = Object.entries(KINDS).map(([name, label]) => {
        const input = h('input', { type: 'radio', name: 'kind', value: name,
                                   id: `kind-${name}`, onchange: draw });
        input.checked = name === wanted.kind;
        return [input, label];
    });
    const chosen = () => kinds.find(([input]) => input.checked)[0].value;

    function draw() {
        for (const [name, part] of Object.entries(parts)) {
            part.hidden = name !== chosen();
        }
    }

    async function propose(domain) {
        const answer = await proposalOf(domain);
        const names = answer?.proposal?.mx || [];

        if (names.length > 0 && names.join() !== words(mx.value).join()) {
            offer.replaceChildren('DNS has these mail servers: ',
                names.map(String).join(', '), ' ', h('button', {
                    type: 'button', class: 'small', onclick() {
                        mx.value = names.join('\n');
                        offer.replaceChildren();
                        mx.focus();
                        oninput();
                    } }, 'Use them'));
        }
    }

    draw();

    return {
        propose,
        element: h('div', { class: 'fields', oninput },
            h('fieldset', {}, h('legend', {}, 'Policy'),
                kinds.map(([input, label]) => h('label', { class: 'check' },
                                                input, label))),
            parts.policy, parts.same,
            field('contact', 'Who is told of problems', contact, 'Mail '
                + 'addresses, five at most; they are asked first whether they '
                + 'want that. May be empty.')),
        wanted: () => ({ kind: chosen(), mode: mode.value,
            age: Number(age.value), mx: mx.value, same: same.value,
            contact: contact.value }),
    };
}

// Says what is wrong beside the field it is about, and goes there.
function complain(element, error) {
    const about = [404, 409, 422].includes(error.status);
    const name = fieldOf(error.problem?.path) || (about ? 'domain' : '');
    const input = name && element.querySelector(`#${name}`);
    const place = element.querySelector(input ? `#${name}-wrong` : '.refused');

    for (const old of element.querySelectorAll('.blame, .refused')) {
        old.textContent = '';
    }
    for (const old of element.querySelectorAll('[aria-invalid]')) {
        old.removeAttribute('aria-invalid');
    }
    if (!error.message) {
        return;
    }
    place.textContent = input ? error.message : refusalOf(error);
    if (input) {
        input.setAttribute('aria-invalid', 'true');
        input.focus();
    } else {
        place.focus();
    }
}

const refused = () => h('p', { class: 'refused', role: 'alert',
                               tabindex: '-1' });

function form(button, run, ...parts) {
    const element = h('form', { class: 'card form', novalidate: true,
        async onsubmit(event) {
            event.preventDefault();
            complain(element, {});
            button.disabled = true;
            try {
                await run();
            } catch (error) {
                button.disabled = false;
                complain(element, error);
            }
            button.disabled = false;
        } }, ...parts);

    return element;
}


// View: a new domain

export async function enrol(route) {
    return { title: 'Add a domain', content: [
        h('div', { class: 'head' }, h('h1', {}, 'Add a domain')),
        mayChange() ? [later(isOperator, operator => newForm(operator, route),
                             6), enrolments(route)]
            : h('p', {}, 'Domains are named in nginx’s configuration here: ',
                h('code', {}, 'tlsrpt_domain example.com;')),
    ] };
}

function newForm(operator, { params }) {
    const name = h('input', { type: 'text', autocomplete: 'off', required: true,
        spellcheck: 'false', autocapitalize: 'off', inputmode: 'url',
        placeholder: 'example.com', onchange: () => fields.propose(
            name.value.trim()) });
    const fields = policyFields(wantedOf(null), () => null);
    const proved = h('input', { type: 'checkbox', id: 'proved' });
    const owner = h('input', { type: 'text', autocomplete: 'off',
                               spellcheck: 'false' });
    const button = h('button', { class: 'main', type: 'submit' },
                     'Add the domain');

    name.value = params.domain || '';

    return form(button, async () => {
        const domain = name.value.trim().toLowerCase();
        const answer = await change('PUT', ['domains', domain], {
            ...bodyOf(fields.wanted()),
            ...proved.checked ? { verified: true } : {},
            ...owner.value.trim() ? { owner: owner.value.trim() } : {} });

        announce(`${answer.domain} is added`);
        location.hash = link(['domains', answer.domain, 'setup']);
    },
    field('domain', 'Domain', name, 'What stands behind the @ in its '
        + 'addresses.'),
    fields.element,
    operator && h('details', { class: 'data' },
        h('summary', {}, 'For the operator'),
        h('div', { class: 'fields' },
            h('label', { class: 'check' }, proved,
                'I know whose it is: ask for no proof in DNS'),
            field('owner', 'Owner', owner, 'Who may see and change it, by the '
                + 'name of their login. Empty: nobody but you.'))),
    h('p', { class: 'quiet' }, 'Next you get the DNS records to publish, one '
        + 'of which proves that the domain is yours.'),
    refused(), button);
}


// View: its policy

export async function edit(route) {
    const [, domain] = route.segments;

    return { title: `Change ${domain}`, content: [
        domainHead(route, 'setup'),
        later(async () => ({ enrolment: await enrolmentOf(domain),
                             former: await formerOf(domain) }),
              ({ enrolment, former }) => enrolment
                  ? changeForm(enrolment, former)
                  : card('This domain cannot be changed here',
                      h('p', {}, 'It is named in nginx’s configuration, or it '
                          + 'is not yours.')), 6),
    ] };
}

// Of one that leaves: what it had before.
async function formerOf(domain) {
    try {
        const { versions } = await get(['domains', domain, 'policy']);
        return versions?.find(({ mode }) => mode !== 'none') || null;
    } catch {
        return null;
    }
}

function changeForm(enrolment, former) {
    const { domain } = enrolment;
    const back = enrolment.state === 'leaving';
    const before = wantedOf(enrolment);
    const preview = h('div', { class: 'later', 'aria-live': 'polite',
                               id: 'preview' });
    const fields = policyFields(back && former ? wantedOf({ ...enrolment,
        policy: former }) : before, () => preview.replaceChildren());
    const button = h('button', { class: 'main', type: 'submit' },
                     'Preview the change');
    const element = form(button, async () => {
        const wanted = fields.wanted();
        const effects = wanted.kind === 'policy' ? await simulate(domain,
            policyText({ mode: wanted.mode, 'max-age': wanted.age,
                         mx: words(wanted.mx) }))
            : null;

        preview.replaceChildren(previewCard(enrolment, before, wanted,
                                            effects, element));
        preview.querySelector('h2').focus();
    }, h('h2', {}, back ? 'Take the domain back' : 'Change the policy'),
    fields.element, refused(), button);

    fields.propose(domain);

    return [element, preview];
}

function previewCard(enrolment, before, wanted, effects, element) {
    const { domain } = enrolment;
    const changes = [...enrolment.state === 'leaving'
        ? ['The domain stays'] : [], ...changesOf(before, wanted)];
    const valid = !effects || effects.valid;
    const save = async () => {
        await served(domain, await change('PUT', ['domains', domain],
            bodyOf(wanted), enrolment.id || ''));
        announce('The policy is saved');
        location.hash = link(['domains', domain, 'setup']);
    };
    const button = h('button', { type: 'button', class: 'main', id: 'save',
        onclick: () => confirm({ title: 'Save this policy?', run: saved,
            action: 'Save', danger: Boolean(effects?.['would-be-lost'])
                && wanted.mode === 'enforce',
            text: consequences(wanted, effects) }) }, 'Save …');

    // what a field is blamed for is told there
    async function saved() {
        try {
            await save();
        } catch (error) {
            if (!fieldOf(error.problem?.path)) {
                throw error;
            }
            // once the dialog has given the focus back
            setTimeout(() => complain(element, error), 0);
        }
    }

    return h('section', { class: 'card form' },
        h('h2', { tabindex: '-1' }, 'What this change would do'),
        h('ul', { class: 'changes' }, changes.length > 0
            ? changes.map(text => h('li', {}, says(text)))
            : h('li', {}, 'The policy stays as it is.')),
        effects && effect(effects), valid && changes.length > 0 && button);
}

// Every node has it within seconds; who sees the page next sees it, too.
async function served(domain, { id, state }) {
    for (let i = 0; i < SERVED_TRIES && id && state === 'active'; i++) {
        const answer = await get(['domains', domain, 'policy'])
            .catch(() => null);

        forget();
        if (!answer || answer.policy?.id === id) {
            return;
        }
        await new Promise(resolve => setTimeout(resolve, 1000));
    }
}

function consequences(wanted, effects) {
    const lost = effects?.['would-be-lost'] || 0;

    return [
        wanted.kind !== 'policy' || wanted.mode !== 'enforce' ? ''
            : lost > 0 ? `Mail like that of ${count(lost, 'connection')} of `
                + 'the last 30 days will be refused by its senders.'
                : 'Senders will deliver encrypted to these mail servers, or '
                    + 'not at all.',
        wanted.kind === 'reports' ? 'Mode “none” is served for as long as '
            + 'senders may hold the policy of now; then there is none.' : '',
        'It is served within five seconds. Then publish the new id in the '
            + 'record _mta-sts, so that senders look for it.',
    ].filter(Boolean);
}


// The domains that were added

function enrolments(route) {
    const { state = '' } = route.params;
    const chip = (name, text) => h('a', { class: 'chip', id: `state-${name}`,
        href: link(route.segments, { state: name }),
        'aria-current': name === state ? 'true' : null }, text);

    return h('section', { class: 'later', id: 'added' },
        h('h2', {}, 'Domains that were added'),
        h('div', { class: 'chips', role: 'group', 'aria-label': 'State' },
            chip('', 'All'), Object.entries(STATES).map(([name, [, text]]) =>
                chip(name, text))),
        later(() => list({ state, limit: '100' }), page => page.domains.length
            ? enrolmentList(page, state)
            : h('p', { class: 'quiet' }, 'None.'), 4));
}

function enrolmentList(page, state) {
    const columns = [
        ['Domain', one => h('a', { href: link(['domains', one.domain,
                                               'setup']) }, one.domain),
         'name'],
        ['State', one => h('span', { class: `pill ${STATES[one.state][0]}` },
                           STATES[one.state][1])],
        ['Owner', one => says(one.owner, 'the operator')],
        ['Added', one => formatDay(one.since.slice(0, 10)), 'brief'],
        ['Until', one => one.ends ? [formatDay(one.ends.slice(0, 10)),
            h('small', {}, `${count(daysLeft(one.ends), 'day')} left`)] : '–'],
    ];
    const all = table('Domains that were added', columns, []);
    const body = all.querySelector('tbody');
    const more = h('button', { type: 'button', class: 'more', onclick: next },
                   'Show more');
    let cursor;

    function add(answer) {
        body.append(...table('', columns, answer.domains)
            .querySelector('tbody').children);
        cursor = answer.next;
        more.hidden = !cursor;
    }

    async function next() {
        more.disabled = true;
        try {
            add(await list({ state, limit: '100', cursor }));
        } catch (error) {
            more.after(failed(error));
        }
        more.disabled = false;
    }

    add(page);

    return [all, more];
}


// View: reports that were struck out

const PAGES = 20;               // of 500 reports, that are looked through

async function struckOf(domain) {
    const found = [];
    let cursor = '';

    for (let i = 0; i < PAGES && cursor !== null; i++) {
        const page = await get(['domains', domain, 'reports'],
                               { struck: 'yes', limit: '500', cursor });
        found.push(...page.reports.filter(one => one.struck));
        cursor = page.next;
    }

    return found;
}

export async function struck(route) {
    const [, domain] = route.segments;

    return { title: `Struck out of ${domain}`, content: [
        domainHead(route, 'reports'),
        h('h2', {}, 'Reports that were struck out'),
        later(() => struckOf(domain), reports => reports.length === 0
            ? h('p', { class: 'quiet' }, 'None of the last 30 days.')
            : table('Reports that were struck out', [
                ['Day', one => formatDay(one['start-datetime'].slice(0, 10)),
                 'brief'],
                ['Sender', one => says(one['organization-name']), 'name'],
                ['Report', one => h('a', { href: link(['domains', domain,
                    'reports', one.id]) }, says(one['report-id']))],
                ['Restore', one => strikeControl(domain, one.id, true)],
            ], reports), 4),
    ] };
}
