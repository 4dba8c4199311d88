/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The domains of a sorted set in Redis that a viewer may see, piece by piece;
 * for a scope of names alone, these names.
 */

#ifndef NGX_HTTP_TLSRPT_SET_H
#define NGX_HTTP_TLSRPT_SET_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

typedef void (*ngx_http_tlsrpt_set_key_pt)(tlsrpt_key_t *key,
    tlsrpt_str_t prefix);

/* Above all that are times. */
#define NGX_HTTP_TLSRPT_NO_SCORE  1e300

typedef struct {
    ngx_str_t                      name;
    double                         score;
} ngx_http_tlsrpt_member_t;

typedef struct {
    ngx_http_request_t            *request;
    ngx_http_tlsrpt_set_key_pt     key;
    ngx_array_t                   *names;   /* of the scope, of
                                               _scope_name_t; NULL: the set is
                                               read */
    ngx_uint_t                     n;       /* of these, or of the piece, gone
                                               through */
    ngx_pool_t                    *pool;    /* of the piece */
    ngx_array_t                    piece;   /* of _member_t, to be seen */
    ngx_uint_t                     rank;    /* of the next piece's first */
    u_char                         cursor[24];  /* of ZSCAN; len 0: by rank */
    size_t                         cursor_len;
    tlsrpt_key_read_t              read;
    unsigned                       asked:1; /* for a piece */
    unsigned                       over:1;  /* no piece follows */
} ngx_http_tlsrpt_set_t;

/* Begins; the set is all zeroes, or one that has ended.  ranked: the highest
   score first, and what moves up meanwhile may be missed; else in no order:
   each member that is there all the time, but perhaps more than once.
   pending: also what waits to be proved by an owner of the scope. */
void ngx_http_tlsrpt_set_begin(ngx_http_tlsrpt_set_t *set,
    ngx_http_request_t *r, ngx_http_tlsrpt_set_key_pt key, ngx_uint_t ranked,
    ngx_uint_t pending);

/*
 *     NGX_OK     *member, valid until the next piece is taken; a name of the
 *                scope has no score
 *     NGX_AGAIN  the set has to be asked: *command, valid until its reply
 *     NGX_DONE   there is none, or none before that reply
 */
ngx_int_t ngx_http_tlsrpt_set_next(ngx_http_tlsrpt_set_t *set,
    ngx_http_tlsrpt_member_t *member, const tlsrpt_command_t **command);

/* Takes the reply.  NGX_OK; NGX_ERROR: out of memory. */
ngx_int_t ngx_http_tlsrpt_set_reply(ngx_http_tlsrpt_set_t *set,
    const tlsrpt_reply_t *reply);

void ngx_http_tlsrpt_set_end(ngx_http_tlsrpt_set_t *set);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SET_H */
