/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What "nginx -t" remarks on policies.  The same is remarked on many: a line a
 * kind, with their number and the first of them.
 */

#ifndef NGX_HTTP_MTA_STS_REMARKS_H
#define NGX_HTTP_MTA_STS_REMARKS_H

#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_array_t   kinds;
    ngx_pool_t   *pool;
} ngx_http_mta_sts_remarks_t;

/* Of the configuration's time, as all that is put in. */
ngx_int_t ngx_http_mta_sts_remarks_init(ngx_http_mta_sts_remarks_t *remarks,
    ngx_pool_t *pool);

/* A remark on the policy of the domain, here in the configuration.  Two of one
   kind are the same but for numbers and what is in quotes. */
ngx_int_t ngx_http_mta_sts_remark(ngx_http_mta_sts_remarks_t *remarks,
    ngx_conf_t *cf, ngx_str_t *domain, const char *message,
    const char *section);

/* Logs them, as warnings where the first of each is. */
void ngx_http_mta_sts_remarks_log(ngx_http_mta_sts_remarks_t *remarks,
    ngx_conf_t *cf);

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_REMARKS_H */
