/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/events and BASE/domains/D/events: what happened, newest first.  Those of
 * all domains are merged from the lists of the domains with the latest ones, of
 * which there is an index.
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_query.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_set.h"
#include "ngx_http_tlsrpt_text.h"
#include "tlsrpt_events.h"


/* Milliseconds: a score that is over this is no time. */
#define NGX_HTTP_TLSRPT_EVENTS_EVER  2.5e14


/* A list of a domain, being read. */
typedef struct {
    tlsrpt_events_part_t       part;
    unsigned                   used:1;
    unsigned                   again:1;     /* its next piece is wanted */
} ngx_http_tlsrpt_events_list_t;

typedef struct {
    ngx_http_request_t        *request;
    ngx_str_t                  domain;      /* len 0: those of the scope */
    tlsrpt_events_t           *events;
    ngx_http_tlsrpt_set_t      set;
    tlsrpt_key_read_t          read;
    double                     latest;      /* score that the walk began with */
    ngx_str_t                  name;        /* whose lists are next; len 0: */
    ngx_uint_t                 nlists;      /* of them, begun */
    u_char                     names[TLSRPT_DOMAIN_LEN];    /* of name */
    unsigned                   began:1;
    unsigned                   repeated:1;  /* for what moved up meanwhile */
    unsigned                   asked:1;     /* whether the domain was seen */
    unsigned                   seen:1;
    unsigned                   hidden:1;    /* from this viewer */
    ngx_http_tlsrpt_text_t     text;        /* of the answer */
    tlsrpt_buf_t               buf;         /* its end */

    /* as many as are in flight */
    ngx_http_tlsrpt_events_list_t  lists[NGX_HTTP_TLSRPT_REDIS_WINDOW];
} ngx_http_tlsrpt_events_t;


static int ngx_http_tlsrpt_events_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_events_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_http_tlsrpt_events_list_t *ngx_http_tlsrpt_events_again(
    ngx_http_tlsrpt_events_t *ctx);
static ngx_int_t ngx_http_tlsrpt_events_name(ngx_http_tlsrpt_events_t *ctx,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_events_member(ngx_http_tlsrpt_events_t *ctx,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_http_tlsrpt_events_list_t *ngx_http_tlsrpt_events_list(
    ngx_http_tlsrpt_events_t *ctx);
static int64_t ngx_http_tlsrpt_events_since(ngx_http_tlsrpt_events_t *ctx);
static ngx_int_t ngx_http_tlsrpt_events_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_events_work(void *data,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_events_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_events_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_events_fetch = {
    ngx_http_tlsrpt_events_next,
    ngx_http_tlsrpt_events_reply,
    ngx_http_tlsrpt_events_work,
    ngx_http_tlsrpt_events_done,
    ngx_http_tlsrpt_events_destroy
};


ngx_int_t
ngx_http_tlsrpt_events_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_str_t                 *owner;
    tlsrpt_error_t             error;
    ngx_http_tlsrpt_events_t  *ctx;
    ngx_http_tlsrpt_paging_t   paging = { r, NGX_HTTP_TLSRPT_PAGING_DEFAULT,
                                          { NULL, 0 } };

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_events_param, &paging,
                               &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_events_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->domain = target->domain;

    ctx->events = tlsrpt_events_create(paging.limit,
                                       (int) ngx_http_tlsrpt_scope_is_all(r));
    if (ctx->events == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    if (paging.cursor.data
        && tlsrpt_events_after(ctx->events, paging.cursor) != 0)
    {
        tlsrpt_events_destroy(ctx->events);
        return ngx_http_tlsrpt_paging_refuse(r);
    }

    owner = ngx_http_tlsrpt_scope_owner(r);

    if (owner) {
        tlsrpt_events_of(ctx->events, ngx_http_tlsrpt_str(owner));
    }

    ngx_http_tlsrpt_set_begin(&ctx->set, r, tlsrpt_key_events, 1, 1);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_events_fetch, ctx);
}


static int
ngx_http_tlsrpt_events_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    return ngx_http_tlsrpt_paging_param(data, name, value, error);
}


static ngx_int_t
ngx_http_tlsrpt_events_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_events_t *ctx = data;

    ngx_int_t                       rc;
    ngx_http_tlsrpt_events_list_t  *list;

    list = ngx_http_tlsrpt_events_again(ctx);

    if (list == NULL) {
        if (ctx->name.len == 0) {
            rc = ngx_http_tlsrpt_events_name(ctx, ask);
            if (rc != NGX_OK) {
                return rc == NGX_AGAIN ? NGX_OK : rc;
            }
        }

        list = ngx_http_tlsrpt_events_list(ctx);
    }

    list->again = 0;

    ask->item = list;
    ask->command = tlsrpt_events_ask(ctx->events,
                                     ngx_http_tlsrpt_prefix(ctx->request),
                                     &list->part);

    return NGX_OK;
}


static ngx_http_tlsrpt_events_list_t *
ngx_http_tlsrpt_events_again(ngx_http_tlsrpt_events_t *ctx)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TLSRPT_REDIS_WINDOW; i++) {
        if (ctx->lists[i].again) {
            return &ctx->lists[i];
        }
    }

    return NULL;
}


/* The next domain.  NGX_AGAIN: something else is asked for first. */

