/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is kept of a request while it is handled.
 */

#ifndef NGX_HTTP_TLSRPT_CTX_H
#define NGX_HTTP_TLSRPT_CTX_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

typedef struct ngx_http_tlsrpt_scope_s  ngx_http_tlsrpt_scope_t;

typedef struct {
    ngx_str_t                 status;       /* $tlsrpt_status, and so on; */
    ngx_str_t                 domain;       /* data NULL: not found */
    ngx_str_t                 report_id;
    ngx_str_t                 organization;
    ngx_str_t                 owner;        /* who asks, if it is one */
    void                     *collect;      /* of tlsrpt_collect */
    void                     *admin;        /* of tlsrpt_admin */
    ngx_http_handler_pt       body_handler;
    ngx_http_tlsrpt_scope_t  *scope;        /* NULL: not asked for yet */
} ngx_http_tlsrpt_ctx_t;

/* Made with the first call.  NULL: no memory. */
ngx_http_tlsrpt_ctx_t *ngx_http_tlsrpt_ctx(ngx_http_request_t *r);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_CTX_H */
