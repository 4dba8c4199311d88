/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_http_tlsrpt_redis_connection.h"
#include "ngx_http_tlsrpt_turn.h"


static void ngx_http_tlsrpt_redis_connected(
    ngx_http_tlsrpt_redis_connection_t *rc);
static ngx_int_t ngx_http_tlsrpt_redis_greet(
    ngx_http_tlsrpt_redis_connection_t *rc);
static ngx_int_t ngx_http_tlsrpt_redis_greeting(
    ngx_http_tlsrpt_redis_connection_t *rc, const char **argv, size_t argc);
static ngx_int_t ngx_http_tlsrpt_redis_write_greeting(
    ngx_http_tlsrpt_redis_connection_t *rc);
static ngx_int_t ngx_http_tlsrpt_redis_greeted(
    ngx_http_tlsrpt_redis_connection_t *rc, const tlsrpt_reply_t *reply);

static void ngx_http_tlsrpt_redis_write_handler(ngx_event_t *wev);
static ngx_err_t ngx_http_tlsrpt_redis_connect_error(ngx_connection_t *c);
static void ngx_http_tlsrpt_redis_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_http_tlsrpt_redis_read(
    ngx_http_tlsrpt_redis_connection_t *rc, ngx_connection_t *c);
static ngx_int_t ngx_http_tlsrpt_redis_replies(
    ngx_http_tlsrpt_redis_connection_t *rc, uint64_t start);
static ngx_int_t ngx_http_tlsrpt_redis_broken(
    ngx_http_tlsrpt_redis_connection_t *rc, const char *reason, ngx_err_t err);


/* Connecting */

void
ngx_http_tlsrpt_redis_connect(ngx_http_tlsrpt_redis_connection_t *rc)
{
    ngx_int_t               rv;
    ngx_addr_t             *addr;
    ngx_connection_t       *c;
    ngx_peer_connection_t   peer;

    addr = &rc->conf->addrs[rc->addr++ % rc->conf->naddrs];

    ngx_memzero(&peer, sizeof(ngx_peer_connection_t));

    peer.sockaddr = addr->sockaddr;
    peer.socklen = addr->socklen;
    peer.name = &addr->name;
    peer.get = ngx_event_get_peer;
    peer.log = rc->log;
    peer.log_error = NGX_ERROR_ERR;
    peer.so_keepalive = (addr->sockaddr->sa_family != AF_UNIX);

    rc->codec = ngx_http_tlsrpt_redis_codec_create();
    if (rc->codec == NULL) {
        (void) ngx_http_tlsrpt_redis_broken(rc, "out of memory", 0);
        return;
    }

    rv = ngx_event_connect_peer(&peer);

    if (rv != NGX_OK && rv != NGX_AGAIN) {
        (void) ngx_http_tlsrpt_redis_broken(rc, "cannot connect", 0);
        return;
    }

    c = peer.connection;

    c->data = rc;
    c->log = rc->log;
    c->read->handler = ngx_http_tlsrpt_redis_read_handler;
    c->write->handler = ngx_http_tlsrpt_redis_write_handler;

    rc->connection = c;
    rc->state = NGX_HTTP_TLSRPT_REDIS_CONNECTING;

    if (rv == NGX_OK) {
        ngx_http_tlsrpt_redis_connected(rc);
    }
}


static void
ngx_http_tlsrpt_redis_connected(ngx_http_tlsrpt_redis_connection_t *rc)
{
    if (rc->connection->tcp_nodelay != NGX_TCP_NODELAY_DISABLED
        && ngx_tcp_nodelay(rc->connection) != NGX_OK)
    {
        (void) ngx_http_tlsrpt_redis_broken(rc, "cannot set TCP_NODELAY", 0);
        return;
    }

    if (ngx_http_tlsrpt_redis_greet(rc) != NGX_OK) {
        (void) ngx_http_tlsrpt_redis_broken(rc, "out of memory", 0);
        return;
    }

    if (rc->greetings == 0) {
        rc->state = NGX_HTTP_TLSRPT_REDIS_READY;
        rc->events->writable(rc->data);
        return;
    }

    rc->state = NGX_HTTP_TLSRPT_REDIS_GREETING;

    if (ngx_http_tlsrpt_redis_write_greeting(rc) != NGX_OK) {
        (void) ngx_http_tlsrpt_redis_broken(rc, "cannot send", 0);
    }
}


/*
 * AUTH and SELECT leave together, but commands wait for their answers: after a
 * refused SELECT they would be executed on another database.
 */

