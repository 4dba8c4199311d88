/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The module of collecting and reading: configuration, variables and the
 * table of accepted domains.
 */

#ifndef NGX_HTTP_TLSRPT_MODULE_H
#define NGX_HTTP_TLSRPT_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_core.h"
#include "ngx_http_tlsrpt_redis.h"

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
   every search ends; a slot holds the index into the domains + 1. */
typedef struct {
    uint32_t                      *slots;
    ngx_uint_t                     mask;
} ngx_http_tlsrpt_index_t;

typedef struct {
    ngx_http_tlsrpt_redis_conf_t   redis;   /* naddrs 0: none */
    ngx_http_tlsrpt_redis_t       *client;  /* of this worker */
    ngx_uint_t                     retention_days;
    ngx_uint_t                     report_days;     /* 0: no originals */
    ngx_array_t                    domains; /* of _domain_t, by name */
    ngx_array_t                    listed;  /* of ngx_str_t, sorted: names of
                                               domains and of policies */
    ngx_http_tlsrpt_index_t        names;
    ngx_http_tlsrpt_index_t        tokens;
    tlsrpt_reader_t               *reader;  /* of this worker; NULL: none yet */
    time_t                         index_due;   /* to be kept on, worker */
    ngx_array_t                   *report_uris; /* of ngx_str_t; NULL: none */
    ngx_str_t                      user;    /* the first directive that needs */
    ngx_str_t                      user_file;   /* Redis, and where it is */
    ngx_uint_t                     user_line;
} ngx_http_tlsrpt_main_conf_t;

typedef struct {
    size_t                         max_report_size;
    ngx_flag_t                     collect;
    ngx_flag_t                     stats;
    ngx_http_complex_value_t      *scope;   /* NULL: all domains */
} ngx_http_tlsrpt_loc_conf_t;

/* What tlsrpt_scope says for a request. */
typedef struct {
    ngx_str_t                      name;    /* normalized */
    ngx_uint_t                     subdomains;  /* ".NAME" */
} ngx_http_tlsrpt_scope_name_t;

typedef struct {
    ngx_array_t                    names;   /* of _scope_name_t */
    ngx_uint_t                     all;
} ngx_http_tlsrpt_scope_t;

/* What the variables show, and the request's own state. */
typedef struct {
    ngx_str_t                      status;
    ngx_str_t                      domain;
    ngx_str_t                      report_id;
    ngx_str_t                      organization;
    void                          *collect;
    ngx_http_tlsrpt_scope_t       *scope;   /* NULL: not asked for yet */
} ngx_http_tlsrpt_ctx_t;

extern ngx_module_t  ngx_http_tlsrpt_module;

/* The tlsrpt_domain that takes name (normalized): the exact one, else the
   nearest ".NAME" above; NULL: none. */
ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_domain_find(
    ngx_http_tlsrpt_main_conf_t *tmcf, const char *name, size_t len);

/* The one with this token; NULL: unknown. */
ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_domain_by_token(
    ngx_http_tlsrpt_main_conf_t *tmcf, const u_char *token, size_t len);

/* Are reports for name (normalized) accepted: by tlsrpt_domain, or because
   its MTA-STS policy is served here? */
ngx_uint_t ngx_http_tlsrpt_domain_accepted(ngx_http_request_t *r,
    const char *name, size_t len);

/* The worker's one; what it read is valid until it is used again.  NULL: no
   memory. */
tlsrpt_reader_t *ngx_http_tlsrpt_reader(ngx_http_request_t *r);

/* Content handlers of tlsrpt_collect and tlsrpt_stats. */
ngx_int_t ngx_http_tlsrpt_collect_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_tlsrpt_stats_handler(ngx_http_request_t *r);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_MODULE_H */
