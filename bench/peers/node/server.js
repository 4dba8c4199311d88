// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// The peer in Node.js: zlib, JSON.parse and ioredis, behind nginx's proxy_pass.
//
// Usage: node server.js SOCKET REDIS SCRIPT
//
// Checks that members are there, of their types, counts and dates valid; not
// UTF-8, doubled names, host names or addresses.

'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const util = require('util');
const zlib = require('zlib');
const Redis = require('ioredis');

const gunzip = util.promisify(zlib.gunzip);
const [socket, address, script] = process.argv.slice(2);
const KEEP = 400 * 86400;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/;
const NAME = /^[a-z0-9_.-]+$/;

const redis = new Redis(address, {enableAutoPipelining: true});

redis.defineCommand('count', {
    numberOfKeys: 2,
    lua: fs.readFileSync(script, 'utf8'),
});

class Refusal extends Error {
    constructor(status, title) {
        super(title);
        this.status = status;
    }
}

function check(condition, what) {
    if (!condition) {
        throw new Refusal(422, what);
    }
}

const isCount = value => Number.isSafeInteger(value) && value >= 0;

function checkDetail(detail) {
    check(typeof detail['result-type'] === 'string', 'result-type');
    check(isCount(detail['failed-session-count'] ?? 1), 'failed-session-count');
}

function checkItem({policy, summary, 'failure-details': details = []}) {
    check(policy && summary && Array.isArray(details), 'policy');
    check(typeof policy['policy-type'] === 'string', 'policy-type');
    check(NAME.test(String(policy['policy-domain']).toLowerCase()),
          'policy-domain');
    check(isCount(summary['total-successful-session-count']), 'summary');
    check(isCount(summary['total-failure-session-count'] ?? 0), 'summary');
    details.forEach(checkDetail);
}

function checkReport(report) {
    const range = report['date-range'];

    check(typeof report['organization-name'] === 'string', 'organization-name');
    check(typeof report['report-id'] === 'string', 'report-id');
    check(range && DATE.test(range['start-datetime'])
          && DATE.test(range['end-datetime']), 'date-range');
    check(Array.isArray(report.policies) && report.policies.length, 'policies');
    report.policies.forEach(checkItem);
}

function fold(report) {
    const domains = new Map();

    for (const item of report.policies) {
        const name = item.policy['policy-domain'].toLowerCase();
        const kind = `${report['organization-name']}|${
            item.policy['policy-type']}`;

        if (!domains.has(name)) {
            domains.set(name, ['reports', 1]);
        }

        const args = domains.get(name);
        const summary = item.summary;

        args.push(`s|${kind}`, summary['total-successful-session-count'],
                  `f|${kind}`, summary['total-failure-session-count'] ?? 0);

        for (const d of item['failure-details'] ?? []) {
            args.push(['d', kind, d['result-type'], d['sending-mta-ip'],
                       d['receiving-mx-hostname'], d['receiving-ip'],
                       d['failure-reason-code']].join('|'),
                      d['failed-session-count'] ?? 1);
        }
    }

    return domains;
}

function parse(text) {
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new Refusal(400, 'not JSON');
    }
}

async function collect(body) {
    const text = await gunzip(body).catch(() => {
        throw new Refusal(400, 'not gzip');
    });
    const report = parse(text);

    checkReport(report);

    const date = report['date-range']['start-datetime'].slice(0, 10);
    const domains = fold(report);
    const stored = await Promise.all([...domains].map(([domain, args]) => {
        const key = `peer:{${domain}}:${date}`;
        const id = crypto.createHash('sha1').update([
            report['organization-name'], report['report-id'], domain, date,
        ].join('\0')).digest();

        return redis.count(`${key}:ids`, key, id, KEEP, ...args);
    }));

    return {
        status: stored.some(Boolean) ? 'stored' : 'duplicate',
        'report-id': report['report-id'],
        'policy-domains': [...domains.keys()],
    };
}

function answer(response, status, type, value) {
    const body = JSON.stringify(value);

    response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
}

http.createServer((request, response) => {
    const pieces = [];

    request.on('data', piece => pieces.push(piece));
    request.on('end', () => collect(Buffer.concat(pieces)).then(
        value => answer(response, value.status === 'stored' ? 201 : 200,
                        'application/json', value),
        error => answer(response, error.status ?? 503,
                        'application/problem+json', {title: error.message})));
}).listen(socket);
