/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * When a connection is made, what is sent, how long an answer is waited for,
 * and what becomes of commands when there is none.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_redis.h"
#include "ngx_http_tlsrpt_redis_connection.h"
#include "ngx_http_tlsrpt_redis_queue.h"


#define NGX_HTTP_TLSRPT_REDIS_PIECE    8192     /* sent before the turn ends */
#define NGX_HTTP_TLSRPT_REDIS_LATE     50       /* ms: a turn that was long */
#define NGX_HTTP_TLSRPT_REDIS_BACKOFF  100      /* first, doubled up to */
#define NGX_HTTP_TLSRPT_REDIS_BACKOFF_MAX  5000


/* A line of the log that may come often. */
typedef struct {
    time_t                             time;        /* of the last one */
    ngx_uint_t                         more;        /* since */
    ngx_uint_t                         suppressed;  /* before it */
} ngx_http_tlsrpt_redis_said_t;

struct ngx_http_tlsrpt_redis_s {
    ngx_http_tlsrpt_redis_conf_t      *conf;
    ngx_log_t                         *log;

    ngx_http_tlsrpt_redis_queue_t      queue;
    size_t                             unsent;      /* since the last write */

    ngx_event_t                        end_of_turn; /* what waits is sent */
    ngx_event_t                        expire;      /* the oldest command */
    ngx_event_t                        retry;       /* the next connection */
    ngx_msec_t                         retry_at;
    ngx_uint_t                         failures;    /* since an answer */

    ngx_http_tlsrpt_redis_said_t       errors;      /* answers of Redis */
    ngx_http_tlsrpt_redis_said_t       full;

    ngx_http_tlsrpt_redis_connection_t connection;
};


