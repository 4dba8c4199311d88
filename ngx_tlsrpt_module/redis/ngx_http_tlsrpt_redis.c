/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A command waits, is sent, is answered, or fails.  Replies come in the order of
 * the commands, so queues are all there is to know: what waits to be sent on
 * this connection or the next, what was sent on this one, and what has failed
 * while its handler has not been told.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_redis.h"
#include "ngx_http_tlsrpt_redis_codec.h"


#define NGX_HTTP_TLSRPT_REDIS_TRIES    2
#define NGX_HTTP_TLSRPT_REDIS_BUFFER   16384
#define NGX_HTTP_TLSRPT_REDIS_PIECE    8192     /* sent before the turn ends */
#define NGX_HTTP_TLSRPT_REDIS_BACKOFF  100      /* first, doubled up to */
#define NGX_HTTP_TLSRPT_REDIS_BACKOFF_MAX  5000


typedef struct {
    ngx_queue_t                        queue;
    ngx_chain_t                        link;
    ngx_buf_t                          buf;
    ngx_msec_t                         deadline;    /* of this try */
    ngx_http_tlsrpt_redis_handler_pt   handler;     /* NULL: detached */
    void                              *data;
    ngx_uint_t                         tries;
    unsigned                           script:1;    /* sent as EVALSHA */
} ngx_http_tlsrpt_redis_op_t;


typedef enum {
    NGX_HTTP_TLSRPT_REDIS_DOWN = 0,             /* no connection */
    NGX_HTTP_TLSRPT_REDIS_CONNECTING,
    NGX_HTTP_TLSRPT_REDIS_GREETING,             /* AUTH, SELECT */
    NGX_HTTP_TLSRPT_REDIS_READY
} ngx_http_tlsrpt_redis_state_e;


struct ngx_http_tlsrpt_redis_s {
    ngx_http_tlsrpt_redis_conf_t      *conf;
    ngx_log_t                         *log;

    ngx_http_tlsrpt_redis_state_e      state;
    ngx_connection_t                  *connection;
    ngx_http_tlsrpt_redis_codec_t     *codec;
    ngx_uint_t                         addr;        /* to connect to */

    ngx_queue_t                        waiting;     /* the first of them may
                                                       be sent in part */
    ngx_queue_t                        sent;
    ngx_queue_t                        failed;
    ngx_uint_t                         ncommands;   /* in all of them */
    size_t                             nbytes;
    size_t                             unsent;      /* since the last write */

    ngx_event_t                        flush;       /* end of the turn */
    ngx_event_t                        expire;      /* the oldest command */
    ngx_event_t                        retry;       /* the next connection */
    ngx_msec_t                         retry_at;
    ngx_uint_t                         failures;    /* since an answer */

    ngx_buf_t                          greeting;
    ngx_uint_t                         greetings;   /* replies to come */

    time_t                             complained;
    ngx_uint_t                         unsaid;

    u_char                             buffer[NGX_HTTP_TLSRPT_REDIS_BUFFER];
};


static ngx_int_t ngx_http_tlsrpt_redis_room(ngx_http_tlsrpt_redis_t *redis,
    size_t len);
static void ngx_http_tlsrpt_redis_free(ngx_http_tlsrpt_redis_op_t *op);
static void ngx_http_tlsrpt_redis_done(ngx_http_tlsrpt_redis_t *redis,
    ngx_http_tlsrpt_redis_op_t *op, const tlsrpt_reply_t *reply,
    ngx_uint_t why);
static void ngx_http_tlsrpt_redis_fail(ngx_http_tlsrpt_redis_t *redis,
    ngx_uint_t why);

