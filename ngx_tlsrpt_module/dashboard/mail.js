/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// The report attached to a mail (RFC 8460 5.3): this much of MIME, and no more.
// A library for the whole of it would be a quarter of all that a browser gets;
// the tests compare with one.

const MAX_PARTS = 200;
const MAX_DEPTH = 10;

const TYPES = ['application/tlsrpt+gzip', 'application/tlsrpt+json',
               'application/gzip', 'application/x-gzip', 'application/json',
               'application/zip', 'application/x-zip-compressed'];

// A character for each byte.
function latin1(bytes) {
    let text = '';

    for (let i = 0; i < bytes.length; i += 32768) {
        text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    }

    return text;
}

function bytesFrom(text) {
    const bytes = new Uint8Array(text.length);

    for (let i = 0; i < text.length; i++) {
        bytes[i] = text.charCodeAt(i);
    }

    return bytes;
}

// RFC 5322 2.2: fields unfolded, names in lower case, the first one counts.
function split(part) {
    const end = /(?:^|\r?\n)\r?\n/.exec(part);
    const head = end ? part.slice(0, end.index) : part;
    const fields = new Map();

    for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
        const colon = line.indexOf(':');
        const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
        if (name && !fields.has(name)) {
            fields.set(name, line.slice(colon + 1).trim());
        }
    }

    return { fields, body: end ? part.slice(end.index + end[0].length) : '' };
}

// RFC 2045 5.1
const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g;

function parametersOf(field) {
    const all = new Map();

    for (const [, name, quoted, token] of field.matchAll(PARAMETER)) {
        if (!all.has(name.toLowerCase())) {
            all.set(name.toLowerCase(), quoted === undefined ? token
                : quoted.replace(/\\(.)/g, '$1'));
        }
    }

    return all;
}

// RFC 2231 4: charset'language'text, with %XX
function plainOf(text, first) {
    const value = first ? text?.replace(/^[^']*'[^']*'/, '') : text;

    return value?.replace(/%([0-9A-F]{2})/gi, (_, hex) =>
        String.fromCharCode(parseInt(hex, 16)));
}

// RFC 2231 3: it may be in pieces, name*0, name*1 and so on.
function parameter(field, name) {
    const all = parametersOf(field);
    const piece = i => all.get(`${name}*${i}`)
        ?? plainOf(all.get(`${name}*${i}*`), i === 0);
    let value = '';

    for (let i = 0; i < MAX_PARTS && piece(i) !== undefined; i++) {
        value += piece(i);
    }

    return value || plainOf(all.get(`${name}*`), true) || all.get(name) || '';
}

function decode(body, encoding) {
    switch (encoding.toLowerCase()) {
    case 'base64':
        return atob(body.replace(/[^A-Za-z0-9+/]/g, ''));
    case 'quoted-printable':
        return body.replace(/[ \t]+(?=\r?\n)/g, '').replace(/=\r?\n/g, '')
            .replace(/=([0-9A-F]{2})/gi, (_, hex) =>
                String.fromCharCode(parseInt(hex, 16)));
    default:
        return body;
    }
}

function isReport(type, fields) {
    const name = parameter(fields.get('content-disposition') || '', 'filename')
        || parameter(fields.get('content-type') || '', 'name');

    return TYPES.includes(type) || /\.(?:json|json\.gz|zip)$/i.test(name);
}

// RFC 2046 5.1.1: a delimiter is a line of its own.
function partsOf(body, boundary) {
    const escaped = boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const pieces = body.split(new RegExp(
        `(?:^|\\r?\\n)--${escaped}(?:--)?[ \\t]*(?:\\r?\\n|$)`));

    return pieces.slice(1, MAX_PARTS);
}

function find(part, depth) {
    const { fields, body } = split(part);
    const field = fields.get('content-type') || 'text/plain';
    const type = field.split(';')[0].trim().toLowerCase();
    const boundary = parameter(field, 'boundary');

    if (type.startsWith('multipart/') && boundary && depth < MAX_DEPTH) {
        for (const inner of partsOf(body, boundary)) {
            const found = find(inner, depth + 1);
            if (found) {
                return found;
            }
        }
        return null;
    }

    if (type === 'message/rfc822' && depth < MAX_DEPTH) {
        return find(body, depth + 1);
    }

    return isReport(type, fields)
        ? decode(body, fields.get('content-transfer-encoding') || '') : null;
}

// Its bytes as they were sent, or null.
export function attachedReport(bytes) {
    const found = find(latin1(bytes).replace(/^From .*\r?\n/, ''), 0);

    return found && bytesFrom(found);
}
