/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// Domain names as people write them, beside what is in DNS.

// RFC 3492 5
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const FIRST_BIAS = 72;
const FIRST_CODE = 128;
const LAST_CODE = 0x10ffff;
const MAX_LABEL = 63;

// A label has letters of one script, or of those that one language mixes.
const SCRIPTS = [
    /^[\p{Script=Latin}\p{M}\d-]+$/u,
    /^[\p{Script=Greek}\p{M}\d-]+$/u,
    /^[\p{Script=Cyrillic}\p{M}\d-]+$/u,
    /^[\p{Script=Arabic}\p{M}\d-]+$/u,
    /^[\p{Script=Hebrew}\p{M}\d-]+$/u,
    /^[\p{Script=Devanagari}\p{M}\d-]+$/u,
    /^[\p{Script=Thai}\p{M}\d-]+$/u,
    /^[\p{Script=Hangul}\p{Script=Han}\d-]+$/u,
    /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー々・\d-]+$/u,
];

// All its letters look like Latin ones: another name in disguise.
const LOOKS_LATIN = /^[асԁеһіјӏорԛѕԝхуαινορυχ\d-]+$/u;

function adapt(delta, points, first) {
    let k = 0;

    delta = first ? Math.floor(delta / DAMP) : delta >> 1;
    delta += Math.floor(delta / points);
    for (; delta > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE) {
        delta = Math.floor(delta / (BASE - T_MIN));
    }

    return k + Math.floor((BASE - T_MIN + 1) * delta / (delta + SKEW));
}

// RFC 3492 6.2; null: it is none.
function decode(text) {
    const end = text.lastIndexOf('-');
    const points = [...text.slice(0, Math.max(end, 0))]
        .map(c => c.charCodeAt(0));
    let [n, bias, i] = [FIRST_CODE, FIRST_BIAS, 0];

    for (let at = end + 1; at < text.length; i++) {
        const before = i;

        for (let [weight, k] = [1, BASE]; ; k += BASE) {
            const digit = at < text.length ? parseInt(text[at], 36) : NaN;
            // a to z are 0 to 25, the digits come after them
            const value = digit < 10 ? digit + 26 : digit - 10;
            const t = Math.min(Math.max(k - bias, T_MIN), T_MAX);

            if (isNaN(digit)) {
                return null;
            }
            at++;
            i += value * weight;
            if (value < t) {
                break;
            }
            weight *= BASE - t;
        }

        bias = adapt(i - before, points.length + 1, before === 0);
        n += Math.floor(i / (points.length + 1));
        i %= points.length + 1;
        if (!(n <= LAST_CODE)) {
            return null;
        }
        points.splice(i, 0, n);
    }

    return String.fromCodePoint(...points);
}

function labelOf(label) {
    return label.startsWith('xn--') && label.length <= MAX_LABEL
        ? decode(label.slice(4)) : label;
}

function isPlain(label) {
    return SCRIPTS.some(script => script.test(label))
        && !(/[^a-z\d-]/.test(label) && LOOKS_LATIN.test(label));
}

// What the browser makes of it in a host name: it knows IDNA.
function ascii(name) {
    try {
        return new URL(`http://${name}/`).hostname;
    } catch {
        return '';
    }
}

// The U-label form of a domain with A-labels; '' where it has none, or where it
// may be meant to be taken for another one.
export function unicodeOf(domain) {
    if (!/(?:^|\.)xn--/.test(domain)) {
        return '';
    }

    const labels = domain.split('.').map(labelOf);

    if (labels.some(label => label === null || !isPlain(label))) {
        return '';
    }

    const name = labels.join('.');

    return ascii(name) === domain ? name : '';
}

// Is it found by what somebody typed, in lower case?
export function matches(domain, typed) {
    return domain.includes(typed)
        || unicodeOf(domain).includes(typed.normalize('NFC'));
}
