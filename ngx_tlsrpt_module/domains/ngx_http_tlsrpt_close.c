/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains wait in a ring; the first few of them are being closed.  Each step is
 * one command in flight and, with its reply, a few milliseconds of work.
 */

#include "ngx_http_tlsrpt_close.h"


#define NGX_HTTP_TLSRPT_CLOSES         2    /* at a time, of a worker */
#define NGX_HTTP_TLSRPT_CLOSE_WAITING  128


typedef struct {
    size_t                        len;
    char                          name[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_close_name_t;

typedef struct {
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    tlsrpt_closing_t             *closing;  /* NULL: it is free */
} ngx_http_tlsrpt_close_t;


static ngx_uint_t ngx_http_tlsrpt_close_waits(tlsrpt_str_t domain);
static void ngx_http_tlsrpt_close_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_close_begin(ngx_http_tlsrpt_close_t *close);
static void ngx_http_tlsrpt_close_step(ngx_http_tlsrpt_close_t *close);
static void ngx_http_tlsrpt_close_stepped(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_close_end(ngx_http_tlsrpt_close_t *close);


/* Of this worker. */
static ngx_http_tlsrpt_close_t       ngx_http_tlsrpt_closes[
    NGX_HTTP_TLSRPT_CLOSES];
static ngx_http_tlsrpt_close_name_t  ngx_http_tlsrpt_close_names[
    NGX_HTTP_TLSRPT_CLOSE_WAITING];
static ngx_uint_t                    ngx_http_tlsrpt_close_first;
static ngx_uint_t                    ngx_http_tlsrpt_close_nwaiting;
static ngx_event_t                   ngx_http_tlsrpt_close_event;


void
ngx_http_tlsrpt_close(ngx_http_tlsrpt_main_conf_t *tmcf, tlsrpt_str_t domain)
{
    ngx_uint_t                     i;
    ngx_event_t                   *ev;
    ngx_http_tlsrpt_close_name_t  *name;

    if (ngx_http_tlsrpt_close_nwaiting == NGX_HTTP_TLSRPT_CLOSE_WAITING
        || domain.len > TLSRPT_DOMAIN_LEN
        || ngx_http_tlsrpt_close_waits(domain))
    {
        return;
    }

    i = (ngx_http_tlsrpt_close_first + ngx_http_tlsrpt_close_nwaiting++)
        % NGX_HTTP_TLSRPT_CLOSE_WAITING;

    name = &ngx_http_tlsrpt_close_names[i];
    name->len = domain.len;
    ngx_memcpy(name->name, domain.data, domain.len);

    /* whoever found it due answers first */

    ev = &ngx_http_tlsrpt_close_event;

    if (!ev->timer_set) {
        ev->handler = ngx_http_tlsrpt_close_handler;
        ev->data = tmcf;
        ev->log = ngx_cycle->log;
        ngx_add_timer(ev, 1);
    }
}


static ngx_uint_t
ngx_http_tlsrpt_close_waits(tlsrpt_str_t domain)
{
    ngx_uint_t                     i;
    ngx_http_tlsrpt_close_name_t  *name;

    for (i = 0; i < ngx_http_tlsrpt_close_nwaiting; i++) {
        name = &ngx_http_tlsrpt_close_names[(ngx_http_tlsrpt_close_first + i)
                                            % NGX_HTTP_TLSRPT_CLOSE_WAITING];

        if (name->len == domain.len
            && ngx_memcmp(name->name, domain.data, domain.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_tlsrpt_close_handler(ngx_event_t *ev)
{
    ngx_uint_t                i;
    ngx_http_tlsrpt_close_t  *close;

    for (i = 0; i < NGX_HTTP_TLSRPT_CLOSES; i++) {
        close = &ngx_http_tlsrpt_closes[i];

        if (close->closing == NULL && ngx_http_tlsrpt_close_nwaiting) {
            close->tmcf = ev->data;
            ngx_http_tlsrpt_close_begin(close);
        }
    }
}


/* The one that waits longest. */

static void
ngx_http_tlsrpt_close_begin(ngx_http_tlsrpt_close_t *close)
{
    tlsrpt_str_t                   domain;
    ngx_http_tlsrpt_close_name_t  *name;

    name = &ngx_http_tlsrpt_close_names[ngx_http_tlsrpt_close_first];

    domain.data = name->name;
    domain.len = name->len;

    ngx_http_tlsrpt_close_nwaiting--;
    ngx_http_tlsrpt_close_first = (ngx_http_tlsrpt_close_first + 1)
                                  % NGX_HTTP_TLSRPT_CLOSE_WAITING;

    close->closing = tlsrpt_closing_create(
                         ngx_http_tlsrpt_str(&close->tmcf->redis.prefix),
                         domain, (unsigned) close->tmcf->retention_days,
                         ngx_time());

    if (close->closing) {
        ngx_http_tlsrpt_close_step(close);
    }
}


static void
ngx_http_tlsrpt_close_step(ngx_http_tlsrpt_close_t *close)
{
    const tlsrpt_command_t  *command;

    command = tlsrpt_closing_next(close->closing);

    if (command == NULL
        || ngx_http_tlsrpt_redis_send(close->tmcf->client, command,
                                      ngx_http_tlsrpt_close_stepped, close)
           != NGX_OK)
    {
        ngx_http_tlsrpt_close_end(close);
    }
}


/* Where Redis is away or refused, it is due another time. */

static void
ngx_http_tlsrpt_close_stepped(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_close_t *close = data;

    if (reply == NULL) {
        ngx_http_tlsrpt_close_end(close);
        return;
    }

    tlsrpt_closing_add(close->closing, reply);
    ngx_http_tlsrpt_close_step(close);
}


/* The next one begins with the next turn of the loop. */

static void
ngx_http_tlsrpt_close_end(ngx_http_tlsrpt_close_t *close)
{
    tlsrpt_closing_destroy(close->closing);
    close->closing = NULL;

    if (ngx_http_tlsrpt_close_nwaiting
        && !ngx_http_tlsrpt_close_event.timer_set)
    {
        ngx_add_timer(&ngx_http_tlsrpt_close_event, 1);
    }
}
