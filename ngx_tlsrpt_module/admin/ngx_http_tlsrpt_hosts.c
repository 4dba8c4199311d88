/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_hosts.h"
#include "ngx_http_tlsrpt_leads.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_roll.h"
#include "ngx_http_tlsrpt_send.h"
#include "ngx_http_tlsrpt_served.h"
#include "ngx_http_tlsrpt_text.h"


#define NGX_HTTP_TLSRPT_HOST      "mta-sts."            /* RFC 8461 3.3 */
#define NGX_HTTP_TLSRPT_HOST_LEN  (sizeof(NGX_HTTP_TLSRPT_HOST) - 1)


typedef struct {
    ngx_http_request_t       *request;
    ngx_http_tlsrpt_admin_t   admin;
    ngx_http_tlsrpt_roll_t    roll;
    ngx_http_tlsrpt_leads_t   leads;
    ngx_str_t                 domain;       /* of the host that is asked for */
    ngx_uint_t                asked;
    ngx_uint_t                may_lead;     /* that one */
    ngx_http_mta_sts_policy_t  *policy;     /* of the configuration: the last
                                               that was asked for */
    ngx_uint_t                looked;       /* all were asked for */
    tlsrpt_provider_t         provider;     /* of the zone */
    ngx_uint_t                begun;
    ngx_http_tlsrpt_text_t    text;
    tlsrpt_buf_t              buf;
} ngx_http_tlsrpt_hosts_t;


static ngx_http_tlsrpt_hosts_t *ngx_http_tlsrpt_hosts_create(
    ngx_http_request_t *r, const ngx_http_tlsrpt_roll_type_t *type);
static int ngx_http_tlsrpt_hosts_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_hosts_is_one(ngx_http_request_t *r,
    ngx_http_tlsrpt_hosts_t *hosts);
static ngx_int_t ngx_http_tlsrpt_hosts_is_enrolled(
    ngx_http_tlsrpt_enrolled_t *en, const tlsrpt_enrolment_t *shown);
