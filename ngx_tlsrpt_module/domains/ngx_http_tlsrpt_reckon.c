/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Worker 0 asks Redis at times for domains that are due.  Those it gets wait in
 * a ring; the first few of them are being worked out.  Any number of nginx may
 * do so, and any of them may be killed: nobody else gets what one holds, and it
 * is due again when that is over.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_reckon.h"
#include "ngx_http_tlsrpt_steps.h"
#include "tlsrpt_due.h"
#include "tlsrpt_reckoning.h"


#define NGX_HTTP_TLSRPT_RECKON_POLL     5000    /* ms */
#define NGX_HTTP_TLSRPT_RECKON_LEASE    60000
#define NGX_HTTP_TLSRPT_RECKON_AWAY     60      /* s: polls where Redis is */
#define NGX_HTTP_TLSRPT_RECKON_HOLD     20      /* s: what one may take */
#define NGX_HTTP_TLSRPT_RECKONS         8       /* at a time */
#define NGX_HTTP_TLSRPT_RECKON_SCORE    32      /* bytes of one */


typedef struct {
    size_t                        len;
    size_t                        score_len;
    char                          name[TLSRPT_DOMAIN_LEN];
    char                          score[NGX_HTTP_TLSRPT_RECKON_SCORE];
} ngx_http_tlsrpt_reckon_name_t;


static void ngx_http_tlsrpt_reckon_poll(ngx_event_t *ev);
static void ngx_http_tlsrpt_reckon_lease(ngx_http_tlsrpt_main_conf_t *tmcf);
static void ngx_http_tlsrpt_reckon_claim(ngx_http_tlsrpt_main_conf_t *tmcf);
static void ngx_http_tlsrpt_reckon_claimed(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_reckon_add_name(tlsrpt_str_t domain,
    tlsrpt_str_t score);
static void ngx_http_tlsrpt_reckon_go_on(ngx_event_t *ev);
static void ngx_http_tlsrpt_reckon_first(ngx_http_tlsrpt_steps_t *steps,
    ngx_http_tlsrpt_main_conf_t *tmcf);
static ngx_int_t ngx_http_tlsrpt_reckon_send(ngx_http_tlsrpt_main_conf_t *tmcf,
    tlsrpt_command_t *command, ngx_http_tlsrpt_redis_handler_pt handler);
static void ngx_http_tlsrpt_reckon_ignore(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);

static const tlsrpt_command_t *ngx_http_tlsrpt_reckon_next(void *work);
static void ngx_http_tlsrpt_reckon_add(void *work,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_reckon_done(void *work, ngx_uint_t gone);


static const ngx_http_tlsrpt_steps_type_t  ngx_http_tlsrpt_reckon_steps = {
    ngx_http_tlsrpt_reckon_next,
    ngx_http_tlsrpt_reckon_add,
    ngx_http_tlsrpt_reckon_done
};


/* Of this worker. */
static ngx_http_tlsrpt_steps_t        ngx_http_tlsrpt_reckons[
    NGX_HTTP_TLSRPT_RECKONS];
static ngx_http_tlsrpt_reckon_name_t  ngx_http_tlsrpt_reckon_names[
    TLSRPT_DUE_MOST];
static ngx_uint_t                     ngx_http_tlsrpt_reckon_nnames;
static ngx_uint_t                     ngx_http_tlsrpt_reckon_ntaken;
static ngx_uint_t                     ngx_http_tlsrpt_reckon_claiming;
static ngx_uint_t                     ngx_http_tlsrpt_reckon_more;
static ngx_uint_t                     ngx_http_tlsrpt_reckon_newer;
static time_t                         ngx_http_tlsrpt_reckon_asked;
static ngx_event_t                    ngx_http_tlsrpt_reckon_timer;
static ngx_event_t                    ngx_http_tlsrpt_reckon_event;


void
ngx_http_tlsrpt_reckon_due(ngx_http_tlsrpt_main_conf_t *tmcf,
    tlsrpt_str_t domain, ngx_uint_t delay)
{
    (void) ngx_http_tlsrpt_reckon_send(tmcf,
               tlsrpt_due_add(ngx_http_tlsrpt_str(&tmcf->redis.prefix),
                              domain, (unsigned) delay),
               ngx_http_tlsrpt_reckon_ignore);
}


void
ngx_http_tlsrpt_reckon_begin(ngx_http_tlsrpt_main_conf_t *tmcf)
{
    ngx_event_t  *ev;

    if (ngx_worker != 0) {
        return;
    }

    ev = &ngx_http_tlsrpt_reckon_event;
    ev->handler = ngx_http_tlsrpt_reckon_go_on;
    ev->data = tmcf;
    ev->log = ngx_cycle->log;

    ev = &ngx_http_tlsrpt_reckon_timer;
    ev->handler = ngx_http_tlsrpt_reckon_poll;
    ev->data = tmcf;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_RECKON_POLL / 5);
}


void
ngx_http_tlsrpt_reckon_end(void)
{
    ngx_uint_t                i;
    ngx_http_tlsrpt_steps_t  *steps;

    for (i = 0; i < NGX_HTTP_TLSRPT_RECKONS; i++) {
        steps = &ngx_http_tlsrpt_reckons[i];

        if (steps->work) {
            tlsrpt_reckoning_destroy(steps->work);
            steps->work = NULL;
        }
    }
}


/* Where Redis is away, each poll would leave its lines in the log: until
   somebody else is answered, there are few. */

static void
ngx_http_tlsrpt_reckon_poll(ngx_event_t *ev)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    if (ngx_exiting) {
        return;
    }

    tmcf = ev->data;

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_RECKON_POLL);

    if (ngx_http_tlsrpt_redis_failing(tmcf->client)
        && ngx_time() - ngx_http_tlsrpt_reckon_asked
           < NGX_HTTP_TLSRPT_RECKON_AWAY)
    {
        return;
    }

    ngx_http_tlsrpt_reckon_asked = ngx_time();

    ngx_http_tlsrpt_reckon_lease(tmcf);

    if (ngx_http_tlsrpt_reckon_ntaken == ngx_http_tlsrpt_reckon_nnames) {
        ngx_http_tlsrpt_reckon_claim(tmcf);
    }
}


