/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains wait in a ring; the first few of them are being closed.
 */

#include "ngx_http_tlsrpt_close.h"
#include "ngx_http_tlsrpt_steps.h"


#define NGX_HTTP_TLSRPT_CLOSES         2    /* at a time, of a worker */
#define NGX_HTTP_TLSRPT_CLOSE_WAITING  128


typedef struct {
    size_t                        len;
    char                          name[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_close_name_t;


static ngx_uint_t ngx_http_tlsrpt_close_waits(tlsrpt_str_t domain);
static void ngx_http_tlsrpt_close_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_close_begin(ngx_http_tlsrpt_steps_t *steps,
    ngx_http_tlsrpt_main_conf_t *tmcf);
static const tlsrpt_command_t *ngx_http_tlsrpt_close_next(void *work);
static void ngx_http_tlsrpt_close_add(void *work, const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_close_end(void *work, ngx_uint_t gone);


static const ngx_http_tlsrpt_steps_type_t  ngx_http_tlsrpt_close_steps = {
    ngx_http_tlsrpt_close_next,
    ngx_http_tlsrpt_close_add,
    ngx_http_tlsrpt_close_end
};


/* Of this worker. */
static ngx_http_tlsrpt_steps_t       ngx_http_tlsrpt_closes[
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
    ngx_http_tlsrpt_steps_t  *steps;

    for (i = 0; i < NGX_HTTP_TLSRPT_CLOSES; i++) {
        steps = &ngx_http_tlsrpt_closes[i];

        if (steps->work == NULL && ngx_http_tlsrpt_close_nwaiting) {
            ngx_http_tlsrpt_close_begin(steps, ev->data);
        }
    }
}


/* The one that waits longest. */

static void
ngx_http_tlsrpt_close_begin(ngx_http_tlsrpt_steps_t *steps,
    ngx_http_tlsrpt_main_conf_t *tmcf)
{
    tlsrpt_str_t                   domain;
    tlsrpt_closing_t              *closing;
    ngx_http_tlsrpt_close_name_t  *name;

    name = &ngx_http_tlsrpt_close_names[ngx_http_tlsrpt_close_first];

    domain.data = name->name;
    domain.len = name->len;

    ngx_http_tlsrpt_close_nwaiting--;
    ngx_http_tlsrpt_close_first = (ngx_http_tlsrpt_close_first + 1)
                                  % NGX_HTTP_TLSRPT_CLOSE_WAITING;

    closing = tlsrpt_closing_create(ngx_http_tlsrpt_str(&tmcf->redis.prefix),
                                    domain, (unsigned) tmcf->retention_days,
                                    ngx_time());

    if (closing) {
        ngx_http_tlsrpt_steps(steps, &ngx_http_tlsrpt_close_steps, closing,
                              tmcf->client);
    }
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_close_next(void *work)
{
    return tlsrpt_closing_next(work);
}


static void
ngx_http_tlsrpt_close_add(void *work, const tlsrpt_reply_t *reply)
{
    tlsrpt_closing_add(work, reply);
}


/* Where Redis is away or refused, it is due another time.  The next one begins
   with the next turn of the loop. */

static void
ngx_http_tlsrpt_close_end(void *work, ngx_uint_t gone)
{
    tlsrpt_closing_destroy(work);

    if (ngx_http_tlsrpt_close_nwaiting
        && !ngx_http_tlsrpt_close_event.timer_set)
    {
        ngx_add_timer(&ngx_http_tlsrpt_close_event, 1);
    }
}
