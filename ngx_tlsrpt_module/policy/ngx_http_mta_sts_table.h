/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The policies of all domains, each one text that is made when the
 * configuration is read.
 */

#ifndef NGX_HTTP_MTA_STS_TABLE_H
#define NGX_HTTP_MTA_STS_TABLE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_mta_sts_remarks.h"
#include "tlsrpt_publish.h"

#pragma GCC visibility push(hidden)

/* What is served, once for all domains that have the same. */
typedef struct {
    uint32_t      len;
    u_char        id_len;
    u_char        mode;                     /* MTA_STS_... */
    u_char        data[];                   /* text, id */
} ngx_http_mta_sts_text_t;

/* A domain and its policy, which lies behind it if it is the first to have
   it. */
typedef struct {
    ngx_http_mta_sts_text_t      *text;
    u_char                        domain_len;
    u_char                        domain[];
} ngx_http_mta_sts_policy_t;

/*
 * The policies lie side by side, in the order of their buckets: a bucket is
 * where its first policy is, and ends where the next one begins.  Which policy
 * is asked for cannot be foreseen, so that what counts is how few places of
 * the memory an answer is in.
 */
typedef struct {
    ngx_http_mta_sts_policy_t   **buckets;  /* and the end of the last */
    ngx_uint_t                    mask;

    /* configuration time only */
    ngx_pool_t                   *pool;
    ngx_array_t                  *entries;
    ngx_rbtree_t                  texts;
    ngx_rbtree_node_t             sentinel;
    size_t                        size;     /* of all, laid out */
    u_char                       *buffer;
    ngx_http_mta_sts_remarks_t    remarks;
} ngx_http_mta_sts_main_conf_t;

/* While the configuration is read: an empty one, NULL without memory; one
   policy more, which the line being read is to blame for; all are given. */
void *ngx_http_mta_sts_table_create(ngx_conf_t *cf);
char *ngx_http_mta_sts_table_add(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_str_t *domain,
    const mta_sts_policy_t *policy);
char *ngx_http_mta_sts_table_init(ngx_conf_t *cf,
    ngx_http_mta_sts_main_conf_t *mmcf);

/* The policy of a domain (normalized); NULL: none.  From postconfiguration
   on. */
ngx_http_mta_sts_policy_t *ngx_http_mta_sts_find(
    ngx_http_mta_sts_main_conf_t *mmcf, u_char *name, size_t len);

/* All policies, in no order: the one after policy, of NULL the first; NULL: no
   more. */
ngx_http_mta_sts_policy_t *ngx_http_mta_sts_next(
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_http_mta_sts_policy_t *policy);

static ngx_inline ngx_str_t
ngx_http_mta_sts_policy_domain(ngx_http_mta_sts_policy_t *policy)
{
    return (ngx_str_t) { policy->domain_len, policy->domain };
}

/* The text of the answer: lines end in CRLF. */

static ngx_inline ngx_str_t
ngx_http_mta_sts_policy_text(ngx_http_mta_sts_policy_t *policy)
{
    return (ngx_str_t) { policy->text->len, policy->text->data };
}

/* The id in the TXT record (RFC 8461 3.1). */

static ngx_inline ngx_str_t
ngx_http_mta_sts_policy_id(ngx_http_mta_sts_policy_t *policy)
{
    return (ngx_str_t) { policy->text->id_len,
                         policy->text->data + policy->text->len };
}

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_TABLE_H */
