/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What was seen is in the zone, so that a worker goes on where another one
 * ended.
 */

#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_registry_dump.h"
#include "ngx_http_tlsrpt_registry_load.h"
#include "ngx_http_tlsrpt_registry_poll.h"
#include "ngx_http_tlsrpt_registry_sweep.h"
#include "tlsrpt_registry_read.h"
#include "tlsrpt_registry_record.h"


#define NGX_HTTP_TLSRPT_POLL        1000    /* milliseconds */
#define NGX_HTTP_TLSRPT_POLL_LEASE  3       /* seconds */
#define NGX_HTTP_TLSRPT_POLL_AWAY   3       /* seconds from one try to the next
                                               while Redis is away */
#define NGX_HTTP_TLSRPT_POLL_SWEEP  3600    /* seconds */
#define NGX_HTTP_TLSRPT_POLL_RETRY  60      /* seconds until what did not fit is
                                               loaded again */
#define NGX_HTTP_TLSRPT_POLL_DUMP   30      /* seconds from one dump to the
                                               next, which takes a while too */
#define NGX_HTTP_TLSRPT_POLL_SAVED  86400   /* the same where nothing changed:
                                               the dump has its age */


typedef struct {
    ngx_http_tlsrpt_redis_t           *client;
    ngx_str_t                          prefix;
    ngx_str_t                         *file;
    ngx_http_tlsrpt_registry_seen_pt   seen;

    ngx_event_t                        timer;   /* each second */
    ngx_event_t                        turn;    /* goes on */
    time_t                             asked;

    uint64_t                           target;  /* all up to it is there */

    ngx_http_tlsrpt_sweep_t            sweep;
    time_t                             swept;   /* 0: never */
    time_t                             loaded;  /* whole, last */
    time_t                             dumped;
    ngx_uint_t                         dumped_changes;

    unsigned                           busy:1;
    unsigned                           sweeping:1;
    unsigned                           dumping:1;
} ngx_http_tlsrpt_poll_t;


static void ngx_http_tlsrpt_poll_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_tlsrpt_poll_lease(void);
static void ngx_http_tlsrpt_poll_turn(ngx_event_t *ev);
static void ngx_http_tlsrpt_poll_rest(void);

static void ngx_http_tlsrpt_poll_time(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why);
static void ngx_http_tlsrpt_poll_meta(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why);
static ngx_str_t ngx_http_tlsrpt_poll_str(const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_poll_judge(ngx_str_t *epoch, uint64_t version);
static void ngx_http_tlsrpt_poll_whole(ngx_str_t *epoch);
static void ngx_http_tlsrpt_poll_loaded(ngx_int_t rc);
static void ngx_http_tlsrpt_poll_sweep(ngx_uint_t whole);
static void ngx_http_tlsrpt_poll_swept(void);
static ngx_uint_t ngx_http_tlsrpt_poll_dump_due(void);


/* Of this worker. */
static ngx_http_tlsrpt_poll_t  ngx_http_tlsrpt_poll;
static tlsrpt_key_read_t       ngx_http_tlsrpt_poll_read;


void
ngx_http_tlsrpt_poll_begin(ngx_http_tlsrpt_redis_t *client,
    ngx_str_t *prefix, ngx_str_t *file, ngx_http_tlsrpt_registry_seen_pt seen)
{
    ngx_http_tlsrpt_poll_t  *poll;

    poll = &ngx_http_tlsrpt_poll;

    poll->client = client;
    poll->prefix = *prefix;
    poll->file = file;
    poll->seen = seen;

    poll->timer.handler = ngx_http_tlsrpt_poll_handler;
    poll->timer.data = poll;
    poll->timer.log = ngx_cycle->log;
    poll->timer.cancelable = 1;

    poll->turn.handler = ngx_http_tlsrpt_poll_turn;
    poll->turn.data = poll;
    poll->turn.log = ngx_cycle->log;
    poll->turn.cancelable = 1;

    ngx_http_tlsrpt_load_init(client, prefix, seen);

    ngx_add_timer(&poll->timer, 1);
}


/* The next one takes over at once. */

void
ngx_http_tlsrpt_poll_end(void)
{
    ngx_http_tlsrpt_dump_abort();

    ngx_http_tlsrpt_zone_lock();

    if (ngx_http_tlsrpt_zone->sh->poller == ngx_pid) {
        ngx_http_tlsrpt_zone->sh->lease = 0;
    }

    ngx_http_tlsrpt_zone_unlock();

    ngx_http_tlsrpt_load_end();
}


static void
ngx_http_tlsrpt_poll_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_poll_t *poll = ev->data;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_POLL);

    if (!ngx_http_tlsrpt_poll_lease() || poll->busy) {
        return;
    }

    if (poll->swept == 0) {
        /* the configuration may be another one than that of who polled
           before */
        ngx_http_tlsrpt_poll_sweep(0);
        return;
    }

    /* while Redis is away, each try leaves a line in the log */

    if (ngx_http_tlsrpt_redis_failing(poll->client)
        && ngx_time() - poll->asked < NGX_HTTP_TLSRPT_POLL_AWAY)
    {
        return;
    }

    poll->asked = ngx_time();

    (void) ngx_http_tlsrpt_redis_send(poll->client, &tlsrpt_command_time,
                                      ngx_http_tlsrpt_poll_time, poll);

    poll->busy = ngx_http_tlsrpt_redis_send(poll->client,
                     tlsrpt_registry_meta(&ngx_http_tlsrpt_poll_read,
                                          ngx_http_tlsrpt_str(&poll->prefix)),
                     ngx_http_tlsrpt_poll_meta, poll)
                 == NGX_OK;
}


