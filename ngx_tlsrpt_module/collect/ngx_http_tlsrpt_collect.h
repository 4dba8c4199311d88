/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A report by POST: its body is read, the domains of it that are accepted here
 * are stored, and what became of it is the answer.
 */

#ifndef NGX_HTTP_TLSRPT_COLLECT_H
#define NGX_HTTP_TLSRPT_COLLECT_H

#include "ngx_http_tlsrpt_ctx.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_store.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_http_request_t           *request;
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    ngx_http_tlsrpt_ctx_t        *ctx;
    ngx_http_tlsrpt_domain_t     *domain;   /* of the token; NULL: none */
    ngx_array_t                   domains;  /* of _store_domain_t: accepted */
    ngx_http_tlsrpt_store_t       store;
    ngx_str_t                     warnings; /* JSON */
    unsigned                      prepared:1;
} ngx_http_tlsrpt_collect_t;

/* The content handler of tlsrpt_collect. */
ngx_int_t ngx_http_tlsrpt_collect_handler(ngx_http_request_t *r);

/* The warnings of the report, and the domains that are not stored.  NGX_OK or
   NGX_ERROR. */
ngx_int_t ngx_http_tlsrpt_collect_warnings(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report);

/* Answers with the verdict on the store; not PENDING, not AGAIN. */
ngx_int_t ngx_http_tlsrpt_collect_answer(ngx_http_tlsrpt_collect_t *collect,
    ngx_http_tlsrpt_verdict_e verdict);

/* Answers that the report was not taken: with a status and a reason, or with
   an error of the core. */
ngx_int_t ngx_http_tlsrpt_collect_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *detail);
ngx_int_t ngx_http_tlsrpt_collect_refuse_error(ngx_http_request_t *r,
    const tlsrpt_error_t *error);

/* The same for what nginx refused before us: r->err_status. */
ngx_int_t ngx_http_tlsrpt_collect_refuse_nginx(ngx_http_request_t *r);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_COLLECT_H */
