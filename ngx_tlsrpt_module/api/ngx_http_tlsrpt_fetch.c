/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A fetch fills its window, and goes on with each reply:
 *
 *     begin -> fill -> (Redis) -> answered -> fill -> ... -> work -> end
 *
 * Its end comes once: by the last reply, by a failure, or by the cleanup of
 * the request, and no handler is called after it.  A fetch that has to wait is
 * in a queue before its first fill, and one that works in turns between them;
 * its event goes on with it: by a timer, for which a worker that is to quit
 * waits.
 */

#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_turn.h"


typedef struct ngx_http_tlsrpt_fetch_s  ngx_http_tlsrpt_fetch_t;

/* A place in the window; the address of it is the command's data. */
typedef struct {
    ngx_http_tlsrpt_ask_t             ask;
    ngx_http_tlsrpt_fetch_t           *fetch;
    unsigned                          in_flight:1;
} ngx_http_tlsrpt_slot_t;

struct ngx_http_tlsrpt_fetch_s {
    ngx_http_request_t               *request;
    ngx_http_tlsrpt_redis_t          *redis;
    const ngx_http_tlsrpt_fetch_type_t  *type;
    void                             *data;
    ngx_http_tlsrpt_ask_t             ask;      /* asked, but not sent yet */
    ngx_uint_t                        nin_flight;
    ngx_event_t                       event;    /* goes on */
    ngx_queue_t                       queue;    /* while it waits */
    unsigned                          asked:1;
    unsigned                          waiting:1;
    unsigned                          under_way:1;
    unsigned                          working:1;
    ngx_http_tlsrpt_slot_t            slots[NGX_HTTP_TLSRPT_REDIS_WINDOW];
};


static ngx_int_t ngx_http_tlsrpt_fetch_start(ngx_http_tlsrpt_fetch_t *fetch);
static void ngx_http_tlsrpt_fetch_next(void);
static void ngx_http_tlsrpt_fetch_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_fetch_go_on(ngx_http_tlsrpt_fetch_t *fetch,
    ngx_int_t rc);
static ngx_int_t ngx_http_tlsrpt_fetch_run(ngx_http_tlsrpt_fetch_t *fetch,
    ngx_int_t rc);
static ngx_int_t ngx_http_tlsrpt_fetch_work(ngx_http_tlsrpt_fetch_t *fetch);
static ngx_int_t ngx_http_tlsrpt_fetch_fill(ngx_http_tlsrpt_fetch_t *fetch);
static ngx_int_t ngx_http_tlsrpt_fetch_send(ngx_http_tlsrpt_fetch_t *fetch);
static ngx_http_tlsrpt_slot_t *ngx_http_tlsrpt_fetch_slot(
    ngx_http_tlsrpt_fetch_t *fetch);
