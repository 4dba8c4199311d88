/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A PUT and a DELETE read what there is, let the core say what becomes of it,
 * and write that, unless somebody else was first: then they begin again.
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_enrol.h"
#include "ngx_http_tlsrpt_enrolled.h"
#include "ngx_http_tlsrpt_erase.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_if_match.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_registry.h"
#include "ngx_http_tlsrpt_served.h"

#include <openssl/rand.h>


typedef struct {
    ngx_http_tlsrpt_enrolled_t   en;
    ngx_http_tlsrpt_admin_t      admin;
    tlsrpt_change_t              change;
    tlsrpt_command_t            *put;
    ngx_uint_t                   tries;
    int64_t                      proved;    /* by an owner; 0: the operator */
    ngx_uint_t                   status;    /* refused by it; 0: not yet */
    const char                  *path;      /* of the body, and why */
    const char                  *detail;
    unsigned                     now:1;     /* the parameters of DELETE */
    unsigned                     erase:1;
    unsigned                     changed:1; /* put, if there is something */
    unsigned                     sent:1;    /* is to be sent, or was */
    unsigned                     holds:1;   /* who asks, or the operator */
} ngx_http_tlsrpt_enrol_t;


static ngx_http_tlsrpt_enrol_t *ngx_http_tlsrpt_enrol_create(
    ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_enrol_shown(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown);
static ngx_int_t ngx_http_tlsrpt_enrol_body(ngx_http_request_t *r,
    ngx_http_tlsrpt_enrol_t *enrol, ngx_uint_t *refused);
static ngx_uint_t ngx_http_tlsrpt_enrol_may_not(ngx_http_request_t *r,
    ngx_http_tlsrpt_enrol_t *enrol);
static int ngx_http_tlsrpt_enrol_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);

static ngx_int_t ngx_http_tlsrpt_enrol_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_enrol_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_enrol_work(void *data,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_enrol_change(ngx_http_tlsrpt_enrol_t *enrol);
static void ngx_http_tlsrpt_enrol_compute(ngx_http_tlsrpt_enrol_t *enrol);
static void ngx_http_tlsrpt_enrol_again(ngx_http_tlsrpt_enrol_t *enrol);
static ngx_uint_t ngx_http_tlsrpt_enrol_full(ngx_http_tlsrpt_enrol_t *enrol,
    const tlsrpt_enrolment_t *e);
static ngx_int_t ngx_http_tlsrpt_enrol_match(ngx_http_tlsrpt_enrol_t *enrol,
    const tlsrpt_enrolment_t *e);
static void ngx_http_tlsrpt_enrol_refuse(ngx_http_tlsrpt_enrol_t *enrol,
    ngx_uint_t status, const char *path, const char *detail);
static ngx_int_t ngx_http_tlsrpt_enrol_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_enrol_log(ngx_http_tlsrpt_enrol_t *enrol);
static ngx_int_t ngx_http_tlsrpt_enrol_left(ngx_http_tlsrpt_enrol_t *enrol,
    ngx_http_request_t *r);
static json_t *ngx_http_tlsrpt_enrol_left_json(ngx_http_tlsrpt_enrol_t *enrol);
static void ngx_http_tlsrpt_enrol_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_enrol_fetch = {
    ngx_http_tlsrpt_enrol_next,
    ngx_http_tlsrpt_enrol_reply,
    ngx_http_tlsrpt_enrol_work,
    ngx_http_tlsrpt_enrol_done,
    ngx_http_tlsrpt_enrol_destroy
};

/* Of TLSRPT_CHANGE_...; 0: it is no refusal. */

static const ngx_uint_t  ngx_http_tlsrpt_enrol_statuses[] = {
    0, 0, NGX_HTTP_FORBIDDEN, NGX_HTTP_NOT_FOUND, NGX_HTTP_CONFLICT, 422,
    NGX_HTTP_SERVICE_UNAVAILABLE, NGX_HTTP_SERVICE_UNAVAILABLE
};


/* GET */

ngx_int_t
ngx_http_tlsrpt_enrol_get(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return ngx_http_tlsrpt_enrolled(r, admin, ngx_http_tlsrpt_enrol_shown);
}


static ngx_int_t
ngx_http_tlsrpt_enrol_shown(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown)
{
    return ngx_http_tlsrpt_admin_json(en->request, NGX_HTTP_OK,
                                  ngx_http_tlsrpt_enrolled_json(en, shown));
}


/* PUT and DELETE: the request */

ngx_int_t
ngx_http_tlsrpt_enrol_put(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    ngx_int_t                 rc;
    ngx_uint_t                refused;
    tlsrpt_error_t            error;
    ngx_http_tlsrpt_enrol_t  *enrol;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    enrol = ngx_http_tlsrpt_enrol_create(r, admin);
    if (enrol == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_tlsrpt_enrol_body(r, enrol, &refused);
    if (refused) {
        return rc;
    }

    if (ngx_http_tlsrpt_enrol_may_not(r, enrol)) {
        return ngx_http_tlsrpt_error_at(r, enrol->status, enrol->path,
                                        enrol->detail);
    }

    ngx_http_tlsrpt_enrolled_begin(&enrol->en);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_enrol_fetch, enrol);
}


ngx_int_t
ngx_http_tlsrpt_enrol_delete(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    tlsrpt_error_t            error;
    ngx_http_tlsrpt_enrol_t  *enrol;

    enrol = ngx_http_tlsrpt_enrol_create(r, admin);
    if (enrol == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_enrol_param, enrol, &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    enrol->en.leaves = 1;
    ngx_http_tlsrpt_enrolled_begin(&enrol->en);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_enrol_fetch, enrol);
}


static ngx_http_tlsrpt_enrol_t *
ngx_http_tlsrpt_enrol_create(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    ngx_http_tlsrpt_enrol_t  *enrol;

    enrol = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_enrol_t));
    if (enrol == NULL) {
        return NULL;
    }

    enrol->admin = *admin;
    enrol->en.request = r;
    enrol->en.admin = &enrol->admin;

    return enrol;
}


