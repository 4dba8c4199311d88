/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/records and BASE/domains/D/policy: what the owner of the
 * domain publishes, as the configuration has it, or the registry.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_lookup.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_query.h"
#include "ngx_http_tlsrpt_report_uri.h"
#include "ngx_http_tlsrpt_scope.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_setup.h"
#include "tlsrpt_policy_past.h"


static ngx_int_t ngx_http_tlsrpt_records_served(ngx_http_request_t *r,
    ngx_str_t *domain, ngx_http_mta_sts_served_t *served);
static ngx_http_tlsrpt_domain_t *ngx_http_tlsrpt_records_token(
    ngx_http_request_t *r, ngx_str_t *domain);
static ngx_uint_t ngx_http_tlsrpt_records_refused(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target, ngx_int_t *rc);
static ngx_int_t ngx_http_tlsrpt_records_now(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target, json_t *records, ngx_uint_t steps);
static json_t *ngx_http_tlsrpt_records_json(ngx_http_request_t *r,
    ngx_str_t *domain);
static ngx_int_t ngx_http_tlsrpt_records_uris(ngx_http_request_t *r,
    ngx_str_t *domain, tlsrpt_dns_domain_t *dns);

static json_t *ngx_http_tlsrpt_policy_json(ngx_http_request_t *r,
    ngx_str_t *domain);
static json_t *ngx_http_tlsrpt_policy_served(
    const ngx_http_mta_sts_served_t *served, json_t *advice);


enum {
    NGX_HTTP_TLSRPT_RECORDS_JSON = 0,
    NGX_HTTP_TLSRPT_RECORDS_TEXT,
    NGX_HTTP_TLSRPT_RECORDS_NTYPES
};

static const ngx_str_t  ngx_http_tlsrpt_records_media[] = {
    ngx_string("application/json"),
    ngx_string("text/plain")
};

const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_records_types = {
    ngx_http_tlsrpt_records_media, NGX_HTTP_TLSRPT_RECORDS_NTYPES,
    "there are application/json and text/plain"
};


ngx_int_t
ngx_http_tlsrpt_records_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    char       *text;
    json_t     *json;
    size_t      len;
    ngx_int_t   rc;

    if (ngx_http_tlsrpt_records_refused(r, target, &rc)) {
        return rc;
    }

    json = ngx_http_tlsrpt_records_json(r, &target->domain);

    if (target->type == NGX_HTTP_TLSRPT_RECORDS_JSON || json == NULL) {
        return ngx_http_tlsrpt_records_now(r, target, json, 0);
    }

    text = tlsrpt_dns_zone(json, &len);
    json_decref(json);

    return ngx_http_tlsrpt_answer_text(r, "text/plain; charset=utf-8", text,
                                       len);
}


ngx_int_t
ngx_http_tlsrpt_setup_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t  rc;

    if (ngx_http_tlsrpt_records_refused(r, target, &rc)) {
        return rc;
    }

    return ngx_http_tlsrpt_records_now(r, target,
               ngx_http_tlsrpt_records_json(r, &target->domain), 1);
}


/* With what the last check saw, where there is a Redis to have it. */

static ngx_int_t
ngx_http_tlsrpt_records_now(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target, json_t *records, ngx_uint_t steps)
{
    tlsrpt_setup_ask_t            ask;
    ngx_http_mta_sts_served_t     served;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    if (records == NULL || (tmcf->redis.naddrs == 0 && !steps)) {
        return ngx_http_tlsrpt_answer_json(r, records);
    }

    ngx_memzero(&ask, sizeof(tlsrpt_setup_ask_t));

    ask.domain = ngx_http_tlsrpt_str(&target->domain);
    ask.prefix = ngx_http_tlsrpt_prefix(r);
    ask.records = records;
    ask.is_pending = !ngx_http_tlsrpt_visible(r, ask.domain, 0);
    ask.steps = (int) steps;
    ask.now = ngx_time();
    ask.since = ngx_http_tlsrpt_scope_since(r, ask.domain);

    if (ngx_http_tlsrpt_records_served(r, &target->domain, &served) == NGX_OK)
    {
        ask.policy_id = ngx_http_tlsrpt_str(&served.id);
        ask.mode = (int) served.mode;
    }

    return ngx_http_tlsrpt_lookup(r, NULL, tlsrpt_setup_create(&ask), 0);
}


ngx_int_t
ngx_http_tlsrpt_policy_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    json_t          *json;
    ngx_int_t        rc;
    tlsrpt_query_t   query;

    if (ngx_http_tlsrpt_records_refused(r, target, &rc)) {
        return rc;
    }

    json = ngx_http_tlsrpt_policy_json(r, &target->domain);

    if (!ngx_http_tlsrpt_visible(r, ngx_http_tlsrpt_str(&target->domain), 0)) {
        return ngx_http_tlsrpt_answer_json(r, json);
    }

    rc = ngx_http_tlsrpt_query_days(r, &query, &target->domain);

    if (rc != NGX_DECLINED) {
        json_decref(json);
        return rc;
    }

    return ngx_http_tlsrpt_lookup(r, &target->domain,
               tlsrpt_policy_past_create(&query,
                                         ngx_http_tlsrpt_str(&target->domain),
                                         ngx_http_tlsrpt_prefix(r), ngx_time(),
                                         json), 0);
}


/* Both are of the configuration or the registry: a domain of which Redis has
   counts alone, from another time or node, has none here.  rc: of the
   refusal. */

