/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/policy/simulate and BASE/domains/D/policy/proposal: policies
 * that are not served.
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_path.h"
#include "ngx_http_tlsrpt_query.h"
#include "tlsrpt_policy_past.h"


static ngx_int_t ngx_http_tlsrpt_simulate(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_simulate_domain(ngx_http_request_t *r,
    ngx_str_t *domain);


ngx_int_t
ngx_http_tlsrpt_proposal_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t       rc;
    tlsrpt_query_t  query;

    rc = ngx_http_tlsrpt_query_days(r, &query, &target->domain);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* the days do not matter to it: one is the least to read */
    query.from = query.to;

    return ngx_http_tlsrpt_lookup(r, &target->domain,
               tlsrpt_policy_proposal_create(&query,
                                      ngx_http_tlsrpt_str(&target->domain),
                                      ngx_http_tlsrpt_prefix(r),
                                      json_pack("{s:s%}", "domain",
                                                target->domain.data,
                                                target->domain.len)), 0);
}


ngx_int_t
ngx_http_tlsrpt_simulate_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_simulate);
}


static ngx_int_t
ngx_http_tlsrpt_simulate(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  path, domain, id;

    static ngx_str_t  pattern = ngx_string("domains/:domain/policy/simulate");

    ngx_str_null(&domain);
    ngx_str_null(&id);

    if (ngx_http_tlsrpt_path(r, &path) != NGX_OK
        || !ngx_http_tlsrpt_path_match(&pattern, &path, &domain, &id)
        || ngx_http_tlsrpt_path_domain(r, &domain) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_tlsrpt_body_exceeds(r, MTA_STS_MAX_SIZE)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     "a policy has 65536 bytes at most");
    }

    rc = ngx_http_tlsrpt_simulate_domain(r, &domain);

    if (rc == NGX_DONE) {
        /* the lookup holds the request once more: reading the body did, too */
        ngx_http_finalize_request(r, NGX_DONE);
    }

    return rc;
}


/* A text that is no policy does nothing to anybody; what is wrong with it is
   told. */

static ngx_int_t
ngx_http_tlsrpt_simulate_domain(ngx_http_request_t *r, ngx_str_t *domain)
{
    json_t            *json;
    ngx_int_t          rc;
    ngx_str_t          text;
    tlsrpt_query_t     query;
    mta_sts_policy_t   policy;

    rc = ngx_http_tlsrpt_query_days(r, &query, domain);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_tlsrpt_body_text(r, &text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    json = ngx_http_tlsrpt_tool_policy_json(&text, &policy);

    if (json
        && json_object_set_new(json, "domain",
                               json_stringn((char *) domain->data,
                                            domain->len)) != 0)
    {
        json_decref(json);
        json = NULL;
    }

    /* whether there is the domain, the lookup says */

    if (json && !json_is_true(json_object_get(json, "valid"))) {
        ngx_memzero(&policy, sizeof(mta_sts_policy_t));
    }

    return ngx_http_tlsrpt_lookup(r, domain,
               tlsrpt_policy_simulate_create(&query,
                                             ngx_http_tlsrpt_str(domain),
                                             ngx_http_tlsrpt_prefix(r),
                                             &policy, json), 0);
}
