/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which domains a viewer sees: tlsrpt_scope, evaluated once a request.
 */

#ifndef NGX_HTTP_TLSRPT_SCOPE_H
#define NGX_HTTP_TLSRPT_SCOPE_H

#include "ngx_http_tlsrpt_ctx.h"
#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_str_t                      name;    /* normalized */
    ngx_uint_t                     subdomains;  /* ".NAME" */
} ngx_http_tlsrpt_scope_name_t;

struct ngx_http_tlsrpt_scope_s {
    ngx_array_t                    names;   /* of _scope_name_t */
    ngx_uint_t                     all;
};

/* Does the scope take the domain (normalized)? */
ngx_uint_t ngx_http_tlsrpt_scope_takes(ngx_http_request_t *r,
    tlsrpt_str_t domain);

/* Does it take every domain, so that what belongs to none may be shown? */
ngx_uint_t ngx_http_tlsrpt_scope_is_all(ngx_http_request_t *r);

/* The names (of ngx_http_tlsrpt_scope_name_t) where they are all there is: no
   "*", no ".NAME"; else NULL. */
ngx_array_t *ngx_http_tlsrpt_scope_names(ngx_http_request_t *r);

/* May the viewer see the domain?  Asked here and nowhere else.  reported:
   reports for it ever came. */
ngx_uint_t ngx_http_tlsrpt_visible(ngx_http_request_t *r, tlsrpt_str_t domain,
    ngx_uint_t reported);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SCOPE_H */
