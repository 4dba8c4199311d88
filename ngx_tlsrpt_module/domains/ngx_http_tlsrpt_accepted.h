/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The domains that reports are accepted for: those of tlsrpt_domain, those
 * whose MTA-STS policy is configured, and those of the registry.
 */

#ifndef NGX_HTTP_TLSRPT_ACCEPTED_H
#define NGX_HTTP_TLSRPT_ACCEPTED_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_registry.h"

#pragma GCC visibility push(hidden)

/* One tlsrpt_domain, or one that is enrolled: file is empty then. */
typedef struct {
    ngx_str_t                      name;    /* normalized, without the dot */
    ngx_str_t                      token;   /* len 0: none; never logged */
    ngx_str_t                      file;    /* where it is configured */
    ngx_uint_t                     line;
    unsigned                       subdomains:1;    /* ".NAME" */
    unsigned                       enrolled:1;
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

/*
 * The one with this token.  *domain lives as long as the request.
 *
 *     NGX_OK        *domain
 *     NGX_DECLINED  unknown: 404
 *     NGX_BUSY      its domain waits to be proved: 503
 *     NGX_AGAIN     not known here, and perhaps in Redis: 503
 *     NGX_ERROR     out of memory
 */
ngx_int_t ngx_http_tlsrpt_accepted_by_token(ngx_http_request_t *r,
    const ngx_str_t *token, ngx_http_tlsrpt_domain_t **domain);

/* Is a report on name (normalized) taken, with the token of this domain, or
   with none (NULL)?  A domain with a token is reported on with this token, or
   one of a domain above it; one that is enrolled, or has a token of its own,
   with its own alone (neither RFC inherits).  *below: the NAME of the ".NAME"
   that alone takes it; len 0: it is named itself. */
ngx_uint_t ngx_http_tlsrpt_accepted_takes(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t *of_token, const ngx_str_t *name,
    ngx_str_t *below);

/* The tlsrpt_domain or the enrolment whose token is that of name (normalized);
   NULL: none has one for it, or there is no memory. */
ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_accepted_token_of(
    ngx_http_request_t *r, const ngx_str_t *name);

/* The same without a request, of the configuration of this process. */
ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_accepted_known(
    const ngx_str_t *name, ngx_pool_t *pool);

/* Is name (normalized) a domain of this server: configured, or enrolled and
   proved? */
ngx_uint_t ngx_http_tlsrpt_domain_accepted(ngx_http_request_t *r,
    const char *name, size_t len);

/* Is it configured?  Of the configuration of this process. */
ngx_uint_t ngx_http_tlsrpt_domain_configured(const ngx_str_t *name);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ACCEPTED_H */
