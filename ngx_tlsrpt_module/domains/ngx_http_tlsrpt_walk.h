/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A walk over all domains that a viewer may see, those of the configuration,
 * those that are enrolled and those of the index in Redis, each once and in the
 * order of their names.
 */

#ifndef NGX_HTTP_TLSRPT_WALK_H
#define NGX_HTTP_TLSRPT_WALK_H

#include "ngx_http_tlsrpt_index.h"
#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_http_request_t            *request;

    ngx_array_t                   *configured;  /* of ngx_str_t, sorted */
    ngx_uint_t                     nconfigured; /* of these, walked over */

    ngx_pool_t                    *enrolled_pool;
    ngx_array_t                    enrolled;    /* of _registered_t: a piece */
    ngx_uint_t                     nenrolled;   /* of these, walked over */
    ngx_str_t                      last;    /* of the piece before */
    u_char                         last_data[TLSRPT_DOMAIN_LEN];

    ngx_http_tlsrpt_index_t        index;   /* its next piece */
    ngx_uint_t                     piece;   /* names in one, at most */
    ngx_pool_t                    *pool;    /* of the last piece */
    ngx_array_t                    names;   /* of it, to be seen */
    ngx_uint_t                     nnames;  /* of these, walked over */

    unsigned                       indexed:1;   /* the last name is in the
                                                   index alone */
    unsigned                       asked:1; /* for a piece */
    unsigned                       enrolled_over:1; /* no piece follows */
    unsigned                       over:1;  /* no piece follows */
} ngx_http_tlsrpt_walk_t;

/* Begins after a name; len 0: with the first.  The walk is all zeroes, or one
   that has ended.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_tlsrpt_walk_begin(ngx_http_tlsrpt_walk_t *walk,
    ngx_http_request_t *r, const ngx_str_t *after, ngx_uint_t piece);

/*
 *     NGX_OK     *name, valid until the next piece is taken; reports for it may
 *                never have come, or may be forgotten by now
 *     NGX_AGAIN  the index has to be asked: *command, valid until its reply
 *     NGX_DONE   there is none, or none before that reply
 */
ngx_int_t ngx_http_tlsrpt_walk_next(ngx_http_tlsrpt_walk_t *walk,
    ngx_str_t *name, const tlsrpt_command_t **command);

/* Takes the reply.  NGX_OK; NGX_ERROR: out of memory. */
ngx_int_t ngx_http_tlsrpt_walk_reply(ngx_http_tlsrpt_walk_t *walk,
    const tlsrpt_reply_t *reply);

void ngx_http_tlsrpt_walk_end(ngx_http_tlsrpt_walk_t *walk);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_WALK_H */
