/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Asking the reading API, and numbers and days in the reader's language.

const CACHE_MS = 60000;
const CACHE_MAX = 100;
const DAY_MS = 86400000;
const MIN_DAY = '2015-01-01';

const DEFAULT_DAYS = 30;

export const DIMENSIONS = {
    'result-type': 'Result',
    'organization-name': 'Sender',
    'receiving-mx-hostname': 'Mail server',
    'sending-mta-ip': 'Sending IP',
    'policy-type': 'Policy type',
    'receiving-ip': 'Receiving IP',
    'failure-reason-code': 'Error text',
    'via': 'Received by',
};

// The titles of their sections in shared/base/explain.txt.
export const RESULTS = {
    'starttls-not-supported': 'No encryption offered',
    'certificate-host-mismatch': 'Certificate for another name',
    'certificate-expired': 'Certificate expired',
    'certificate-not-trusted': 'Certificate not trusted',
    'validation-failure': 'Connection failed the sender\'s checks',
    'tlsa-invalid': 'DANE record does not match',
    'dnssec-invalid': 'DNSSEC answers do not verify',
    'dane-required': 'Sender insists on DANE',
    'sts-policy-fetch-error': 'MTA-STS policy cannot be fetched',
    'sts-policy-invalid': 'MTA-STS policy cannot be understood',
    'sts-webpki-invalid': 'MTA-STS web server has no valid certificate',
    'unspecified': 'Failures without a reason',
};

export const VIA = { https: 'HTTPS', mail: 'Mail' };

// How a domain is, the worst first; and by which statuses of the API it is
// found.
export const STATES = {
    bounces: { text: 'Mail bounces', statuses: ['failing'] },
    fix: { text: 'To fix', statuses: ['failing', 'attention'] },
    silent: { text: 'No reports lately', statuses: ['silent'] },
    occasional: { text: 'A few failures', statuses: ['occasional'] },
    waiting: { text: 'Waiting for reports', statuses: ['waiting'] },
    ok: { text: 'All encrypted', statuses: ['ok'] },
};

const WRONG = ['failing', 'attention'];

/** @param {import('./types').DomainRow} row */
export function stateOf({ status, 'lost-mail': lost }) {
    if (status === 'failing' || status === 'attention') {
        return status === 'failing' && lost === 'yes' ? 'bounces' : 'fix';
    }
    return Object.hasOwn(STATES, status) ? status : 'waiting';
}

// In a few words, and how bad that is.
export function consequence(lost) {
    if (!lost) {
        return ['', ''];
    }
    return lost.startsWith('Yes') ? ['bad', 'Mail is delayed or returned']
        : lost.startsWith('Perhaps') ? ['warn', 'Mail may be late']
            : ['good', 'Mail still arrives'];
}

export const SESSIONS = 'total-successful-session-count';
export const FAILURES = 'total-failure-session-count';

const cache = new Map();

export class Problem extends Error {
    constructor(status, problem) {
        super(problem.detail || problem.title || `HTTP ${status}`);
        this.status = status;
        this.problem = problem;
    }
}

function query(params) {
    const text = new URLSearchParams(
        Object.entries(params).filter(([, value]) => value)).toString();
    return text && `?${text}`;
}

// Where domains are changed is told by the server; nowhere, if it does not.
export function mayChange() {
    return Boolean(document.body.dataset.admin);
}

// segments and params are escaped here, and only here.
export function address(segments, params = {}) {
    return segments.map(encodeURIComponent).join('/') + query(params);
}

export function link(segments, params = {}) {
    return `#/${address(segments, params)}`;
}

// The id of one that was never open is null: its kind and title are its name.
/** @param {{ days?: string, from?: string, to?: string }} params */
export function problemLink(domain, problem, params = {}) {
    const { days, from, to } = params;

    return link(['domains', domain, 'problems',
                 problem.id || problem['result-type'] || 'null'],
                { title: problem.title, days, from, to });
}

async function failure(response) {
    try {
        return new Problem(response.status, await response.json());
    } catch {
        return new Problem(response.status, {});
    }
}

export async function ask(url, options) {
    let response;

    try {
        response = await fetch(url, options);
    } catch (error) {
        if (error.name === 'AbortError') {
            throw error;
        }
        throw new Problem(0, {});
    }

    if (!response.ok) {
        throw await failure(response);
    }

    return response;
}

export async function json(response) {
    const type = response.headers.get('Content-Type') || '';

    // a login page of a proxy, say
    if (!type.startsWith('application/json')) {
        throw new Problem(-1, {});
    }

    return response.json();
}

// What was answered within the last minute is not asked again.
export function get(segments, params = {}) {
    const url = address(segments, params);
    const known = cache.get(url);

    if (known && Date.now() - known.at < CACHE_MS) {
        return known.promise;
    }

    const promise = ask(url, { headers: { Accept: 'application/json' } })
        .then(json);
    promise.catch(() => cache.delete(url));
    cache.delete(url);
    cache.set(url, { at: Date.now(), promise });

    if (cache.size > CACHE_MAX) {
        cache.delete(cache.keys().next().value);
    }

    return promise;
}

export function forget() {
    cache.clear();
}

export async function fetchAs(type, segments, params = {}) {
    return ask(address(segments, params), { headers: { Accept: type } });
}

export async function postPolicy(text) {
    return json(await ask('tools/policy', { method: 'POST', body: text }));
}