static ngx_int_t
ngx_http_tlsrpt_redis_greet(ngx_http_tlsrpt_redis_connection_t *rc)
{
    size_t                         n;
    u_char                         db[NGX_INT_T_LEN + 1];
    const char                    *argv[3];
    ngx_http_tlsrpt_redis_conf_t  *conf;

    conf = rc->conf;

    if (conf->password.len) {
        n = 0;
        argv[n++] = "AUTH";

        if (conf->user.len) {
            argv[n++] = (const char *) conf->user.data;
        }

        argv[n++] = (const char *) conf->password.data;

        if (ngx_http_tlsrpt_redis_greeting(rc, argv, n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (conf->db) {
        *ngx_sprintf(db, "%ui", conf->db) = '\0';

        argv[0] = "SELECT";
        argv[1] = (const char *) db;

        if (ngx_http_tlsrpt_redis_greeting(rc, argv, 2) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_greeting(ngx_http_tlsrpt_redis_connection_t *rc,
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

    b = &rc->greeting;
    before = (size_t) (b->last - b->start);

    p = ngx_alloc(before + len, rc->log);
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

    rc->greetings++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_redis_write_greeting(ngx_http_tlsrpt_redis_connection_t *rc)
{
    ngx_chain_t  cl;

    if (rc->greeting.pos == rc->greeting.last) {
        return NGX_OK;
    }

    cl.buf = &rc->greeting;
    cl.next = NULL;

    return ngx_http_tlsrpt_redis_write(rc, &cl);
}


/* Logs the first word of the reply alone: Redis may quote what it was sent,
   the password too. */

static ngx_int_t
ngx_http_tlsrpt_redis_greeted(ngx_http_tlsrpt_redis_connection_t *rc,
    const tlsrpt_reply_t *reply)
{
    size_t       len;
    const char  *step;

    step = (rc->conf->password.len
            && (rc->greetings == 2 || rc->conf->db == 0)) ? "AUTH"
                                                                : "SELECT";

    if (reply->type == TLSRPT_REPLY_ERROR) {
        for (len = 0; len < reply->len && len < 32; len++) {
            if (reply->str[len] < 'A' || reply->str[len] > 'Z') {
                break;
            }
        }

        ngx_log_error(NGX_LOG_ERR, rc->log, 0,
                      "tlsrpt: Redis %V refuses %s: %*s, check user, "
                      "password and db", &rc->conf->name, step, len,
                      reply->str);
        return NGX_ERROR;
    }

    if (--rc->greetings == 0) {
        rc->state = NGX_HTTP_TLSRPT_REDIS_READY;
        rc->events->writable(rc->data);
    }

    return NGX_OK;
}


/* Sending */

ngx_uint_t
ngx_http_tlsrpt_redis_writable(ngx_http_tlsrpt_redis_connection_t *rc)
{
    return rc->state == NGX_HTTP_TLSRPT_REDIS_READY
           && rc->connection->write->ready;
}


ngx_int_t
ngx_http_tlsrpt_redis_write(ngx_http_tlsrpt_redis_connection_t *rc,
    ngx_chain_t *commands)
{
    ngx_connection_t  *c;

    c = rc->connection;

    if (c->send_chain(c, commands, 0) == NGX_CHAIN_ERROR) {
        return NGX_ERROR;
    }

    return ngx_handle_write_event(c->write, 0);
}


static void
ngx_http_tlsrpt_redis_write_handler(ngx_event_t *wev)
{
    ngx_err_t                            err;
    ngx_connection_t                    *c;
    ngx_http_tlsrpt_redis_connection_t  *rc;

    c = wev->data;
    rc = c->data;

    switch (rc->state) {

    case NGX_HTTP_TLSRPT_REDIS_CONNECTING:
        err = ngx_http_tlsrpt_redis_connect_error(c);

        if (err) {
            (void) ngx_http_tlsrpt_redis_broken(rc, "cannot connect", err);
            return;
        }

        ngx_http_tlsrpt_redis_connected(rc);
        return;

    case NGX_HTTP_TLSRPT_REDIS_GREETING:
        if (ngx_http_tlsrpt_redis_write_greeting(rc) != NGX_OK) {
            (void) ngx_http_tlsrpt_redis_broken(rc, "cannot send", 0);
        }

        return;

    default: /* NGX_HTTP_TLSRPT_REDIS_READY */
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            (void) ngx_http_tlsrpt_redis_broken(rc, "cannot send", 0);
            return;
        }

        rc->events->writable(rc->data);
    }
}


static ngx_err_t
ngx_http_tlsrpt_redis_connect_error(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    return err;
}


/* Receiving */

static void
ngx_http_tlsrpt_redis_read_handler(ngx_event_t *rev)
{
    ngx_int_t                            rv;
    ngx_connection_t                    *c;
    ngx_http_tlsrpt_redis_connection_t  *rc;

    c = rev->data;
    rc = c->data;

    if (c->close) {
        /* the worker exits, and this is idle or its time is over */
        (void) ngx_http_tlsrpt_redis_broken(rc, "worker shuts down", 0);
        return;
    }

    if (rc->state == NGX_HTTP_TLSRPT_REDIS_CONNECTING) {
        return;
    }

    rv = ngx_http_tlsrpt_redis_read(rc, c);

    if (rv == NGX_ERROR) {
        return;
    }

    if (rv == NGX_AGAIN) {
        /* others have their turn first */
        ngx_post_event(rev, &ngx_posted_next_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        (void) ngx_http_tlsrpt_redis_broken(rc, "cannot wait for the socket",
                                            0);
        return;
    }

    rc->events->received(rc->data);
}


/* All that has come, or NGX_AGAIN: as much of it as one turn of the loop is to
   take.  NGX_ERROR, here and below: the owner knows already, and the connection
   may be another one by now. */

static ngx_int_t
ngx_http_tlsrpt_redis_read(ngx_http_tlsrpt_redis_connection_t *rc,
    ngx_connection_t *c)
{
    ssize_t     n;
    uint64_t    start;
    ngx_int_t   rv;

    start = ngx_http_tlsrpt_clock();

    for ( ;; ) {
        /* what the last turn left comes first */
        rv = ngx_http_tlsrpt_redis_replies(rc, start);

        if (rv != NGX_OK) {
            return rv;
        }

        n = c->recv(c, rc->buffer, NGX_HTTP_TLSRPT_REDIS_BUFFER);

        if (n == NGX_AGAIN) {
            return NGX_OK;
        }

        if (n == NGX_ERROR || n == 0) {
            return ngx_http_tlsrpt_redis_broken(rc, "connection closed", 0);
        }

        if (ngx_http_tlsrpt_redis_codec_feed(rc->codec, rc->buffer, (size_t) n)
            != NGX_OK)
        {
            return ngx_http_tlsrpt_redis_broken(rc, "out of memory", 0);
        }
    }
}


static ngx_int_t
ngx_http_tlsrpt_redis_replies(ngx_http_tlsrpt_redis_connection_t *rc,
    uint64_t start)
{
    ngx_int_t        rv;
    tlsrpt_reply_t  *reply;

    for ( ;; ) {
        rv = ngx_http_tlsrpt_redis_codec_next(rc->codec, &reply);

        if (rv == NGX_AGAIN) {
            return NGX_OK;
        }

        if (rv == NGX_ERROR) {
            return ngx_http_tlsrpt_redis_broken(rc,
                            ngx_http_tlsrpt_redis_codec_error(rc->codec), 0);
        }

        rv = (rc->state == NGX_HTTP_TLSRPT_REDIS_GREETING)
                 ? ngx_http_tlsrpt_redis_greeted(rc, reply)
                 : rc->events->reply(rc->data, reply);

        ngx_http_tlsrpt_redis_reply_free(reply);

        if (rv != NGX_OK) {
            return ngx_http_tlsrpt_redis_broken(rc, "unusable", 0);
        }

        if (ngx_http_tlsrpt_clock() - start > NGX_HTTP_TLSRPT_TURN) {
            return NGX_AGAIN;
        }
    }
}


void
ngx_http_tlsrpt_redis_idle(ngx_http_tlsrpt_redis_connection_t *rc,
    ngx_uint_t idle)
{
    if (rc->connection) {
        rc->connection->idle = (idle != 0);
    }
}


/* Closing */

static ngx_int_t
ngx_http_tlsrpt_redis_broken(ngx_http_tlsrpt_redis_connection_t *rc,
    const char *reason, ngx_err_t err)
{
    rc->events->broken(rc->data, reason, err);

    return NGX_ERROR;
}


void
ngx_http_tlsrpt_redis_close(ngx_http_tlsrpt_redis_connection_t *rc)
{
    if (rc->connection) {
        ngx_close_connection(rc->connection);
        rc->connection = NULL;
    }

    ngx_http_tlsrpt_redis_codec_destroy(rc->codec);
    rc->codec = NULL;

    if (rc->greeting.start) {
        ngx_free(rc->greeting.start);
        ngx_memzero(&rc->greeting, sizeof(ngx_buf_t));
    }

    rc->greetings = 0;
    rc->state = NGX_HTTP_TLSRPT_REDIS_DOWN;
}