static ngx_int_t
ngx_http_tlsrpt_enrol_body(ngx_http_request_t *r,
    ngx_http_tlsrpt_enrol_t *enrol, ngx_uint_t *refused)
{
    unsigned               status;
    ngx_str_t              text;
    tlsrpt_enrol_body_t   *body;
    tlsrpt_enrol_error_t   error;

    *refused = 1;

    body = ngx_palloc(r->pool, sizeof(tlsrpt_enrol_body_t));

    if (body == NULL || ngx_http_tlsrpt_body_text(r, &text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    status = tlsrpt_enrol_body_read((char *) text.data, text.len, body,
                                    &error);
    if (status != 0) {
        return ngx_http_tlsrpt_error_at(r, status, error.member, error.text);
    }

    enrol->en.body = body;
    *refused = 0;

    return NGX_OK;
}


/* What is refused whatever the registry has. */

static ngx_uint_t
ngx_http_tlsrpt_enrol_may_not(ngx_http_request_t *r,
    ngx_http_tlsrpt_enrol_t *enrol)
{
    const char  *text;

    text = tlsrpt_enrolment_refused(ngx_http_tlsrpt_str(&enrol->admin.domain));

    if (text) {
        ngx_http_tlsrpt_enrol_refuse(enrol, 422, "", text);
        return 1;
    }

    text = tlsrpt_enrol_body_of_operator(enrol->en.body);

    if (text && !ngx_http_tlsrpt_is_operator(&enrol->admin)) {
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_FORBIDDEN, text,
                                     "that is the operator's alone");
        return 1;
    }

    if (ngx_http_tlsrpt_domain_configured(&enrol->admin.domain)) {
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_CONFLICT, "",
                                     "the domain is one of this server's "
                                     "configuration");
        return 1;
    }

    return 0;
}


