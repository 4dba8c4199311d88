/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// @ts-check

// A report that somebody has as a file: read by the server, kept by nobody.

import { postReport } from './data.js';
import { failed, h, skeleton } from './dom.js';
import { attachedReport } from './mail.js';
import { reportPage } from './reports.js';
import { toolHead } from './tools.js';

const MAX_BYTES = 64 * 1024 * 1024;

export async function reader() {
    const result = h('div', { class: 'later', 'aria-live': 'polite' });
    const input = h('input', { type: 'file', id: 'file', class: 'only-read',
        accept: '.json,.gz,.eml,message/rfc822,application/gzip,'
            + 'application/json', onchange() {
            if (input.files.length > 0) {
                read(input.files[0]);
                input.value = '';
            }
        } });
    const zone = h('div', { class: 'drop',
        ondragover(event) {
            event.preventDefault();
            zone.classList.add('over');
        },
        ondragleave() {
            zone.classList.remove('over');
        },
        ondrop(event) {
            event.preventDefault();
            zone.classList.remove('over');
            if (event.dataTransfer.files.length > 0) {
                read(event.dataTransfer.files[0]);
            }
        } },
        input, h('label', { for: 'file', class: 'button main' },
                 'Choose a report'),
        h('p', {}, 'or drop it here'),
        h('p', { class: 'quiet' }, 'JSON, gzip, or the whole mail it came in '
            + '(.eml). It is read and explained; nothing is stored.'));

    async function read(file) {
        result.replaceChildren(skeleton(6));

        try {
            const bytes = reportIn(await bytesOf(file));
            const answer = await postReport(bytes, 'application/json');
            const page = reportPage(answer, { heading: 'h2',
                text: () => postReport(bytes, 'text/plain') });
            result.replaceChildren(...page.flat(Infinity).filter(Boolean));
            zone.classList.add('done');
        } catch (error) {
            result.replaceChildren(refused(error));
        }
    }

    return { title: 'Read a report', content: [
        toolHead('report'),
        zone, result] };
}

async function bytesOf(file) {
    if (file.size > MAX_BYTES) {
        throw new RangeError('The file is larger than any report.');
    }

    return new Uint8Array(await file.arrayBuffer());
}

// gzip and JSON are for the server; anything else should be a mail.
function reportIn(bytes) {
    const start = new TextDecoder().decode(bytes.subarray(0, 1024));

    if ((bytes[0] === 0x1f && bytes[1] === 0x8b)
        || start.trimStart().startsWith('{'))
    {
        return bytes;
    }

    const attached = isZip(bytes) ? bytes : attachedReport(bytes);

    if (!attached) {
        throw new RangeError('It is neither JSON nor gzip, nor a mail with a '
            + 'report attached.');
    }
    if (isZip(attached)) {
        throw new RangeError('It is a zip archive, which no sender of reports '
            + 'makes: something on the way has packed it. Unpack it, and '
            + 'choose what is in it.');
    }

    return attached;
}

function isZip(bytes) {
    return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3
        && bytes[3] === 4;
}

function refused(error) {
    const { problem } = error;

    if (error instanceof RangeError) {
        return h('div', { class: 'state bad', role: 'alert' },
            h('h2', {}, 'This is no report'), h('p', {}, error.message));
    }

    if (![400, 413, 422].includes(error.status)) {
        return failed(error);
    }

    return h('div', { class: 'state bad', role: 'alert' },
        h('h2', {}, 'This is no report'),
        h('p', {}, error.message),
        problem.path && h('p', {}, 'In ', h('code', {}, problem.path)),
        problem.line && h('p', {}, `Line ${problem.line}, column ${
            problem.column}`));
}
