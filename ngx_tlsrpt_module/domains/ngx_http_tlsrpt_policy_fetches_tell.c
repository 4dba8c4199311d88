/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One batch, of one domain, day and status, is on its way at a time, whichever
 * worker sends it, and the next one only once it is known to be counted: so it
 * counts once, however often it is told.
 */

#include "ngx_http_tlsrpt_policy_fetches_tell.h"
#include "ngx_http_tlsrpt_served_upkeep.h"
#include "ngx_http_tlsrpt_steps.h"
#include "tlsrpt_fetches.h"
#include "tlsrpt_time.h"


#define NGX_HTTP_TLSRPT_POLICY_FETCHES_TURN   1000  /* milliseconds */
#define NGX_HTTP_TLSRPT_POLICY_FETCHES_EVERY  10    /* seconds */


/* What this worker tells. */
typedef struct {
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    ngx_event_t                   timer;    /* something was counted */
    ngx_event_t                   day;      /* in worker 0: does Redis know
                                               that we count today? */
    ngx_http_tlsrpt_steps_t       steps;
    tlsrpt_command_t             *command;
    int32_t                       today;    /* told with it; 0: a batch is */
    ngx_uint_t                    place;    /* from which to look for more */
    ngx_uint_t                    failed;
    ngx_uint_t                    waits;    /* turns, to exit */
} ngx_http_tlsrpt_policy_fetches_tell_t;


static void ngx_http_tlsrpt_policy_fetches_timer(ngx_event_t *ev);
static void ngx_http_tlsrpt_policy_fetches_day(ngx_event_t *ev);
static void ngx_http_tlsrpt_policy_fetches_tell(void);
static ngx_uint_t ngx_http_tlsrpt_policy_fetches_take(void);
static ngx_uint_t ngx_http_tlsrpt_policy_fetches_mine(void);
static const tlsrpt_command_t *ngx_http_tlsrpt_policy_fetches_next(
    void *work);
static tlsrpt_command_t *ngx_http_tlsrpt_policy_fetches_node(int32_t today);
static tlsrpt_command_t *ngx_http_tlsrpt_policy_fetches_batch(int32_t today);
static ngx_http_tlsrpt_policy_fetch_t *ngx_http_tlsrpt_policy_fetches_pick(
    void);
static void ngx_http_tlsrpt_policy_fetches_reply(void *work,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_policy_fetches_counted(void);
static void ngx_http_tlsrpt_policy_fetches_done(void *work, ngx_uint_t gone);


static const ngx_http_tlsrpt_steps_type_t  ngx_http_tlsrpt_policy_fetches_type
    =
{
    ngx_http_tlsrpt_policy_fetches_next,
    ngx_http_tlsrpt_policy_fetches_reply,
    ngx_http_tlsrpt_policy_fetches_done
};


static ngx_http_tlsrpt_policy_fetches_tell_t
    ngx_http_tlsrpt_policy_fetches_teller;


void
ngx_http_tlsrpt_policy_fetches_begin(ngx_http_tlsrpt_main_conf_t *tmcf)
{
    ngx_http_tlsrpt_policy_fetches_tell_t  *tell;

    tell = &ngx_http_tlsrpt_policy_fetches_teller;
    tell->tmcf = tmcf;

    tell->timer.handler = ngx_http_tlsrpt_policy_fetches_timer;
    tell->timer.log = ngx_cycle->log;

    tell->day.handler = ngx_http_tlsrpt_policy_fetches_day;
    tell->day.log = ngx_cycle->log;
    tell->day.cancelable = 1;

    if (ngx_worker == 0) {
        ngx_add_timer(&tell->day, NGX_HTTP_TLSRPT_POLICY_FETCHES_TURN);
    }
}


void
ngx_http_tlsrpt_policy_fetches_end(void)
{
    ngx_http_tlsrpt_policy_fetches_tell_t  *tell;

    tell = &ngx_http_tlsrpt_policy_fetches_teller;

    if (tell->steps.work) {
        tell->steps.work = NULL;
        ngx_http_tlsrpt_policy_fetches_done(tell, 1);
    }
}


/* The timer keeps a worker that exits until it has told what it can. */

void
ngx_http_tlsrpt_policy_fetches_wait(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_tlsrpt_policy_fetches_teller.timer;

    if (!ev->timer_set && ev->handler) {
        ngx_add_timer(ev, NGX_HTTP_TLSRPT_POLICY_FETCHES_TURN);
    }
}


static void
ngx_http_tlsrpt_policy_fetches_timer(ngx_event_t *ev)
{
    ngx_http_tlsrpt_policy_fetches_sh_t    *sh;
    ngx_http_tlsrpt_policy_fetches_tell_t  *tell;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    tell = &ngx_http_tlsrpt_policy_fetches_teller;

    if (sh->used == 0) {
        return;
    }

    if (ngx_exiting
        || ngx_time() - sh->told >= NGX_HTTP_TLSRPT_POLICY_FETCHES_EVERY)
    {
        ngx_http_tlsrpt_policy_fetches_tell();
    }

    /* a worker that exits may have counted what another passed by */

    if (!ngx_exiting
        || (sh->teller
            && ++tell->waits < NGX_HTTP_TLSRPT_POLICY_FETCHES_EVERY))
    {
        ngx_add_timer(ev, NGX_HTTP_TLSRPT_POLICY_FETCHES_TURN);
    }
}


/* What waits since before a crash is told, too. */

static void
ngx_http_tlsrpt_policy_fetches_day(ngx_event_t *ev)
{
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_POLICY_FETCHES_EVERY * 1000);

    sh = ngx_http_tlsrpt_policy_fetches->sh;

    if (sh->today != tlsrpt_day_of(ngx_time()) || sh->used) {
        ngx_http_tlsrpt_policy_fetches_tell();
    }
}


