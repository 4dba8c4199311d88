/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is read of one domain and answered in JSON, most of it in CSV too:
 * BASE/domains/D/problems, BASE/domains/D/reports and BASE/domains/D/senders.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_time.h"


static ngx_int_t ngx_http_tlsrpt_reports_query(ngx_http_request_t *r,
    ngx_http_tlsrpt_param_pt handler, void *data, tlsrpt_query_t *query);
static ngx_int_t ngx_http_tlsrpt_days_query(ngx_http_request_t *r,
    tlsrpt_query_t *query);
static int ngx_http_tlsrpt_days_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_reports_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_problems_served(ngx_http_request_t *r,
    ngx_str_t *domain, mta_sts_policy_t **served);
static void ngx_http_tlsrpt_problems_finding(void *ctx, int is_error,
    size_t at, const char *section, const char *message);


ngx_int_t
ngx_http_tlsrpt_problems_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t          rc;
    tlsrpt_query_t     query;
    mta_sts_policy_t  *served;

    rc = ngx_http_tlsrpt_days_query(r, &query);
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


ngx_int_t
ngx_http_tlsrpt_reports_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t                rc;
    tlsrpt_reports_query_t  *query;

    query = ngx_palloc(r->pool, sizeof(tlsrpt_reports_query_t));
    if (query == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    tlsrpt_reports_query_init(query, ngx_time());

    rc = ngx_http_tlsrpt_reports_query(r, ngx_http_tlsrpt_reports_param, query,
                                       &query->query);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    query->whole = (target->type == NGX_HTTP_TLSRPT_CSV);

    return ngx_http_tlsrpt_lookup(r, &target->domain,
               tlsrpt_reports_create(query,
                                     ngx_http_tlsrpt_str(&target->domain),
                                     ngx_http_tlsrpt_prefix(r)),
               target->type == NGX_HTTP_TLSRPT_CSV);
}


ngx_int_t
ngx_http_tlsrpt_senders_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t       rc;
    tlsrpt_query_t  query;

    rc = ngx_http_tlsrpt_days_query(r, &query);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_tlsrpt_lookup(r, &target->domain,
               tlsrpt_senders_create(&query,
                                     ngx_http_tlsrpt_str(&target->domain),
                                     ngx_http_tlsrpt_prefix(r)),
               target->type == NGX_HTTP_TLSRPT_CSV);
}


/* The query string.  NGX_DECLINED: it is good; anything else is the answer. */

static ngx_int_t
ngx_http_tlsrpt_reports_query(ngx_http_request_t *r,
    ngx_http_tlsrpt_param_pt handler, void *data, tlsrpt_query_t *query)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params(r, handler, data, &error) != TLSRPT_OK
        || tlsrpt_query_check(query, &error) != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return NGX_DECLINED;
}


/* The same, where days are all that can be asked for. */

static ngx_int_t
ngx_http_tlsrpt_days_query(ngx_http_request_t *r, tlsrpt_query_t *query)
{
    tlsrpt_query_init(query, ngx_time());

    return ngx_http_tlsrpt_reports_query(r, ngx_http_tlsrpt_days_param, query,
                                         query);
}


static int
ngx_http_tlsrpt_days_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    if (tlsrpt_param_is(name, "from") || tlsrpt_param_is(name, "to")) {
        return tlsrpt_query_param(data, name, value, error);
    }

    return tlsrpt_param_unknown(error, name);
}


static int
ngx_http_tlsrpt_reports_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    return tlsrpt_reports_query_param(data, name, value, error);
}


/* The policy that is served for the domain; NULL: none. */

static ngx_int_t
ngx_http_tlsrpt_problems_served(ngx_http_request_t *r, ngx_str_t *domain,
    mta_sts_policy_t **served)
{
    mta_sts_policy_t           *content;
    ngx_http_mta_sts_policy_t  *policy;

    *served = NULL;

    policy = ngx_http_mta_sts_served(r, domain);
    if (policy == NULL) {
        return NGX_OK;
    }

    content = ngx_palloc(r->pool, sizeof(mta_sts_policy_t));
    if (content == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_mta_sts_policy_read(policy, content,
                                     ngx_http_tlsrpt_problems_finding, NULL)
        == NGX_OK)
    {
        *served = content;
    }

    return NGX_OK;
}


/* Advice on it was logged when it was configured. */

static void
ngx_http_tlsrpt_problems_finding(void *ctx, int is_error, size_t at,
    const char *section, const char *message)
{
}
