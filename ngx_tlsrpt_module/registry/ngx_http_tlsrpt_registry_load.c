/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_registry_load.h"
#include "ngx_http_tlsrpt_registry_row.h"
#include "ngx_http_tlsrpt_registry_sweep.h"
#include "tlsrpt_registry_read.h"


#define NGX_HTTP_TLSRPT_LOAD_SLICE  200     /* records a command: their reply is
                                               one turn of the event loop */


typedef struct {
    ngx_http_tlsrpt_redis_t           *client;
    ngx_str_t                          prefix;
    ngx_http_tlsrpt_registry_seen_pt   seen;
    ngx_http_tlsrpt_load_done_pt       done;
    ngx_event_t                        event;   /* the next page */

    ngx_pool_t                        *pool;    /* of the page */
    tlsrpt_str_t                      *names;   /* of it */
    ngx_uint_t                         nnames;
    ngx_uint_t                         nread;   /* of these */
    uint64_t                           last;    /* its last one's version */

    unsigned                           told_broken:1;
} ngx_http_tlsrpt_load_t;


static void ngx_http_tlsrpt_load_handler(ngx_event_t *ev);
static void ngx_http_tlsrpt_load_send(const tlsrpt_command_t *command,
    ngx_http_tlsrpt_redis_handler_pt handler);
