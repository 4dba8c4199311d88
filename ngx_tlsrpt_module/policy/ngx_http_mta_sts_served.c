/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_served.h"
#include "ngx_http_tlsrpt_registry.h"


#define NGX_HTTP_MTA_STS_SERVED_POOL  4096


static ngx_int_t ngx_http_mta_sts_served_static(
    ngx_http_mta_sts_main_conf_t *mmcf, const ngx_str_t *domain,
    ngx_http_mta_sts_served_t *served);
static void ngx_http_mta_sts_unremarked(void *ctx, int is_error, size_t at,
    const char *section, const char *message);


ngx_int_t
ngx_http_mta_sts_served(ngx_http_mta_sts_main_conf_t *mmcf,
    const ngx_str_t *domain, ngx_pool_t *pool,
    ngx_http_mta_sts_served_t *served)
{
    ngx_int_t                          rc;
    ngx_str_t                          other, owner;
    ngx_http_tlsrpt_registry_policy_t  policy;

    if (ngx_http_mta_sts_served_static(mmcf, domain, served) == NGX_OK) {
        return NGX_OK;
    }

    rc = ngx_http_tlsrpt_registry_policy(domain, NULL, pool, &policy);

    if (rc == NGX_OK && policy.same_as.len) {
        other = policy.same_as;
        owner = policy.same_owner;

        if (ngx_http_mta_sts_served_static(mmcf, &other, served) == NGX_OK) {
            return NGX_OK;
        }

        rc = ngx_http_tlsrpt_registry_policy(&other, &owner, pool, &policy);

        /* nobody follows one that follows another itself */

        if (rc == NGX_OK && policy.same_as.len) {
            return NGX_DECLINED;
        }
    }

    if (rc == NGX_OK) {
        served->text = policy.text;
        served->id = policy.id;
        served->mode = policy.mode;
    }

    return rc;
}


static ngx_int_t
ngx_http_mta_sts_served_static(ngx_http_mta_sts_main_conf_t *mmcf,
    const ngx_str_t *domain, ngx_http_mta_sts_served_t *served)
{
    ngx_http_mta_sts_policy_t  *policy;

    policy = ngx_http_mta_sts_find(mmcf, domain->data, domain->len);

    if (policy == NULL) {
        return NGX_DECLINED;
    }

    served->text = ngx_http_mta_sts_policy_text(policy);
    served->id = ngx_http_mta_sts_policy_id(policy);
    served->mode = policy->text->mode;

    return NGX_OK;
}


ngx_int_t
ngx_http_mta_sts_served_read(const ngx_http_mta_sts_served_t *served,
    mta_sts_policy_t *content, mta_sts_remark_pt remark, void *ctx)
{
    return mta_sts_policy_parse((char *) served->text.data, served->text.len,
                                content, remark, ctx)
           == 0 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_mta_sts_content(ngx_http_mta_sts_main_conf_t *mmcf,
    const ngx_str_t *domain, mta_sts_policy_t *content)
{
    ngx_int_t                   rc;
    ngx_pool_t                 *pool;
    ngx_http_mta_sts_served_t   served;

    pool = ngx_create_pool(NGX_HTTP_MTA_STS_SERVED_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    if (ngx_http_mta_sts_served(mmcf, domain, pool, &served) == NGX_OK
        && ngx_http_mta_sts_served_read(&served, content,
                                        ngx_http_mta_sts_unremarked, NULL)
           == NGX_OK)
    {
        rc = NGX_OK;
    }

    ngx_destroy_pool(pool);

    return rc;
}


/* What there is to remark was said when the policy was configured. */

static void
ngx_http_mta_sts_unremarked(void *ctx, int is_error, size_t at,
    const char *section, const char *message)
{
}