static ngx_uint_t
ngx_http_tlsrpt_records_refused(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target, ngx_int_t *rc)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        *rc = ngx_http_tlsrpt_error_of(r, &error);
        return 1;
    }

    if (!ngx_http_tlsrpt_visible(r, ngx_http_tlsrpt_str(&target->domain), 0)
        && !ngx_http_tlsrpt_scope_waits(r,
                               ngx_http_tlsrpt_str(&target->domain), NULL))
    {
        *rc = ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                    "no such domain");
        return 1;
    }

    return 0;
}


static json_t *
ngx_http_tlsrpt_records_json(ngx_http_request_t *r, ngx_str_t *domain)
{
    tlsrpt_dns_domain_t        dns;
    ngx_http_mta_sts_served_t  served;

    ngx_memzero(&dns, sizeof(tlsrpt_dns_domain_t));

    dns.domain = ngx_http_tlsrpt_str(domain);

    if (ngx_http_tlsrpt_records_uris(r, domain, &dns) != NGX_OK) {
        return NULL;
    }

    if (ngx_http_tlsrpt_records_served(r, domain, &served) == NGX_OK) {
        dns.policy_id = ngx_http_tlsrpt_str(&served.id);
        dns.mode = (int) served.mode;
    }

    return tlsrpt_dns_records(&dns);
}


/* What another has for a domain is not told to who waits for it. */

static ngx_int_t
ngx_http_tlsrpt_records_served(ngx_http_request_t *r, ngx_str_t *domain,
    ngx_http_mta_sts_served_t *served)
{
    return ngx_http_tlsrpt_visible(r, ngx_http_tlsrpt_str(domain), 0)
           ? ngx_http_mta_sts_request_served(r, domain, served)
           : NGX_DECLINED;
}


/* Of one that waits, the enrolment's own token. */

static ngx_http_tlsrpt_domain_t *
ngx_http_tlsrpt_records_token(ngx_http_request_t *r, ngx_str_t *domain)
{
    ngx_http_tlsrpt_domain_t      *waits;
    ngx_http_tlsrpt_registered_t   e;

    if (ngx_http_tlsrpt_visible(r, ngx_http_tlsrpt_str(domain), 0)) {
        return ngx_http_tlsrpt_accepted_token_of(r, domain);
    }

    waits = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_domain_t));

    if (waits == NULL
        || !ngx_http_tlsrpt_scope_waits(r, ngx_http_tlsrpt_str(domain), &e))
    {
        return NULL;
    }

    waits->name = e.name;
    waits->token = e.token;
    waits->enrolled = 1;

    return waits;
}


static ngx_int_t
ngx_http_tlsrpt_records_uris(ngx_http_request_t *r, ngx_str_t *domain,
    tlsrpt_dns_domain_t *dns)
{
    ngx_str_t                    *uris;
    ngx_uint_t                    i;
    ngx_http_tlsrpt_domain_t     *known;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    if (tmcf->report_uris == NULL) {
        return NGX_OK;
    }

    known = ngx_http_tlsrpt_records_token(r, domain);

    uris = tmcf->report_uris->elts;

    for (i = 0; i < tmcf->report_uris->nelts; i++) {
        if (ngx_http_tlsrpt_report_uri_of(&uris[i], known, r->pool,
                                          &dns->rua[dns->nrua++])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static json_t *
ngx_http_tlsrpt_policy_json(ngx_http_request_t *r, ngx_str_t *domain)
{
    json_t                     *advice, *policy;
    ngx_http_mta_sts_served_t   served;

    advice = json_array();

    if (ngx_http_tlsrpt_records_served(r, domain, &served) == NGX_OK) {
        policy = ngx_http_tlsrpt_policy_served(&served, advice);

    } else {
        policy = json_null();
        json_array_append_new(advice,
                              json_string("No MTA-STS policy is served here "
                                          "for the domain."));
    }

    /* "o" takes them, also where it fails */

    return json_pack("{s:s%, s:o, s:o}", "domain", domain->data, domain->len,
                     "policy", policy, "advice", advice);
}


static void
ngx_http_tlsrpt_policy_remark(void *ctx, int is_error, size_t at,
    const char *section, const char *message)
{
    json_array_append_new(ctx, json_string(message));
}


static json_t *
ngx_http_tlsrpt_policy_served(const ngx_http_mta_sts_served_t *served,
    json_t *advice)
{
    json_t            *json;
    mta_sts_policy_t   policy;

    if (ngx_http_mta_sts_served_read(served, &policy,
                                     ngx_http_tlsrpt_policy_remark, advice)
        != NGX_OK)
    {
        return NULL;
    }

    json = ngx_http_tlsrpt_policy_members(&policy);

    if (json == NULL
        || json_object_set_new(json, "text",
                               json_stringn((char *) served->text.data,
                                            served->text.len))
           != 0
        || json_object_set_new(json, "id",
                               json_stringn((char *) served->id.data,
                                            served->id.len))
           != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


json_t *
ngx_http_tlsrpt_policy_members(const mta_sts_policy_t *policy)
{
    size_t   i;
    json_t  *mx;

    static const char *const  modes[] = { "none", "testing", "enforce" };

    mx = json_array();

    for (i = 0; mx && i < policy->nmx; i++) {
        if (json_array_append_new(mx, json_string(policy->mx[i])) != 0) {
            json_decref(mx);
            mx = NULL;
        }
    }

    return json_pack("{s:s, s:I, s:o}", "mode", modes[policy->mode],
                     "max-age", (json_int_t) policy->max_age, "mx", mx);
}
