/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/problems: what is wrong with one domain.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_query.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_time.h"


static ngx_int_t ngx_http_tlsrpt_problems_served(ngx_http_request_t *r,
    ngx_str_t *domain, mta_sts_policy_t **served);


ngx_int_t
ngx_http_tlsrpt_problems_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t          rc;
    tlsrpt_query_t     query;
    mta_sts_policy_t  *served;

    rc = ngx_http_tlsrpt_query_days(r, &query, &target->domain);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_tlsrpt_problems_served(r, &target->domain, &served)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_lookup(r, &target->domain,
               tlsrpt_problems_create(&query,
                                      ngx_http_tlsrpt_str(&target->domain),
                                      ngx_http_tlsrpt_prefix(r), served,
                                      tlsrpt_day_of(ngx_time())), 0);
}


/* The policy that is served for the domain; NULL: none. */

static ngx_int_t
ngx_http_tlsrpt_problems_served(ngx_http_request_t *r, ngx_str_t *domain,
    mta_sts_policy_t **served)
{
    mta_sts_policy_t  *content;

    content = ngx_palloc(r->pool, sizeof(mta_sts_policy_t));
    if (content == NULL) {
        return NGX_ERROR;
    }

    *served = ngx_http_mta_sts_content(ngx_http_get_module_main_conf(r,
                                           ngx_http_mta_sts_module),
                                       domain, content)
              == NGX_OK ? content : NULL;

    return NGX_OK;
}
