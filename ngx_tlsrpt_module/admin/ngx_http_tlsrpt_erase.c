/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_erase.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "tlsrpt_registry.h"


typedef struct {
    tlsrpt_erase_t  *steps;
    ngx_str_t        domain;
    ngx_uint_t       status;
    json_t          *json;
    ngx_uint_t       asked;
} ngx_http_tlsrpt_erase_t;


static ngx_int_t ngx_http_tlsrpt_erase_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_erase_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_erase_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_erase_free(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_erase_fetch = {
    ngx_http_tlsrpt_erase_next,
    ngx_http_tlsrpt_erase_reply,
    NULL,
    ngx_http_tlsrpt_erase_done,
    ngx_http_tlsrpt_erase_free
};


ngx_int_t
ngx_http_tlsrpt_erase(ngx_http_request_t *r, ngx_str_t *domain, int64_t now,
    int64_t proved, ngx_uint_t status, json_t *json)
{
    ngx_http_tlsrpt_erase_t      *erase;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    erase = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_erase_t));

    if (erase) {
        erase->steps = tlsrpt_erase_create(ngx_http_tlsrpt_prefix(r),
                                           ngx_http_tlsrpt_str(domain),
                                           (unsigned) tmcf->retention_days,
                                           now, proved ? tlsrpt_day_of(proved)
                                                       : 0);
    }

    if (erase == NULL || erase->steps == NULL) {
        json_decref(json);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    erase->domain = *domain;
    erase->status = status;
    erase->json = json;

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_erase_fetch, erase);
}


static ngx_int_t
ngx_http_tlsrpt_erase_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    if (erase->asked) {
        return NGX_DONE;
    }

    ask->command = tlsrpt_erase_next(erase->steps);

    if (ask->command == NULL) {
        return tlsrpt_erase_failed(erase->steps) ? NGX_ERROR : NGX_DONE;
    }

    erase->asked = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_erase_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    erase->asked = 0;
    tlsrpt_erase_add(erase->steps, reply);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_erase_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    json_t  *json;

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "tlsrpt: erased what was counted for \"%V\"",
                  &erase->domain);

    json = erase->json;
    erase->json = NULL;

    return json ? ngx_http_tlsrpt_admin_json(r, erase->status, json)
                : ngx_http_tlsrpt_admin_none(r);
}


static void
ngx_http_tlsrpt_erase_free(void *data)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    tlsrpt_erase_destroy(erase->steps);
    json_decref(erase->json);
}
