/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_served.h"


ngx_int_t
ngx_http_tlsrpt_configured_policy(ngx_http_request_t *r,
    const ngx_str_t *domain, mta_sts_policy_t *policy)
{
    ngx_http_mta_sts_main_conf_t  *mmcf;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_mta_sts_module);

    if (ngx_http_mta_sts_find(mmcf, domain->data, domain->len) == NULL) {
        return NGX_DECLINED;
    }

    return ngx_http_mta_sts_content(mmcf, domain, policy);
}


ngx_int_t
ngx_http_tlsrpt_served(ngx_http_request_t *r, const tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *other, int64_t now, tlsrpt_served_t *served)
{
    ngx_str_t         name;
    mta_sts_policy_t  policy;

    ngx_memzero(served, sizeof(tlsrpt_served_t));

    name.data = (u_char *) e->same_as.data;
    name.len = e->same_as.len;

    if (!tlsrpt_enrolment_follows(e)
        || !ngx_http_tlsrpt_domain_configured(&name))
    {
        return tlsrpt_served_read(served, e, other, now) == 0 ? NGX_OK
                                                              : NGX_ERROR;
    }

    if (ngx_http_tlsrpt_configured_policy(r, &name, &policy) != NGX_OK) {
        return NGX_OK;
    }

    return tlsrpt_served_of(served, &policy) == 0 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_tlsrpt_provider(ngx_http_request_t *r, tlsrpt_provider_t *provider)
{
    ngx_str_t                    *uris;
    ngx_uint_t                    i;
    tlsrpt_str_t                 *copies;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    ngx_memzero(provider, sizeof(tlsrpt_provider_t));

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    if (tmcf->zone.len) {
        provider->zone = ngx_http_tlsrpt_str(&tmcf->zone);
    }

    if (tmcf->report_uris == NULL) {
        return NGX_OK;
    }

    provider->nuris = tmcf->report_uris->nelts;

    copies = ngx_palloc(r->pool, provider->nuris * sizeof(tlsrpt_str_t));
    if (copies == NULL) {
        return NGX_ERROR;
    }

    uris = tmcf->report_uris->elts;

    for (i = 0; i < provider->nuris; i++) {
        copies[i] = ngx_http_tlsrpt_str(&uris[i]);
    }

    provider->uris = copies;

    return NGX_OK;
}
