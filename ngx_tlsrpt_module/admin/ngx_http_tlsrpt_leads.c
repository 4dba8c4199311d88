/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where our own names lead is looked at by rspamd, too: whoever asks for
 * certificates says which names these are.
 */

#include "ngx_http_tlsrpt_leads.h"
#include "ngx_http_tlsrpt_served.h"


#define NGX_HTTP_TLSRPT_LEADS_NAMED  (30 * 86400)   /* seconds: this is kept */


/* What is asked, in this order. */
enum {
    NGX_HTTP_TLSRPT_LEADS_TIME = 0,
    NGX_HTTP_TLSRPT_LEADS_NAME,             /* what is ours */
    NGX_HTTP_TLSRPT_LEADS_KEEP,
    NGX_HTTP_TLSRPT_LEADS_OURS,             /* where it leads */
    NGX_HTTP_TLSRPT_LEADS_KNOWN
};


static void ngx_http_tlsrpt_leads_names(ngx_http_tlsrpt_leads_t *leads,
    const char *key, const char *command, ngx_uint_t timed);
static void ngx_http_tlsrpt_leads_keep(ngx_http_tlsrpt_leads_t *leads);
static ngx_int_t ngx_http_tlsrpt_leads_seen(ngx_http_tlsrpt_leads_t *leads,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_leads_cleanup(void *data);


ngx_int_t
ngx_http_tlsrpt_leads_begin(ngx_http_request_t *r,
    ngx_http_tlsrpt_leads_t *leads)
{
    tlsrpt_provider_t    provider;
    ngx_pool_cleanup_t  *cln;

    leads->request = r;

    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (cln == NULL || ngx_http_tlsrpt_provider(r, &provider) != NGX_OK) {
        return NGX_ERROR;
    }

    tlsrpt_leads_names(&leads->ours, provider.uris, provider.nuris,
                       provider.zone);

    cln->handler = ngx_http_tlsrpt_leads_cleanup;
    cln->data = leads;

    return NGX_OK;
}


static void
ngx_http_tlsrpt_leads_cleanup(void *data)
{
    ngx_http_tlsrpt_leads_t *leads = data;

    tlsrpt_leads_free(&leads->ours);
}


ngx_int_t
ngx_http_tlsrpt_leads_next(ngx_http_tlsrpt_leads_t *leads,
    ngx_http_tlsrpt_ask_t *ask)
{
    if (leads->asked) {
        return NGX_DONE;
    }

    ask->command = &leads->read.command;

    switch (leads->step) {

    case NGX_HTTP_TLSRPT_LEADS_TIME:
        ask->command = &tlsrpt_command_time;
        break;

    case NGX_HTTP_TLSRPT_LEADS_NAME:
        ngx_http_tlsrpt_leads_names(leads, TLSRPT_LEADS_HOSTS, "ZADD", 1);
        break;

    case NGX_HTTP_TLSRPT_LEADS_KEEP:
        ngx_http_tlsrpt_leads_keep(leads);
        break;

    case NGX_HTTP_TLSRPT_LEADS_OURS:
        ngx_http_tlsrpt_leads_names(leads, TLSRPT_LEADS_HERE, "HMGET", 0);
        break;

    default: /* NGX_HTTP_TLSRPT_LEADS_KNOWN */
        return NGX_DECLINED;
    }

    leads->asked = 1;

    return NGX_OK;
}


/* Of all our names; each with the time before it, or alone. */

static void
ngx_http_tlsrpt_leads_names(ngx_http_tlsrpt_leads_t *leads, const char *key,
    const char *command, ngx_uint_t timed)
{
    ngx_uint_t          i;
    tlsrpt_key_read_t  *read;

    read = &leads->read;

    tlsrpt_key_checks(&read->key, ngx_http_tlsrpt_prefix(leads->request), key);
    tlsrpt_key_ask(read, command);

    for (i = 0; i < leads->ours.n; i++) {
        if (timed) {
            tlsrpt_key_ask_number(read, leads->now);
        }

        tlsrpt_key_ask_for(read, leads->ours.name[i], leads->ours.len[i]);
    }
}


static void
ngx_http_tlsrpt_leads_keep(ngx_http_tlsrpt_leads_t *leads)
{
    tlsrpt_key_checks(&leads->read.key,
                      ngx_http_tlsrpt_prefix(leads->request),
                      TLSRPT_LEADS_HOSTS);
    tlsrpt_key_ask(&leads->read, "EXPIRE");
    tlsrpt_key_ask_number(&leads->read, NGX_HTTP_TLSRPT_LEADS_NAMED);
}


ngx_int_t
ngx_http_tlsrpt_leads_reply(ngx_http_tlsrpt_leads_t *leads,
    const tlsrpt_reply_t *reply)
{
    leads->asked = 0;

    switch (leads->step++) {

    case NGX_HTTP_TLSRPT_LEADS_TIME:
        if (leads->ours.n == 0) {
            leads->step = NGX_HTTP_TLSRPT_LEADS_KNOWN;
        }

        return tlsrpt_reply_seconds(reply, &leads->now) == 0
               ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_TLSRPT_LEADS_OURS:
        return ngx_http_tlsrpt_leads_seen(leads, reply);

    default: /* ..._NAME, ..._KEEP */
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_tlsrpt_leads_seen(ngx_http_tlsrpt_leads_t *leads,
    const tlsrpt_reply_t *reply)
{
    ngx_uint_t             i;
    const tlsrpt_reply_t  *seen;

    if (reply->type != TLSRPT_REPLY_ARRAY
        || reply->nelements != leads->ours.n)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < leads->ours.n; i++) {
        seen = reply->elements[i];

        if (seen->type == TLSRPT_REPLY_STRING) {
            tlsrpt_leads_seen(&leads->ours, i,
                              (tlsrpt_str_t) { seen->str, seen->len });
        }
    }

    return NGX_OK;
}


const tlsrpt_command_t *
ngx_http_tlsrpt_leads_ask(ngx_http_tlsrpt_leads_t *leads, tlsrpt_str_t domain)
{
    tlsrpt_key_domain(&leads->read.key,
                      ngx_http_tlsrpt_prefix(leads->request), domain,
                      TLSRPT_SEEN_KEY);

    return tlsrpt_key_read(&leads->read, "GET", NULL, 0);
}


ngx_uint_t
ngx_http_tlsrpt_leads_may(ngx_http_tlsrpt_leads_t *leads,
    const tlsrpt_reply_t *reply)
{
    tlsrpt_str_t  check = { "", 0 };

    if (reply->type == TLSRPT_REPLY_STRING) {
        check = (tlsrpt_str_t) { reply->str, reply->len };
    }

    return tlsrpt_leads(&leads->ours, check, leads->now) != TLSRPT_SEEN_NO;
}