/* Is this worker the one, for the next seconds? */

static ngx_uint_t
ngx_http_tlsrpt_poll_lease(void)
{
    ngx_uint_t                      mine;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    ngx_http_tlsrpt_zone_lock();

    mine = sh->poller == ngx_pid || sh->lease <= ngx_time();

    if (mine) {
        sh->poller = ngx_pid;
        sh->lease = ngx_time() + NGX_HTTP_TLSRPT_POLL_LEASE;
    }

    ngx_http_tlsrpt_zone_unlock();

    return mine;
}


/* What has to be gone through in turns. */

static void
ngx_http_tlsrpt_poll_turn(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_http_tlsrpt_poll_t  *poll;

    poll = ev->data;

    rc = poll->sweeping ? ngx_http_tlsrpt_sweep(&poll->sweep)
                        : ngx_http_tlsrpt_dump_write(poll->file, ev->log);

    if (rc == NGX_AGAIN) {
        ngx_add_timer(ev, 1);
        return;
    }

    if (poll->sweeping) {
        poll->sweeping = 0;
        ngx_http_tlsrpt_poll_swept();
    }

    poll->dumping = 0;
    ngx_http_tlsrpt_poll_rest();
}


/* Until the next second. */

static void
ngx_http_tlsrpt_poll_rest(void)
{
    ngx_http_tlsrpt_poll.busy = 0;
}


/* Its clock, by more than the way of the answer. */

static void
ngx_http_tlsrpt_poll_time(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    int64_t                         seconds;
    ngx_int_t                       ahead;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    if (reply == NULL || tlsrpt_reply_seconds(reply, &seconds) != 0) {
        return;
    }

    sh = ngx_http_tlsrpt_zone->sh;
    ahead = (ngx_int_t) (seconds - (int64_t) ngx_time());

    if (ngx_abs(ahead - (ngx_int_t) sh->ahead) > 1) {
        sh->ahead = ahead;
    }
}


/* How far is Redis? */

static void
ngx_http_tlsrpt_poll_meta(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_str_t  epoch, version;

    if (reply == NULL || reply->type != TLSRPT_REPLY_ARRAY
        || reply->nelements != 2)
    {
        ngx_http_tlsrpt_poll_rest();
        return;
    }

    epoch = ngx_http_tlsrpt_poll_str(reply->elements[0]);
    version = ngx_http_tlsrpt_poll_str(reply->elements[1]);

    epoch.len = ngx_min(epoch.len, NGX_HTTP_TLSRPT_EPOCH_LEN);

    ngx_http_tlsrpt_poll_judge(&epoch,
        version.len ? (uint64_t) ngx_atoof(version.data, version.len) : 0);
}


static ngx_str_t
ngx_http_tlsrpt_poll_str(const tlsrpt_reply_t *reply)
{
    return reply->type == TLSRPT_REPLY_STRING
           ? (ngx_str_t) { reply->len, (u_char *) reply->str }
           : (ngx_str_t) { 0, (u_char *) "" };
}


static void
ngx_http_tlsrpt_poll_judge(ngx_str_t *epoch, uint64_t version)
{
    ngx_uint_t                      other, older;
    ngx_http_tlsrpt_poll_t         *poll;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    poll = &ngx_http_tlsrpt_poll;
    sh = ngx_http_tlsrpt_zone->sh;

    other = epoch->len != sh->epoch_len
            || ngx_memcmp(epoch->data, sh->epoch, epoch->len) != 0;
    older = !other && version < sh->version;

    if (sh->epoch_len && (other || older)) {
        ngx_log_error(NGX_LOG_ALERT, poll->timer.log, 0,
                      "tlsrpt: the registry in Redis is %s than was loaded "
                      "before: it is loaded anew, and domains that are no "
                      "longer in it are served on for a day",
                      !other ? "an older one"
                             : epoch->len ? "another one" : "gone, other");
    }

    if (other || older
        || ngx_time() - sh->synced > TLSRPT_WITHDRAWN_SECONDS
        || (sh->full && sh->freed && !sh->loading
            && ngx_time() - poll->loaded > NGX_HTTP_TLSRPT_POLL_RETRY))
    {
        ngx_http_tlsrpt_poll_whole(epoch);
    }

    poll->target = version;

    if (version > sh->version) {
        ngx_http_tlsrpt_load(ngx_http_tlsrpt_poll_loaded);
        return;
    }

    ngx_http_tlsrpt_poll_loaded(NGX_OK);
}


