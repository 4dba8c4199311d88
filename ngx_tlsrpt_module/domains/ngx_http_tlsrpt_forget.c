/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_forget.h"
#include "tlsrpt_index.h"
#include "tlsrpt_key.h"


#define NGX_HTTP_TLSRPT_FORGETS      64     /* at a time, of a worker */

/* Seconds: how long a worker leaves it after Redis refused. */
#define NGX_HTTP_TLSRPT_FORGET_WAIT  3600


typedef struct {
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    ngx_uint_t                    pending;  /* replies; 0: it is free */
    size_t                        len;
    char                          name[TLSRPT_DOMAIN_LEN];
} ngx_http_tlsrpt_forget_t;


static ngx_http_tlsrpt_forget_t *ngx_http_tlsrpt_forget_free(void);
static void ngx_http_tlsrpt_forget_send(ngx_http_tlsrpt_forget_t *forget,
    const tlsrpt_command_t *command, ngx_http_tlsrpt_redis_handler_pt handler);
static void ngx_http_tlsrpt_forget_removed(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_forget_checked(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_forget_added(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);


static ngx_http_tlsrpt_forget_t  ngx_http_tlsrpt_forgets[
    NGX_HTTP_TLSRPT_FORGETS];
static time_t                    ngx_http_tlsrpt_forget_after;


void
ngx_http_tlsrpt_forget(ngx_http_request_t *r, tlsrpt_str_t domain)
{
    tlsrpt_str_t               prefix;
    tlsrpt_command_t          *command;
    tlsrpt_key_read_t          read;
    ngx_http_tlsrpt_forget_t  *forget;

    forget = ngx_http_tlsrpt_forget_free();

    if (forget == NULL || ngx_time() < ngx_http_tlsrpt_forget_after) {
        return;
    }

    forget->tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);
    forget->len = domain.len;
    ngx_memcpy(forget->name, domain.data, domain.len);

    prefix = ngx_http_tlsrpt_str(&forget->tmcf->redis.prefix);

    command = tlsrpt_index_forget(prefix, domain);
    if (command == NULL) {
        return;
    }

    ngx_http_tlsrpt_forget_send(forget, command,
                                ngx_http_tlsrpt_forget_removed);
    tlsrpt_command_destroy(command);

    if (forget->pending) {
        /* behind the other, on one connection */
        tlsrpt_key_domain(&read.key, prefix, domain, "");
        ngx_http_tlsrpt_forget_send(forget,
                                    tlsrpt_key_read(&read, "HGET", "all", 3),
                                    ngx_http_tlsrpt_forget_checked);
    }
}


static ngx_http_tlsrpt_forget_t *
ngx_http_tlsrpt_forget_free(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TLSRPT_FORGETS; i++) {
        if (ngx_http_tlsrpt_forgets[i].pending == 0) {
            return &ngx_http_tlsrpt_forgets[i];
        }
    }

    return NULL;
}


static void
ngx_http_tlsrpt_forget_send(ngx_http_tlsrpt_forget_t *forget,
    const tlsrpt_command_t *command, ngx_http_tlsrpt_redis_handler_pt handler)
{
    if (ngx_http_tlsrpt_redis_send(forget->tmcf->client, command, handler,
                                   forget)
        == NGX_OK)
    {
        forget->pending++;
    }
}


/* A user who may not is asked again much later. */

static void
ngx_http_tlsrpt_forget_removed(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_forget_t *forget = data;

    forget->pending--;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        ngx_http_tlsrpt_forget_after = ngx_time()
                                       + NGX_HTTP_TLSRPT_FORGET_WAIT;
    }
}


/* Where it has data by now, or nobody knows, it is put back. */

static void
ngx_http_tlsrpt_forget_checked(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_forget_t *forget = data;

    tlsrpt_str_t       domain;
    tlsrpt_command_t  *command;

    forget->pending--;

    if (reply && reply->type == TLSRPT_REPLY_NIL) {
        return;
    }

    domain.data = forget->name;
    domain.len = forget->len;

    command = tlsrpt_index_add(ngx_http_tlsrpt_str(
                                   &forget->tmcf->redis.prefix), &domain, 1);
    if (command) {
        ngx_http_tlsrpt_forget_send(forget, command,
                                    ngx_http_tlsrpt_forget_added);
        tlsrpt_command_destroy(command);
    }
}


static void
ngx_http_tlsrpt_forget_added(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_forget_t *forget = data;

    forget->pending--;
}