static ngx_uint_t ngx_http_tlsrpt_redis_away(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_done(ngx_http_tlsrpt_redis_t *redis,
    ngx_http_tlsrpt_redis_op_t *op, const tlsrpt_reply_t *reply,
    ngx_uint_t why);
static void ngx_http_tlsrpt_redis_fail(ngx_http_tlsrpt_redis_t *redis,
    ngx_uint_t why);

static void ngx_http_tlsrpt_redis_flush_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_tlsrpt_redis_flush(ngx_http_tlsrpt_redis_t *redis);

static void ngx_http_tlsrpt_redis_on_writable(void *data);
static ngx_int_t ngx_http_tlsrpt_redis_on_reply(void *data,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_redis_on_received(void *data);
static void ngx_http_tlsrpt_redis_on_broken(void *data, const char *reason,
    ngx_err_t err);

static void ngx_http_tlsrpt_redis_lost(ngx_http_tlsrpt_redis_t *redis,
    const char *reason, ngx_err_t err, ngx_uint_t expired);
static void ngx_http_tlsrpt_redis_backoff(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_retry_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_redis_arm(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_expire_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_redis_complain(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply);
static ngx_uint_t ngx_http_tlsrpt_redis_may_say(
    ngx_http_tlsrpt_redis_said_t *said);


static const ngx_http_tlsrpt_redis_events_t  ngx_http_tlsrpt_redis_events = {
    ngx_http_tlsrpt_redis_on_writable,
    ngx_http_tlsrpt_redis_on_reply,
    ngx_http_tlsrpt_redis_on_received,
    ngx_http_tlsrpt_redis_on_broken
};


ngx_http_tlsrpt_redis_t *
ngx_http_tlsrpt_redis_create(ngx_http_tlsrpt_redis_conf_t *conf,
    ngx_log_t *log)
{
    ngx_http_tlsrpt_redis_t  *redis;

    redis = ngx_calloc(sizeof(ngx_http_tlsrpt_redis_t), log);
    if (redis == NULL) {
        return NULL;
    }

    redis->conf = conf;
    redis->log = log;

    redis->connection.conf = conf;
    redis->connection.log = log;
    redis->connection.events = &ngx_http_tlsrpt_redis_events;
    redis->connection.data = redis;

    ngx_http_tlsrpt_redis_queue_init(&redis->queue);

    redis->end_of_turn.handler = ngx_http_tlsrpt_redis_flush_handler;
    redis->end_of_turn.data = redis;
    redis->end_of_turn.log = log;

    /* What is queued keeps an exiting worker alive: not cancelable. */
    redis->expire.handler = ngx_http_tlsrpt_redis_expire_handler;
    redis->expire.data = redis;
    redis->expire.log = log;

    redis->retry.handler = ngx_http_tlsrpt_redis_retry_handler;
    redis->retry.data = redis;
    redis->retry.log = log;
    redis->retry.cancelable = 1;

    return redis;
}


void
ngx_http_tlsrpt_redis_destroy(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_http_tlsrpt_redis_close(&redis->connection);
    ngx_http_tlsrpt_redis_queue_clear(&redis->queue);

    if (redis->end_of_turn.posted) {
        ngx_delete_posted_event(&redis->end_of_turn);
    }

    if (redis->expire.timer_set) {
        ngx_del_timer(&redis->expire);
    }

    if (redis->retry.timer_set) {
        ngx_del_timer(&redis->retry);
    }

    ngx_free(redis);
}


/* Queueing */

ngx_int_t
ngx_http_tlsrpt_redis_send(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_command_t *command,
    ngx_http_tlsrpt_redis_handler_pt handler, void *data)
{
    ngx_int_t                    rc;
    ngx_http_tlsrpt_redis_op_t  *op;

    if (ngx_http_tlsrpt_redis_away(redis)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_tlsrpt_redis_queue_add(&redis->queue, command, redis->log,
                                         &op);

    if (rc == NGX_BUSY && ngx_http_tlsrpt_redis_may_say(&redis->full)) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "tlsrpt: too much waits for Redis %V: %ui commands, %uz "
                      "bytes (%ui more suppressed)", &redis->conf->name,
                      redis->queue.ncommands, redis->queue.nbytes,
                      redis->full.suppressed);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    op->deadline = ngx_current_msec + redis->conf->timeout;
    op->handler = handler;
    op->data = data;

    redis->unsent += (size_t) (op->buf.last - op->buf.pos);

    ngx_http_tlsrpt_count_queue(redis->queue.ncommands);

    ngx_http_tlsrpt_redis_idle(&redis->connection, 0);

    if (!redis->expire.timer_set) {
        ngx_http_tlsrpt_redis_arm(redis);
    }

    if (redis->unsent >= NGX_HTTP_TLSRPT_REDIS_PIECE) {
        /* where this fails, so does the flush at the end of the turn, which
           may call handlers */
        (void) ngx_http_tlsrpt_redis_flush(redis);
    }

    ngx_post_event(&redis->end_of_turn, &ngx_posted_events);

    return NGX_OK;
}


/* Will Redis not be asked again within the deadline? */

static ngx_uint_t
ngx_http_tlsrpt_redis_away(ngx_http_tlsrpt_redis_t *redis)
{
    return redis->retry.timer_set
           && (ngx_msec_int_t) (redis->retry_at - ngx_current_msec)
              >= (ngx_msec_int_t) redis->conf->timeout;
}


/* The first failure may be that of a connection which had answered. */

ngx_uint_t
ngx_http_tlsrpt_redis_failing(ngx_http_tlsrpt_redis_t *redis)
{
    return redis->failures > 1;
}


void
ngx_http_tlsrpt_redis_detach(ngx_http_tlsrpt_redis_t *redis, void *data)
{
    ngx_http_tlsrpt_redis_queue_detach(&redis->queue, data);
}


/* op is in no queue any more. */

static void
ngx_http_tlsrpt_redis_done(ngx_http_tlsrpt_redis_t *redis,
    ngx_http_tlsrpt_redis_op_t *op, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    void                              *data;
    ngx_msec_t                         waited;
    ngx_http_tlsrpt_redis_handler_pt   handler;

    handler = op->handler;
    data = op->data;

    waited = ngx_current_msec - (op->deadline - redis->conf->timeout);

    ngx_http_tlsrpt_redis_queue_free(&redis->queue, op);

    ngx_http_tlsrpt_count_command(reply != NULL, waited);
    ngx_http_tlsrpt_count_queue(redis->queue.ncommands);

    if (handler) {
        handler(data, reply, why);
    }
}


static void
ngx_http_tlsrpt_redis_fail(ngx_http_tlsrpt_redis_t *redis, ngx_uint_t why)
{
    ngx_http_tlsrpt_redis_op_t  *op;

    while ((op = ngx_http_tlsrpt_redis_queue_failed(&redis->queue)) != NULL) {
        ngx_http_tlsrpt_redis_done(redis, op, NULL, why);
    }
}


/* Sending */

static void
ngx_http_tlsrpt_redis_flush_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_redis_t  *redis = ev->data;

    if (redis->connection.state == NGX_HTTP_TLSRPT_REDIS_DOWN) {

        if (!redis->retry.timer_set && redis->queue.ncommands) {
            ngx_http_tlsrpt_redis_connect(&redis->connection);
        }

        return;
    }

    if (ngx_http_tlsrpt_redis_flush(redis) != NGX_OK) {
        ngx_http_tlsrpt_redis_lost(redis, "cannot send", 0, 0);
    }
}


/* What waits, as much of it as the socket takes. */

static ngx_int_t
ngx_http_tlsrpt_redis_flush(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_chain_t  *commands;

    redis->unsent = 0;

    if (!ngx_http_tlsrpt_redis_writable(&redis->connection)) {
        return NGX_OK;
    }

    commands = ngx_http_tlsrpt_redis_queue_chain(&redis->queue);
    if (commands == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_redis_write(&redis->connection, commands) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_tlsrpt_redis_queue_advance(&redis->queue);

    return NGX_OK;
}


/* Events of the connection */

static void
ngx_http_tlsrpt_redis_on_writable(void *data)
{
    ngx_http_tlsrpt_redis_t *redis = data;

    ngx_post_event(&redis->end_of_turn, &ngx_posted_events);
}


static ngx_int_t
ngx_http_tlsrpt_redis_on_reply(void *data, const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_redis_t *redis = data;

    ngx_http_tlsrpt_redis_op_t  *op;

    op = ngx_http_tlsrpt_redis_queue_answered(&redis->queue);

    if (op == NULL) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "tlsrpt: Redis %V sent a reply that nothing asked for",
                      &redis->conf->name);
        return NGX_ERROR;
    }

    redis->failures = 0;

    if (reply->type == TLSRPT_REPLY_ERROR) {

        if (op->script
            && tlsrpt_reply_error_class(reply->str, reply->len)
               == TLSRPT_REPLY_NOSCRIPT
            && ngx_http_tlsrpt_redis_queue_eval(&redis->queue, op) == NGX_OK)
        {
            ngx_post_event(&redis->end_of_turn, &ngx_posted_events);
            return NGX_OK;
        }

        ngx_http_tlsrpt_redis_complain(redis, reply);
    }

    ngx_http_tlsrpt_redis_done(redis, op, reply,
                               NGX_HTTP_TLSRPT_REDIS_ANSWERED);

    return NGX_OK;
}


static void
ngx_http_tlsrpt_redis_on_received(void *data)
{
    ngx_http_tlsrpt_redis_t *redis = data;

    ngx_http_tlsrpt_redis_arm(redis);

    if (redis->queue.ncommands) {
        return;
    }

    /* an idle connection is closed by an exiting worker, and by nothing else */

    if (ngx_exiting) {
        ngx_http_tlsrpt_redis_close(&redis->connection);
        return;
    }

    ngx_http_tlsrpt_redis_idle(&redis->connection, 1);
}


static void
ngx_http_tlsrpt_redis_on_broken(void *data, const char *reason, ngx_err_t err)
{
    ngx_http_tlsrpt_redis_lost(data, reason, err, 0);
}


/* Failing */

/* The connection cannot be used any more: what was in flight is sent once more
   on the next, what was so already has failed. */

static void
ngx_http_tlsrpt_redis_lost(ngx_http_tlsrpt_redis_t *redis,
    const char *reason, ngx_err_t err, ngx_uint_t expired)
{
    ngx_uint_t  level;

    level = redis->queue.ncommands ? NGX_LOG_ERR : NGX_LOG_INFO;

    ngx_log_error(level, redis->log, err, "tlsrpt: Redis %V: %s",
                  &redis->conf->name, reason);

    ngx_http_tlsrpt_redis_close(&redis->connection);

    redis->failures++;
    ngx_http_tlsrpt_redis_backoff(redis);

    ngx_http_tlsrpt_redis_queue_again(&redis->queue, ngx_current_msec,
                                      expired ? redis->conf->timeout : 0);

    ngx_http_tlsrpt_redis_fail(redis, expired ? NGX_HTTP_TLSRPT_REDIS_TIMEOUT
                                              : NGX_HTTP_TLSRPT_REDIS_LOST);
    ngx_http_tlsrpt_redis_arm(redis);
}


/* After a connection that answered the next is tried at once. */

static void
ngx_http_tlsrpt_redis_backoff(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_uint_t  i;
    ngx_msec_t  delay;

    if (redis->failures == 1) {
        ngx_post_event(&redis->end_of_turn, &ngx_posted_events);
        return;
    }

    delay = NGX_HTTP_TLSRPT_REDIS_BACKOFF;

    for (i = 2; i < redis->failures; i++) {
        delay *= 2;

        if (delay >= NGX_HTTP_TLSRPT_REDIS_BACKOFF_MAX) {
            delay = NGX_HTTP_TLSRPT_REDIS_BACKOFF_MAX;
            break;
        }
    }

    delay += (ngx_msec_t) ngx_random() % (delay / 4 + 1);
    delay = ngx_min(delay, NGX_HTTP_TLSRPT_REDIS_BACKOFF_MAX);

    redis->retry_at = ngx_current_msec + delay;
    ngx_add_timer(&redis->retry, delay);
}


static void
ngx_http_tlsrpt_redis_retry_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_redis_t *redis = ev->data;

    ngx_post_event(&redis->end_of_turn, &ngx_posted_events);
}


/* Deadlines */

/* The timer is for the oldest command. */

static void
ngx_http_tlsrpt_redis_arm(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_msec_t      deadline;
    ngx_msec_int_t  left;

    if (ngx_http_tlsrpt_redis_queue_deadline(&redis->queue, &deadline)
        != NGX_OK)
    {
        if (redis->expire.timer_set) {
            ngx_del_timer(&redis->expire);
        }

        return;
    }

    left = (ngx_msec_int_t) (deadline - ngx_current_msec);
    ngx_add_timer(&redis->expire, (ngx_msec_t) ngx_max(left, 1));
}


static void
ngx_http_tlsrpt_redis_expire_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_redis_t *redis = ev->data;

    /* Where the timer is late, the worker was busy: an answer may be there and
       not be read yet, and what was sent at the end of a long turn had no
       time. */

    if ((ngx_msec_int_t) (ngx_current_msec - ev->timer.key)
        > NGX_HTTP_TLSRPT_REDIS_LATE)
    {
        ngx_http_tlsrpt_redis_queue_put_off(&redis->queue, ngx_current_msec,
                                            redis->conf->timeout);
    }

    if (redis->connection.state != NGX_HTTP_TLSRPT_REDIS_DOWN
        && ngx_http_tlsrpt_redis_queue_stuck(&redis->queue, ngx_current_msec))
    {
        ngx_http_tlsrpt_redis_lost(redis, "no answer in time", 0, 1);
    }

    ngx_http_tlsrpt_redis_queue_expire(&redis->queue, ngx_current_msec);

    ngx_http_tlsrpt_redis_fail(redis, NGX_HTTP_TLSRPT_REDIS_TIMEOUT);
    ngx_http_tlsrpt_redis_arm(redis);
}