static void ngx_http_tlsrpt_redis_flush_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_redis_connect(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_connected(ngx_http_tlsrpt_redis_t *redis);
static ngx_int_t ngx_http_tlsrpt_redis_greet(ngx_http_tlsrpt_redis_t *redis);
static ngx_int_t ngx_http_tlsrpt_redis_greeting(
    ngx_http_tlsrpt_redis_t *redis, const char **argv, size_t argc);
static ngx_int_t ngx_http_tlsrpt_redis_greeted(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply);

static void ngx_http_tlsrpt_redis_write_handler(ngx_event_t *wev);
static void ngx_http_tlsrpt_redis_write(ngx_http_tlsrpt_redis_t *redis);
static ngx_int_t ngx_http_tlsrpt_redis_write_greeting(
    ngx_http_tlsrpt_redis_t *redis);
static ngx_int_t ngx_http_tlsrpt_redis_write_waiting(
    ngx_http_tlsrpt_redis_t *redis);

static void ngx_http_tlsrpt_redis_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_http_tlsrpt_redis_replies(ngx_http_tlsrpt_redis_t *redis);
static ngx_int_t ngx_http_tlsrpt_redis_answer(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_redis_eval(ngx_http_tlsrpt_redis_t *redis,
    ngx_http_tlsrpt_redis_op_t *op);
static void ngx_http_tlsrpt_redis_idle(ngx_http_tlsrpt_redis_t *redis);

static void ngx_http_tlsrpt_redis_broken(ngx_http_tlsrpt_redis_t *redis,
    const char *reason, ngx_err_t err, ngx_uint_t expired);
static void ngx_http_tlsrpt_redis_close(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_again(ngx_http_tlsrpt_redis_t *redis,
    ngx_uint_t expired);
static void ngx_http_tlsrpt_redis_backoff(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_retry_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_redis_arm(ngx_http_tlsrpt_redis_t *redis);
static ngx_uint_t ngx_http_tlsrpt_redis_stuck(ngx_http_tlsrpt_redis_t *redis);
static void ngx_http_tlsrpt_redis_expire_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_redis_complain(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply);


#define ngx_http_tlsrpt_redis_op(q)                                           \
    ngx_queue_data(q, ngx_http_tlsrpt_redis_op_t, queue)

#define ngx_http_tlsrpt_redis_over(op)                                        \
    ((ngx_msec_int_t) ((op)->deadline - ngx_current_msec) <= 0)


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

    ngx_queue_init(&redis->waiting);
    ngx_queue_init(&redis->sent);
    ngx_queue_init(&redis->failed);

    redis->flush.handler = ngx_http_tlsrpt_redis_flush_handler;
    redis->flush.data = redis;
    redis->flush.log = log;

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
    ngx_http_tlsrpt_redis_close(redis);
    ngx_queue_add(&redis->failed, &redis->waiting);
    ngx_queue_add(&redis->failed, &redis->sent);

    while (!ngx_queue_empty(&redis->failed)) {
        ngx_queue_t  *q = ngx_queue_head(&redis->failed);

        ngx_queue_remove(q);
        ngx_http_tlsrpt_redis_free(ngx_http_tlsrpt_redis_op(q));
    }

    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
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
    size_t                       i, len;
    ngx_http_tlsrpt_redis_op_t  *op;

    len = 0;

    for (i = 0; i < command->argc; i++) {
        len += command->argvlen[i];
    }

    if (ngx_http_tlsrpt_redis_room(redis, len) != NGX_OK) {
        return NGX_BUSY;
    }

    op = ngx_calloc(sizeof(ngx_http_tlsrpt_redis_op_t), redis->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    op->buf.start = ngx_http_tlsrpt_redis_encode(command, &len);
    if (op->buf.start == NULL) {
        ngx_free(op);
        return NGX_ERROR;
    }

    op->buf.pos = op->buf.start;
    op->buf.last = op->buf.start + len;
    op->buf.end = op->buf.last;
    op->buf.memory = 1;
    op->link.buf = &op->buf;

    op->deadline = ngx_current_msec + redis->conf->timeout;
    op->handler = handler;
    op->data = data;
    op->script = (command->script != 0);

    ngx_queue_insert_tail(&redis->waiting, &op->queue);
    redis->ncommands++;
    redis->nbytes += len;
    redis->unsent += len;

    ngx_http_tlsrpt_count_queue(redis->ncommands);

    if (redis->connection) {
        redis->connection->idle = 0;
    }

    if (!redis->expire.timer_set) {
        ngx_http_tlsrpt_redis_arm(redis);
    }

    if (redis->unsent >= NGX_HTTP_TLSRPT_REDIS_PIECE
        && redis->state == NGX_HTTP_TLSRPT_REDIS_READY)
    {
        /* where this fails, so does the write at the end of the turn, which
           may call handlers */
        (void) ngx_http_tlsrpt_redis_write_waiting(redis);
    }

    ngx_post_event(&redis->flush, &ngx_posted_events);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_room(ngx_http_tlsrpt_redis_t *redis, size_t len)
{
    if (redis->retry.timer_set
        && (ngx_msec_int_t) (redis->retry_at - ngx_current_msec)
           >= (ngx_msec_int_t) redis->conf->timeout)
    {
        return NGX_BUSY;
    }

    if (redis->ncommands == 0) {
        return NGX_OK;
    }

    if (redis->ncommands >= NGX_HTTP_TLSRPT_REDIS_MAX_COMMANDS
        || redis->nbytes >= NGX_HTTP_TLSRPT_REDIS_MAX_BYTES
        || len > NGX_HTTP_TLSRPT_REDIS_MAX_BYTES - redis->nbytes)
    {
        return NGX_BUSY;
    }

    return NGX_OK;
}


void
ngx_http_tlsrpt_redis_detach(ngx_http_tlsrpt_redis_t *redis, void *data)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *queues[3];
    ngx_http_tlsrpt_redis_op_t  *op;

    queues[0] = &redis->sent;
    queues[1] = &redis->waiting;
    queues[2] = &redis->failed;

    for (i = 0; i < 3; i++) {
        for (q = ngx_queue_head(queues[i]);
             q != ngx_queue_sentinel(queues[i]);
             q = ngx_queue_next(q))
        {
            op = ngx_http_tlsrpt_redis_op(q);

            if (op->data == data) {
                op->handler = NULL;
                op->data = NULL;
            }
        }
    }
}


static void
ngx_http_tlsrpt_redis_free(ngx_http_tlsrpt_redis_op_t *op)
{
    ngx_http_tlsrpt_redis_encode_free(op->buf.start);
    ngx_free(op);
}


/* op is in no queue any more. */

static void
ngx_http_tlsrpt_redis_done(ngx_http_tlsrpt_redis_t *redis,
    ngx_http_tlsrpt_redis_op_t *op, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    void                              *data;
    ngx_http_tlsrpt_redis_handler_pt   handler;

    handler = op->handler;
    data = op->data;

    redis->ncommands--;
    redis->nbytes -= (size_t) (op->buf.end - op->buf.start);

    ngx_http_tlsrpt_count_command(reply != NULL, ngx_current_msec
                                      - (op->deadline - redis->conf->timeout));
    ngx_http_tlsrpt_count_queue(redis->ncommands);

    ngx_http_tlsrpt_redis_free(op);

    if (handler) {
        handler(data, reply, why);
    }
}


static void
ngx_http_tlsrpt_redis_fail(ngx_http_tlsrpt_redis_t *redis, ngx_uint_t why)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&redis->failed)) {
        q = ngx_queue_head(&redis->failed);
        ngx_queue_remove(q);
        ngx_http_tlsrpt_redis_done(redis, ngx_http_tlsrpt_redis_op(q), NULL,
                                   why);
    }
}


static void
ngx_http_tlsrpt_redis_flush_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_redis_t  *redis = ev->data;

    switch (redis->state) {

    case NGX_HTTP_TLSRPT_REDIS_DOWN:

        if (!redis->retry.timer_set && !ngx_queue_empty(&redis->waiting)) {
            ngx_http_tlsrpt_redis_connect(redis);
        }

        break;

    case NGX_HTTP_TLSRPT_REDIS_READY:
        ngx_http_tlsrpt_redis_write(redis);
        break;

    default:
        break;
    }
}