/* From the first record on; what is there is served meanwhile. */

static void
ngx_http_tlsrpt_poll_whole(ngx_str_t *epoch)
{
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    ngx_http_tlsrpt_zone_lock();

    sh->epoch_len = epoch->len;
    ngx_memcpy(sh->epoch, epoch->data, epoch->len);

    sh->version = 0;
    sh->generation++;
    sh->synced = ngx_time();
    sh->loading = 1;
    sh->loaded = 0;
    sh->missed = 0;
    sh->freed = 0;

    ngx_http_tlsrpt_zone_unlock();

    ngx_http_tlsrpt_poll.loaded = ngx_time();
}


/* All that was in Redis when it was asked is there. */

static void
ngx_http_tlsrpt_poll_loaded(ngx_int_t rc)
{
    ngx_uint_t                      loading;
    ngx_http_tlsrpt_poll_t         *poll;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    if (rc != NGX_OK) {
        ngx_http_tlsrpt_poll_rest();
        return;
    }

    poll = &ngx_http_tlsrpt_poll;
    sh = ngx_http_tlsrpt_zone->sh;

    ngx_http_tlsrpt_zone_lock();

    /* the last ones may have been removed from Redis */
    sh->version = ngx_max(sh->version, poll->target);
    sh->synced = ngx_time();
    sh->loaded = 1;

    loading = sh->loading;

    if (loading) {
        sh->full = sh->missed;
    }

    ngx_http_tlsrpt_zone_unlock();

    if (loading || ngx_time() - poll->swept > NGX_HTTP_TLSRPT_POLL_SWEEP) {
        ngx_http_tlsrpt_poll_sweep(loading);
        return;
    }

    if (ngx_http_tlsrpt_poll_dump_due()) {
        poll->busy = 1;
        poll->dumping = 1;
        ngx_add_timer(&poll->turn, 1);
        return;
    }

    ngx_http_tlsrpt_poll_rest();
}


/* Going through all of it */

static void
ngx_http_tlsrpt_poll_sweep(ngx_uint_t whole)
{
    ngx_http_tlsrpt_poll_t  *poll;

    poll = &ngx_http_tlsrpt_poll;

    ngx_memzero(&poll->sweep, sizeof(ngx_http_tlsrpt_sweep_t));

    poll->sweep.whole = (whole != 0);
    poll->sweep.seen = poll->swept ? NULL : poll->seen;
    poll->sweep.log = poll->timer.log;

    poll->swept = ngx_time();
    poll->busy = 1;
    poll->sweeping = 1;

    ngx_add_timer(&poll->turn, 1);
}


static void
ngx_http_tlsrpt_poll_swept(void)
{
    ngx_http_tlsrpt_poll_t  *poll;

    poll = &ngx_http_tlsrpt_poll;

    if (!poll->sweep.whole) {
        /* Redis is next */
        ngx_add_timer(&poll->timer, 1);
        return;
    }

    ngx_http_tlsrpt_zone_lock();
    ngx_http_tlsrpt_zone->sh->loading = 0;
    ngx_http_tlsrpt_zone_unlock();

    if (poll->sweep.vanished) {
        ngx_log_error(NGX_LOG_WARN, poll->timer.log, 0,
                      "tlsrpt: %ui domains have vanished from the registry in "
                      "Redis without having left: they are served on for a "
                      "day", poll->sweep.vanished);
    }
}


static ngx_uint_t
ngx_http_tlsrpt_poll_dump_due(void)
{
    time_t                          age;
    ngx_http_tlsrpt_poll_t         *poll;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    poll = &ngx_http_tlsrpt_poll;
    sh = ngx_http_tlsrpt_zone->sh;

    age = ngx_time() - poll->dumped;

    if (age < NGX_HTTP_TLSRPT_POLL_DUMP
        || (sh->changes == poll->dumped_changes
            && age < NGX_HTTP_TLSRPT_POLL_SAVED))
    {
        return 0;
    }

    poll->dumped = ngx_time();
    poll->dumped_changes = sh->changes;

    return 1;
}
