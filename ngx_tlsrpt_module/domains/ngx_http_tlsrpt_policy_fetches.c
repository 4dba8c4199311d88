/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_policy_fetches.h"
#include "ngx_http_tlsrpt_policy_fetches_tell.h"
#include "tlsrpt_time.h"


static ngx_int_t ngx_http_tlsrpt_policy_fetches_handler(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_tlsrpt_policy_fetches_status(
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_tlsrpt_policy_fetches_known(ngx_http_request_t *r,
    ngx_str_t *domain);


static const ngx_str_t  ngx_http_tlsrpt_policy_path =
    ngx_string("/.well-known/mta-sts.txt");
static const ngx_str_t  ngx_http_tlsrpt_policy_host = ngx_string("mta-sts.");


ngx_int_t
ngx_http_tlsrpt_policy_fetches_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *handler;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tlsrpt_module);

    if (tmcf->redis.naddrs == 0) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_policy_fetches_zone_add(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_tlsrpt_policy_fetches_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_policy_fetches_handler(ngx_http_request_t *r)
{
    int32_t     day;
    ngx_str_t   domain, *host;
    ngx_uint_t  status;

    host = &r->headers_in.server;

    if (r->unparsed_uri.len != ngx_http_tlsrpt_policy_path.len
        || host->len <= ngx_http_tlsrpt_policy_host.len
        || ngx_memcmp(r->unparsed_uri.data, ngx_http_tlsrpt_policy_path.data,
                      ngx_http_tlsrpt_policy_path.len)
           != 0
        || ngx_memcmp(host->data, ngx_http_tlsrpt_policy_host.data,
                      ngx_http_tlsrpt_policy_host.len)
           != 0
        || ngx_http_tlsrpt_policy_fetches == NULL)
    {
        return NGX_OK;
    }

    domain.data = host->data + ngx_http_tlsrpt_policy_host.len;
    domain.len = host->len - ngx_http_tlsrpt_policy_host.len;
    status = ngx_http_tlsrpt_policy_fetches_status(r);

    if (domain.len > TLSRPT_DOMAIN_LEN || status == 0) {
        return NGX_OK;
    }

    day = tlsrpt_day_of(ngx_time());

    if (ngx_http_tlsrpt_policy_fetches_count(&domain, day, status, 0)
        || (ngx_http_tlsrpt_policy_fetches_known(r, &domain)
            && ngx_http_tlsrpt_policy_fetches_count(&domain, day, status, 1)))
    {
        ngx_http_tlsrpt_policy_fetches_wait();
    }

    return NGX_OK;
}


/* As the access log has it; 0: of no interest.  No sender asks by HTTP, which
   is mostly sent on to HTTPS (RFC 8461 3.3: HTTPS alone, no redirects). */

static ngx_uint_t
ngx_http_tlsrpt_policy_fetches_status(ngx_http_request_t *r)
{
    ngx_uint_t  status;

    status = r->err_status ? r->err_status : r->headers_out.status;

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        return status;
    }
#endif

    return (status >= 300 && status < 400) ? 0 : status;
}


/* Of what is below a ".NAME", which strangers can invent, none is. */

static ngx_uint_t
ngx_http_tlsrpt_policy_fetches_known(ngx_http_request_t *r, ngx_str_t *domain)
{
    ngx_http_tlsrpt_domain_t     *accepted;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);
    accepted = ngx_http_tlsrpt_domain_find(&tmcf->accepted,
                                           (char *) domain->data, domain->len);

    return (accepted && accepted->name.len == domain->len)
           || ngx_http_mta_sts_find(ngx_http_get_module_main_conf(r,
                                        ngx_http_mta_sts_module),
                                    domain->data, domain->len)
           || ngx_http_tlsrpt_registry_holds(domain);
}