static void ngx_http_tlsrpt_fetch_answered(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_fetch_end(ngx_http_tlsrpt_fetch_t *fetch,
    ngx_int_t rc);
static ngx_int_t ngx_http_tlsrpt_fetch_watch(ngx_http_request_t *r);
static void ngx_http_tlsrpt_fetch_cleanup(void *data);


/* Of this worker. */
static ngx_uint_t   ngx_http_tlsrpt_fetches;
static ngx_queue_t  ngx_http_tlsrpt_fetches_waiting;


ngx_int_t
ngx_http_tlsrpt_fetch(ngx_http_request_t *r,
    const ngx_http_tlsrpt_fetch_type_t *type, void *data)
{
    ngx_int_t                     rc;
    ngx_http_cleanup_t           *cln;
    ngx_http_tlsrpt_fetch_t       *fetch;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    fetch = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_fetch_t));
    cln = fetch ? ngx_http_cleanup_add(r, 0) : NULL;

    if (cln == NULL) {
        type->destroy(data);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    fetch->request = r;
    fetch->redis = tmcf->client;
    fetch->type = type;
    fetch->data = data;

    cln->handler = ngx_http_tlsrpt_fetch_cleanup;
    cln->data = fetch;

    rc = ngx_http_tlsrpt_fetch_watch(r);
    if (rc != NGX_OK) {
        return rc;
    }

    fetch->event.handler = ngx_http_tlsrpt_fetch_handler;
    fetch->event.data = fetch;
    fetch->event.log = r->connection->log;

    rc = ngx_http_tlsrpt_fetch_start(fetch);
    if (rc != NGX_AGAIN) {
        return ngx_http_tlsrpt_fetch_end(fetch, rc);
    }

    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_http_tlsrpt_fetch_start(ngx_http_tlsrpt_fetch_t *fetch)
{
    ngx_queue_t  *waiting;

    waiting = &ngx_http_tlsrpt_fetches_waiting;

    if (ngx_queue_next(waiting) == NULL) {
        ngx_queue_init(waiting);
    }

    if (ngx_http_tlsrpt_fetches >= NGX_HTTP_TLSRPT_FETCHES) {
        ngx_queue_insert_tail(waiting, &fetch->queue);
        fetch->waiting = 1;
        return NGX_AGAIN;
    }

    ngx_http_tlsrpt_fetches++;
    fetch->under_way = 1;

    return ngx_http_tlsrpt_fetch_run(fetch, ngx_http_tlsrpt_fetch_fill(fetch));
}


/* One is over: the next may start, with the next turn of the loop. */

static void
ngx_http_tlsrpt_fetch_next(void)
{
    ngx_queue_t             *q;
    ngx_http_tlsrpt_fetch_t  *fetch;

    if (ngx_queue_empty(&ngx_http_tlsrpt_fetches_waiting)) {
        return;
    }

    q = ngx_queue_head(&ngx_http_tlsrpt_fetches_waiting);
    ngx_queue_remove(q);

    fetch = ngx_queue_data(q, ngx_http_tlsrpt_fetch_t, queue);
    fetch->waiting = 0;
    fetch->under_way = 1;
    ngx_http_tlsrpt_fetches++;

    ngx_add_timer(&fetch->event, 1);
}


static void
ngx_http_tlsrpt_fetch_handler(ngx_event_t *ev)
{
    ngx_int_t                rc;
    ngx_http_tlsrpt_fetch_t  *fetch;

    fetch = ev->data;

    ngx_http_set_log_request(fetch->request->connection->log, fetch->request);

    rc = fetch->working ? NGX_OK : ngx_http_tlsrpt_fetch_fill(fetch);

    ngx_http_tlsrpt_fetch_go_on(fetch, rc);
}


/* rc: of _fill. */

static void
ngx_http_tlsrpt_fetch_go_on(ngx_http_tlsrpt_fetch_t *fetch, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = fetch->request;
    c = r->connection;

    rc = ngx_http_tlsrpt_fetch_run(fetch, rc);
    if (rc == NGX_AGAIN) {
        return;
    }

    ngx_http_finalize_request(r, ngx_http_tlsrpt_fetch_end(fetch, rc));
    ngx_http_run_posted_requests(c);
}


/* rc: of _fill.  Works, and where that needs more, asks for it. */

static ngx_int_t
ngx_http_tlsrpt_fetch_run(ngx_http_tlsrpt_fetch_t *fetch, ngx_int_t rc)
{
    while (rc == NGX_OK) {
        rc = ngx_http_tlsrpt_fetch_work(fetch);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        fetch->working = 0;
        rc = ngx_http_tlsrpt_fetch_fill(fetch);
    }

    return rc;
}


/* NGX_AGAIN: there is more, at the next turn of the loop. */

static ngx_int_t
ngx_http_tlsrpt_fetch_work(ngx_http_tlsrpt_fetch_t *fetch)
{
    uint64_t   start;
    ngx_int_t  rc;

    if (fetch->type->work == NULL) {
        return NGX_OK;
    }

    fetch->working = 1;
    start = ngx_http_tlsrpt_clock();

    do {
        rc = fetch->type->work(fetch->data, fetch->request);

    } while (rc == NGX_AGAIN
             && ngx_http_tlsrpt_clock() - start < NGX_HTTP_TLSRPT_TURN);

    if (rc == NGX_AGAIN) {
        ngx_add_timer(&fetch->event, 1);
    }

    return rc;
}


/* NGX_AGAIN: replies are awaited; NGX_OK: all is fetched; NGX_ERROR: 503. */

static ngx_int_t
ngx_http_tlsrpt_fetch_fill(ngx_http_tlsrpt_fetch_t *fetch)
{
    ngx_int_t  rc;

    while (fetch->nin_flight < NGX_HTTP_TLSRPT_REDIS_WINDOW) {

        if (!fetch->asked) {
            rc = fetch->type->next(fetch->data, &fetch->ask);

            if (rc == NGX_DONE) {
                return fetch->nin_flight ? NGX_AGAIN : NGX_OK;
            }

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }

            fetch->asked = 1;
        }

        rc = ngx_http_tlsrpt_fetch_send(fetch);

        if ((rc == NGX_BUSY || rc == NGX_DECLINED) && fetch->nin_flight) {
            return NGX_AGAIN;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        fetch->asked = 0;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_tlsrpt_fetch_send(ngx_http_tlsrpt_fetch_t *fetch)
{
    ngx_int_t                rc;
    ngx_http_tlsrpt_slot_t  *slot;

    slot = ngx_http_tlsrpt_fetch_slot(fetch);

    rc = ngx_http_tlsrpt_redis_send(fetch->redis, fetch->ask.command,
                                    ngx_http_tlsrpt_fetch_answered, slot);
    if (rc != NGX_OK) {
        return rc;
    }

    slot->ask = fetch->ask;
    slot->ask.command = NULL;
    slot->fetch = fetch;
    slot->in_flight = 1;

    fetch->nin_flight++;

    return NGX_OK;
}


/* There is a free one: the window is not full. */

static ngx_http_tlsrpt_slot_t *
ngx_http_tlsrpt_fetch_slot(ngx_http_tlsrpt_fetch_t *fetch)
{
    ngx_http_tlsrpt_slot_t  *slot;

    slot = fetch->slots;

    while (slot->in_flight) {
        slot++;
    }

    return slot;
}


static void
ngx_http_tlsrpt_fetch_answered(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_int_t                rc;
    ngx_http_tlsrpt_slot_t  *slot;
    ngx_http_tlsrpt_fetch_t  *fetch;

    slot = data;
    fetch = slot->fetch;

    ngx_http_set_log_request(fetch->request->connection->log, fetch->request);

    slot->in_flight = 0;
    fetch->nin_flight--;

    /* what the reply misses or says instead, the client has logged */

    if (reply == NULL || reply->type == TLSRPT_REPLY_ERROR) {
        rc = NGX_ERROR;

    } else {
        rc = fetch->type->reply(fetch->data, &slot->ask, reply);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_tlsrpt_fetch_fill(fetch);
    }

    ngx_http_tlsrpt_fetch_go_on(fetch, rc);
}


static ngx_int_t
ngx_http_tlsrpt_fetch_end(ngx_http_tlsrpt_fetch_t *fetch, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        rc = fetch->type->done(fetch->data, fetch->request);

    } else {
        rc = ngx_http_tlsrpt_error(fetch->request,
                                     NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "the statistics cannot be read now");
    }

    /* the answer may leave slowly: give back what it was made from */

    ngx_http_tlsrpt_fetch_cleanup(fetch);

    return rc;
}


/* Notice when the client goes while replies are awaited. */

static ngx_int_t
ngx_http_tlsrpt_fetch_watch(ngx_http_request_t *r)
{
    if (r != r->main || r->discard_body) {
        return NGX_OK;
    }

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;

    return NGX_OK;
}


static void
ngx_http_tlsrpt_fetch_cleanup(void *data)
{
    ngx_http_tlsrpt_fetch_t *fetch = data;

    ngx_uint_t  i;

    if (fetch->data == NULL) {
        return;
    }

    for (i = 0; i < NGX_HTTP_TLSRPT_REDIS_WINDOW; i++) {
        if (fetch->slots[i].in_flight) {
            fetch->slots[i].in_flight = 0;
            ngx_http_tlsrpt_redis_detach(fetch->redis, &fetch->slots[i]);
        }
    }

    fetch->type->destroy(fetch->data);
    fetch->data = NULL;

    if (fetch->event.timer_set) {
        ngx_del_timer(&fetch->event);
    }

    if (fetch->waiting) {
        ngx_queue_remove(&fetch->queue);
        fetch->waiting = 0;

    } else if (fetch->under_way) {
        ngx_http_tlsrpt_fetches--;
        fetch->under_way = 0;
        ngx_http_tlsrpt_fetch_next();
    }
}