/* rspamd need not: nginx knows what policies are served. */

static void
ngx_http_tlsrpt_reckon_lease(ngx_http_tlsrpt_main_conf_t *tmcf)
{
    tlsrpt_key_read_t  lease;

    tlsrpt_key_lease(&lease.key, ngx_http_tlsrpt_str(&tmcf->redis.prefix));
    tlsrpt_key_ask(&lease, "SET");
    tlsrpt_key_ask_for(&lease, "nginx", 5);
    tlsrpt_key_ask_for(&lease, "PX", 2);
    tlsrpt_key_ask_number(&lease, NGX_HTTP_TLSRPT_RECKON_LEASE);

    (void) ngx_http_tlsrpt_redis_send(tmcf->client, &lease.command,
                                      ngx_http_tlsrpt_reckon_ignore, NULL);
}


static void
ngx_http_tlsrpt_reckon_claim(ngx_http_tlsrpt_main_conf_t *tmcf)
{
    if (ngx_http_tlsrpt_reckon_claiming || ngx_exiting) {
        return;
    }

    if (ngx_http_tlsrpt_reckon_send(tmcf,
            tlsrpt_due_claim(ngx_http_tlsrpt_str(&tmcf->redis.prefix),
                             TLSRPT_DUE_MOST, NGX_HTTP_TLSRPT_RECKON_HOLD),
            ngx_http_tlsrpt_reckon_claimed)
        == NGX_OK)
    {
        ngx_http_tlsrpt_reckon_claiming = 1;
    }
}


/* The ring is empty: nothing is claimed before. */

static void
ngx_http_tlsrpt_reckon_claimed(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    size_t        i;
    tlsrpt_str_t  domain, score;

    ngx_http_tlsrpt_reckon_claiming = 0;
    ngx_http_tlsrpt_reckon_more = 0;
    ngx_http_tlsrpt_reckon_nnames = 0;
    ngx_http_tlsrpt_reckon_ntaken = 0;

    if (reply == NULL) {
        return;
    }

    for (i = 0; tlsrpt_due_claimed(reply, i, &domain, &score); i++) {
        if (ngx_http_tlsrpt_reckon_add_name(domain, score) != NGX_OK) {
            break;
        }
    }

    ngx_http_tlsrpt_reckon_more = (i == TLSRPT_DUE_MOST);

    ngx_http_tlsrpt_reckon_go_on(&ngx_http_tlsrpt_reckon_event);
}


static ngx_int_t
ngx_http_tlsrpt_reckon_add_name(tlsrpt_str_t domain, tlsrpt_str_t score)
{
    ngx_http_tlsrpt_reckon_name_t  *name;

    if (ngx_http_tlsrpt_reckon_nnames == TLSRPT_DUE_MOST
        || domain.len > TLSRPT_DOMAIN_LEN
        || score.len > NGX_HTTP_TLSRPT_RECKON_SCORE)
    {
        return NGX_DECLINED;
    }

    name = &ngx_http_tlsrpt_reckon_names[ngx_http_tlsrpt_reckon_nnames++];

    name->len = domain.len;
    ngx_memcpy(name->name, domain.data, domain.len);
    name->score_len = score.len;
    ngx_memcpy(name->score, score.data, score.len);

    return NGX_OK;
}