export async function postReport(bytes, type) {
    const response = await ask('tools/report', {
        method: 'POST', body: bytes, headers: { Accept: type },
    });

    return type === 'text/plain' ? response.text() : json(response);
}

// Of more domains than a page has: what is wrong, then all others by name.
export async function* worstFirst(params, order) {
    for await (const page of domainPages(params, WRONG)) {
        yield page.sort(order);
    }
    for await (const page of domainPages(params, [''])) {
        yield page.filter(({ status }) => !WRONG.includes(status));
    }
}

// Domains page by page, those of one status after those of another.
export async function* domainPages(params, statuses) {
    for (const status of statuses) {
        let cursor = '';

        do {
            const page = await get(['domains'], { ...params, status, cursor,
                                                  limit: '1000' });
            yield page.domains;
            cursor = page.next;
        } while (cursor);
    }
}


// Days are texts, 2026-01-31, and UTC.

export function dayOf(ms) {
    return new Date(ms).toISOString().slice(0, 10);
}

export function addDays(day, n) {
    return dayOf(Date.parse(day) + n * DAY_MS);
}

function isDay(text) {
    return /^\d{4}-\d\d-\d\d$/.test(text || '') && !isNaN(Date.parse(text))
        && text >= MIN_DAY;
}

// "days" in an address ends today; "from" and "to" stay.
export function rangeOf(params) {
    const today = dayOf(Date.now());

    if (isDay(params.from) && isDay(params.to) && params.from <= params.to) {
        return { from: params.from, to: params.to, fixed: true };
    }

    const n = Math.min(Math.max(parseInt(params.days, 10) || DEFAULT_DAYS, 1),
                       3660);

    return { from: addDays(today, 1 - n), to: today, days: n };
}

export function daysBetween(from, to) {
    const days = [];

    for (let day = from; day <= to; day = addDays(day, 1)) {
        days.push(day);
    }

    return days;
}


// The words are English, so numbers and days are, too, as they are written in
// the reader's country; days are those of the reports, of no other calendar.
function english() {
    try {
        const { region } = new Intl.Locale(globalThis.navigator.language)
            .maximize();
        return `en-${region}-u-ca-gregory-nu-latn`;
    } catch {
        return 'en-u-ca-gregory-nu-latn';
    }
}

const locale = english();
const whole = new Intl.NumberFormat(locale);
const short = new Intl.NumberFormat(locale,
    { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(locale,
    { style: 'percent', maximumSignificantDigits: 2 });
const longDay = new Intl.DateTimeFormat(locale,
    { dateStyle: 'medium', timeZone: 'UTC' });
const shortDay = new Intl.DateTimeFormat(locale,
    { day: 'numeric', month: 'short', timeZone: 'UTC' });
const moment = new Intl.DateTimeFormat(locale,
    { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
const ago = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

export function formatNumber(n) {
    return whole.format(n);
}

// "1 report", "2,000 reports"
export function count(n, noun) {
    return `${formatNumber(n)} ${noun}${n === 1 ? '' : 's'}`;
}

export function formatShort(n) {
    return n < 10000 ? whole.format(n) : short.format(n);
}

export function share(part, all) {
    return all > 0 ? part / all : 0;
}

// Never a round 0 or 100 % for what is a little more or less.
export function formatShare(ratio) {
    if (ratio > 0 && ratio < 0.0001) {
        return `< ${percent.format(0.0001)}`;
    }
    if (ratio < 1 && ratio > 0.99) {
        return new Intl.NumberFormat(locale, { style: 'percent',
            maximumFractionDigits: 2, roundingMode: 'floor' })
            .format(Math.min(ratio, 0.9999));
    }
    return percent.format(ratio);
}

function valid(date, format) {
    return isNaN(date) ? '–' : format.format(date);
}

export function formatDay(day) {
    return valid(new Date(day || NaN), longDay);
}

export function formatShortDay(day) {
    return valid(new Date(day || NaN), shortDay);
}

export function formatTime(time) {
    return time ? `${valid(new Date(time), moment)} UTC` : '–';
}

export function formatRange(from, to) {
    return from === to ? formatDay(from)
        : longDay.formatRange(new Date(from), new Date(to));
}

export function formatAgo(time) {
    const seconds = (Date.parse(time) - Date.now()) / 1000;
    /** @type {[Intl.RelativeTimeFormatUnit, number][]} */
    const steps = [['day', 86400], ['hour', 3600], ['minute', 60]];

    for (const [unit, size] of steps) {
        if (Math.abs(seconds) >= size) {
            return ago.format(Math.round(seconds / size), unit);
        }
    }

    return ago.format(0, 'minute');
}

export function formatDuration(seconds) {
    /** @type {[string, number][]} */
    const steps = [['day', 86400], ['hour', 3600], ['minute', 60],
                   ['second', 1]];
    const [unit, size] = steps.find(([, s]) => seconds >= 2 * s)
        || steps[steps.length - 1];

    return new Intl.NumberFormat(locale, { style: 'unit', unit,
        unitDisplay: 'long', maximumFractionDigits: 0 })
        .format(seconds / size);
}

export function formatBytes(n) {
    const [unit, size] = n < 1000 ? ['byte', 1] : ['kilobyte', 1000];

    return new Intl.NumberFormat(locale, { style: 'unit', unit,
        unitDisplay: size === 1 ? 'long' : 'short', maximumFractionDigits: 1 })
        .format(n / size);
}