static void ngx_http_tlsrpt_load_page(void);
static void ngx_http_tlsrpt_load_paged(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_load_names(const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_load_records(void);
static void ngx_http_tlsrpt_load_recorded(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_load_record(tlsrpt_str_t name,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_load_put(ngx_http_tlsrpt_row_t *row);
static ngx_str_t ngx_http_tlsrpt_load_str(const tlsrpt_reply_t *reply,
    ngx_uint_t i);


/* Of this worker. */
static ngx_http_tlsrpt_load_t  ngx_http_tlsrpt_load_state;
static tlsrpt_key_read_t       ngx_http_tlsrpt_load_read;


void
ngx_http_tlsrpt_load_init(ngx_http_tlsrpt_redis_t *client, ngx_str_t *prefix,
    ngx_http_tlsrpt_registry_seen_pt seen)
{
    ngx_http_tlsrpt_load_t  *load;

    load = &ngx_http_tlsrpt_load_state;

    load->client = client;
    load->prefix = *prefix;
    load->seen = seen;

    load->event.handler = ngx_http_tlsrpt_load_handler;
    load->event.data = load;
    load->event.log = ngx_cycle->log;
    load->event.cancelable = 1;
}


void
ngx_http_tlsrpt_load_end(void)
{
    if (ngx_http_tlsrpt_load_state.pool) {
        ngx_destroy_pool(ngx_http_tlsrpt_load_state.pool);
        ngx_http_tlsrpt_load_state.pool = NULL;
    }
}


void
ngx_http_tlsrpt_load(ngx_http_tlsrpt_load_done_pt done)
{
    ngx_http_tlsrpt_load_state.done = done;

    ngx_http_tlsrpt_load_page();
}


static void
ngx_http_tlsrpt_load_handler(ngx_event_t *ev)
{
    ngx_http_tlsrpt_load_page();
}


static void
ngx_http_tlsrpt_load_send(const tlsrpt_command_t *command,
    ngx_http_tlsrpt_redis_handler_pt handler)
{
    ngx_http_tlsrpt_load_t  *load;

    load = &ngx_http_tlsrpt_load_state;

    if (command == NULL
        || ngx_http_tlsrpt_redis_send(load->client, command, handler, load)
           != NGX_OK)
    {
        load->done(NGX_ERROR);
    }
}


/* Names of what has changed */

static void
ngx_http_tlsrpt_load_page(void)
{
    ngx_http_tlsrpt_load_t  *load;

    load = &ngx_http_tlsrpt_load_state;

    if (load->pool) {
        ngx_destroy_pool(load->pool);
        load->pool = NULL;
    }

    ngx_http_tlsrpt_load_send(
        tlsrpt_registry_changed(&ngx_http_tlsrpt_load_read,
                                ngx_http_tlsrpt_str(&load->prefix),
                                ngx_http_tlsrpt_zone->sh->version),
        ngx_http_tlsrpt_load_paged);
}


static void
ngx_http_tlsrpt_load_paged(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_load_t  *load;

    load = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_ARRAY
        || ngx_http_tlsrpt_load_names(reply) != NGX_OK)
    {
        load->done(NGX_ERROR);
        return;
    }

    if (load->nnames == 0) {
        load->done(NGX_OK);
        return;
    }

    ngx_http_tlsrpt_load_records();
}


/* Each name is followed by its version. */

static ngx_int_t
ngx_http_tlsrpt_load_names(const tlsrpt_reply_t *reply)
{
    u_char                  *p;
    ngx_str_t                name;
    ngx_uint_t               i;
    ngx_http_tlsrpt_load_t  *load;

    load = &ngx_http_tlsrpt_load_state;

    load->nnames = 0;
    load->nread = 0;

    load->pool = ngx_create_pool(16384, load->event.log);
    if (load->pool == NULL) {
        return NGX_ERROR;
    }

    load->names = ngx_palloc(load->pool, (reply->nelements / 2 + 1)
                                         * sizeof(tlsrpt_str_t));
    if (load->names == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i + 1 < reply->nelements; i += 2) {
        name = ngx_http_tlsrpt_load_str(reply, i);

        p = ngx_pnalloc(load->pool, name.len + 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p, name.data, name.len);

        load->names[load->nnames].data = (char *) p;
        load->names[load->nnames++].len = name.len;
    }

    if (i) {
        name = ngx_http_tlsrpt_load_str(reply, i - 1);
        load->last = (uint64_t) ngx_atoof(name.data, name.len);
    }

    return NGX_OK;
}


/* Their records */

static void
ngx_http_tlsrpt_load_records(void)
{
    tlsrpt_command_t        *command;
    ngx_http_tlsrpt_load_t  *load;

    load = &ngx_http_tlsrpt_load_state;

    command = tlsrpt_registry_records(ngx_http_tlsrpt_str(&load->prefix),
                                      load->names + load->nread,
                                      ngx_min(load->nnames - load->nread,
                                              NGX_HTTP_TLSRPT_LOAD_SLICE));

    ngx_http_tlsrpt_load_send(command, ngx_http_tlsrpt_load_recorded);

    if (command) {
        tlsrpt_command_destroy(command);
    }
}


static void
ngx_http_tlsrpt_load_recorded(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_uint_t               i;
    ngx_http_tlsrpt_load_t  *load;

    load = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_ARRAY
        || reply->nelements > load->nnames - load->nread)
    {
        load->done(NGX_ERROR);
        return;
    }

    for (i = 0; i < reply->nelements; i++) {
        if (ngx_http_tlsrpt_load_record(load->names[load->nread + i],
                                        reply->elements[i])
            != NGX_OK)
        {
            load->done(NGX_ERROR);
            return;
        }
    }

    load->nread += reply->nelements;

    if (load->nread < load->nnames) {
        ngx_http_tlsrpt_load_records();
        return;
    }

    ngx_http_tlsrpt_zone_lock();
    ngx_http_tlsrpt_zone->sh->version = load->last;
    ngx_http_tlsrpt_zone_unlock();

    if (load->nnames == TLSRPT_REGISTRY_PAGE) {
        /* the next page, after whatever else there is to do */
        ngx_add_timer(&load->event, 1);
        return;
    }

    load->done(NGX_OK);
}


/* NGX_ERROR: no memory, it is asked for again. */

static ngx_int_t
ngx_http_tlsrpt_load_record(tlsrpt_str_t given, const tlsrpt_reply_t *reply)
{
    ngx_int_t                  rc;
    ngx_str_t                  name;
    ngx_http_tlsrpt_load_t    *load;
    tlsrpt_registry_record_t  *record;

    static ngx_http_tlsrpt_row_t  row;      /* too large for the stack */

    load = &ngx_http_tlsrpt_load_state;

    name.data = (u_char *) given.data;
    name.len = given.len;

    rc = name.len && name.len <= TLSRPT_DOMAIN_LEN
         ? ngx_http_tlsrpt_row(&row, &name, reply, &record) : NGX_DECLINED;

    if (rc == NGX_DECLINED && !load->told_broken) {
        load->told_broken = 1;
        ngx_log_error(NGX_LOG_ERR, load->event.log, 0,
                      "tlsrpt: what the registry in Redis has of \"%V\" cannot "
                      "be read, or is of a later version: it is left alone",
                      &name);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    ngx_http_tlsrpt_load_put(&row);

    if (row.nclaims && row.claims[0].state != NGX_HTTP_TLSRPT_PENDING) {
        ngx_http_tlsrpt_tell_seen(load->seen, &name, load->event.log);
    }

    tlsrpt_registry_record_destroy(record);

    return NGX_OK;
}


static void
ngx_http_tlsrpt_load_put(ngx_http_tlsrpt_row_t *row)
{
    ngx_int_t                       rc;
    ngx_uint_t                      full;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    ngx_http_tlsrpt_zone_lock();

    full = sh->full;
    rc = ngx_http_tlsrpt_zone_put(row);

    if (rc != NGX_OK) {
        sh->full = 1;
        sh->missed = 1;
    }

    ngx_http_tlsrpt_zone_unlock();

    if (rc == NGX_OK || full) {
        return;
    }

    ngx_log_error(NGX_LOG_ALERT, ngx_http_tlsrpt_load_state.event.log, 0,
                  "tlsrpt: the zone of \"tlsrpt_registry\", %uz bytes, is too "
                  "small for \"%V\" and perhaps others: what it does not know "
                  "is answered with 503", ngx_http_tlsrpt_zone->size,
                  &row->name);
}


static ngx_str_t
ngx_http_tlsrpt_load_str(const tlsrpt_reply_t *reply, ngx_uint_t i)
{
    const tlsrpt_reply_t  *element;

    element = reply->elements[i];

    return element->type == TLSRPT_REPLY_STRING
           ? (ngx_str_t) { element->len, (u_char *) element->str }
           : (ngx_str_t) { 0, (u_char *) "" };
}
