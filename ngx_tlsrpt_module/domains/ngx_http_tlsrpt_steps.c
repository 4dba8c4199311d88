/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_steps.h"
#include "ngx_http_tlsrpt_turn.h"


static void ngx_http_tlsrpt_steps_next(ngx_http_tlsrpt_steps_t *steps);
static void ngx_http_tlsrpt_steps_replied(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_steps_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_steps_end(ngx_http_tlsrpt_steps_t *steps,
    ngx_uint_t gone);
static void ngx_http_tlsrpt_steps_used(uint64_t since);


/* Of this worker: how long this turn of the loop has worked, and which it
   is: the time is read once a turn. */
static uint64_t    ngx_http_tlsrpt_steps_spent;
static ngx_msec_t  ngx_http_tlsrpt_steps_turn;


void
ngx_http_tlsrpt_steps(ngx_http_tlsrpt_steps_t *steps,
    const ngx_http_tlsrpt_steps_type_t *type, void *work,
    ngx_http_tlsrpt_redis_t *redis)
{
    steps->work = work;
    steps->type = type;
    steps->redis = redis;

    steps->event.handler = ngx_http_tlsrpt_steps_handler;
    steps->event.data = steps;
    steps->event.log = ngx_cycle->log;

    ngx_http_tlsrpt_steps_next(steps);
}


static void
ngx_http_tlsrpt_steps_next(ngx_http_tlsrpt_steps_t *steps)
{
    uint64_t                 start;
    const tlsrpt_command_t  *command;

    start = ngx_http_tlsrpt_clock();
    command = steps->type->next(steps->work);
    ngx_http_tlsrpt_steps_used(start);

    if (command == NULL) {
        ngx_http_tlsrpt_steps_end(steps, 0);
        return;
    }

    if (ngx_http_tlsrpt_redis_send(steps->redis, command,
                                   ngx_http_tlsrpt_steps_replied, steps)
        != NGX_OK)
    {
        ngx_http_tlsrpt_steps_end(steps, 1);
    }
}


static void
ngx_http_tlsrpt_steps_replied(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_steps_t *steps = data;

    uint64_t  start;

    if (reply == NULL) {
        ngx_http_tlsrpt_steps_end(steps, 1);
        return;
    }

    start = ngx_http_tlsrpt_clock();
    steps->type->add(steps->work, reply);
    ngx_http_tlsrpt_steps_used(start);

    if (ngx_http_tlsrpt_steps_spent >= NGX_HTTP_TLSRPT_TURN) {
        ngx_add_timer(&steps->event, 1);
        return;
    }

    ngx_http_tlsrpt_steps_next(steps);
}


static void
ngx_http_tlsrpt_steps_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_steps_next(ev->data);
}


static void
ngx_http_tlsrpt_steps_end(ngx_http_tlsrpt_steps_t *steps, ngx_uint_t gone)
{
    void  *work;

    work = steps->work;
    steps->work = NULL;

    steps->type->end(work, gone);
}


static void
ngx_http_tlsrpt_steps_used(uint64_t since)
{
    if (ngx_http_tlsrpt_steps_turn != ngx_current_msec) {
        ngx_http_tlsrpt_steps_turn = ngx_current_msec;
        ngx_http_tlsrpt_steps_spent = 0;
    }

    ngx_http_tlsrpt_steps_spent += ngx_http_tlsrpt_clock() - since;
}
