/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_steps.h"
#include "ngx_http_tlsrpt_upkeep.h"
#include "tlsrpt_registry_upkeep.h"

#include <openssl/rand.h>


#define NGX_HTTP_TLSRPT_UPKEEP  1000        /* milliseconds */


static void ngx_http_tlsrpt_upkeep_handler(ngx_event_t *ev);
static const tlsrpt_command_t *ngx_http_tlsrpt_upkeep_next(void *work);
static void ngx_http_tlsrpt_upkeep_add(void *work,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_upkeep_done(void *work, ngx_uint_t gone);


static const ngx_http_tlsrpt_steps_type_t  ngx_http_tlsrpt_upkeep_type = {
    ngx_http_tlsrpt_upkeep_next,
    ngx_http_tlsrpt_upkeep_add,
    ngx_http_tlsrpt_upkeep_done
};


/* Of this worker. */
static ngx_http_tlsrpt_steps_t  ngx_http_tlsrpt_upkeep_steps;
static ngx_event_t              ngx_http_tlsrpt_upkeep_timer;


void
ngx_http_tlsrpt_upkeep_begin(ngx_http_tlsrpt_main_conf_t *tmcf)
{
    ngx_event_t  *ev;

    if (!ngx_http_tlsrpt_registry_on()) {
        return;
    }

    ev = &ngx_http_tlsrpt_upkeep_timer;
    ev->handler = ngx_http_tlsrpt_upkeep_handler;
    ev->data = tmcf;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_UPKEEP);
}


void
ngx_http_tlsrpt_upkeep_end(void)
{
    ngx_http_tlsrpt_steps_t  *steps;

    steps = &ngx_http_tlsrpt_upkeep_steps;

    if (steps->work) {
        tlsrpt_registry_upkeep_destroy(steps->work);
        steps->work = NULL;
    }
}


/* While Redis is away, whoever polls asks it. */

static void
ngx_http_tlsrpt_upkeep_handler(ngx_event_t *ev)
{
    u_char                        random[TLSRPT_TOKEN_BYTES];
    tlsrpt_registry_upkeep_t     *upkeep;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_TLSRPT_UPKEEP);

    tmcf = ev->data;

    if (ngx_http_tlsrpt_upkeep_steps.work
        || !ngx_http_tlsrpt_registry_polls()
        || ngx_http_tlsrpt_redis_failing(tmcf->client)
        || RAND_bytes(random, sizeof(random)) != 1)
    {
        return;
    }

    upkeep = tlsrpt_registry_upkeep_create(
                 ngx_http_tlsrpt_str(&tmcf->redis.prefix), 0,
                 (unsigned) tmcf->retention_days, random);

    if (upkeep) {
        ngx_http_tlsrpt_steps(&ngx_http_tlsrpt_upkeep_steps,
                              &ngx_http_tlsrpt_upkeep_type, upkeep,
                              tmcf->client);
    }
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_upkeep_next(void *work)
{
    return tlsrpt_registry_upkeep_next(work);
}


static void
ngx_http_tlsrpt_upkeep_add(void *work, const tlsrpt_reply_t *reply)
{
    tlsrpt_registry_upkeep_add(work, reply);
}


static void
ngx_http_tlsrpt_upkeep_done(void *work, ngx_uint_t gone)
{
    ngx_uint_t  more;

    more = !gone && tlsrpt_registry_upkeep_more(work);

    tlsrpt_registry_upkeep_destroy(work);

    if (more && !ngx_exiting) {
        ngx_add_timer(&ngx_http_tlsrpt_upkeep_timer, 1);
    }
}