static void
ngx_http_tlsrpt_redis_complain(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply)
{
    size_t       i, len;
    u_char       text[200];
    const char  *hint;

    if (!ngx_http_tlsrpt_redis_may_say(&redis->errors)) {
        return;
    }

    hint = tlsrpt_reply_error_class(reply->str, reply->len)
           == TLSRPT_REPLY_AUTH
           ? ", check user and password of \"tlsrpt_redis\"" : "";

    len = ngx_min(reply->len, sizeof(text));

    for (i = 0; i < len; i++) {
        text[i] = (reply->str[i] < ' ' || reply->str[i] > '~')
                      ? '?' : (u_char) reply->str[i];
    }

    ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                  "tlsrpt: Redis %V answers an error: %*s%s "
                  "(%ui more suppressed)",
                  &redis->conf->name, len, text, hint,
                  redis->errors.suppressed);
}


/* Once a second, so that a Redis which refuses everything cannot fill the disk
   by way of the log.  suppressed: lines since the last one. */

static ngx_uint_t
ngx_http_tlsrpt_redis_may_say(ngx_http_tlsrpt_redis_said_t *said)
{
    if (said->time == ngx_time()) {
        said->more++;
        return 0;
    }

    said->time = ngx_time();
    said->suppressed = said->more;
    said->more = 0;

    return 1;
}
