/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The module that collects reports and answers questions about them: its
 * configuration, and what it keeps of a request.
 */

#ifndef NGX_HTTP_TLSRPT_MODULE_H
#define NGX_HTTP_TLSRPT_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_collect.h"
#include "ngx_http_tlsrpt_accepted.h"
#include "ngx_http_tlsrpt_redis.h"
#include "ngx_http_tlsrpt_registry.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_http_tlsrpt_redis_conf_t   redis;   /* naddrs 0: none */
    ngx_http_tlsrpt_redis_t       *client;  /* of this worker */
    ngx_uint_t                     retention_days;
    ngx_uint_t                     report_days;     /* 0: no originals */
    ngx_http_tlsrpt_registry_conf_t  registry;
    ngx_http_tlsrpt_accepted_t     accepted;
    tlsrpt_reader_t               *reader;  /* of this worker; NULL: none yet */
    time_t                         index_kept;  /* when this worker last put
                                                   off the end of the index */
    ngx_array_t                   *report_uris; /* of ngx_str_t; NULL: none */
    ngx_str_t                      zone;    /* tlsrpt_zone; len 0: none */
    ngx_str_t                      user;    /* the first directive that needs */
    ngx_str_t                      user_file;   /* Redis, and where it is */
    ngx_uint_t                     user_line;
} ngx_http_tlsrpt_main_conf_t;

typedef struct {
    size_t                         max_report_size;
    ngx_flag_t                     collect;
    ngx_flag_t                     stats;
    ngx_str_t                      admin_uri;   /* for the dashboard; len 0:
                                                   it changes nothing */
    ngx_str_t                      index;   /* its index.html, plain and as */
    ngx_str_t                      index_gzip;  /* gzip, and the entity tag */
    ngx_str_t                      index_tag;
    ngx_http_complex_value_t      *scope;   /* NULL: all domains */
    ngx_flag_t                     admin;
    ngx_flag_t                     certificates;
    ngx_http_complex_value_t      *owner;   /* of tlsrpt_admin; NULL: the
                                               operator asks */
    ngx_uint_t                     owner_max;   /* domains of one */
} ngx_http_tlsrpt_loc_conf_t;

extern ngx_module_t  ngx_http_tlsrpt_module;

/* For the core, which takes its strings so. */

static ngx_inline tlsrpt_str_t
ngx_http_tlsrpt_str(const ngx_str_t *s)
{
    return (tlsrpt_str_t) { (const char *) s->data, s->len };
}


/* What each key in Redis begins with. */

static ngx_inline tlsrpt_str_t
ngx_http_tlsrpt_prefix(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    return ngx_http_tlsrpt_str(&tmcf->redis.prefix);
}


#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_MODULE_H */
