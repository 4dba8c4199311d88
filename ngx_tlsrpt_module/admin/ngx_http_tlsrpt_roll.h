/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A walk over all enrolled domains, or those of an owner, as Redis has them, in
 * the order of their names.
 */

#ifndef NGX_HTTP_TLSRPT_ROLL_H
#define NGX_HTTP_TLSRPT_ROLL_H

#include "ngx_http_tlsrpt_enrolled.h"
#include "ngx_http_tlsrpt_leads.h"

#pragma GCC visibility push(hidden)

/* One domain: its record is not of a later version, and has something in it. */
typedef struct {
    tlsrpt_str_t                     domain;
    const tlsrpt_registry_record_t  *record;
    const tlsrpt_enrolment_t        *other; /* that the holder is same-as, if it
                                               is enrolled; NULL: none */
    ngx_uint_t                       leads; /* here, or may; where that is asked
                                               for */
} ngx_http_tlsrpt_roll_one_t;

typedef struct {
    /* NGX_OK; NGX_DONE: no more of them; NGX_ERROR: no memory. */
    ngx_int_t  (*one)(void *data, const ngx_http_tlsrpt_roll_one_t *one);

    /* All were seen: answers, returns what a content handler returns. */
    ngx_int_t  (*done)(void *data, ngx_http_request_t *r);

    /* NULL, or the end, whatever it was; called once. */
    void       (*destroy)(void *data);
} ngx_http_tlsrpt_roll_type_t;

/* Set by the caller; what comes after the blank line, by the walk. */
typedef struct {
    const ngx_http_tlsrpt_roll_type_t  *type;
    void                               *data;
    tlsrpt_str_t                        owner;  /* data NULL: of all */
    ngx_str_t                           after;  /* this name; of the pool */
    ngx_uint_t                          page;   /* names read at a time */
    ngx_http_tlsrpt_leads_t            *leads;  /* NULL: not asked for */

    ngx_http_request_t                 *request;
    int64_t                             now;    /* Redis's time, seconds */
    uint64_t                            version;    /* of the registry, when it
                                                       began */
    ngx_uint_t                          step;
    tlsrpt_key_read_t                   read;
    tlsrpt_command_t                   *command;
    ngx_pool_t                         *pool;   /* of the page */
    tlsrpt_str_t                       *names;
    tlsrpt_registry_record_t          **records;
    tlsrpt_registry_record_t          **others;
    tlsrpt_str_t                       *wanted; /* others, asked for */
    ngx_uint_t                         *wanted_by;
    ngx_uint_t                          nwanted;
    u_char                             *may_lead;   /* a flag each */
    ngx_uint_t                          nled;   /* of the names, asked */
    ngx_uint_t                          n;      /* names of the page */
    ngx_uint_t                          seen;   /* of these */
    unsigned                            asked:1;
    unsigned                            last:1; /* page */
    unsigned                            over:1;
} ngx_http_tlsrpt_roll_t;

/* For a content handler to return; takes data. */
ngx_int_t ngx_http_tlsrpt_roll(ngx_http_request_t *r,
    ngx_http_tlsrpt_roll_t *roll);

/* What is served of the holder, or of another enrolment of the record: as
   ngx_http_tlsrpt_enrolled_served(). */
ngx_int_t ngx_http_tlsrpt_roll_served(ngx_http_tlsrpt_roll_t *roll,
    const ngx_http_tlsrpt_roll_one_t *one, const tlsrpt_enrolment_t *e,
    tlsrpt_served_t *served);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ROLL_H */