/* Connecting */

static void
ngx_http_tlsrpt_redis_connect(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_int_t               rc;
    ngx_addr_t             *addr;
    ngx_connection_t       *c;
    ngx_peer_connection_t   peer;

    addr = &redis->conf->addrs[redis->addr % redis->conf->naddrs];

    ngx_memzero(&peer, sizeof(ngx_peer_connection_t));

    peer.sockaddr = addr->sockaddr;
    peer.socklen = addr->socklen;
    peer.name = &addr->name;
    peer.get = ngx_event_get_peer;
    peer.log = redis->log;
    peer.log_error = NGX_ERROR_ERR;
    peer.so_keepalive = (addr->sockaddr->sa_family != AF_UNIX);

    redis->codec = ngx_http_tlsrpt_redis_codec_create();
    if (redis->codec == NULL) {
        ngx_http_tlsrpt_redis_broken(redis, "out of memory", 0, 0);
        return;
    }

    rc = ngx_event_connect_peer(&peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_tlsrpt_redis_broken(redis, "cannot connect", 0, 0);
        return;
    }

    c = peer.connection;

    c->data = redis;
    c->log = redis->log;
    c->read->handler = ngx_http_tlsrpt_redis_read_handler;
    c->write->handler = ngx_http_tlsrpt_redis_write_handler;

    redis->connection = c;
    redis->state = NGX_HTTP_TLSRPT_REDIS_CONNECTING;

    if (rc == NGX_OK) {
        ngx_http_tlsrpt_redis_connected(redis);
    }
}


