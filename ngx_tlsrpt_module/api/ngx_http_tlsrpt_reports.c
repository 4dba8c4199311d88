/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/reports: the list of reports on one domain.
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_query.h"
#include "tlsrpt_reports.h"


static int ngx_http_tlsrpt_reports_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);


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
    ngx_http_tlsrpt_query_retain(r, &query->query);
    ngx_http_tlsrpt_query_since(r, &query->query, &target->domain);

    rc = ngx_http_tlsrpt_query(r, ngx_http_tlsrpt_reports_param, query,
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


static int
ngx_http_tlsrpt_reports_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    return tlsrpt_reports_query_param(data, name, value, error);
}
