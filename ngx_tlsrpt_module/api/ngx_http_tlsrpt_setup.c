/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_setup.h"


static ngx_int_t ngx_http_tlsrpt_setup_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_setup_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_setup_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_setup_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_setup_fetch = {
    ngx_http_tlsrpt_setup_next,
    ngx_http_tlsrpt_setup_reply,
    NULL,
    ngx_http_tlsrpt_setup_done,
    ngx_http_tlsrpt_setup_destroy
};


ngx_int_t
ngx_http_tlsrpt_setup(ngx_http_request_t *r, const tlsrpt_setup_ask_t *ask)
{
    tlsrpt_lookup_t  *lookup;

    lookup = tlsrpt_setup_create(ask);

    if (lookup == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_setup_fetch, lookup);
}


static ngx_int_t
ngx_http_tlsrpt_setup_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    tlsrpt_lookup_t *lookup = data;

    ask->command = lookup->type->next(lookup, &ask->n);

    return ask->command ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_http_tlsrpt_setup_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    tlsrpt_lookup_t *lookup = data;

    return lookup->type->add(lookup, ask->n, reply) == TLSRPT_OK ? NGX_OK
                                                                 : NGX_ERROR;
}


static ngx_int_t
ngx_http_tlsrpt_setup_done(void *data, ngx_http_request_t *r)
{
    tlsrpt_lookup_t *lookup = data;

    return ngx_http_tlsrpt_answer_json(r, lookup->type->json(lookup));
}


static void
ngx_http_tlsrpt_setup_destroy(void *data)
{
    tlsrpt_lookup_t *lookup = data;

    lookup->type->destroy(lookup);
}
