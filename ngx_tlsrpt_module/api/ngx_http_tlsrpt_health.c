/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/health: can this nginx work?  For load balancers.  It does not wait
 * behind what others read.
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_send.h"
#include "tlsrpt_key.h"
#include "tlsrpt_version.h"


typedef struct {
    ngx_http_request_t       *request;
    ngx_http_tlsrpt_redis_t  *redis;        /* while its answer is awaited */
} ngx_http_tlsrpt_health_t;


static ngx_int_t ngx_http_tlsrpt_health_ask(ngx_http_request_t *r,
    ngx_http_tlsrpt_health_t *health);
static void ngx_http_tlsrpt_health_answered(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static ngx_int_t ngx_http_tlsrpt_health_send(ngx_http_request_t *r,
    ngx_uint_t redis);
static void ngx_http_tlsrpt_health_cleanup(void *data);


ngx_int_t
ngx_http_tlsrpt_health_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_error_t             error;
    ngx_pool_cleanup_t        *cln;
    ngx_http_tlsrpt_health_t  *health;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_tlsrpt_health_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    health = cln->data;
    health->request = r;
    health->redis = NULL;

    cln->handler = ngx_http_tlsrpt_health_cleanup;

    if (r == r->main && !r->discard_body) {
        /* notice when the client goes */

        if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->read_event_handler = ngx_http_test_reading;
    }

    if (ngx_http_tlsrpt_health_ask(r, health) != NGX_OK) {
        return ngx_http_tlsrpt_health_send(r, 0);
    }

    r->main->count++;

    return NGX_DONE;
}


/* For a key that any user of Redis's who can work here may read. */

static ngx_int_t
ngx_http_tlsrpt_health_ask(ngx_http_request_t *r,
    ngx_http_tlsrpt_health_t *health)
{
    tlsrpt_key_read_t             read;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    tlsrpt_key_lease(&read.key, ngx_http_tlsrpt_prefix(r));

    if (ngx_http_tlsrpt_redis_send(tmcf->client,
                                   tlsrpt_key_read(&read, "GET", NULL, 0),
                                   ngx_http_tlsrpt_health_answered, health)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    health->redis = tmcf->client;

    return NGX_OK;
}


static void
ngx_http_tlsrpt_health_answered(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_health_t *health = data;

    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = health->request;
    c = r->connection;

    health->redis = NULL;

    ngx_http_set_log_request(c->log, r);

    rc = ngx_http_tlsrpt_health_send(r,
                             reply && reply->type != TLSRPT_REPLY_ERROR);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


/* null: the registry is off.  One that is full is no reason to go elsewhere: it
   is as full on other nodes. */

static ngx_int_t
ngx_http_tlsrpt_health_send(ngx_http_request_t *r, ngx_uint_t redis)
{
    char                               *text;
    json_t                             *json;
    ngx_uint_t                          fit;
    ngx_http_tlsrpt_registry_status_t   registry;

    fit = redis;

    json = json_pack("{s:s, s:b, s:n, s:n}", "version", tlsrpt_release,
                     "redis", (int) redis, "registry", "zone-full");

    if (ngx_http_tlsrpt_registry_status(&registry) == NGX_OK) {
        fit = redis && registry.loaded;

        json_object_set_new(json, "registry", json_boolean(registry.loaded));
        json_object_set_new(json, "zone-full", json_boolean(registry.full));
    }

    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (text == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_send_text(r,
               fit ? NGX_HTTP_OK : NGX_HTTP_SERVICE_UNAVAILABLE,
               "application/json; charset=utf-8", text, ngx_strlen(text));
}


static void
ngx_http_tlsrpt_health_cleanup(void *data)
{
    ngx_http_tlsrpt_health_t *health = data;

    if (health->redis) {
        ngx_http_tlsrpt_redis_detach(health->redis, health);
        health->redis = NULL;
    }
}
