/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Changing: asking the enrolment API, of which the server tells the address,
// and being asked before something is done.  Without that address nothing here
// shows itself.

import { address, addDays, ask, dayOf, forget, formatDay, json, link,
         mayChange } from './data.js';
import { announce, h } from './dom.js';

const MUTE_DAYS = 7;

// Nothing of it is kept; a change makes what was read before old.
export async function change(method, segments, body = undefined, match = '') {
    const base = document.body.dataset.admin.replace(/\/$/, '');
    const response = await ask(`${base}/${address(segments)}`, {
        method, cache: 'no-store', headers: {
            Accept: 'application/json',
            ...body === undefined ? {} : { 'Content-Type': 'application/json' },
            ...match ? { 'If-Match': `"${match}"` } : {},
        }, body: body === undefined ? undefined : JSON.stringify(body),
    });

    if (method !== 'GET') {
        forget();
    }

    return response.status === 204 ? null : json(response);
}

export async function list(params) {
    const base = document.body.dataset.admin.replace(/\/$/, '');

    return json(await ask(`${base}/${address(['domains'], params)}`,
        { cache: 'no-store', headers: { Accept: 'application/json' } }));
}

// Owners may not ask whose domains are.
let operator;

export function isOperator() {
    operator ??= list({ owner: '-', limit: '1' }).then(() => true,
        error => {
            if (error.status !== 403) {
                operator = undefined;
            }
            return false;
        });

    return operator;
}

// The domain as it is enrolled; null: it is not, or not by who looks.
/** @returns {Promise<import('./types').Enrolment | null>} */
export async function enrolmentOf(domain) {
    if (!mayChange()) {
        return null;
    }

    try {
        return await change('GET', ['domains', domain]);
    } catch (error) {
        if (error.status === 404 || error.status === 403) {
            return null;
        }
        throw error;
    }
}

const REFUSALS = {
    0: 'The server cannot be reached. Nothing was changed.',
    403: 'You may not do this',
    404: 'Not found here, or it is not yours',
    409: 'This is not possible now',
    412: 'Somebody has changed this meanwhile: load the page again',
    429: 'Too soon',
    503: 'The database (Redis) does not answer, and it may or may not be done. '
        + 'Look again in a minute',
    507: 'There is no room for another domain on this server',
};

export function refusalOf(error) {
    const known = REFUSALS[error.status];
    const detail = error.problem?.detail;

    return !known ? detail || error.message
        : detail && error.status > 0 ? `${known} (${detail}).` : known;
}

/* Asks before something is done, with what follows from it.

   run() does it; what it throws is shown, and can be tried again.  input: an
   element between the text and the buttons. */
export function confirm({ title, text, input = null, action, danger = false,
                          run })
{
    const wrong = h('p', { class: 'note bad', role: 'alert', hidden: true });
    const go = h('button', { type: 'button', onclick: act,
        class: danger ? 'main danger' : 'main' }, action);
    const dialog = h('dialog', { 'aria-labelledby': 'asked',
                                 onclose: () => dialog.remove() },
        h('h2', { id: 'asked' }, title),
        text.map(line => h('p', {}, line)), input, wrong,
        h('div', { class: 'choice' }, go,
            h('button', { type: 'button', autofocus: danger,
                          onclick: () => dialog.close() }, 'Cancel')));

    async function act() {
        go.disabled = true;
        try {
            await run();
            dialog.close();
        } catch (error) {
            wrong.textContent = refusalOf(error);
            wrong.hidden = false;
            go.disabled = false;
            go.focus();
        }
    }

    document.body.append(dialog);
    dialog.showModal();
}


// A problem muted: no alerts until a day

export function muteControl(problem, domain) {
    const place = h('span', { class: 'control' });
    const path = ['domains', domain, 'problems', problem.id];

    async function until(day) {
        await change('PUT', path, { 'muted-until': day });
        problem['muted-until'] = day;
        draw();
        announce(day ? `No alerts before ${formatDay(day)}` : 'Muted no more');
        place.querySelector('button').focus();
    }

    function draw() {
        const day = problem['muted-until'];

        place.replaceChildren(day ? `No alerts before ${formatDay(day)} ` : '',
            h('button', { type: 'button', class: 'small', onclick: day
                ? () => confirm({ title: 'End the mute?', action: 'End it',
                    text: ['Alerts about this problem are sent again.'],
                    run: () => until(null) })
                : askDay }, day ? 'End the mute' : 'Mute'));
    }

    function askDay() {
        const input = h('input', { type: 'date', id: 'mute-day',
            min: addDays(dayOf(Date.now()), 1),
            value: addDays(dayOf(Date.now()), MUTE_DAYS) });

        confirm({ title: 'Mute this problem?', action: 'Mute',
            text: ['Nobody is alerted about it before the day you choose. It '
                + 'stays in the list, and its failures go on being counted.'],
            input: h('p', { class: 'field' },
                h('label', { for: 'mute-day' }, 'Until'), input),
            run: () => until(input.value) });
    }

    if (!mayChange() || !problem.id) {
        return null;
    }
    draw();

    return place;
}


// A report struck out, and restored

export function strikeControl(domain, id, struck = false) {
    const place = h('span', { class: 'control' });
    const path = ['domains', domain, 'reports', id];

    async function strike() {
        await change('DELETE', path);
        draw(true);
        announce('The report is struck out');
        place.querySelector('button').focus();
    }

    async function restore() {
        await change('POST', [...path, 'restore']);
        draw(false);
        announce('The report counts again');
        place.querySelector('button').focus();
    }

    function draw(gone) {
        place.replaceChildren(...gone ? [
            h('span', { class: 'pill warn' }, 'Struck out'), ' ',
            h('button', { type: 'button', class: 'small', onclick: () =>
                confirm({ title: 'Restore the report?', action: 'Restore',
                    text: ['It counts again, on its day and in all totals.'],
                    run: restore }) }, 'Restore'), ' ',
            h('a', { href: link(['domains', domain, 'struck']) },
                'All that are struck out')] : [
            h('button', { type: 'button', class: 'small', onclick: () =>
                confirm({ title: 'Strike out this report?', danger: true,
                    action: 'Strike out', text: [
                        'Do this if it is a forgery. Its numbers are taken out '
                        + `of ${domain}, and problems that rest on it alone `
                        + 'are withdrawn.',
                        'It can be restored as long as it is kept.'],
                    run: strike }) }, 'Strike out')]);
    }

    if (!mayChange()) {
        return null;
    }
    draw(struck);

    return place;
}
