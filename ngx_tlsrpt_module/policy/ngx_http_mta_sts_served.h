/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is served for a domain: its policy of the configuration, else that of
 * the registry.
 */

#ifndef NGX_HTTP_MTA_STS_SERVED_H
#define NGX_HTTP_MTA_STS_SERVED_H

#include "ngx_http_mta_sts_table.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_str_t                      text;    /* lines end in CRLF */
    ngx_str_t                      id;      /* in the TXT record (RFC 8461
                                               3.1) */
    ngx_uint_t                     mode;    /* MTA_STS_... */
} ngx_http_mta_sts_served_t;

/*
 * Of a domain (normalized); what is found lives as long as the pool.
 *
 *     NGX_OK        *served
 *     NGX_DECLINED  nothing is
 *     NGX_AGAIN     not known here, and perhaps there is one: 503
 *     NGX_ERROR     out of memory
 */
ngx_int_t ngx_http_mta_sts_served(ngx_http_mta_sts_main_conf_t *mmcf,
    const ngx_str_t *domain, ngx_pool_t *pool,
    ngx_http_mta_sts_served_t *served);

/* Reads the text back, which can be read: it was made from a policy.  The
   remarks are those of mta_sts_policy_parse(): advice alone. */
ngx_int_t ngx_http_mta_sts_served_read(
    const ngx_http_mta_sts_served_t *served, mta_sts_policy_t *content,
    mta_sts_remark_pt remark, void *ctx);

/* Both, without remarks: NGX_OK; NGX_DECLINED: there is none. */
ngx_int_t ngx_http_mta_sts_content(ngx_http_mta_sts_main_conf_t *mmcf,
    const ngx_str_t *domain, mta_sts_policy_t *content);

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_SERVED_H */