static void
ngx_http_tlsrpt_policy_fetches_tell(void)
{
    ngx_http_tlsrpt_policy_fetches_tell_t  *tell;

    tell = &ngx_http_tlsrpt_policy_fetches_teller;

    if (tell->steps.work
        || ngx_http_tlsrpt_redis_failing(tell->tmcf->client)
        || !ngx_http_tlsrpt_policy_fetches_take())
    {
        return;
    }

    tell->place = 0;
    tell->failed = 0;

    ngx_http_tlsrpt_steps(&tell->steps, &ngx_http_tlsrpt_policy_fetches_type,
                          tell, tell->tmcf->client);
}


/* One worker tells at a time: the others, where it is gone. */

static ngx_uint_t
ngx_http_tlsrpt_policy_fetches_take(void)
{
    ngx_uint_t                            mine;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;

    ngx_http_tlsrpt_policy_fetches_lock();

    mine = sh->teller == 0 || sh->lease < ngx_time();

    if (mine) {
        sh->teller = ngx_pid;
        (void) ngx_http_tlsrpt_policy_fetches_mine();
    }

    ngx_http_tlsrpt_policy_fetches_unlock();

    return mine;
}


/* With the lock held: is it still?  Then it is for as long as a command may
   take. */

static ngx_uint_t
ngx_http_tlsrpt_policy_fetches_mine(void)
{
    ngx_http_tlsrpt_policy_fetches_sh_t    *sh;
    ngx_http_tlsrpt_policy_fetches_tell_t  *tell;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    tell = &ngx_http_tlsrpt_policy_fetches_teller;

    if (sh->teller != ngx_pid) {
        return 0;
    }

    sh->lease = ngx_time() + NGX_HTTP_TLSRPT_POLICY_FETCHES_EVERY
                + (time_t) (2 * tell->tmcf->redis.timeout / 1000);

    return 1;
}


/* Its steps */

static const tlsrpt_command_t *
ngx_http_tlsrpt_policy_fetches_next(void *work)
{
    ngx_http_tlsrpt_policy_fetches_tell_t *tell = work;

    int32_t  today;

    tlsrpt_command_destroy(tell->command);
    tell->command = NULL;

    if (tell->failed) {
        return NULL;
    }

    today = tlsrpt_day_of(ngx_time());
    tell->today = 0;

    if (ngx_http_tlsrpt_policy_fetches->sh->today != today) {
        tell->today = today;
        tell->command = ngx_http_tlsrpt_policy_fetches_node(today);

    } else {
        tell->command = ngx_http_tlsrpt_policy_fetches_batch(today);
    }

    return tell->command;
}


static tlsrpt_command_t *
ngx_http_tlsrpt_policy_fetches_node(int32_t today)
{
    u_char                                 name[NGX_HTTP_TLSRPT_NODE_LEN];
    ngx_str_t                              node;
    ngx_http_tlsrpt_policy_fetches_sh_t   *sh;
    ngx_http_tlsrpt_policy_fetches_tell_t *tell;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    tell = &ngx_http_tlsrpt_policy_fetches_teller;
    node = ngx_http_tlsrpt_node(name);

    return tlsrpt_fetches_node_command(
               ngx_http_tlsrpt_str(&tell->tmcf->redis.prefix),
               ngx_http_tlsrpt_str(&node), sh->full ? sh->full : sh->since,
               sh->full == 0, today);
}