tlsrpt_reckoning_t *
ngx_http_tlsrpt_reckoning(ngx_http_tlsrpt_main_conf_t *tmcf,
    const ngx_str_t *domain, tlsrpt_str_t score)
{
    ngx_uint_t  is_served;

    static mta_sts_policy_t  served;        /* too large for the stack */

    is_served = ngx_http_mta_sts_content(
                    ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                                 ngx_http_mta_sts_module),
                    domain, &served)
                == NGX_OK;

    return tlsrpt_reckoning_create(ngx_http_tlsrpt_str(&tmcf->redis.prefix),
                                   ngx_http_tlsrpt_str(domain),
                                   is_served ? &served : NULL,
                                   (unsigned) tmcf->retention_days, ngx_time(),
                                   score);
}


/* Into each free place the next; where many were due, so are others. */

static void
ngx_http_tlsrpt_reckon_go_on(ngx_event_t *ev)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TLSRPT_RECKONS; i++) {
        if (ngx_http_tlsrpt_reckons[i].work == NULL
            && ngx_http_tlsrpt_reckon_ntaken < ngx_http_tlsrpt_reckon_nnames)
        {
            ngx_http_tlsrpt_reckon_first(&ngx_http_tlsrpt_reckons[i],
                                         ev->data);
        }
    }

    if (ngx_http_tlsrpt_reckon_more
        && ngx_http_tlsrpt_reckon_ntaken == ngx_http_tlsrpt_reckon_nnames)
    {
        ngx_http_tlsrpt_reckon_claim(ev->data);
    }
}


static void
ngx_http_tlsrpt_reckon_first(ngx_http_tlsrpt_steps_t *steps,
    ngx_http_tlsrpt_main_conf_t *tmcf)
{
    ngx_str_t                       name;
    tlsrpt_str_t                    score;
    tlsrpt_reckoning_t             *reckoning;
    ngx_http_tlsrpt_reckon_name_t  *first;

    first = &ngx_http_tlsrpt_reckon_names[ngx_http_tlsrpt_reckon_ntaken++];

    name.data = (u_char *) first->name;
    name.len = first->len;
    score.data = first->score;
    score.len = first->score_len;

    reckoning = ngx_http_tlsrpt_reckoning(tmcf, &name, score);

    if (reckoning) {
        ngx_http_tlsrpt_steps(steps, &ngx_http_tlsrpt_reckon_steps, reckoning,
                              tmcf->client);
    }
}


/* Frees the command; NULL: there was no memory for it. */

static ngx_int_t
ngx_http_tlsrpt_reckon_send(ngx_http_tlsrpt_main_conf_t *tmcf,
    tlsrpt_command_t *command, ngx_http_tlsrpt_redis_handler_pt handler)
{
    ngx_int_t  rc;

    if (command == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_tlsrpt_redis_send(tmcf->client, command, handler, NULL);
    tlsrpt_command_destroy(command);

    return rc;
}


/* The client has logged what Redis refused. */

static void
ngx_http_tlsrpt_reckon_ignore(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_reckon_next(void *work)
{
    return tlsrpt_reckoning_next(work);
}


static void
ngx_http_tlsrpt_reckon_add(void *work, const tlsrpt_reply_t *reply)
{
    tlsrpt_reckoning_add(work, reply);
}


/* The next one begins with the next turn of the loop; where Redis is away, what
   is left is due again when it is not held any more. */

static void
ngx_http_tlsrpt_reckon_done(void *work, ngx_uint_t gone)
{
    ngx_event_t  *ev;

    ev = &ngx_http_tlsrpt_reckon_event;

    if (tlsrpt_reckoning_newer(work) && !ngx_http_tlsrpt_reckon_newer) {
        ngx_http_tlsrpt_reckon_newer = 1;
        ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                      "tlsrpt: problems are worked out by a later version on "
                      "this Redis: they are left to it");
    }

    tlsrpt_reckoning_destroy(work);

    if (gone) {
        ngx_http_tlsrpt_reckon_more = 0;
        ngx_http_tlsrpt_reckon_ntaken = ngx_http_tlsrpt_reckon_nnames;
    }

    if (!ev->timer_set) {
        ngx_add_timer(ev, 1);
    }
}
