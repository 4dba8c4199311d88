/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A read fills its window, and goes on with each reply:
 *
 *     read -> fill -> (Redis) -> answered -> fill -> ... -> end
 *
 * Its end comes once: by the last reply, by a failure, or by the cleanup of
 * the request, and no handler is called after it.
 */

#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_problem.h"
#include "ngx_http_tlsrpt_read.h"


typedef struct ngx_http_tlsrpt_read_s  ngx_http_tlsrpt_read_t;

/* A place in the window; the address of it is the command's data. */
typedef struct {
    ngx_http_tlsrpt_ask_t             ask;
    ngx_http_tlsrpt_read_t           *read;
    unsigned                          in_flight:1;
} ngx_http_tlsrpt_slot_t;

struct ngx_http_tlsrpt_read_s {
    ngx_http_request_t               *request;
    ngx_http_tlsrpt_redis_t          *redis;
    const ngx_http_tlsrpt_reading_t  *reading;
    void                             *data;
    ngx_http_tlsrpt_ask_t             ask;      /* asked, but not sent yet */
    ngx_uint_t                        nin_flight;
    unsigned                          asked:1;
    ngx_http_tlsrpt_slot_t            slots[NGX_HTTP_TLSRPT_REDIS_WINDOW];
};


static ngx_int_t ngx_http_tlsrpt_read_fill(ngx_http_tlsrpt_read_t *read);
static ngx_int_t ngx_http_tlsrpt_read_send(ngx_http_tlsrpt_read_t *read);
static ngx_http_tlsrpt_slot_t *ngx_http_tlsrpt_read_slot(
    ngx_http_tlsrpt_read_t *read);
static void ngx_http_tlsrpt_read_answered(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_read_end(ngx_http_tlsrpt_read_t *read,
    ngx_int_t rc);
static ngx_int_t ngx_http_tlsrpt_read_watch(ngx_http_request_t *r);
static void ngx_http_tlsrpt_read_cleanup(void *data);


ngx_int_t
ngx_http_tlsrpt_read(ngx_http_request_t *r,
    const ngx_http_tlsrpt_reading_t *reading, void *data)
{
    ngx_int_t                     rc;
    ngx_http_cleanup_t           *cln;
    ngx_http_tlsrpt_read_t       *read;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    read = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_read_t));
    cln = read ? ngx_http_cleanup_add(r, 0) : NULL;

    if (cln == NULL) {
        reading->destroy(data);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    read->request = r;
    read->redis = tmcf->client;
    read->reading = reading;
    read->data = data;

    cln->handler = ngx_http_tlsrpt_read_cleanup;
    cln->data = read;

    rc = ngx_http_tlsrpt_read_watch(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_tlsrpt_read_fill(read);
    if (rc != NGX_AGAIN) {
        return ngx_http_tlsrpt_read_end(read, rc);
    }

    r->main->count++;

    return NGX_DONE;
}


/* NGX_AGAIN: replies are awaited; NGX_OK: all is read; NGX_ERROR: 503. */

static ngx_int_t
ngx_http_tlsrpt_read_fill(ngx_http_tlsrpt_read_t *read)
{
    ngx_int_t  rc;

    while (read->nin_flight < NGX_HTTP_TLSRPT_REDIS_WINDOW) {

        if (!read->asked) {
            rc = read->reading->next(read->data, &read->ask);

            if (rc == NGX_DONE) {
                return read->nin_flight ? NGX_AGAIN : NGX_OK;
            }

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }

            read->asked = 1;
        }

        rc = ngx_http_tlsrpt_read_send(read);

        if ((rc == NGX_BUSY || rc == NGX_DECLINED) && read->nin_flight) {
            return NGX_AGAIN;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        read->asked = 0;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_tlsrpt_read_send(ngx_http_tlsrpt_read_t *read)
{
    ngx_int_t                rc;
    ngx_http_tlsrpt_slot_t  *slot;

    slot = ngx_http_tlsrpt_read_slot(read);

    rc = ngx_http_tlsrpt_redis_send(read->redis, read->ask.command,
                                    ngx_http_tlsrpt_read_answered, slot);
    if (rc != NGX_OK) {
        return rc;
    }

    slot->ask = read->ask;
    slot->ask.command = NULL;
    slot->read = read;
    slot->in_flight = 1;

    read->nin_flight++;

    return NGX_OK;
}


/* There is a free one: the window is not full. */

static ngx_http_tlsrpt_slot_t *
ngx_http_tlsrpt_read_slot(ngx_http_tlsrpt_read_t *read)
{
    ngx_http_tlsrpt_slot_t  *slot;

    slot = read->slots;

    while (slot->in_flight) {
        slot++;
    }

    return slot;
}


static void
ngx_http_tlsrpt_read_answered(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_tlsrpt_slot_t  *slot;
    ngx_http_tlsrpt_read_t  *read;

    slot = data;
    read = slot->read;
    r = read->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    slot->in_flight = 0;
    read->nin_flight--;

    /* what the reply misses or says instead, the client has logged */

    if (reply == NULL || reply->type == TLSRPT_REPLY_ERROR) {
        rc = NGX_ERROR;

    } else {
        rc = read->reading->reply(read->data, &slot->ask, reply);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_tlsrpt_read_fill(read);
    }

    if (rc == NGX_AGAIN) {
        return;
    }

    ngx_http_finalize_request(r, ngx_http_tlsrpt_read_end(read, rc));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_tlsrpt_read_end(ngx_http_tlsrpt_read_t *read, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        rc = read->reading->done(read->data, read->request);

    } else {
        rc = ngx_http_tlsrpt_problem(read->request,
                                     NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "the statistics cannot be read now");
    }

    /* the answer may leave slowly: give back what it was made from */

    ngx_http_tlsrpt_read_cleanup(read);

    return rc;
}


/* Notice when the client goes while replies are awaited. */

static ngx_int_t
ngx_http_tlsrpt_read_watch(ngx_http_request_t *r)
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
ngx_http_tlsrpt_read_cleanup(void *data)
{
    ngx_http_tlsrpt_read_t *read = data;

    ngx_uint_t  i;

    if (read->data == NULL) {
        return;
    }

    for (i = 0; i < NGX_HTTP_TLSRPT_REDIS_WINDOW; i++) {
        if (read->slots[i].in_flight) {
            read->slots[i].in_flight = 0;
            ngx_http_tlsrpt_redis_detach(read->redis, &read->slots[i]);
        }
    }

    read->reading->destroy(read->data);
    read->data = NULL;
}