static void
ngx_http_tlsrpt_redis_connected(ngx_http_tlsrpt_redis_t *redis)
{
    if (redis->connection->tcp_nodelay != NGX_TCP_NODELAY_DISABLED
        && ngx_tcp_nodelay(redis->connection) != NGX_OK)
    {
        ngx_http_tlsrpt_redis_broken(redis, "cannot set TCP_NODELAY", 0, 0);
        return;
    }

    if (ngx_http_tlsrpt_redis_greet(redis) != NGX_OK) {
        ngx_http_tlsrpt_redis_broken(redis, "out of memory", 0, 0);
        return;
    }

    redis->state = redis->greetings ? NGX_HTTP_TLSRPT_REDIS_GREETING
                                    : NGX_HTTP_TLSRPT_REDIS_READY;

    ngx_http_tlsrpt_redis_write(redis);
}


/*
 * AUTH and SELECT leave together, but commands wait for their answers: after a
 * refused SELECT they would be executed on another database.
 */

static ngx_int_t
ngx_http_tlsrpt_redis_greet(ngx_http_tlsrpt_redis_t *redis)
{
    size_t                         n;
    u_char                         db[NGX_INT_T_LEN + 1];
    const char                    *argv[3];
    ngx_http_tlsrpt_redis_conf_t  *conf;

    conf = redis->conf;

    if (conf->password.len) {
        n = 0;
        argv[n++] = "AUTH";

        if (conf->user.len) {
            argv[n++] = (const char *) conf->user.data;
        }

        argv[n++] = (const char *) conf->password.data;

        if (ngx_http_tlsrpt_redis_greeting(redis, argv, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (conf->db) {
        *ngx_sprintf(db, "%ui", conf->db) = '\0';

        argv[0] = "SELECT";
        argv[1] = (const char *) db;

        if (ngx_http_tlsrpt_redis_greeting(redis, argv, 2) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_greeting(ngx_http_tlsrpt_redis_t *redis,
    const char **argv, size_t argc)
{
    size_t             i, len, before, argvlen[3];
    u_char            *bytes, *p;
    ngx_buf_t         *b;
    tlsrpt_command_t   command = { argc, argv, argvlen, 0, 0 };

    for (i = 0; i < argc; i++) {
        argvlen[i] = ngx_strlen(argv[i]);
    }

    bytes = ngx_http_tlsrpt_redis_encode(&command, &len);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    b = &redis->greeting;
    before = (size_t) (b->last - b->start);

    p = ngx_alloc(before + len, redis->log);
    if (p == NULL) {
        ngx_http_tlsrpt_redis_encode_free(bytes);
        return NGX_ERROR;
    }

    if (before) {
        ngx_memcpy(p, b->start, before);
        ngx_free(b->start);
    }

    ngx_memcpy(p + before, bytes, len);
    ngx_http_tlsrpt_redis_encode_free(bytes);

    b->start = p;
    b->pos = p;
    b->last = p + before + len;
    b->end = b->last;
    b->memory = 1;

    redis->greetings++;

    return NGX_OK;
}


/* Of the reply the first word alone is logged: Redis may quote what it was
   sent, the password too. */

static ngx_int_t
ngx_http_tlsrpt_redis_greeted(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply)
{
    size_t       len;
    const char  *step;

    step = (redis->conf->password.len
            && (redis->greetings == 2 || redis->conf->db == 0)) ? "AUTH"
                                                                : "SELECT";

    if (reply->type == TLSRPT_REPLY_ERROR) {
        for (len = 0; len < reply->len && len < 32; len++) {
            if (reply->str[len] < 'A' || reply->str[len] > 'Z') {
                break;
            }
        }

        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "tlsrpt: Redis %V refuses %s: %*s, check user, "
                      "password and db", &redis->conf->name, step, len,
                      reply->str);
        return NGX_ERROR;
    }

    if (--redis->greetings == 0) {
        redis->state = NGX_HTTP_TLSRPT_REDIS_READY;
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


/* Writing */

static void
ngx_http_tlsrpt_redis_write_handler(ngx_event_t *wev)
{
    int                       err;
    socklen_t                 len;
    ngx_connection_t         *c;
    ngx_http_tlsrpt_redis_t  *redis;

    c = wev->data;
    redis = c->data;

    if (redis->state != NGX_HTTP_TLSRPT_REDIS_CONNECTING) {
        ngx_http_tlsrpt_redis_write(redis);
        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_http_tlsrpt_redis_broken(redis, "cannot connect", err, 0);
        return;
    }

    ngx_http_tlsrpt_redis_connected(redis);
}


static void
ngx_http_tlsrpt_redis_write(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = redis->connection;

    rc = (redis->state == NGX_HTTP_TLSRPT_REDIS_GREETING)
             ? ngx_http_tlsrpt_redis_write_greeting(redis)
             : ngx_http_tlsrpt_redis_write_waiting(redis);

    if (rc != NGX_OK) {
        ngx_http_tlsrpt_redis_broken(redis, "cannot send", 0, 0);
        return;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_http_tlsrpt_redis_broken(redis, "cannot wait for the socket", 0,
                                     0);
    }
}


static ngx_int_t
ngx_http_tlsrpt_redis_write_greeting(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_chain_t  cl;

    if (redis->greeting.pos == redis->greeting.last) {
        return NGX_OK;
    }

    cl.buf = &redis->greeting;
    cl.next = NULL;

    if (redis->connection->send_chain(redis->connection, &cl, 0)
        == NGX_CHAIN_ERROR)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_write_waiting(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_chain_t                  *head, **last;
    ngx_queue_t                  *q;
    ngx_connection_t             *c;
    ngx_http_tlsrpt_redis_op_t   *op;

    c = redis->connection;
    redis->unsent = 0;

    if (ngx_queue_empty(&redis->waiting) || !c->write->ready) {
        return NGX_OK;
    }

    head = NULL;
    last = &head;

    for (q = ngx_queue_head(&redis->waiting);
         q != ngx_queue_sentinel(&redis->waiting);
         q = ngx_queue_next(q))
    {
        op = ngx_http_tlsrpt_redis_op(q);
        *last = &op->link;
        last = &op->link.next;
    }

    *last = NULL;

    if (c->send_chain(c, head, 0) == NGX_CHAIN_ERROR) {
        return NGX_ERROR;
    }

    while (!ngx_queue_empty(&redis->waiting)) {
        q = ngx_queue_head(&redis->waiting);
        op = ngx_http_tlsrpt_redis_op(q);

        if (op->buf.pos != op->buf.last) {
            break;
        }

        op->tries++;
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&redis->sent, q);
    }

    return NGX_OK;
}


/* Reading */

static void
ngx_http_tlsrpt_redis_read_handler(ngx_event_t *rev)
{
    ssize_t                   n;
    ngx_connection_t         *c;
    ngx_http_tlsrpt_redis_t  *redis;

    c = rev->data;
    redis = c->data;

    if (c->close) {
        /* the worker exits, and this is idle or its time is over */

        if (redis->ncommands) {
            ngx_http_tlsrpt_redis_broken(redis, "worker shuts down", 0, 0);

        } else {
            ngx_http_tlsrpt_redis_close(redis);
        }

        return;
    }

    if (redis->state == NGX_HTTP_TLSRPT_REDIS_CONNECTING) {
        return;
    }

    for ( ;; ) {
        n = c->recv(c, redis->buffer, NGX_HTTP_TLSRPT_REDIS_BUFFER);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_http_tlsrpt_redis_broken(redis, "connection closed", 0, 0);
            return;
        }

        if (ngx_http_tlsrpt_redis_codec_feed(redis->codec, redis->buffer,
                                             (size_t) n)
            != NGX_OK)
        {
            ngx_http_tlsrpt_redis_broken(redis, "out of memory", 0, 0);
            return;
        }

        if (ngx_http_tlsrpt_redis_replies(redis) != NGX_OK) {
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_http_tlsrpt_redis_broken(redis, "cannot wait for the socket", 0,
                                     0);
        return;
    }

    ngx_http_tlsrpt_redis_idle(redis);
}


/* NGX_ERROR: the connection is gone. */

static ngx_int_t
ngx_http_tlsrpt_redis_replies(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_int_t        rc;
    tlsrpt_reply_t  *reply;

    for ( ;; ) {
        rc = ngx_http_tlsrpt_redis_codec_next(redis->codec, &reply);

        if (rc == NGX_AGAIN) {
            ngx_http_tlsrpt_redis_arm(redis);
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            ngx_http_tlsrpt_redis_broken(redis,
                      ngx_http_tlsrpt_redis_codec_error(redis->codec), 0, 0);
            return NGX_ERROR;
        }

        rc = (redis->state == NGX_HTTP_TLSRPT_REDIS_GREETING)
                 ? ngx_http_tlsrpt_redis_greeted(redis, reply)
                 : ngx_http_tlsrpt_redis_answer(redis, reply);

        ngx_http_tlsrpt_redis_reply_free(reply);

        if (rc != NGX_OK) {
            ngx_http_tlsrpt_redis_broken(redis, "unusable", 0, 0);
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_http_tlsrpt_redis_answer(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply)
{
    ngx_queue_t                 *q;
    ngx_http_tlsrpt_redis_op_t  *op;

    if (ngx_queue_empty(&redis->sent)) {
        ngx_log_error(NGX_LOG_ERR, redis->log, 0,
                      "tlsrpt: Redis %V sent a reply that nothing asked for",
                      &redis->conf->name);
        return NGX_ERROR;
    }

    q = ngx_queue_head(&redis->sent);
    ngx_queue_remove(q);
    op = ngx_http_tlsrpt_redis_op(q);

    redis->failures = 0;

    if (reply->type == TLSRPT_REPLY_ERROR) {

        if (op->script
            && tlsrpt_reply_error_class(reply->str, reply->len)
               == TLSRPT_REPLY_NOSCRIPT
            && ngx_http_tlsrpt_redis_eval(redis, op) == NGX_OK)
        {
            return NGX_OK;
        }

        ngx_http_tlsrpt_redis_complain(redis, reply);
    }

    ngx_http_tlsrpt_redis_done(redis, op, reply,
                               NGX_HTTP_TLSRPT_REDIS_ANSWERED);

    return NGX_OK;
}


/* Redis does not know the script: the same operation with its text, next but
   for a command that is half sent. */

static ngx_int_t
ngx_http_tlsrpt_redis_eval(ngx_http_tlsrpt_redis_t *redis,
    ngx_http_tlsrpt_redis_op_t *op)
{
    size_t                       len;
    u_char                      *bytes;
    ngx_queue_t                 *q;
    ngx_http_tlsrpt_redis_op_t  *first;

    len = (size_t) (op->buf.end - op->buf.start);

    bytes = ngx_http_tlsrpt_redis_encode_eval(op->buf.start, len, &len);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    redis->nbytes += len;
    redis->nbytes -= (size_t) (op->buf.end - op->buf.start);

    ngx_http_tlsrpt_redis_encode_free(op->buf.start);

    op->buf.start = bytes;
    op->buf.pos = bytes;
    op->buf.last = bytes + len;
    op->buf.end = op->buf.last;

    op->script = 0;
    op->tries = 0;

    q = &redis->waiting;

    if (!ngx_queue_empty(&redis->waiting)) {
        first = ngx_http_tlsrpt_redis_op(ngx_queue_head(&redis->waiting));

        if (first->buf.pos != first->buf.start) {
            q = &first->queue;
        }
    }

    ngx_queue_insert_after(q, &op->queue);

    ngx_post_event(&redis->flush, &ngx_posted_events);

    return NGX_OK;
}


/* An idle connection is closed by an exiting worker, and by nothing else. */

static void
ngx_http_tlsrpt_redis_idle(ngx_http_tlsrpt_redis_t *redis)
{
    if (redis->ncommands) {
        return;
    }

    if (ngx_exiting) {
        ngx_http_tlsrpt_redis_close(redis);
        return;
    }

    redis->connection->idle = 1;
}


/* Failing */

/* The connection cannot be used any more: what was in flight is sent once more
   on the next, what was so already has failed. */

static void
ngx_http_tlsrpt_redis_broken(ngx_http_tlsrpt_redis_t *redis,
    const char *reason, ngx_err_t err, ngx_uint_t expired)
{
    ngx_uint_t  level;

    level = redis->ncommands ? NGX_LOG_ERR : NGX_LOG_INFO;

    ngx_log_error(level, redis->log, err, "tlsrpt: Redis %V: %s",
                  &redis->conf->name, reason);

    ngx_http_tlsrpt_redis_close(redis);

    redis->addr++;
    redis->failures++;
    ngx_http_tlsrpt_redis_backoff(redis);

    ngx_http_tlsrpt_redis_again(redis, expired);

    ngx_http_tlsrpt_redis_fail(redis, expired ? NGX_HTTP_TLSRPT_REDIS_TIMEOUT
                                              : NGX_HTTP_TLSRPT_REDIS_LOST);
    ngx_http_tlsrpt_redis_arm(redis);
}


static void
ngx_http_tlsrpt_redis_close(ngx_http_tlsrpt_redis_t *redis)
{
    if (redis->connection) {
        ngx_close_connection(redis->connection);
        redis->connection = NULL;
    }

    ngx_http_tlsrpt_redis_codec_destroy(redis->codec);
    redis->codec = NULL;

    if (redis->greeting.start) {
        ngx_free(redis->greeting.start);
        ngx_memzero(&redis->greeting, sizeof(ngx_buf_t));
    }

    redis->greetings = 0;
    redis->state = NGX_HTTP_TLSRPT_REDIS_DOWN;
}


static void
ngx_http_tlsrpt_redis_again(ngx_http_tlsrpt_redis_t *redis,
    ngx_uint_t expired)
{
    ngx_queue_t                 *q;
    ngx_http_tlsrpt_redis_op_t  *op;

    if (!ngx_queue_empty(&redis->waiting)) {
        op = ngx_http_tlsrpt_redis_op(ngx_queue_head(&redis->waiting));
        op->buf.pos = op->buf.start;
    }

    while (!ngx_queue_empty(&redis->sent)) {
        q = ngx_queue_last(&redis->sent);
        ngx_queue_remove(q);
        op = ngx_http_tlsrpt_redis_op(q);

        if (op->tries >= NGX_HTTP_TLSRPT_REDIS_TRIES) {
            ngx_queue_insert_head(&redis->failed, q);
            continue;
        }

        op->buf.pos = op->buf.start;

        if (expired) {
            op->deadline = ngx_current_msec + redis->conf->timeout;
        }

        ngx_queue_insert_head(&redis->waiting, q);
    }
}


/* After a connection that answered the next is tried at once. */

static void
ngx_http_tlsrpt_redis_backoff(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_uint_t  i;
    ngx_msec_t  delay;

    if (redis->failures == 1) {
        ngx_post_event(&redis->flush, &ngx_posted_events);
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
    ngx_http_tlsrpt_redis_flush_handler(&((ngx_http_tlsrpt_redis_t *)
                                          ev->data)->flush);
}


/* Deadlines */

/*
 * The timer is for the oldest command: the first sent, or the first that waits.
 * A later one is never older by more than one timeout, which it gained by being
 * sent again.
 */

static void
ngx_http_tlsrpt_redis_arm(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_uint_t                   i, found;
    ngx_msec_t                   deadline;
    ngx_queue_t                 *queues[2];
    ngx_msec_int_t               left;
    ngx_http_tlsrpt_redis_op_t  *op;

    queues[0] = &redis->sent;
    queues[1] = &redis->waiting;

    found = 0;
    deadline = 0;

    for (i = 0; i < 2; i++) {
        if (ngx_queue_empty(queues[i])) {
            continue;
        }

        op = ngx_http_tlsrpt_redis_op(ngx_queue_head(queues[i]));

        if (!found || (ngx_msec_int_t) (op->deadline - deadline) < 0) {
            deadline = op->deadline;
            found = 1;
        }
    }

    if (!found) {
        if (redis->expire.timer_set) {
            ngx_del_timer(&redis->expire);
        }

        return;
    }

    left = (ngx_msec_int_t) (deadline - ngx_current_msec);
    ngx_add_timer(&redis->expire, (ngx_msec_t) ngx_max(left, 1));
}


/* Is the oldest command over, and nothing but the connection to blame? */

static ngx_uint_t
ngx_http_tlsrpt_redis_stuck(ngx_http_tlsrpt_redis_t *redis)
{
    ngx_http_tlsrpt_redis_op_t  *op;

    if (!ngx_queue_empty(&redis->sent)) {
        op = ngx_http_tlsrpt_redis_op(ngx_queue_head(&redis->sent));

        if (ngx_http_tlsrpt_redis_over(op)) {
            return 1;
        }
    }

    if (ngx_queue_empty(&redis->waiting)) {
        return 0;
    }

    op = ngx_http_tlsrpt_redis_op(ngx_queue_head(&redis->waiting));

    return ngx_http_tlsrpt_redis_over(op)
           && (ngx_queue_empty(&redis->sent) || op->buf.pos != op->buf.start);
}


static void
ngx_http_tlsrpt_redis_expire_handler(ngx_event_t *ev)
{
    ngx_queue_t                 *q, *next;
    ngx_http_tlsrpt_redis_t     *redis;
    ngx_http_tlsrpt_redis_op_t  *op;

    redis = ev->data;

    if (redis->connection && ngx_http_tlsrpt_redis_stuck(redis)) {
        ngx_http_tlsrpt_redis_broken(redis, "no answer in time", 0, 1);
    }

    for (q = ngx_queue_head(&redis->waiting);
         q != ngx_queue_sentinel(&redis->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        op = ngx_http_tlsrpt_redis_op(q);

        /* What is half sent is not taken away: it would garble the rest. */

        if (ngx_http_tlsrpt_redis_over(op) && op->buf.pos == op->buf.start) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&redis->failed, q);
        }
    }

    ngx_http_tlsrpt_redis_fail(redis, NGX_HTTP_TLSRPT_REDIS_TIMEOUT);
    ngx_http_tlsrpt_redis_arm(redis);
}


/* Once a second, so that a Redis which refuses everything cannot fill the disk
   by way of the log. */

static void
ngx_http_tlsrpt_redis_complain(ngx_http_tlsrpt_redis_t *redis,
    const tlsrpt_reply_t *reply)
{
    size_t       i, len;
    u_char       text[200];
    const char  *hint;

    if (redis->complained == ngx_time()) {
        redis->unsaid++;
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
                  "tlsrpt: Redis %V answers an error: %*s%s (%ui more untold)",
                  &redis->conf->name, len, text, hint, redis->unsaid);

    redis->complained = ngx_time();
    redis->unsaid = 0;
}