static ngx_int_t ngx_http_tlsrpt_hosts_none(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_hosts_send(ngx_http_request_t *r,
    const ngx_str_t *domain);
static ngx_int_t ngx_http_tlsrpt_hosts_look(ngx_http_tlsrpt_hosts_t *hosts);
static ngx_int_t ngx_http_tlsrpt_hosts_look_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_hosts_look_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_hosts_look_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_hosts_look_end(void *data);
static void ngx_http_tlsrpt_hosts_add(ngx_http_tlsrpt_hosts_t *hosts,
    const void *domain, size_t len);
static ngx_int_t ngx_http_tlsrpt_hosts_one(void *data,
    const ngx_http_tlsrpt_roll_one_t *one);
static ngx_int_t ngx_http_tlsrpt_zone_one(void *data,
    const ngx_http_tlsrpt_roll_one_t *one);
static ngx_int_t ngx_http_tlsrpt_zone_begins(ngx_http_tlsrpt_hosts_t *hosts);
static ngx_int_t ngx_http_tlsrpt_zone_done(void *data, ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_hosts_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_hosts_cleanup(void *data);


/* Where the hosts lead: one alone, or those of the configuration. */
static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_hosts_looked = {
    ngx_http_tlsrpt_hosts_look_next,
    ngx_http_tlsrpt_hosts_look_reply,
    NULL,
    ngx_http_tlsrpt_hosts_look_done,
    ngx_http_tlsrpt_hosts_look_end
};

static const ngx_http_tlsrpt_roll_type_t  ngx_http_tlsrpt_hosts_roll = {
    ngx_http_tlsrpt_hosts_one,
    ngx_http_tlsrpt_hosts_done,
    NULL
};

static const ngx_http_tlsrpt_roll_type_t  ngx_http_tlsrpt_zone_roll = {
    ngx_http_tlsrpt_zone_one,
    ngx_http_tlsrpt_zone_done,
    NULL
};


ngx_int_t
ngx_http_tlsrpt_hosts(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin)
{
    tlsrpt_error_t            error;
    ngx_http_tlsrpt_hosts_t  *hosts;

    hosts = ngx_http_tlsrpt_hosts_create(r, &ngx_http_tlsrpt_hosts_roll);
    if (hosts == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_hosts_param, hosts, &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    if (hosts->asked) {
        return ngx_http_tlsrpt_hosts_is_one(r, hosts);
    }

    hosts->roll.leads = &hosts->leads;

    return ngx_http_tlsrpt_hosts_look(hosts);
}


static ngx_http_tlsrpt_hosts_t *
ngx_http_tlsrpt_hosts_create(ngx_http_request_t *r,
    const ngx_http_tlsrpt_roll_type_t *type)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_tlsrpt_hosts_t  *hosts;

    hosts = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_hosts_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (hosts == NULL || cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_tlsrpt_hosts_cleanup;
    cln->data = hosts;

    hosts->request = r;
    hosts->roll.type = type;
    hosts->roll.data = hosts;
    hosts->roll.page = TLSRPT_REGISTRY_PAGE / 4;

    return hosts;
}


/* A host that is none of a policy is not one that needs a certificate. */

static int
ngx_http_tlsrpt_hosts_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    char    host[TLSRPT_DOMAIN_LEN + 1];
    size_t  len;

    if (!tlsrpt_param_is(name, "domain")) {
        return tlsrpt_param_unknown(error, name);
    }

    hosts->asked = 1;

    len = tlsrpt_domain_normalize(value.data, value.len, host);

    if (len <= NGX_HTTP_TLSRPT_HOST_LEN
        || ngx_memcmp(host, NGX_HTTP_TLSRPT_HOST, NGX_HTTP_TLSRPT_HOST_LEN)
           != 0)
    {
        return TLSRPT_OK;
    }

    len -= NGX_HTTP_TLSRPT_HOST_LEN;

    hosts->domain.data = ngx_pnalloc(hosts->request->pool, len);
    if (hosts->domain.data == NULL) {
        ngx_memzero(error, sizeof(tlsrpt_error_t));
        error->code = TLSRPT_ERR_MEMORY;
        return TLSRPT_ERR_MEMORY;
    }

    hosts->domain.len = len;
    ngx_memcpy(hosts->domain.data, host + NGX_HTTP_TLSRPT_HOST_LEN, len);

    return TLSRPT_OK;
}


/* ?domain=HOST */

static ngx_int_t
ngx_http_tlsrpt_hosts_is_one(ngx_http_request_t *r,
    ngx_http_tlsrpt_hosts_t *hosts)
{
    ngx_http_mta_sts_main_conf_t  *mmcf;

    if (hosts->domain.len == 0) {
        return ngx_http_tlsrpt_hosts_none(r);
    }

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_mta_sts_module);

    if (ngx_http_mta_sts_find(mmcf, hosts->domain.data, hosts->domain.len)) {
        return ngx_http_tlsrpt_hosts_look(hosts);
    }

    /* whoever holds it: as the operator sees it */

    hosts->admin.domain = hosts->domain;

    return ngx_http_tlsrpt_enrolled(r, &hosts->admin,
                                    ngx_http_tlsrpt_hosts_is_enrolled);
}


static ngx_int_t
ngx_http_tlsrpt_hosts_is_enrolled(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown)
{
    int                       is_served;
    tlsrpt_served_t           served;
    ngx_http_tlsrpt_hosts_t  *hosts;

    is_served = 0;

    if (shown->state != TLSRPT_PENDING) {

        if (ngx_http_tlsrpt_enrolled_served(en, shown, &served) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        is_served = served.is_served;
        tlsrpt_served_free(&served);
    }

    if (!is_served) {
        return ngx_http_tlsrpt_hosts_none(en->request);
    }

    hosts = ngx_http_tlsrpt_hosts_create(en->request,
                                         &ngx_http_tlsrpt_hosts_roll);
    if (hosts == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    hosts->domain = en->admin->domain;

    return ngx_http_tlsrpt_hosts_look(hosts);
}


static ngx_int_t
ngx_http_tlsrpt_hosts_none(ngx_http_request_t *r)
{
    return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                 "no host of a policy that leads here");
}


static ngx_int_t
ngx_http_tlsrpt_hosts_send(ngx_http_request_t *r, const ngx_str_t *domain)
{
    size_t   len;
    u_char  *text;

    len = NGX_HTTP_TLSRPT_HOST_LEN + domain->len + 1;

    text = ngx_pnalloc(r->pool, len);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    (void) ngx_sprintf(text, NGX_HTTP_TLSRPT_HOST "%V\n", domain);

    return ngx_http_tlsrpt_send(r, NGX_HTTP_OK, "text/plain; charset=utf-8",
                                text, len);
}


/* Where they lead */

static ngx_int_t
ngx_http_tlsrpt_hosts_look(ngx_http_tlsrpt_hosts_t *hosts)
{
    if (ngx_http_tlsrpt_leads_begin(hosts->request, &hosts->leads) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_fetch(hosts->request, &ngx_http_tlsrpt_hosts_looked,
                                 hosts);
}


static ngx_int_t
ngx_http_tlsrpt_hosts_look_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    ngx_int_t                      rc;
    ngx_str_t                      domain;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    ask->item = NULL;

    rc = ngx_http_tlsrpt_leads_next(&hosts->leads, ask);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (hosts->looked) {
        return NGX_DONE;
    }

    domain = hosts->domain;
    hosts->looked = (domain.len > 0);

    if (!hosts->looked) {
        mmcf = ngx_http_get_module_main_conf(hosts->request,
                                             ngx_http_mta_sts_module);

        hosts->policy = ngx_http_mta_sts_next(mmcf, hosts->policy);
        hosts->looked = (hosts->policy == NULL);

        if (hosts->looked) {
            return NGX_DONE;
        }

        domain = ngx_http_mta_sts_policy_domain(hosts->policy);
    }

    ask->item = hosts->policy ? (void *) hosts->policy : hosts;
    ask->command = ngx_http_tlsrpt_leads_ask(&hosts->leads,
                                             ngx_http_tlsrpt_str(&domain));

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_hosts_look_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    ngx_str_t  domain;

    if (ask->item == NULL) {
        return ngx_http_tlsrpt_leads_reply(&hosts->leads, reply);
    }

    hosts->may_lead = ngx_http_tlsrpt_leads_may(&hosts->leads, reply);

    if (ask->item != hosts && hosts->may_lead) {
        domain = ngx_http_mta_sts_policy_domain(ask->item);
        ngx_http_tlsrpt_hosts_add(hosts, domain.data, domain.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_hosts_look_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    if (hosts->domain.len == 0) {
        return ngx_http_tlsrpt_roll(r, &hosts->roll);
    }

    return hosts->may_lead ? ngx_http_tlsrpt_hosts_send(r, &hosts->domain)
                           : ngx_http_tlsrpt_hosts_none(r);
}


/* What it was made from is needed for the enrolled ones. */

static void
ngx_http_tlsrpt_hosts_look_end(void *data)
{
}


/* All */

static void
ngx_http_tlsrpt_hosts_add(ngx_http_tlsrpt_hosts_t *hosts, const void *domain,
    size_t len)
{
    tlsrpt_buf_add(&hosts->buf, NGX_HTTP_TLSRPT_HOST,
                   NGX_HTTP_TLSRPT_HOST_LEN);
    tlsrpt_buf_add(&hosts->buf, domain, len);
    tlsrpt_buf_add(&hosts->buf, "\n", 1);
}


static ngx_int_t
ngx_http_tlsrpt_hosts_one(void *data, const ngx_http_tlsrpt_roll_one_t *one)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    int                            is_served;
    tlsrpt_served_t                served;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    if (one->record->holder == NULL || !one->leads) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_roll_served(&hosts->roll, one, one->record->holder,
                                    &served)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    is_served = served.is_served;
    tlsrpt_served_free(&served);

    mmcf = ngx_http_get_module_main_conf(hosts->request,
                                         ngx_http_mta_sts_module);

    if (is_served
        && ngx_http_mta_sts_find(mmcf, (u_char *) one->domain.data,
                                 one->domain.len)
           == NULL)
    {
        ngx_http_tlsrpt_hosts_add(hosts, one->domain.data, one->domain.len);
    }

    return ngx_http_tlsrpt_text_spill(hosts->request, &hosts->text,
                                      &hosts->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY);
}


static ngx_int_t
ngx_http_tlsrpt_hosts_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    tlsrpt_buf_t  *buf;

    buf = &hosts->buf;

    return ngx_http_tlsrpt_text_send(r, "text/plain; charset=utf-8",
                                     &hosts->text, &buf, 1);
}


static void
ngx_http_tlsrpt_hosts_cleanup(void *data)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    tlsrpt_buf_free(&hosts->buf);
}


/* The provider's zone */

ngx_int_t
ngx_http_tlsrpt_zone_text(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    tlsrpt_error_t            error;
    ngx_http_tlsrpt_hosts_t  *hosts;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    hosts = ngx_http_tlsrpt_hosts_create(r, &ngx_http_tlsrpt_zone_roll);

    if (hosts == NULL
        || ngx_http_tlsrpt_provider(r, &hosts->provider) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (hosts->provider.zone.data == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "tlsrpt_zone is not set");
    }

    return ngx_http_tlsrpt_roll(r, &hosts->roll);
}


static ngx_int_t
ngx_http_tlsrpt_zone_one(void *data, const ngx_http_tlsrpt_roll_one_t *one)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    int              rc;
    tlsrpt_served_t  served;

    if (one->record->holder == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_zone_begins(hosts) != NGX_OK
        || ngx_http_tlsrpt_roll_served(&hosts->roll, one, one->record->holder,
                                       &served)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = tlsrpt_zone_add(&hosts->provider, one->record->holder, one->domain,
                         &served, &hosts->buf);
    tlsrpt_served_free(&served);

    return rc == 0 ? ngx_http_tlsrpt_text_spill(hosts->request, &hosts->text,
                                                &hosts->buf,
                                                NGX_HTTP_TLSRPT_TEXT_MEMORY)
                   : NGX_ERROR;
}


/* Once; the version is known by then. */

static ngx_int_t
ngx_http_tlsrpt_zone_begins(ngx_http_tlsrpt_hosts_t *hosts)
{
    if (hosts->begun) {
        return NGX_OK;
    }

    hosts->begun = 1;

    return tlsrpt_zone_begin(&hosts->provider, hosts->roll.version,
                             &hosts->buf)
           == 0 ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_tlsrpt_zone_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_hosts_t *hosts = data;

    if (ngx_http_tlsrpt_zone_begins(hosts) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_hosts_done(data, r);
}
