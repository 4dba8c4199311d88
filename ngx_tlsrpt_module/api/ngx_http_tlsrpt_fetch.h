/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What one request fetches from Redis: many commands, a window of them in
 * flight, so that no request overruns the client's queue or holds the event
 * loop.
 *
 * The fetch owns the request's way from here: it answers 503 where Redis does
 * not, and takes leave of Redis where the client goes.  Of all fetches of a
 * worker NGX_HTTP_TLSRPT_FETCHES are under way, the others wait for their turn.
 */

#ifndef NGX_HTTP_TLSRPT_FETCH_H
#define NGX_HTTP_TLSRPT_FETCH_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_answer.h"

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_FETCHES  4

/* A command, and what its reply is for: both of them the resource's own. */
typedef struct {
    const tlsrpt_command_t   *command;
    void                     *item;
    size_t                    n;
} ngx_http_tlsrpt_ask_t;

typedef struct {
    /* The next command, valid until the next call: NGX_OK; NGX_DONE: there is
       none, or none before another reply; NGX_ERROR: out of memory. */
    ngx_int_t  (*next)(void *data, ngx_http_tlsrpt_ask_t *ask);

    /* Its reply, never an error: NGX_OK; NGX_ERROR: out of memory. */
    ngx_int_t  (*reply)(void *data, ngx_http_tlsrpt_ask_t *ask,
        const tlsrpt_reply_t *reply);

    /* All is fetched; NULL, or what is to be done before the answer, in turns:
       NGX_AGAIN: there is more; NGX_DECLINED: _next() has more to ask for;
       NGX_OK; NGX_ERROR: out of memory. */
    ngx_int_t  (*work)(void *data, ngx_http_request_t *r);

    /* All is done: answers, returns what a content handler returns. */
    ngx_int_t  (*done)(void *data, ngx_http_request_t *r);

    /* The end, whatever it was; called once. */
    void       (*destroy)(void *data);
} ngx_http_tlsrpt_fetch_type_t;

/* For a content handler to return.  Takes data, failing included. */
ngx_int_t ngx_http_tlsrpt_fetch(ngx_http_request_t *r,
    const ngx_http_tlsrpt_fetch_type_t *type, void *data);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_FETCH_H */