static tlsrpt_command_t *
ngx_http_tlsrpt_policy_fetches_batch(int32_t today)
{
    u_char                                 name[NGX_HTTP_TLSRPT_NODE_LEN];
    u_char                                 copy[TLSRPT_DOMAIN_LEN];
    ngx_str_t                              node;
    tlsrpt_fetches_batch_t                 batch;
    ngx_http_tlsrpt_policy_fetch_t        *fetch;
    ngx_http_tlsrpt_policy_fetches_sh_t   *sh;
    ngx_http_tlsrpt_policy_fetches_tell_t *tell;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    tell = &ngx_http_tlsrpt_policy_fetches_teller;
    node = ngx_http_tlsrpt_node(name);

    ngx_http_tlsrpt_policy_fetches_lock();

    fetch = ngx_http_tlsrpt_policy_fetches_pick();

    if (fetch) {
        batch.domain.data = (char *) copy;
        batch.domain.len = fetch->len;
        ngx_memcpy(copy, fetch->name, fetch->len);

        batch.number = sh->number;
        batch.fetch.day = fetch->day;
        batch.fetch.status = fetch->status;
        batch.fetch.count = fetch->told;
    }

    ngx_http_tlsrpt_policy_fetches_unlock();

    if (fetch == NULL) {
        return NULL;
    }

    batch.prefix = ngx_http_tlsrpt_str(&tell->tmcf->redis.prefix);
    batch.node = ngx_http_tlsrpt_str(&node);
    batch.zone.data = (char *) sh->word;
    batch.zone.len = NGX_HTTP_TLSRPT_POLICY_FETCHES_WORD;
    batch.today = today;

    return tlsrpt_fetches_command(&batch);
}


/* What was on its way, and may be counted or not, as it was; then all there
   is. */

static ngx_http_tlsrpt_policy_fetch_t *
ngx_http_tlsrpt_policy_fetches_pick(void)
{
    ngx_http_tlsrpt_policy_fetch_t         *fetch;
    ngx_http_tlsrpt_policy_fetches_sh_t    *sh;
    ngx_http_tlsrpt_policy_fetches_tell_t  *tell;

    sh = ngx_http_tlsrpt_policy_fetches->sh;
    tell = &ngx_http_tlsrpt_policy_fetches_teller;

    if (!ngx_http_tlsrpt_policy_fetches_mine()) {
        return NULL;
    }

    if (sh->sending) {
        return &sh->list[sh->sending - 1];
    }

    for ( /* void */ ;
         tell->place < NGX_HTTP_TLSRPT_POLICY_FETCHES;
         tell->place++)
    {
        fetch = &sh->list[tell->place];

        if (fetch->len) {
            sh->sending = ++tell->place;
            sh->number++;
            fetch->told = fetch->count;

            return fetch;
        }
    }

    sh->told = ngx_time();

    return NULL;
}


/* What Redis will never take is taken for told. */

static void
ngx_http_tlsrpt_policy_fetches_reply(void *work, const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_policy_fetches_tell_t *tell = work;

    if (reply->type == TLSRPT_REPLY_ERROR
        && tlsrpt_reply_error_class(reply->str, reply->len)
           != TLSRPT_REPLY_OTHER)
    {
        tell->failed = 1;

    } else if (tell->today) {
        ngx_http_tlsrpt_policy_fetches->sh->today = tell->today;

    } else {
        ngx_http_tlsrpt_policy_fetches_counted();
    }
}


static void
ngx_http_tlsrpt_policy_fetches_counted(void)
{
    ngx_uint_t                            place;
    ngx_http_tlsrpt_policy_fetch_t       *fetch;
    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;

    ngx_http_tlsrpt_policy_fetches_lock();

    if (ngx_http_tlsrpt_policy_fetches_mine() && sh->sending) {
        place = sh->sending - 1;
        sh->sending = 0;

        fetch = &sh->list[place];
        fetch->count -= fetch->told;
        fetch->told = 0;

        if (fetch->count == 0) {
            ngx_http_tlsrpt_policy_fetches_free(place);
        }
    }

    ngx_http_tlsrpt_policy_fetches_unlock();
}


static void
ngx_http_tlsrpt_policy_fetches_done(void *work, ngx_uint_t gone)
{
    ngx_http_tlsrpt_policy_fetches_tell_t *tell = work;

    ngx_http_tlsrpt_policy_fetches_sh_t  *sh;

    sh = ngx_http_tlsrpt_policy_fetches->sh;

    tlsrpt_command_destroy(tell->command);
    tell->command = NULL;

    ngx_http_tlsrpt_policy_fetches_lock();

    if (sh->teller == ngx_pid) {
        sh->teller = 0;
    }

    ngx_http_tlsrpt_policy_fetches_unlock();
}
