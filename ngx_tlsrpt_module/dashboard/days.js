/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Connections and failures by day: bars, and the same as a table.

import { FAILURES, SESSIONS, addDays, daysBetween, formatDay, formatNumber,
         formatRange, formatShare, formatShort, formatShortDay, link, share }
    from './data.js';
import { h, s, table } from './dom.js';

const MAX_BARS = 120;           // then a bar is a week
const HEIGHT = 200;
const LEAST = 3;                // of a bar: one failure of a million is seen
const LABELS = 6;

// A week begins on Monday; the first and the last one may be cut.
function weekOf(day) {
    return addDays(day, -((new Date(day).getUTCDay() + 6) % 7));
}

// Only failures are known where the groups come from the failure details.
/** @param {import('./types').Days} answer */
export function bucketsOf(answer) {
    const details = answer.groups.some(
        group => group['failed-session-count'] !== undefined);
    const byDay = new Map(answer.groups.map(group => [group.day, group]));
    const days = daysBetween(answer.from, answer.to);
    const weekly = days.length > MAX_BARS;
    const buckets = [];
    let week = null;

    for (const day of days) {
        const group = byDay.get(day) || {};

        if (!weekly || weekOf(day) !== week) {
            week = weekOf(day);
            buckets.push({ from: day, to: day, ok: 0, bad: 0, days: 0 });
        }

        const bucket = buckets[buckets.length - 1];
        bucket.to = day;
        bucket.days++;
        bucket.ok += group[SESSIONS] || 0;
        bucket.bad += group[details ? 'failed-session-count' : FAILURES] || 0;
    }

    return { buckets, details, weekly };
}

// Round numbers from 0 to max or just above it, five at most.
export function ticksOf(max) {
    const size = 10 ** Math.floor(Math.log10(Math.max(max, 4) / 4));
    const step = [1, 2, 2.5, 5, 10].map(n => n * size)
        .find(n => n * 4 >= max && n % 1 === 0);

    return Array.from({ length: Math.max(Math.ceil(max / step), 1) + 1 },
                      (_, i) => i * step);
}

export function daysChart(answer, domain, filters) {
    const { buckets, details, weekly } = bucketsOf(answer);
    const unit = weekly ? 'week' : 'day';
    const name = details ? `Failed connections by ${unit}`
        : `Connections by ${unit}`;
    const reportsOf = bucket => link(['domains', domain, 'reports'], {
        ...filters, from: bucket.from, to: bucket.to,
        failures: bucket.bad ? 'only' : '' });

    return [
        h('ul', { class: 'legend', 'aria-hidden': 'true' },
            !details && h('li', { class: 'ok' }, 'Encrypted'),
            h('li', { class: 'bad' }, 'Failed'),
            h('li', { class: 'quiet' }, `Click a ${unit} to see its reports`)),
        bars(buckets, { name, unit, details, weekly, reportsOf }),
        h('details', { class: 'data', id: 'days' },
            h('summary', { id: 'days-table' }, 'As a table'),
            dataTable(name, unit, buckets, details, reportsOf)),
    ];
}

function dataTable(name, unit, buckets, details, reportsOf) {
    return table(name, [
        [unit === 'day' ? 'Day' : 'Week', bucket => h('a',
            { href: reportsOf(bucket) }, formatRange(bucket.from, bucket.to)),
         'brief'],
        !details && ['Connections',
            bucket => formatNumber(bucket.ok + bucket.bad), 'number'],
        ['Failed', bucket => formatNumber(bucket.bad), 'number'],
        !details && ['Share', bucket =>
            formatShare(share(bucket.bad, bucket.ok + bucket.bad)), 'number'],
    ].filter(Boolean), [...buckets].reverse());
}

// Across in percent, so that it fits any width; down in pixels, so that the
// text keeps its size.  The keyboard has the table.
function bars(buckets, { name, unit, details, weekly, reportsOf }) {
    const bad = buckets.filter(bucket => bucket.bad > 0).length;
    const ticks = ticksOf(Math.max(...buckets.map(b => b.ok + b.bad)));
    const scale = n => n > 0
        ? Math.max(LEAST, n / ticks[ticks.length - 1] * HEIGHT) : 0;
    const label = `${name}. ${bad ? `Failures in ${formatNumber(bad)} of ${
        formatNumber(buckets.length)} ${unit}s.` : 'No failures.'} `
        + 'The table below has the numbers.';

    return h('div', { class: 'chart' },
        h('ol', { class: 'ticks', 'aria-hidden': 'true' },
            [...ticks].reverse().map(n => h('li', {}, formatShort(n)))),
        s('svg', { class: 'bars', role: 'group', 'aria-label': label,
                   height: HEIGHT + 24 },
            ticks.map((n, i) => {
                const y = HEIGHT - i * HEIGHT / (ticks.length - 1) + 0.5;
                return s('line', { x1: 0, x2: '100%', y1: y, y2: y });
            }),
            buckets.map((bucket, i) => bar(bucket, i, { scale, details,
                weekly, reportsOf, width: 100 / buckets.length })),
            dayLabels(buckets)));
}

function bar(bucket, i, { scale, details, weekly, reportsOf, width }) {
    const bad = scale(bucket.bad);
    const ok = scale(bucket.ok);
    const box = { x: `${i * width + 0.1 * width}%`, width: `${0.8 * width}%` };

    return s('a', { href: reportsOf(bucket), tabindex: '-1' },
        s('title', {}, barTitle(bucket, details, weekly)),
        s('rect', { class: 'whole', x: `${i * width}%`, width: `${width}%`,
                    y: 0, height: HEIGHT }),
        ok > 0 && s('rect', { ...box, class: 'ok', y: HEIGHT - bad - ok,
                              height: bad > 0 ? Math.max(ok - 1, 1) : ok }),
        bad > 0 && s('rect', { ...box, class: 'bad', y: HEIGHT - bad,
                               height: bad }));
}

function barTitle(bucket, details, weekly) {
    const { from, to, ok, bad, days } = bucket;

    return [
        from === to ? formatDay(from) : formatRange(from, to),
        weekly && days < 7 && `Only ${days} of the week’s 7 days`,
        !details && `Encrypted: ${formatNumber(ok)}`,
        `Failed: ${formatNumber(bad)}${details || !bad ? ''
            : ` (${formatShare(share(bad, ok + bad))})`}`,
    ].filter(Boolean).join('\n');
}

// With the year where days alone would be said twice.
function dayLabels(buckets) {
    const { length } = buckets;
    const step = Math.max(1, Math.ceil(length / LABELS));
    const years = buckets[0].from.slice(0, 4)
        !== buckets[length - 1].to.slice(0, 4);

    return buckets.filter((_, i) => i % step === 0).map((bucket, i) => {
        const middle = (i * step + 0.5) / length;
        return s('text', { x: `${100 * middle}%`, y: HEIGHT + 18,
            class: i % 2 ? 'spare' : null,
            'text-anchor': middle < 0.06 ? 'start'
                : middle > 0.94 ? 'end' : 'middle' },
            years ? formatDay(bucket.from) : formatShortDay(bucket.from));
    });
}