static int
ngx_http_tlsrpt_enrol_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_enrol_t *enrol = data;

    if (!tlsrpt_param_is(name, "now") && !tlsrpt_param_is(name, "erase")) {
        return tlsrpt_param_unknown(error, name);
    }

    if (!tlsrpt_str_is(value, "1")) {
        return tlsrpt_param_fail(error, name, "not 1");
    }

    if (tlsrpt_param_is(name, "now")) {
        enrol->now = 1;

    } else {
        enrol->erase = 1;
    }

    return TLSRPT_OK;
}


/* PUT and DELETE: read, change, write */

static ngx_int_t
ngx_http_tlsrpt_enrol_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_enrol_t *enrol = data;

    if (!enrol->changed) {
        return ngx_http_tlsrpt_enrolled_next(&enrol->en, ask);
    }

    if (enrol->put == NULL || enrol->sent) {
        return NGX_DONE;
    }

    enrol->sent = 1;
    ask->command = enrol->put;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_enrol_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_enrol_t *enrol = data;

    uint64_t  version;

    if (!enrol->changed) {
        return ngx_http_tlsrpt_enrolled_reply(&enrol->en, reply);
    }

    switch (tlsrpt_registry_put_result(reply, &version)) {

    case TLSRPT_PUT_DONE:
        return NGX_OK;

    case TLSRPT_PUT_AGAIN:
        ngx_http_tlsrpt_enrol_again(enrol);
        return NGX_OK;

    case TLSRPT_PUT_TOO_MANY:
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_FORBIDDEN, "",
                                     "you have as many domains as you may "
                                     "have, those that wait and those that "
                                     "were withdrawn just now among them");
        return NGX_OK;

    case TLSRPT_PUT_TOKEN_TAKEN:
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_CONFLICT, "token",
                                     "another domain has this token");
        return NGX_OK;

    case TLSRPT_PUT_FOLLOWED:
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_CONFLICT, "",
                                     "other domains are the same as this one");
        return NGX_OK;

    default: /* TLSRPT_PUT_FAILED */
        return NGX_ERROR;
    }
}


static void
ngx_http_tlsrpt_enrol_again(ngx_http_tlsrpt_enrol_t *enrol)
{
    if (++enrol->tries >= TLSRPT_CHANGE_TRIES) {
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                                     "others change the domain at the same "
                                     "time");
        return;
    }

    tlsrpt_command_destroy(enrol->put);

    enrol->put = NULL;
    enrol->changed = 0;
    enrol->sent = 0;

    ngx_http_tlsrpt_enrolled_begin(&enrol->en);
}


/* All that was asked for is there.  NGX_DECLINED: there is more. */

static ngx_int_t
ngx_http_tlsrpt_enrol_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_enrol_t *enrol = data;

    if (enrol->status) {
        return NGX_OK;
    }

    if (!enrol->changed) {

        if (enrol->en.record == NULL) {
            /* to be read once more */
            return NGX_DECLINED;
        }

        return ngx_http_tlsrpt_enrol_change(enrol);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_enrol_change(ngx_http_tlsrpt_enrol_t *enrol)
{
    ngx_int_t                  rc;
    const tlsrpt_enrolment_t  *e;

    e = tlsrpt_change_target(enrol->en.record, &enrol->en.how,
                             enrol->en.body);

    enrol->holds = ngx_http_tlsrpt_is_operator(&enrol->admin)
                   || (e && e->state != TLSRPT_PENDING);
    enrol->proved = e && !ngx_http_tlsrpt_is_operator(&enrol->admin)
                    ? e->proved : 0;
    enrol->changed = 1;

    rc = ngx_http_tlsrpt_enrol_match(enrol, e);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (enrol->en.body && ngx_http_tlsrpt_enrol_full(enrol, e)) {
        ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                                     "there is no room for it in the zone of "
                                     "tlsrpt_registry");
        return NGX_OK;
    }

    ngx_http_tlsrpt_enrol_compute(enrol);

    switch (enrol->change.status) {

    case TLSRPT_CHANGE_OK:
        enrol->put = tlsrpt_registry_put_command(
                         ngx_http_tlsrpt_prefix(enrol->en.request),
                         &enrol->change);

        return enrol->put ? NGX_DECLINED : NGX_ERROR;

    case TLSRPT_CHANGE_NOTHING:
        return NGX_OK;

    default:
        ngx_http_tlsrpt_enrol_refuse(enrol,
                         ngx_http_tlsrpt_enrol_statuses[enrol->change.status],
                         enrol->change.member, enrol->change.text);
        return NGX_OK;
    }
}


