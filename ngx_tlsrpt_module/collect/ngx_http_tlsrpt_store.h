/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report -> commands -> verdict: one call of the ingest script a policy domain,
 * then the index of domains.  What may change a domain's problems makes it due
 * (tlsrpt_due.h), which nobody waits for.  It does not matter here where the
 * report comes from.  Everything may be sent again: a report is counted once.
 */

#ifndef NGX_HTTP_TLSRPT_STORE_H
#define NGX_HTTP_TLSRPT_STORE_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

typedef enum {
    NGX_HTTP_TLSRPT_STORE_PENDING = 0,      /* the handler will be called */
    NGX_HTTP_TLSRPT_STORE_AGAIN,            /* the queue had no room for all
                                               domains, or some are new:
                                               _send() the rest */
    NGX_HTTP_TLSRPT_STORE_STORED,           /* at least one domain of it */
    NGX_HTTP_TLSRPT_STORE_DUPLICATE,        /* it was known for all of them */
    NGX_HTTP_TLSRPT_STORE_NOT_TAKEN         /* by Redis: store->reason */
} ngx_http_tlsrpt_verdict_e;

typedef void (*ngx_http_tlsrpt_store_handler_pt)(void *data,
    ngx_http_tlsrpt_verdict_e verdict);

typedef enum {
    NGX_HTTP_TLSRPT_STORE_UNSENT = 0,
    NGX_HTTP_TLSRPT_STORE_SENT,
    NGX_HTTP_TLSRPT_STORE_COUNTED,          /* or was before */
    NGX_HTTP_TLSRPT_STORE_NEW,              /* it had no data: may it? */
    NGX_HTTP_TLSRPT_STORE_ADMITTED,         /* it may */
    NGX_HTTP_TLSRPT_STORE_TOO_MANY          /* not now */
} ngx_http_tlsrpt_store_state_e;

typedef struct ngx_http_tlsrpt_store_s  ngx_http_tlsrpt_store_t;

typedef struct {
    ngx_uint_t                         number;      /* in the report */
    ngx_str_t                          name;        /* normalized */
    ngx_str_t                          below;       /* the NAME of the ".NAME"
                                                       that alone takes it, or
                                                       len 0 */

    ngx_http_tlsrpt_store_t           *store;       /* not the caller's, as
                                                       what follows is not */
    ngx_http_tlsrpt_store_state_e      state;
    unsigned                           has_failures:1;
} ngx_http_tlsrpt_store_domain_t;

struct ngx_http_tlsrpt_store_s {
    /* set by the caller after _init(): which domains of the report are counted,
       at least one; all of it lives until the verdict */
    ngx_array_t                       *domains;     /* of _store_domain_t */
    ngx_http_tlsrpt_store_handler_pt   handler;     /* never within _send() */
    void                              *data;

    const char                        *reason;

    ngx_http_tlsrpt_main_conf_t       *tmcf;
    tlsrpt_ingest_t                    ingest;
    ngx_uint_t                         next;        /* domain to be sent */
    ngx_uint_t                         pending;     /* commands */
    ngx_uint_t                         stored;      /* domains */
    ngx_uint_t                         failed;      /* commands */
    ngx_uint_t                         unindexed;   /* the index may lack a
                                                       domain */
    ngx_uint_t                         nnew;        /* domains that are NEW */
    ngx_uint_t                         asked;       /* so many may be, or not */
    ngx_uint_t                         admitted;    /* domains to be sent */
    ngx_uint_t                         too_many;    /* domains */
};

/* via: TLSRPT_VIA_...; received: when the report came; original: its body as it
   came, borrowed until the verdict, len 0: it is not kept. */
void ngx_http_tlsrpt_store_init(ngx_http_tlsrpt_store_t *store,
    ngx_http_tlsrpt_main_conf_t *tmcf, unsigned via, time_t received,
    const ngx_str_t *original);

/* PENDING, or NOT_TAKEN.  The report is not needed after it, unless the handler
   gets AGAIN. */
ngx_http_tlsrpt_verdict_e ngx_http_tlsrpt_store_send(
    ngx_http_tlsrpt_store_t *store, const tlsrpt_report_t *report);

/* The handler is not called any more; what was sent goes on to Redis. */
void ngx_http_tlsrpt_store_detach(ngx_http_tlsrpt_store_t *store);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_STORE_H */
