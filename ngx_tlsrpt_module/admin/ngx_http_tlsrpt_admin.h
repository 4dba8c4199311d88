/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Enrolment (tlsrpt_admin): its requests, and what they share.
 */

#ifndef NGX_HTTP_TLSRPT_ADMIN_H
#define NGX_HTTP_TLSRPT_ADMIN_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* The content handlers of tlsrpt_admin and of tlsrpt_certificates. */
ngx_int_t ngx_http_tlsrpt_admin_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_tlsrpt_certificates_handler(ngx_http_request_t *r);

typedef struct ngx_http_tlsrpt_admin_s  ngx_http_tlsrpt_admin_t;

/* Answers as a content handler does; where it takes a body, that is read. */
typedef ngx_int_t (*ngx_http_tlsrpt_admin_pt)(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);

/* What is asked, of the request's pool; and by whom. */
struct ngx_http_tlsrpt_admin_s {
    ngx_str_t                  domain;      /* normalized; len 0: none named */
    ngx_str_t                  id;          /* as given; likewise */
    ngx_str_t                  owner;       /* len 0: the operator asks */
    ngx_uint_t                 max;         /* domains of the owner; 0: any */
    time_t                     proved;      /* when the owner proved it, for
                                               _held(): what was before is not
                                               his */
    ngx_http_tlsrpt_admin_pt   then;        /* ngx_http_tlsrpt_held() */
};

static ngx_inline ngx_uint_t
ngx_http_tlsrpt_is_operator(const ngx_http_tlsrpt_admin_t *admin)
{
    return admin->owner.len == 0;
}

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ADMIN_H */
