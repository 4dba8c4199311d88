/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The answer comes when the domain's problems are worked out without the
 * report, or with it again.  Where that fails, they are soon, as the domain is
 * due.
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_held.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_reckon.h"
#include "ngx_http_tlsrpt_strike.h"
#include "tlsrpt_collect.h"

#include <openssl/rand.h>


typedef struct {
    ngx_http_request_t       *request;
    ngx_str_t                 domain;
    tlsrpt_strike_conf_t      conf;
    tlsrpt_strike_t          *strike;       /* NULL: the time is asked for */
    tlsrpt_reckoning_t       *reckoning;    /* after it */
    unsigned                  asked:1;
    unsigned                  over:1;
} ngx_http_tlsrpt_strike_t;


static ngx_int_t ngx_http_tlsrpt_strike_begin(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, ngx_http_tlsrpt_admin_pt then);
static ngx_int_t ngx_http_tlsrpt_strike_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_restore_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_strike_run(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, ngx_uint_t restore);
static ngx_int_t ngx_http_tlsrpt_strike_actor(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, tlsrpt_str_t *actor);
static ngx_int_t ngx_http_tlsrpt_strike_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static const tlsrpt_command_t *ngx_http_tlsrpt_strike_command(
    ngx_http_tlsrpt_strike_t *ctx);
static ngx_int_t ngx_http_tlsrpt_strike_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_strike_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_strike_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_strike_fetch = {
    ngx_http_tlsrpt_strike_next,
    ngx_http_tlsrpt_strike_reply,
    NULL,
    ngx_http_tlsrpt_strike_done,
    ngx_http_tlsrpt_strike_destroy
};


ngx_int_t
ngx_http_tlsrpt_strike(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin)
{
    return ngx_http_tlsrpt_strike_begin(r, admin, ngx_http_tlsrpt_strike_held);
}


ngx_int_t
ngx_http_tlsrpt_restore(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin)
{
    return ngx_http_tlsrpt_strike_begin(r, admin,
                                        ngx_http_tlsrpt_restore_held);
}


static ngx_int_t
ngx_http_tlsrpt_strike_begin(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, ngx_http_tlsrpt_admin_pt then)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return ngx_http_tlsrpt_held(r, admin, then);
}


static ngx_int_t
ngx_http_tlsrpt_strike_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    return ngx_http_tlsrpt_strike_run(r, admin, 0);
}


static ngx_int_t
ngx_http_tlsrpt_restore_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    return ngx_http_tlsrpt_strike_run(r, admin, 1);
}


static ngx_int_t
ngx_http_tlsrpt_strike_run(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, ngx_uint_t restore)
{
    tlsrpt_strike_conf_t         *conf;
    ngx_http_tlsrpt_strike_t     *ctx;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_strike_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->domain = admin->domain;

    conf = &ctx->conf;
    conf->prefix = ngx_http_tlsrpt_prefix(r);
    conf->domain = ngx_http_tlsrpt_str(&admin->domain);
    conf->id = ngx_http_tlsrpt_str(&admin->id);
    conf->restore = (int) restore;
    conf->oldest = admin->proved ? tlsrpt_day_of(admin->proved) : 0;
    conf->retention_days = (unsigned) tmcf->retention_days;

    if (ngx_http_tlsrpt_strike_actor(r, admin, &conf->actor) != NGX_OK
        || RAND_bytes(conf->random, sizeof(conf->random)) != 1)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_strike_fetch, ctx);
}


/* "@OWNER": so no owner is called as the operator is. */

static ngx_int_t
ngx_http_tlsrpt_strike_actor(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin, tlsrpt_str_t *actor)
{
    u_char  *p;

    if (ngx_http_tlsrpt_is_operator(admin)) {
        *actor = TLSRPT_STR(TLSRPT_ACTOR_OPERATOR);
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, admin->owner.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p[0] = '@';
    ngx_memcpy(p + 1, admin->owner.data, admin->owner.len);

    actor->data = (char *) p;
    actor->len = admin->owner.len + 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_strike_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_strike_t *ctx = data;

    if (ctx->asked || ctx->over) {
        return NGX_DONE;
    }

    ask->command = ngx_http_tlsrpt_strike_command(ctx);

    if (ask->command == NULL) {
        ctx->over = 1;
        return NGX_DONE;
    }

    ctx->asked = 1;

    return NGX_OK;
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_strike_command(ngx_http_tlsrpt_strike_t *ctx)
{
    tlsrpt_str_t             unclaimed = { NULL, 0 };
    const tlsrpt_command_t  *command;

    /* what people did is in the order of one clock */

    if (ctx->strike == NULL) {
        return &tlsrpt_command_time;
    }

    if (ctx->reckoning == NULL) {
        command = tlsrpt_strike_next(ctx->strike);

        if (command
            || tlsrpt_strike_outcome(ctx->strike) != TLSRPT_STRIKE_DONE)
        {
            return command;
        }

        ctx->reckoning = ngx_http_tlsrpt_reckoning(
                             ngx_http_get_module_main_conf(ctx->request,
                                                     ngx_http_tlsrpt_module),
                             &ctx->domain, unclaimed);
    }

    return ctx->reckoning ? tlsrpt_reckoning_next(ctx->reckoning) : NULL;
}


static ngx_int_t
ngx_http_tlsrpt_strike_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_strike_t *ctx = data;

    int64_t  seconds;

    ctx->asked = 0;

    if (ctx->strike == NULL) {
        if (tlsrpt_reply_seconds(reply, &seconds) != 0) {
            return NGX_ERROR;
        }

        ctx->conf.milliseconds = seconds * 1000;
        ctx->strike = tlsrpt_strike_create(&ctx->conf);

        return ctx->strike ? NGX_OK : NGX_ERROR;
    }

    if (ctx->reckoning) {
        tlsrpt_reckoning_add(ctx->reckoning, reply);

    } else {
        tlsrpt_strike_add(ctx->strike, reply);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_strike_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_strike_t *ctx = data;

    switch (tlsrpt_strike_outcome(ctx->strike)) {

    case TLSRPT_STRIKE_DONE:
        return ngx_http_tlsrpt_admin_none(r);

    case TLSRPT_STRIKE_UNKNOWN:
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such report, or it is struck out "
                                     "already, or not struck out");

    case TLSRPT_STRIKE_GONE:
        return ngx_http_tlsrpt_error(r, NGX_HTTP_CONFLICT,
                                     "the original of the report is kept no "
                                     "more, so what was counted of it is not "
                                     "known");

    default:
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "not done: try again");
    }
}


static void
ngx_http_tlsrpt_strike_destroy(void *data)
{
    ngx_http_tlsrpt_strike_t *ctx = data;

    tlsrpt_strike_destroy(ctx->strike);
    tlsrpt_reckoning_destroy(ctx->reckoning);
}