static void
ngx_http_tlsrpt_enrol_compute(ngx_http_tlsrpt_enrol_t *enrol)
{
    tlsrpt_other_t               next, was;
    const tlsrpt_other_t        *wasp;
    ngx_http_tlsrpt_enrolled_t  *en;

    en = &enrol->en;

    if (RAND_bytes(en->how.random, TLSRPT_CHANGE_RANDOM) != 1) {
        ngx_log_error(NGX_LOG_ALERT, en->request->connection->log, 0,
                      "tlsrpt: RAND_bytes() failed");
        enrol->change.status = TLSRPT_CHANGE_MEMORY;
        return;
    }

    wasp = ngx_http_tlsrpt_enrolled_was_other(en, &was);

    if (en->body) {
        tlsrpt_change_put(&enrol->change, en->record, &en->how, en->body,
                          ngx_http_tlsrpt_enrolled_next_other(en, &next),
                          wasp);
        return;
    }

    tlsrpt_change_leave(&enrol->change, en->record, &en->how, enrol->now,
                        wasp, en->followers, en->nfollowers);
}


/* What is new, or brings a policy, takes room in the shared zone. */

static ngx_uint_t
ngx_http_tlsrpt_enrol_full(ngx_http_tlsrpt_enrol_t *enrol,
    const tlsrpt_enrolment_t *e)
{
    return (e == NULL || enrol->en.body->policy.mode != -1)
           && ngx_http_tlsrpt_registry_on()
           && !ngx_http_tlsrpt_registry_has_room();
}


/* If-Match (RFC 9110 13.1.1), of the policy's id.  NGX_OK: go on; NGX_DECLINED:
   refused; NGX_ERROR: no memory. */

static ngx_int_t
ngx_http_tlsrpt_enrol_match(ngx_http_tlsrpt_enrol_t *enrol,
    const tlsrpt_enrolment_t *e)
{
    ngx_uint_t        matches;
    ngx_table_elt_t  *header;
    tlsrpt_served_t   served;

    header = enrol->en.request->headers_in.if_match;

    if (header == NULL) {
        return NGX_OK;
    }

    matches = 0;

    if (e) {
        if (ngx_http_tlsrpt_enrolled_served(&enrol->en, e, &served) != NGX_OK)
        {
            return NGX_ERROR;
        }

        matches = ngx_http_tlsrpt_if_match(&header->value, served.id);
        tlsrpt_served_free(&served);
    }

    if (matches) {
        return NGX_OK;
    }

    ngx_http_tlsrpt_enrol_refuse(enrol, NGX_HTTP_PRECONDITION_FAILED, "",
                                 "the policy's id is not, or no more, that of "
                                 "If-Match");

    return NGX_DECLINED;
}


static void
ngx_http_tlsrpt_enrol_refuse(ngx_http_tlsrpt_enrol_t *enrol,
    ngx_uint_t status, const char *path, const char *detail)
{
    enrol->status = status;
    enrol->path = path;
    enrol->detail = detail;
}


/* The answer */

