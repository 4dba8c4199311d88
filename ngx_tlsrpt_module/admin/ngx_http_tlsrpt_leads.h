/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which policy hosts lead here, as rspamd saw it last (tlsrpt_leads.h).
 */

#ifndef NGX_HTTP_TLSRPT_LEADS_H
#define NGX_HTTP_TLSRPT_LEADS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_fetch.h"
#include "tlsrpt_leads.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_http_request_t  *request;
    tlsrpt_leads_t       ours;              /* names, and what was seen */
    int64_t              now;               /* Redis's time, seconds */
    ngx_uint_t           step;
    tlsrpt_key_read_t    read;
    unsigned             asked:1;
} ngx_http_tlsrpt_leads_t;

/* NGX_OK or NGX_ERROR: no memory.  It ends with the request. */
ngx_int_t ngx_http_tlsrpt_leads_begin(ngx_http_request_t *r,
    ngx_http_tlsrpt_leads_t *leads);

/* What has to be known before any domain, as a fetch's _next() and _reply();
   NGX_DECLINED: it is known. */
ngx_int_t ngx_http_tlsrpt_leads_next(ngx_http_tlsrpt_leads_t *leads,
    ngx_http_tlsrpt_ask_t *ask);
ngx_int_t ngx_http_tlsrpt_leads_reply(ngx_http_tlsrpt_leads_t *leads,
    const tlsrpt_reply_t *reply);

/* A domain: the command, valid until the next one; and of its reply whether the
   host leads here, or may: nobody knows. */
const tlsrpt_command_t *ngx_http_tlsrpt_leads_ask(
    ngx_http_tlsrpt_leads_t *leads, tlsrpt_str_t domain);
ngx_uint_t ngx_http_tlsrpt_leads_may(ngx_http_tlsrpt_leads_t *leads,
    const tlsrpt_reply_t *reply);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_LEADS_H */
