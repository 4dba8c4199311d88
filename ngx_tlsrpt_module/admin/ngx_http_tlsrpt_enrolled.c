/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_enrolled.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_served.h"
#include "tlsrpt_seen.h"


/* What is read, in this order. */
enum {
    NGX_HTTP_TLSRPT_ENROLLED_TIME = 0,
    NGX_HTTP_TLSRPT_ENROLLED_RECORD,
    NGX_HTTP_TLSRPT_ENROLLED_NEXT,
    NGX_HTTP_TLSRPT_ENROLLED_WAS,
    NGX_HTTP_TLSRPT_ENROLLED_WAS_SERVED,    /* where that is configured */
    NGX_HTTP_TLSRPT_ENROLLED_FOLLOWERS,
    NGX_HTTP_TLSRPT_ENROLLED_MINE,
    NGX_HTTP_TLSRPT_ENROLLED_ALL
};

typedef struct {
    ngx_http_tlsrpt_enrolled_t    en;
    ngx_http_tlsrpt_enrolled_pt   then;
} ngx_http_tlsrpt_enrolled_ctx_t;


static const tlsrpt_command_t *ngx_http_tlsrpt_enrolled_command(
    ngx_http_tlsrpt_enrolled_t *en);
static const tlsrpt_command_t *ngx_http_tlsrpt_enrolled_ask(
    ngx_http_tlsrpt_enrolled_t *en, const char *name, size_t len);
static ngx_int_t ngx_http_tlsrpt_enrolled_record(
    ngx_http_tlsrpt_enrolled_t *en, const tlsrpt_reply_t *reply,
    tlsrpt_registry_record_t **record);