static ngx_int_t
ngx_http_tlsrpt_enrol_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_enrol_t *enrol = data;

    if (enrol->status == NGX_HTTP_NOT_FOUND && enrol->erase && enrol->holds) {
        /* what has left, or was never enrolled, may have counts */
        return ngx_http_tlsrpt_erase(r, &enrol->admin.domain,
                                     enrol->en.how.now, 0, 0, NULL);
    }

    if (enrol->status) {
        return ngx_http_tlsrpt_error_at(r, enrol->status, enrol->path,
                                        enrol->detail);
    }

    if (enrol->change.status == TLSRPT_CHANGE_OK) {
        ngx_http_tlsrpt_enrol_log(enrol);
    }

    if (enrol->en.body == NULL) {
        return ngx_http_tlsrpt_enrol_left(enrol, r);
    }

    return ngx_http_tlsrpt_admin_json(r, enrol->change.created
                                         ? NGX_HTTP_CREATED : NGX_HTTP_OK,
               ngx_http_tlsrpt_enrolled_json(&enrol->en,
                                             enrol->change.enrolment));
}


/* Of a token its first characters, so that one can be told from another. */

static void
ngx_http_tlsrpt_enrol_log(ngx_http_tlsrpt_enrol_t *enrol)
{
    ngx_str_t                  who;
    const tlsrpt_enrolment_t  *e;

    who = enrol->admin.owner;

    if (ngx_http_tlsrpt_is_operator(&enrol->admin)) {
        ngx_str_set(&who, "the operator");
    }

    if (enrol->en.body == NULL) {
        ngx_log_error(NGX_LOG_NOTICE, enrol->en.request->connection->log, 0,
                      "tlsrpt: %V takes \"%V\" away%s", &who,
                      &enrol->admin.domain, enrol->now ? ", now" : "");
        return;
    }

    e = enrol->change.enrolment;

    ngx_log_error(NGX_LOG_NOTICE, enrol->en.request->connection->log, 0,
                  "tlsrpt: %V %s \"%V\", token \"%*s...\"", &who,
                  enrol->change.created ? "enrols" : "changes",
                  &enrol->admin.domain, (size_t) 4, e->token.data);
}


static ngx_int_t
ngx_http_tlsrpt_enrol_left(ngx_http_tlsrpt_enrol_t *enrol,
    ngx_http_request_t *r)
{
    json_t      *json;
    ngx_uint_t   status;

    json = NULL;
    status = NGX_HTTP_NO_CONTENT;

    if (!enrol->change.removed || enrol->change.until) {
        status = enrol->change.removed ? NGX_HTTP_OK : NGX_HTTP_ACCEPTED;
        json = ngx_http_tlsrpt_enrol_left_json(enrol);

        if (json == NULL) {
            return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                         "out of memory");
        }
    }

    /* whoever waits for proof has no counts, and the domain's are another's */

    if (enrol->erase && enrol->holds) {
        return ngx_http_tlsrpt_erase(r, &enrol->admin.domain,
                                     enrol->en.how.now, enrol->proved, status,
                                     json);
    }

    return json ? ngx_http_tlsrpt_admin_json(r, status, json)
                : ngx_http_tlsrpt_admin_none(r);
}


/* With the day on which it ends; or, taken away at once, until which senders
   may refuse its mail. */

static json_t *
ngx_http_tlsrpt_enrol_left_json(ngx_http_tlsrpt_enrol_t *enrol)
{
    char  day[TLSRPT_DAY_TEXT_LEN + 1];

    if (!enrol->change.removed) {
        return ngx_http_tlsrpt_enrolled_json(&enrol->en,
                                             enrol->en.record->holder);
    }

    tlsrpt_day_text(tlsrpt_day_of(enrol->change.until), day);

    return json_pack("{s:s%, s:s}", "domain", enrol->admin.domain.data,
                     enrol->admin.domain.len, "held-until", day);
}


static void
ngx_http_tlsrpt_enrol_destroy(void *data)
{
    ngx_http_tlsrpt_enrol_t *enrol = data;

    tlsrpt_command_destroy(enrol->put);
    tlsrpt_change_free(&enrol->change);
    ngx_http_tlsrpt_enrolled_free(&enrol->en);
}