static ngx_int_t
ngx_http_tlsrpt_events_name(ngx_http_tlsrpt_events_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    if (ctx->domain.len == 0) {
        return ngx_http_tlsrpt_events_member(ctx, ask);
    }

    if (!ctx->asked) {
        ctx->asked = 1;

        tlsrpt_key_domain(&ctx->read.key, ngx_http_tlsrpt_prefix(ctx->request),
                          ngx_http_tlsrpt_str(&ctx->domain), "");
        ask->command = tlsrpt_key_read(&ctx->read, "HGET", "all", 3);
        ask->item = ctx;

        return NGX_AGAIN;
    }

    if (ctx->began) {
        return NGX_DONE;
    }

    ctx->began = 1;
    ctx->name = ctx->domain;

    return NGX_OK;
}


/* The next of the scope, as long as it may have an event of the page. */

static ngx_int_t
ngx_http_tlsrpt_events_member(ngx_http_tlsrpt_events_t *ctx,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_int_t                 rc;
    ngx_http_tlsrpt_member_t  member;

    ask->item = NULL;

    rc = ngx_http_tlsrpt_set_next(&ctx->set, &member, &ask->command);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ctx->began) {
        ctx->began = 1;
        ctx->latest = member.score;
    }

    if (ctx->repeated && member.score <= ctx->latest) {
        ctx->set.over = 1;
        ngx_http_tlsrpt_set_end(&ctx->set);
        return NGX_DONE;
    }

    if (member.score < NGX_HTTP_TLSRPT_EVENTS_EVER
        && !tlsrpt_events_wants(ctx->events, (int64_t) (member.score / 1000)))
    {
        ctx->set.over = 1;
        ngx_http_tlsrpt_set_end(&ctx->set);
        return NGX_DONE;
    }

    ngx_memcpy(ctx->names, member.name.data, member.name.len);
    ctx->name.data = ctx->names;
    ctx->name.len = member.name.len;

    return NGX_OK;
}


/* The next list of the domain, in a free place: of those there are as many as
   may be in flight. */

static ngx_http_tlsrpt_events_list_t *
ngx_http_tlsrpt_events_list(ngx_http_tlsrpt_events_t *ctx)
{
    ngx_http_tlsrpt_events_list_t  *list;

    list = ctx->lists;

    while (list->used) {
        list++;
    }

    list->used = 1;

    ngx_memzero(&list->part, sizeof(tlsrpt_events_part_t));
    list->part.list = (unsigned) ctx->nlists++;
    list->part.len = ctx->name.len;
    ngx_memcpy(list->part.name, ctx->name.data, ctx->name.len);
    list->part.since = ngx_http_tlsrpt_events_since(ctx);

    if (ctx->nlists == TLSRPT_EVENTS_LISTS) {
        ctx->nlists = 0;
        ctx->name.len = 0;
    }

    return list;
}


/* Of a domain that waits, what concerns its owner's enrolment alone. */

static int64_t
ngx_http_tlsrpt_events_since(ngx_http_tlsrpt_events_t *ctx)
{
    tlsrpt_str_t  domain;

    domain = ngx_http_tlsrpt_str(&ctx->name);

    return ngx_http_tlsrpt_scope_takes(ctx->request, domain)
           ? ngx_http_tlsrpt_scope_since(ctx->request, domain)
           : TLSRPT_EVENTS_NEVER;
}


/* ask->item: a list; the context: was the domain seen; NULL: a piece of the
   index. */

static ngx_int_t
ngx_http_tlsrpt_events_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_events_t *ctx = data;

    int                             rc;
    ngx_http_tlsrpt_events_list_t  *list;

    if (ask->item == NULL) {
        return ngx_http_tlsrpt_set_reply(&ctx->set, reply);
    }

    if (ask->item == ctx) {
        ctx->seen = (reply->type == TLSRPT_REPLY_STRING);
        return NGX_OK;
    }

    list = ask->item;

    rc = tlsrpt_events_add(ctx->events, &list->part, reply);

    list->again = (rc > 0);
    list->used = (rc > 0);

    return rc < 0 ? NGX_ERROR : NGX_OK;
}


/* What had an event meanwhile moved to the top of the index, perhaps before it
   was read: those are looked at once more.  Then the answer is made, a piece
   after the other. */

static ngx_int_t
ngx_http_tlsrpt_events_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_events_t *ctx = data;

    int           rc;
    tlsrpt_str_t  domain;

    domain = ngx_http_tlsrpt_str(&ctx->domain);

    if (domain.len) {
        ctx->hidden = !ngx_http_tlsrpt_visible(r, domain, ctx->seen)
                      && !ngx_http_tlsrpt_scope_waits(r, domain, NULL);

        if (ctx->hidden) {
            return NGX_OK;
        }

    } else if (ctx->set.names == NULL && ctx->began && !ctx->repeated) {
        ctx->repeated = 1;
        ngx_http_tlsrpt_set_begin(&ctx->set, r, tlsrpt_key_events, 1, 1);

        return NGX_DECLINED;
    }

    rc = tlsrpt_events_write(ctx->events, domain, &ctx->buf);

    if (rc < 0
        || ngx_http_tlsrpt_text_spill(r, &ctx->text, &ctx->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rc > 0 ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_events_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_events_t *ctx = data;

    tlsrpt_buf_t  *buf;

    if (ctx->hidden) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND, "no such domain");
    }

    buf = &ctx->buf;

    return ngx_http_tlsrpt_text_send(r, "application/json; charset=utf-8",
                                     &ctx->text, &buf, 1);
}


static void
ngx_http_tlsrpt_events_destroy(void *data)
{
    ngx_http_tlsrpt_events_t *ctx = data;

    ngx_http_tlsrpt_set_end(&ctx->set);
    tlsrpt_buf_free(&ctx->buf);
    tlsrpt_events_destroy(ctx->events);
}
