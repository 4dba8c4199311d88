/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_query.h"
#include "ngx_http_tlsrpt_scope.h"


static int ngx_http_tlsrpt_query_days_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_paging_cursor(ngx_http_tlsrpt_paging_t *paging,
    tlsrpt_str_t value, tlsrpt_error_t *error);


ngx_int_t
ngx_http_tlsrpt_query(ngx_http_request_t *r, ngx_http_tlsrpt_param_pt handler,
    void *data, const tlsrpt_query_t *query)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params(r, handler, data, &error) != TLSRPT_OK
        || tlsrpt_query_check(query, &error) != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_tlsrpt_query_days(ngx_http_request_t *r, tlsrpt_query_t *query,
    const ngx_str_t *domain)
{
    tlsrpt_query_init(query, ngx_time());
    ngx_http_tlsrpt_query_retain(r, query);
    ngx_http_tlsrpt_query_since(r, query, domain);

    return ngx_http_tlsrpt_query(r, ngx_http_tlsrpt_query_days_param, query,
                                 query);
}


static int
ngx_http_tlsrpt_query_days_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    if (tlsrpt_param_is(name, "from") || tlsrpt_param_is(name, "to")) {
        return tlsrpt_query_param(data, name, value, error);
    }

    return tlsrpt_param_unknown(error, name);
}


void
ngx_http_tlsrpt_query_retain(ngx_http_request_t *r, tlsrpt_query_t *query)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    tlsrpt_query_retain(query, (unsigned) tmcf->retention_days);
}


void
ngx_http_tlsrpt_query_since(ngx_http_request_t *r, tlsrpt_query_t *query,
    const ngx_str_t *domain)
{
    time_t   since;
    int32_t  day;

    since = ngx_http_tlsrpt_scope_since(r, ngx_http_tlsrpt_str(domain));
    day = tlsrpt_day_of(since);

    if (since && day > query->oldest) {
        query->oldest = day;
    }
}


int
ngx_http_tlsrpt_paging_param(ngx_http_tlsrpt_paging_t *paging,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    ngx_int_t  limit;

    if (tlsrpt_param_is(name, "cursor")) {
        return ngx_http_tlsrpt_paging_cursor(paging, value, error);
    }

    if (!tlsrpt_param_is(name, "limit")) {
        return tlsrpt_param_unknown(error, name);
    }

    limit = ngx_atoi((u_char *) value.data, value.len);

    if (limit < 1 || limit > NGX_HTTP_TLSRPT_PAGING_MAX) {
        return tlsrpt_param_fail(error, name, "not a number from 1 to 1000");
    }

    paging->limit = (ngx_uint_t) limit;

    return TLSRPT_OK;
}


/* An empty one is none either: its pointer is not NULL. */

static int
ngx_http_tlsrpt_paging_cursor(ngx_http_tlsrpt_paging_t *paging,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    u_char  *p;

    p = ngx_pnalloc(paging->request->pool, value.len + 1);
    if (p == NULL) {
        ngx_memzero(error, sizeof(tlsrpt_error_t));
        error->code = TLSRPT_ERR_MEMORY;
        return TLSRPT_ERR_MEMORY;
    }

    ngx_memcpy(p, value.data, value.len);
    p[value.len] = '\0';

    paging->cursor.data = (char *) p;
    paging->cursor.len = value.len;

    return TLSRPT_OK;
}


ngx_int_t
ngx_http_tlsrpt_paging_refuse(ngx_http_request_t *r)
{
    tlsrpt_error_t  error;

    (void) tlsrpt_param_fail(&error, TLSRPT_STR("cursor"),
                             "not a \"next\" of this list");

    return ngx_http_tlsrpt_error_of(r, &error);
}
