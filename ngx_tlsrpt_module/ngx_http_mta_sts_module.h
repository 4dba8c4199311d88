/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The module that serves MTA-STS policies (RFC 8461): what others ask of it.
 */

#ifndef NGX_HTTP_MTA_STS_MODULE_H
#define NGX_HTTP_MTA_STS_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_core.h"

#pragma GCC visibility push(hidden)

typedef struct {
    ngx_str_t     domain;                   /* normalized */
    ngx_str_t     text;                     /* as served */
    ngx_str_t     id;                       /* of the TXT record */
    ngx_uint_t    mode;                     /* MTA_STS_... */
} ngx_http_mta_sts_policy_t;

typedef struct {
    ngx_http_mta_sts_policy_t    *policy;   /* NULL: none */
    uint32_t                      hash;     /* of the domain */
} ngx_http_mta_sts_slot_t;

/* Open addressing, at most half full, so that every search ends. */
typedef struct {
    ngx_http_mta_sts_slot_t      *slots;
    ngx_uint_t                    mask;
    u_char                       *free;     /* room for policies */
    u_char                       *end;
    ngx_array_t                  *entries;  /* configuration time only */
    u_char                       *buffer;   /* configuration time only */
} ngx_http_mta_sts_main_conf_t;

extern ngx_module_t  ngx_http_mta_sts_module;

/* The policy of a domain (normalized); NULL: none.  From postconfiguration
   on. */
ngx_http_mta_sts_policy_t *ngx_http_mta_sts_find(
    ngx_http_mta_sts_main_conf_t *mmcf, u_char *name, size_t len);

/* All policies, in no order: *slot starts at 0; NULL: no more. */
ngx_http_mta_sts_policy_t *ngx_http_mta_sts_next(
    ngx_http_mta_sts_main_conf_t *mmcf, ngx_uint_t *slot);

static ngx_inline ngx_int_t
ngx_http_mta_sts_has_policy(ngx_http_mta_sts_main_conf_t *mmcf,
    ngx_str_t *domain)
{
    return ngx_http_mta_sts_find(mmcf, domain->data, domain->len) != NULL;
}

#pragma GCC visibility pop

#endif /* NGX_HTTP_MTA_STS_MODULE_H */
