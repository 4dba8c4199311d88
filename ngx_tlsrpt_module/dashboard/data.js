/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// Asking the reading API, and numbers and days in the reader's language.

const CACHE_MS = 60000;
const CACHE_MAX = 100;
const DAY_MS = 86400000;
const MIN_DAY = '2015-01-01';

const DEFAULT_DAYS = 30;

export const DIMENSIONS = {
    'result-type': 'Result',
    'organization-name': 'Sending source',
    'receiving-mx-hostname': 'MX',
    'sending-mta-ip': 'Sending IP',
    'policy-type': 'Policy type',
    'receiving-ip': 'Receiving IP',
    'failure-reason-code': 'Reason code',
    'via': 'Came by',
};

export const VIA = { https: 'HTTPS', mail: 'Mail' };

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

// segments and params are escaped here, and only here.
export function address(segments, params = {}) {
    return segments.map(encodeURIComponent).join('/') + query(params);
}

export function link(segments, params = {}) {
    return `#/${address(segments, params)}`;
}

async function failure(response) {
    try {
        return new Problem(response.status, await response.json());
    } catch {
        return new Problem(response.status, {});
    }
}

async function ask(url, options) {
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

async function json(response) {
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

export async function postReport(bytes, type) {
    const response = await ask('tools/report', {
        method: 'POST', body: bytes, headers: { Accept: type },
    });

    return type === 'text/plain' ? response.text() : json(response);
}

// Calls its argument with all domains got so far, page by page.
export async function eachPage(params, show, signal) {
    const all = [];
    let cursor = '';

    do {
        const page = await get(['domains'],
                               { ...params, limit: '1000', cursor });
        all.push(...page.domains);
        cursor = page.next;
        if (signal.aborted) {
            return;
        }
        show(all, page, !cursor);
    } while (cursor);
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


const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined,
    { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined,
    { style: 'percent', maximumSignificantDigits: 2 });
const longDay = new Intl.DateTimeFormat(undefined,
    { dateStyle: 'medium', timeZone: 'UTC' });
const shortDay = new Intl.DateTimeFormat(undefined,
    { day: 'numeric', month: 'short', timeZone: 'UTC' });
const moment = new Intl.DateTimeFormat(undefined,
    { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

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
        return new Intl.NumberFormat(undefined, { style: 'percent',
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
    const steps = [['day', 86400], ['hour', 3600], ['minute', 60]];

    for (const [unit, size] of steps) {
        if (Math.abs(seconds) >= size) {
            return ago.format(Math.round(seconds / size), unit);
        }
    }

    return ago.format(0, 'minute');
}

export function formatDuration(seconds) {
    const steps = [['day', 86400], ['hour', 3600], ['minute', 60],
                   ['second', 1]];
    const [unit, size] = steps.find(([, s]) => seconds >= 2 * s)
        || steps[steps.length - 1];

    return new Intl.NumberFormat(undefined, { style: 'unit', unit,
        unitDisplay: 'long', maximumFractionDigits: 0 })
        .format(seconds / size);
}

export function formatBytes(n) {
    const [unit, size] = n < 1000 ? ['byte', 1] : ['kilobyte', 1000];

    return new Intl.NumberFormat(undefined, { style: 'unit', unit,
        unitDisplay: size === 1 ? 'long' : 'short', maximumFractionDigits: 1 })
        .format(n / size);
}
