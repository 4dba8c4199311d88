/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which domains a viewer sees: tlsrpt_scope, evaluated once a request.
 *
 * "@OWNER" is what this owner has proved and still holds, from the day of the
 * proof on.  Configuration wins: what is configured here is no owner's.
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
    ngx_array_t                    owners;  /* of ngx_str_t */
    ngx_uint_t                     all;
};

/* Does the scope take the domain (normalized)? */
ngx_uint_t ngx_http_tlsrpt_scope_takes(ngx_http_request_t *r,
    tlsrpt_str_t domain);

/* Does it take every domain, so that what belongs to none may be shown? */
ngx_uint_t ngx_http_tlsrpt_scope_is_all(ngx_http_request_t *r);

/* The names (of ngx_http_tlsrpt_scope_name_t) where they are all there is: no
   "*", no ".NAME"; else NULL.  Those that its owners hold are among them, and,
   where it is asked for, what is pending of theirs. */
ngx_array_t *ngx_http_tlsrpt_scope_names(ngx_http_request_t *r,
    ngx_uint_t pending);

/* The owner of which alone the viewer sees the domains; NULL: it is not of
   one. */
ngx_str_t *ngx_http_tlsrpt_scope_owner(ngx_http_request_t *r);

/* Since when the viewer sees the domain; 0: all there is. */
time_t ngx_http_tlsrpt_scope_since(ngx_http_request_t *r,
    tlsrpt_str_t domain);

/* Does it wait to be proved by an owner of the scope?  Then its records are
   seen, and its own events, and nothing else.  found: that enrolment, or
   NULL. */
ngx_uint_t ngx_http_tlsrpt_scope_waits(ngx_http_request_t *r,
    tlsrpt_str_t domain, ngx_http_tlsrpt_registered_t *found);

/* Is the scope of owners, and not known here who has what? */
ngx_uint_t ngx_http_tlsrpt_scope_unknown(ngx_http_request_t *r);

/* May the viewer see the domain?  Asked here and nowhere else.  reported:
   reports for it ever came. */
ngx_uint_t ngx_http_tlsrpt_visible(ngx_http_request_t *r, tlsrpt_str_t domain,
    ngx_uint_t reported);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_SCOPE_H */
