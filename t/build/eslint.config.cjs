// Copyright (C) the tlsrpt authors
// SPDX-License-Identifier: BSD-2-Clause

// For the modules that a browser gets: mistakes alone, no matters of taste.

'use strict';

const js = require('@eslint/js');

const BROWSER = ['document', 'location', 'history', 'navigator', 'fetch',
    'localStorage', 'addEventListener', 'dispatchEvent', 'matchMedia', 'print',
    'scrollTo', 'scrollY', 'setTimeout', 'clearTimeout', 'setInterval',
    'console', 'atob', 'URL', 'URLSearchParams', 'AbortController', 'IntersectionObserver',
    'TextDecoder', 'Event', 'AbortSignal'];

// CommonJS, so that NODE_PATH is looked at.
module.exports = [{ ignores: ['*.cjs', '*.test.mjs', '*.d.ts'] },
    js.configs.recommended, {
    languageOptions: { sourceType: 'module', globals: Object.fromEntries(
        BROWSER.map(name => [name, 'readonly'])) },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: { 'array-callback-return': 'error', eqeqeq: 'error',
             'no-shadow': 'error', 'no-var': 'error', 'prefer-const': 'error',
             'no-implied-eval': 'error', 'no-prototype-builtins': 'error' },
}];
