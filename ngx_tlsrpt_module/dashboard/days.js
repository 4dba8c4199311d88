/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// Sessions and failures by day: a chart, and the same as a table.

import { FAILURES, SESSIONS, daysBetween, formatDay, formatNumber,
         formatRange, formatShare, formatShort, formatShortDay, link, share }
    from './data.js';
import { h, table } from './dom.js';

const MAX_BARS = 120;           // then a bar is a week

let library;

// The library is a script of the old kind.
function chartLibrary() {
    library = library || import('./chart.js').then(() => globalThis.Chart);

    return library;
}

// Only failures are known where the groups come from the failure details.
function bucketsOf(answer) {
    const details = answer.groups.some(
        group => group['failed-session-count'] !== undefined);
    const byDay = new Map(answer.groups.map(group => [group.day, group]));
    const days = daysBetween(answer.from, answer.to);
    const size = days.length > MAX_BARS ? 7 : 1;
    const buckets = [];

    for (let i = 0; i < days.length; i += size) {
        const part = days.slice(i, i + size);
        const groups = part.map(day => byDay.get(day) || {});
        const sum = name => groups.reduce((n, g) => n + (g[name] || 0), 0);
        buckets.push({ from: part[0], to: part[part.length - 1],
            ok: sum(SESSIONS),
            bad: sum(details ? 'failed-session-count' : FAILURES) });
    }

    return { buckets, details, weekly: size > 1 };
}

export function daysChart(answer, domain, filters, signal) {
    const { buckets, details, weekly } = bucketsOf(answer);
    const unit = weekly ? 'week' : 'day';
    const name = details ? `Failed sessions by ${unit}`
        : `Sessions by ${unit}`;
    const bad = buckets.filter(bucket => bucket.bad > 0);
    const canvas = h('canvas', { role: 'img', 'aria-label':
        `${name}. ${bad.length ? `Failures in ${formatNumber(bad.length)} of ${
            formatNumber(buckets.length)} ${unit}s.` : 'No failures.'} `
        + 'The table below has the numbers.' });
    const reportsOf = bucket => link(['domains', domain, 'reports'], {
        ...filters, from: bucket.from, to: bucket.to,
        failures: bucket.bad ? 'only' : '' });

    const place = h('div', { class: 'chart' }, canvas);
    draw(canvas, buckets, { details, signal, open(bucket) {
        location.hash = reportsOf(bucket);
    } }).catch(error => {
        console.error(error);
        place.replaceChildren(h('p', { class: 'quiet' },
            'The chart could not be loaded; the table has the numbers.'));
    });

    return [
        h('ul', { class: 'legend', 'aria-hidden': 'true' },
            !details && h('li', { class: 'ok' }, 'Encrypted as promised'),
            h('li', { class: 'bad' }, 'Failed'),
            h('li', { class: 'quiet' },
                `A click on a ${unit} opens its reports`)),
        place,
        h('details', { class: 'data' }, h('summary', {}, 'As a table'),
            dataTable(name, unit, buckets, details, reportsOf)),
    ];
}

function dataTable(name, unit, buckets, details, reportsOf) {
    return table(name, [
        [unit === 'day' ? 'Day' : 'Week', bucket => h('a',
            { href: reportsOf(bucket) }, formatRange(bucket.from, bucket.to))],
        !details && ['Sessions',
            bucket => formatNumber(bucket.ok + bucket.bad), 'number'],
        ['Failed', bucket => formatNumber(bucket.bad), 'number'],
        !details && ['Share', bucket =>
            formatShare(share(bucket.bad, bucket.ok + bucket.bad)), 'number'],
    ].filter(Boolean), [...buckets].reverse());
}

function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name)
        .trim();
}

async function draw(canvas, buckets, { details, signal, open }) {
    const Chart = await chartLibrary();

    if (signal.aborted) {
        return;
    }

    const chart = new Chart(canvas, options(buckets, details, open));
    const recolor = () => {
        paint(chart);
        chart.update('none');
    };
    const dark = matchMedia('(prefers-color-scheme: dark)');

    recolor();
    addEventListener('themechange', recolor);
    dark.addEventListener('change', recolor);
    signal.addEventListener('abort', () => {
        removeEventListener('themechange', recolor);
        dark.removeEventListener('change', recolor);
        chart.destroy();
    });
}

function paint(chart) {
    const text = color('--quiet');

    for (const set of chart.data.datasets) {
        set.backgroundColor = color(set.tint);
        set.hoverBackgroundColor = color(set.tint);
    }
    for (const axis of Object.values(chart.options.scales)) {
        axis.ticks.color = text;
        axis.grid.color = color('--line');
        axis.grid.borderColor = color('--line');
    }
    Object.assign(chart.options.plugins.tooltip, {
        backgroundColor: color('--ink'), titleColor: color('--paper'),
        bodyColor: color('--paper'), footerColor: color('--paper') });
}

function options(buckets, details, open) {
    const set = (label, values, tint) => ({ label, tint,
        backgroundColor: color(tint), data: values, minBarLength: 3,
        categoryPercentage: 1, borderRadius: 2,
        barPercentage: buckets.length > 45 ? 0.9 : 0.78 });
    // 0 would be drawn as the shortest bar
    const nonzero = n => n || null;
    const sets = [set('Failed', buckets.map(b => nonzero(b.bad)), '--bad')];

    if (!details) {
        sets.push(set('Encrypted as promised',
                      buckets.map(b => nonzero(b.ok)), '--series'));
    }

    return {
        type: 'bar',
        data: { labels: buckets.map(b => formatShortDay(b.from)),
                datasets: sets },
        options: {
            animation: false, maintainAspectRatio: false, normalized: true,
            interaction: { mode: 'index', intersect: false },
            onClick: (event, items) => items.length
                && open(buckets[items[0].index]),
            onHover: (event, items) => {
                event.native.target.style.cursor = items.length
                    ? 'pointer' : '';
            },
            scales: {
                x: { stacked: true, grid: { display: false },
                     ticks: { maxRotation: 0, autoSkipPadding: 16 } },
                y: { stacked: true, beginAtZero: true,
                     suggestedMax: 5, grid: { drawBorder: false },
                     ticks: { maxTicksLimit: 6, precision: 0,
                              callback: value => formatShort(value) } },
            },
            plugins: {
                legend: { display: false },
                tooltip: { padding: 10, cornerRadius: 6, displayColors: false,
                    itemSort: (a, b) => b.datasetIndex - a.datasetIndex,
                    callbacks: tooltip(buckets, details) },
            },
        },
    };
}

function tooltip(buckets, details) {
    return {
        title: ([item]) => {
            const { from, to } = buckets[item.dataIndex];
            return from === to ? formatDay(from) : formatRange(from, to);
        },
        label: item => `${item.dataset.label}: ${formatNumber(item.raw)}`,
        footer: ([item]) => {
            const { ok, bad } = buckets[item.dataIndex];
            return details || !bad ? ''
                : `${formatShare(share(bad, ok + bad))} failed`;
        },
    };
}