static ngx_int_t ngx_http_tlsrpt_enrolled_follower(
    ngx_http_tlsrpt_enrolled_t *en, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_enrolled_mine(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_enrolled_was_served(
    ngx_http_tlsrpt_enrolled_t *en, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_enrolled_was(ngx_http_tlsrpt_enrolled_t *en);
static const tlsrpt_other_t *ngx_http_tlsrpt_enrolled_other(
    ngx_http_tlsrpt_enrolled_t *en, const ngx_str_t *name,
    tlsrpt_registry_record_t *record, tlsrpt_other_t *other);

static ngx_int_t ngx_http_tlsrpt_enrolled_fetch_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_enrolled_fetch_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_enrolled_fetch_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_enrolled_fetch_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_enrolled_fetch = {
    ngx_http_tlsrpt_enrolled_fetch_next,
    ngx_http_tlsrpt_enrolled_fetch_reply,
    NULL,
    ngx_http_tlsrpt_enrolled_fetch_done,
    ngx_http_tlsrpt_enrolled_fetch_destroy
};

void
ngx_http_tlsrpt_enrolled_begin(ngx_http_tlsrpt_enrolled_t *en)
{
    ngx_http_tlsrpt_enrolled_free(en);

    en->how.domain = ngx_http_tlsrpt_str(&en->admin->domain);
    en->how.is_operator = ngx_http_tlsrpt_is_operator(en->admin);
    en->how.owner = ngx_http_tlsrpt_str(&en->admin->owner);
    en->how.max = en->admin->max;

    en->step = NGX_HTTP_TLSRPT_ENROLLED_TIME;
    en->asked = 0;
    en->nfollowers = 0;
    en->was_name.len = 0;
    en->was_held = 0;
}


void
ngx_http_tlsrpt_enrolled_free(ngx_http_tlsrpt_enrolled_t *en)
{
    tlsrpt_registry_record_destroy(en->record);
    tlsrpt_registry_record_destroy(en->next);
    tlsrpt_registry_record_destroy(en->was);
    tlsrpt_command_destroy(en->names);

    en->names = NULL;
    en->record = NULL;
    en->next = NULL;
    en->was = NULL;
}


ngx_int_t
ngx_http_tlsrpt_enrolled_next(ngx_http_tlsrpt_enrolled_t *en,
    ngx_http_tlsrpt_ask_t *ask)
{
    if (en->asked) {
        return NGX_DONE;
    }

    ask->command = ngx_http_tlsrpt_enrolled_command(en);

    if (ask->command == NULL) {
        return NGX_DONE;
    }

    en->asked = 1;

    return NGX_OK;
}


/* Of the present step, or of the first after it that has one. */

static const tlsrpt_command_t *
ngx_http_tlsrpt_enrolled_command(ngx_http_tlsrpt_enrolled_t *en)
{
    for ( /* void */ ; en->step < NGX_HTTP_TLSRPT_ENROLLED_ALL; en->step++) {

        switch (en->step) {

        case NGX_HTTP_TLSRPT_ENROLLED_TIME:
            return &tlsrpt_command_time;

        case NGX_HTTP_TLSRPT_ENROLLED_RECORD:
            return ngx_http_tlsrpt_enrolled_ask(en,
                                           (char *) en->admin->domain.data,
                                           en->admin->domain.len);

        case NGX_HTTP_TLSRPT_ENROLLED_NEXT:
            if (en->body && en->body->same_as[0]) {
                return ngx_http_tlsrpt_enrolled_ask(en, en->body->same_as,
                                               ngx_strlen(en->body->same_as));
            }
            break;

        case NGX_HTTP_TLSRPT_ENROLLED_WAS:
            if (en->was_name.len) {
                return ngx_http_tlsrpt_enrolled_ask(en,
                                                (char *) en->was_name.data,
                                                en->was_name.len);
            }
            break;

        case NGX_HTTP_TLSRPT_ENROLLED_WAS_SERVED:
            if (en->was_name.len
                && ngx_http_tlsrpt_domain_configured(&en->was_name))
            {
                tlsrpt_key_domain(&en->read.key,
                                  ngx_http_tlsrpt_prefix(en->request),
                                  ngx_http_tlsrpt_str(&en->was_name),
                                  TLSRPT_VERSIONS_KEY);

                return tlsrpt_key_read(&en->read, "GET", NULL, 0);
            }
            break;

        case NGX_HTTP_TLSRPT_ENROLLED_FOLLOWERS:
            if (en->leaves) {
                return tlsrpt_registry_followers(&en->read,
                                        ngx_http_tlsrpt_prefix(en->request),
                                        en->how.domain,
                                        TLSRPT_REGISTRY_PAGE);
            }
            break;

        default: /* NGX_HTTP_TLSRPT_ENROLLED_MINE */
            if (en->nfollowers && !en->how.is_operator) {
                tlsrpt_command_destroy(en->names);
                en->names = tlsrpt_registry_records(
                                ngx_http_tlsrpt_prefix(en->request),
                                en->followers, en->nfollowers);
                return en->names;
            }
        }
    }

    return NULL;
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_enrolled_ask(ngx_http_tlsrpt_enrolled_t *en, const char *name,
    size_t len)
{
    return tlsrpt_registry_get(&en->read, ngx_http_tlsrpt_prefix(en->request),
                               (tlsrpt_str_t) { name, len });
}


ngx_int_t
ngx_http_tlsrpt_enrolled_reply(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply)
{
    en->asked = 0;

    switch (en->step++) {

    case NGX_HTTP_TLSRPT_ENROLLED_TIME:
        return tlsrpt_reply_seconds(reply, &en->how.now) == 0
               ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_TLSRPT_ENROLLED_RECORD:
        if (ngx_http_tlsrpt_enrolled_record(en, reply, &en->record)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_tlsrpt_enrolled_was(en);

    case NGX_HTTP_TLSRPT_ENROLLED_NEXT:
        return ngx_http_tlsrpt_enrolled_record(en, reply, &en->next);

    case NGX_HTTP_TLSRPT_ENROLLED_WAS:
        return ngx_http_tlsrpt_enrolled_record(en, reply, &en->was);

    case NGX_HTTP_TLSRPT_ENROLLED_WAS_SERVED:
        ngx_http_tlsrpt_enrolled_was_served(en, reply);
        return NGX_OK;

    case NGX_HTTP_TLSRPT_ENROLLED_FOLLOWERS:
        return ngx_http_tlsrpt_enrolled_follower(en, reply);

    default: /* NGX_HTTP_TLSRPT_ENROLLED_MINE */
        return ngx_http_tlsrpt_enrolled_mine(en, reply);
    }
}


static ngx_int_t
ngx_http_tlsrpt_enrolled_record(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply, tlsrpt_registry_record_t **record)
{
    int  broken;

    *record = tlsrpt_registry_record_of(reply, &broken);

    if (*record) {
        return NGX_OK;
    }

    if (broken) {
        ngx_log_error(NGX_LOG_ERR, en->request->connection->log, 0,
                      "tlsrpt: a record of the registry cannot be read, asked "
                      "for \"%V\"", &en->admin->domain);
    }

    return NGX_ERROR;
}


/* What it is same-as now: a copy, as the record changes. */

static ngx_int_t
ngx_http_tlsrpt_enrolled_was(ngx_http_tlsrpt_enrolled_t *en)
{
    const tlsrpt_enrolment_t  *e;

    e = (en->body || en->leaves)
        ? tlsrpt_change_target(en->record, &en->how, en->body)
        : ngx_http_tlsrpt_enrolled_shown(en);

    if (e == NULL || e->same_as.data == NULL) {
        return NGX_OK;
    }

    en->was_name.data = ngx_pnalloc(en->request->pool, e->same_as.len);
    if (en->was_name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(en->was_name.data, e->same_as.data, e->same_as.len);
    en->was_name.len = e->same_as.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_enrolled_follower(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply)
{
    size_t         i;
    u_char        *p;
    tlsrpt_str_t  *name;

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return NGX_ERROR;
    }

    en->followers = ngx_palloc(en->request->pool, (reply->nelements + 1)
                                                  * sizeof(tlsrpt_str_t));
    if (en->followers == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < reply->nelements && i < TLSRPT_REGISTRY_PAGE; i++) {
        name = &en->followers[en->nfollowers];

        p = ngx_pnalloc(en->request->pool, reply->elements[i]->len + 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        name->data = (char *) p;
        name->len = reply->elements[i]->len;
        ngx_cpystrn(p, (u_char *) reply->elements[i]->str, name->len + 1);

        en->nfollowers++;
    }

    return NGX_OK;
}


/* An owner is told of its own; that there are others, the change finds out when
   it is written. */

static ngx_int_t
ngx_http_tlsrpt_enrolled_mine(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply)
{
    int                        broken;
    ngx_uint_t                 i, n;
    tlsrpt_registry_record_t  *record;

    if (reply->type != TLSRPT_REPLY_ARRAY
        || reply->nelements != en->nfollowers)
    {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < en->nfollowers; i++) {
        record = tlsrpt_registry_record_of(reply->elements[i], &broken);

        if (record && tlsrpt_change_target(record, &en->how, NULL)) {
            en->followers[n++] = en->followers[i];
        }

        tlsrpt_registry_record_destroy(record);
    }

    en->nfollowers = n;

    return NGX_OK;
}


/* Senders hold a version of a configured policy for its max_age, also where the
   one that is served now has a lesser one (RFC 8461 8.3). */

static void
ngx_http_tlsrpt_enrolled_was_served(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_reply_t *reply)
{
    size_t             i;
    tlsrpt_str_t       text;
    tlsrpt_versions_t  versions;

    if (reply->type != TLSRPT_REPLY_STRING) {
        return;
    }

    text = (tlsrpt_str_t) { reply->str, reply->len };

    if (tlsrpt_versions_read(text, &versions) != 0) {
        return;
    }

    for (i = 0; i < versions.n; i++) {
        en->was_held = ngx_max(en->was_held,
                               versions.list[i].last
                               + versions.list[i].max_age);
    }

    tlsrpt_versions_free(&versions);
}


const tlsrpt_enrolment_t *
ngx_http_tlsrpt_enrolled_shown(ngx_http_tlsrpt_enrolled_t *en)
{
    const tlsrpt_enrolment_t  *e;

    if (en->record == NULL || en->record->newer) {
        return NULL;
    }

    e = tlsrpt_change_target(en->record, &en->how, NULL);

    if (e == NULL && en->how.is_operator && en->record->npending) {
        e = en->record->pending[0];
    }

    return e;
}


const tlsrpt_other_t *
ngx_http_tlsrpt_enrolled_next_other(ngx_http_tlsrpt_enrolled_t *en,
    tlsrpt_other_t *other)
{
    ngx_str_t  name;

    if (en->next == NULL) {
        return NULL;
    }

    name.data = (u_char *) en->body->same_as;
    name.len = ngx_strlen(en->body->same_as);

    return ngx_http_tlsrpt_enrolled_other(en, &name, en->next, other);
}


const tlsrpt_other_t *
ngx_http_tlsrpt_enrolled_was_other(ngx_http_tlsrpt_enrolled_t *en,
    tlsrpt_other_t *other)
{
    if (en->was == NULL) {
        return NULL;
    }

    (void) ngx_http_tlsrpt_enrolled_other(en, &en->was_name, en->was, other);
    other->held = ngx_max(other->held, en->was_held);

    return other;
}


/* The configuration wins on its node. */

static const tlsrpt_other_t *
ngx_http_tlsrpt_enrolled_other(ngx_http_tlsrpt_enrolled_t *en,
    const ngx_str_t *name, tlsrpt_registry_record_t *record,
    tlsrpt_other_t *other)
{
    uint32_t          max_age;
    mta_sts_policy_t  policy;

    if (!ngx_http_tlsrpt_domain_configured(name)) {
        tlsrpt_other_enrolled(other, record, en->how.now);
        return other;
    }

    max_age = ngx_http_tlsrpt_configured_policy(en->request, name, &policy)
              == NGX_OK ? policy.max_age : 0;

    tlsrpt_other_configured(other, max_age, en->how.now);

    return other;
}


ngx_int_t
ngx_http_tlsrpt_enrolled_served(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *e, tlsrpt_served_t *served)
{
    tlsrpt_registry_record_t  *other;

    other = (en->body && e->same_as.data
             && tlsrpt_str_is(e->same_as, en->body->same_as))
            ? en->next : en->was;

    return ngx_http_tlsrpt_served(en->request, e,
                                  other ? other->holder : NULL, en->how.now,
                                  served);
}


json_t *
ngx_http_tlsrpt_enrolled_json(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *e)
{
    json_t             *json;
    tlsrpt_served_t     served;
    tlsrpt_provider_t   provider;

    if (ngx_http_tlsrpt_enrolled_served(en, e, &served) != NGX_OK) {
        return NULL;
    }

    json = ngx_http_tlsrpt_provider(en->request, &provider) == NGX_OK
           ? tlsrpt_enrolment_json(e, en->how.domain, &served, &provider)
           : NULL;

    tlsrpt_served_free(&served);

    return json;
}


/* Reading alone */

ngx_int_t
ngx_http_tlsrpt_enrolled(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin,
    ngx_http_tlsrpt_enrolled_pt then)
{
    ngx_http_tlsrpt_admin_t         *kept;
    ngx_http_tlsrpt_enrolled_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_enrolled_ctx_t));
    kept = ngx_palloc(r->pool, sizeof(ngx_http_tlsrpt_admin_t));

    if (ctx == NULL || kept == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *kept = *admin;

    ctx->en.request = r;
    ctx->en.admin = kept;
    ctx->then = then;

    ngx_http_tlsrpt_enrolled_begin(&ctx->en);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_enrolled_fetch, ctx);
}


static ngx_int_t
ngx_http_tlsrpt_enrolled_fetch_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_enrolled_ctx_t *ctx = data;

    return ngx_http_tlsrpt_enrolled_next(&ctx->en, ask);
}


static ngx_int_t
ngx_http_tlsrpt_enrolled_fetch_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_enrolled_ctx_t *ctx = data;

    return ngx_http_tlsrpt_enrolled_reply(&ctx->en, reply);
}


static ngx_int_t
ngx_http_tlsrpt_enrolled_fetch_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_enrolled_ctx_t *ctx = data;

    const tlsrpt_enrolment_t  *e;

    if (ctx->en.record->newer) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "the domain was written by a later "
                                     "version of this software");
    }

    e = ngx_http_tlsrpt_enrolled_shown(&ctx->en);

    if (e == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such domain is enrolled");
    }

    return ctx->then(&ctx->en, e);
}


static void
ngx_http_tlsrpt_enrolled_fetch_destroy(void *data)
{
    ngx_http_tlsrpt_enrolled_ctx_t *ctx = data;

    ngx_http_tlsrpt_enrolled_free(&ctx->en);
}
