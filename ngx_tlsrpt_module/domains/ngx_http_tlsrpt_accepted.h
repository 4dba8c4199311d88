/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The domains that reports are accepted for: those of tlsrpt_domain, and those
 * whose MTA-STS policy is served here.
 */

#ifndef NGX_HTTP_TLSRPT_ACCEPTED_H
#define NGX_HTTP_TLSRPT_ACCEPTED_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)

/* One tlsrpt_domain. */
typedef struct {
    ngx_str_t                      name;    /* normalized, without the dot */
    ngx_str_t                      token;   /* len 0: none; never logged */
    ngx_str_t                      file;    /* where it is configured */
    ngx_uint_t                     line;
    ngx_uint_t                     subdomains;  /* ".NAME" */
} ngx_http_tlsrpt_domain_t;

/* Names or tokens -> domains.  Open addressing, at most half full, so that
   every search ends; a slot holds the position among the domains + 1. */
typedef struct {
    uint32_t                      *slots;
    ngx_uint_t                     mask;
} ngx_http_tlsrpt_hash_t;

typedef struct {
    ngx_array_t                    domains; /* of _domain_t; by name, once
                                               the configuration is read */
    ngx_http_tlsrpt_hash_t         names;
    ngx_http_tlsrpt_hash_t         tokens;
    ngx_array_t                    list;    /* of ngx_str_t, sorted: names of
                                               domains and of policies */
} ngx_http_tlsrpt_accepted_t;

/* The directive; conf is the module's main configuration. */
char *ngx_http_tlsrpt_domain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Empty, and after the last tlsrpt_domain. */
ngx_int_t ngx_http_tlsrpt_accepted_create(ngx_conf_t *cf,
    ngx_http_tlsrpt_accepted_t *accepted);
char *ngx_http_tlsrpt_accepted_init(ngx_conf_t *cf,
    ngx_http_tlsrpt_accepted_t *accepted);

/* Makes the list, for init_module: all policies are known by then. */
ngx_int_t ngx_http_tlsrpt_accepted_list(ngx_cycle_t *cycle);

/* The tlsrpt_domain that takes name (normalized): the exact one, else the
   nearest ".NAME" above; NULL: none. */
ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_domain_find(
    ngx_http_tlsrpt_accepted_t *accepted, const char *name, size_t len);

/* The one with this token; NULL: unknown. */
ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_domain_by_token(
    ngx_http_tlsrpt_accepted_t *accepted, const u_char *token, size_t len);

/* Are reports for name (normalized) accepted: by tlsrpt_domain, or because
   its MTA-STS policy is served here? */
ngx_uint_t ngx_http_tlsrpt_domain_accepted(ngx_http_request_t *r,
    const char *name, size_t len);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ACCEPTED_H */
