/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/senders: those who report on one domain.
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_query.h"
#include "tlsrpt_senders.h"


ngx_int_t
ngx_http_tlsrpt_senders_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t       rc;
    tlsrpt_query_t  query;

    rc = ngx_http_tlsrpt_query_days(r, &query, &target->domain);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_tlsrpt_lookup(r, &target->domain,
               tlsrpt_senders_create(&query,
                                     ngx_http_tlsrpt_str(&target->domain),
                                     ngx_http_tlsrpt_prefix(r)),
               target->type == NGX_HTTP_TLSRPT_CSV);
}
