/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_admin_conf.h"
#include "ngx_http_tlsrpt_collect.h"
#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_ctx.h"
#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_policy_fetches.h"
#include "ngx_http_tlsrpt_policy_fetches_tell.h"
#include "ngx_http_tlsrpt_reckon.h"
#include "ngx_http_tlsrpt_report_uri.h"
#include "ngx_http_tlsrpt_served_upkeep.h"
#include "ngx_http_tlsrpt_stats_conf.h"
#include "ngx_http_tlsrpt_upkeep.h"
#include "tlsrpt_version.h"


#define NGX_HTTP_TLSRPT_MAX_DAYS  10000


static ngx_int_t ngx_http_tlsrpt_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_tlsrpt_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static void *ngx_http_tlsrpt_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_tlsrpt_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_tlsrpt_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_tlsrpt_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);

static void ngx_http_tlsrpt_inherit(ngx_http_tlsrpt_loc_conf_t *prev,
    ngx_http_tlsrpt_loc_conf_t *conf);
static char *ngx_http_tlsrpt_retention(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_tlsrpt_days(ngx_str_t *value);
static char *ngx_http_tlsrpt_collect(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_tlsrpt_size_check(ngx_conf_t *cf, void *post,
    void *data);


static ngx_int_t ngx_http_tlsrpt_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_tlsrpt_init_process(ngx_cycle_t *cycle);
static void ngx_http_tlsrpt_exit_process(ngx_cycle_t *cycle);


static ngx_conf_post_t  ngx_http_tlsrpt_size_post = {
    ngx_http_tlsrpt_size_check
};


static ngx_command_t  ngx_http_tlsrpt_commands[] = {

    { ngx_string("tlsrpt_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_tlsrpt_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_tlsrpt_main_conf_t, redis),
      NULL },

    { ngx_string("tlsrpt_redis_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_tlsrpt_main_conf_t, redis.timeout),
      NULL },

    { ngx_string("tlsrpt_retention"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_tlsrpt_retention,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_domain"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_tlsrpt_domain,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_registry"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_tlsrpt_registry,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_tlsrpt_main_conf_t, registry),
      NULL },

    { ngx_string("tlsrpt_collect"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_tlsrpt_collect,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_max_report_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tlsrpt_loc_conf_t, max_report_size),
      &ngx_http_tlsrpt_size_post },

    { ngx_string("tlsrpt_report_uri"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_tlsrpt_report_uri,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_stats"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_tlsrpt_stats,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_scope"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tlsrpt_loc_conf_t, scope),
      NULL },

    { ngx_string("tlsrpt_admin"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      ngx_http_tlsrpt_admin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_certificates"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_tlsrpt_certificates,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tlsrpt_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_tlsrpt_provider_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_tlsrpt_module_ctx = {
    ngx_http_tlsrpt_add_variables,         /* preconfiguration */
    ngx_http_tlsrpt_policy_fetches_init,   /* postconfiguration */

    ngx_http_tlsrpt_create_main_conf,      /* create main configuration */
    ngx_http_tlsrpt_init_main_conf,        /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_tlsrpt_create_loc_conf,       /* create location configuration */
    ngx_http_tlsrpt_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_tlsrpt_module = {
    NGX_MODULE_V1,
    &ngx_http_tlsrpt_module_ctx,           /* module context */
    ngx_http_tlsrpt_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_tlsrpt_init_module,           /* init module */
    ngx_http_tlsrpt_init_process,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_tlsrpt_exit_process,          /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_variable_t  ngx_http_tlsrpt_vars[] = {

    { ngx_string("tlsrpt_status"), NULL, ngx_http_tlsrpt_variable,
      offsetof(ngx_http_tlsrpt_ctx_t, status),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tlsrpt_domain"), NULL, ngx_http_tlsrpt_variable,
      offsetof(ngx_http_tlsrpt_ctx_t, domain),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tlsrpt_report_id"), NULL, ngx_http_tlsrpt_variable,
      offsetof(ngx_http_tlsrpt_ctx_t, report_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tlsrpt_organization"), NULL, ngx_http_tlsrpt_variable,
      offsetof(ngx_http_tlsrpt_ctx_t, organization),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tlsrpt_owner"), NULL, ngx_http_tlsrpt_variable,
      offsetof(ngx_http_tlsrpt_ctx_t, owner),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* Variables */

static ngx_int_t
ngx_http_tlsrpt_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_tlsrpt_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t              *s;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    s = (ngx_str_t *) ((u_char *) ctx + data);

    if (s->data == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = s->data;
    v->len = (unsigned) s->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* Configuration */

static void *
ngx_http_tlsrpt_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_tlsrpt_main_conf_t));
    if (tmcf == NULL) {
        return NULL;
    }

    if (ngx_http_tlsrpt_accepted_create(cf, &tmcf->accepted) != NGX_OK) {
        return NULL;
    }

    tmcf->redis.timeout = NGX_CONF_UNSET_MSEC;
    tmcf->retention_days = NGX_CONF_UNSET_UINT;
    tmcf->report_days = NGX_CONF_UNSET_UINT;

    return tmcf;
}


static char *
ngx_http_tlsrpt_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf = conf;

    ngx_conf_init_msec_value(tmcf->redis.timeout, 2000);
    ngx_conf_init_uint_value(tmcf->retention_days, 400);
    ngx_conf_init_uint_value(tmcf->report_days,
                             ngx_min(tmcf->retention_days, 30));

    if (tmcf->redis.timeout == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"tlsrpt_redis_timeout\" must not be zero");
        return NGX_CONF_ERROR;
    }

    if (tmcf->user.len && tmcf->redis.naddrs == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" needs \"tlsrpt_redis\" in the http block in "
                      "%V:%ui", &tmcf->user, &tmcf->user_file,
                      tmcf->user_line);
        return NGX_CONF_ERROR;
    }

    if (tmcf->registry.on && tmcf->redis.naddrs == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"tlsrpt_registry\" needs \"tlsrpt_redis\" in the http "
                      "block");
        return NGX_CONF_ERROR;
    }

    if (tmcf->redis.naddrs && ngx_http_tlsrpt_counters_add(cf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_tlsrpt_registry_init(cf, &tmcf->registry) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_tlsrpt_accepted_init(cf, &tmcf->accepted);
}


static void *
ngx_http_tlsrpt_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    tlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_tlsrpt_loc_conf_t));
    if (tlcf == NULL) {
        return NULL;
    }

    tlcf->max_report_size = NGX_CONF_UNSET_SIZE;

    return tlcf;
}


static char *
ngx_http_tlsrpt_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_tlsrpt_loc_conf_t  *prev = parent;
    ngx_http_tlsrpt_loc_conf_t  *conf = child;

    ngx_conf_merge_size_value(conf->max_report_size, prev->max_report_size,
                              10 * 1024 * 1024);

    if (conf->scope == NULL) {
        conf->scope = prev->scope;
    }

    ngx_http_tlsrpt_inherit(prev, conf);

    if ((conf->collect || conf->stats || conf->admin || conf->certificates)
        && ngx_http_tlsrpt_location_errors(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->stats && ngx_http_tlsrpt_stats_page(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (conf->admin) {
        ngx_http_tlsrpt_admin_remark(cf);
    }

    return NGX_CONF_OK;
}


/* An "if" or a limit_except in a location is answered by its handler, and has a
   configuration of its own. */

static void
ngx_http_tlsrpt_inherit(ngx_http_tlsrpt_loc_conf_t *prev,
    ngx_http_tlsrpt_loc_conf_t *conf)
{
    if (!conf->admin) {
        conf->owner = prev->owner;
        conf->owner_max = prev->owner_max;
    }

    if (!conf->stats) {
        conf->index = prev->index;
        conf->index_gzip = prev->index_gzip;
        conf->index_tag = prev->index_tag;
    }
}


static char *
ngx_http_tlsrpt_size_check(ngx_conf_t *cf, void *post, void *data)
{
    size_t  *size = data;

    return *size ? NGX_CONF_OK : "must not be zero";
}


static char *
ngx_http_tlsrpt_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf = conf;

    ngx_int_t   days;
    ngx_str_t  *value, reports;

    if (tmcf->retention_days != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    days = ngx_http_tlsrpt_days(&value[1]);

    if (days == NGX_ERROR || days == 0) {
        return "needs whole days, 1d to 10000d";
    }

    tmcf->retention_days = (ngx_uint_t) days;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "reports=", 8) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    reports.data = value[2].data + 8;
    reports.len = value[2].len - 8;

    days = ngx_http_tlsrpt_days(&reports);

    if (days == NGX_ERROR) {
        return "needs whole days for \"reports\", 0 (none are kept) to 10000d";
    }

    tmcf->report_days = (ngx_uint_t) days;

    return NGX_CONF_OK;
}


/* "400", "400d", "57w", "off" for none. */

static ngx_int_t
ngx_http_tlsrpt_days(ngx_str_t *value)
{
    ngx_int_t  n;

    if (value->len == 3 && ngx_strncmp(value->data, "off", 3) == 0) {
        return 0;
    }

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR) {
        n = ngx_parse_time(value, 1);

        if (n == NGX_ERROR || n % 86400) {
            return NGX_ERROR;
        }

        n /= 86400;
    }

    return (n > NGX_HTTP_TLSRPT_MAX_DAYS) ? NGX_ERROR : n;
}


static char *
ngx_http_tlsrpt_collect(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tlsrpt_loc_conf_t  *tlcf = conf;

    if (tlcf->collect) {
        return "is duplicate";
    }

    tlcf->collect = 1;

    return ngx_http_tlsrpt_location_handler(cf, cmd,
                                            ngx_http_tlsrpt_collect_handler);
}


/* The worker */


static ngx_int_t
ngx_http_tlsrpt_init_module(ngx_cycle_t *cycle)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    if (!ngx_test_config) {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0, "tlsrpt/%s",
                      tlsrpt_release);
    }

    if (ngx_http_tlsrpt_accepted_list(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_tlsrpt_module);

    return ngx_http_tlsrpt_registry_open(cycle, tmcf ? &tmcf->registry : NULL);
}


static ngx_int_t
ngx_http_tlsrpt_init_process(ngx_cycle_t *cycle)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_tlsrpt_module);

    if (tmcf == NULL || tmcf->redis.naddrs == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    tmcf->client = ngx_http_tlsrpt_redis_create(&tmcf->redis, cycle->log);

    if (tmcf->client == NULL) {
        return NGX_ERROR;
    }

    ngx_http_tlsrpt_reckon_begin(tmcf);
    ngx_http_tlsrpt_registry_begin(&tmcf->registry, tmcf->client,
                                   &tmcf->redis.prefix,
                                   ngx_http_tlsrpt_served_seen);
    ngx_http_tlsrpt_upkeep_begin(tmcf);
    ngx_http_tlsrpt_served_begin(tmcf);
    ngx_http_tlsrpt_policy_fetches_begin(tmcf);

    return NGX_OK;
}


static void
ngx_http_tlsrpt_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_tlsrpt_module);

    if (tmcf == NULL) {
        return;
    }

    if (tmcf->client) {
        ngx_http_tlsrpt_registry_end();
        ngx_http_tlsrpt_redis_destroy(tmcf->client);
        tmcf->client = NULL;
        ngx_http_tlsrpt_reckon_end();
        ngx_http_tlsrpt_upkeep_end();
        ngx_http_tlsrpt_served_end();
        ngx_http_tlsrpt_policy_fetches_end();
    }

    if (tmcf->reader) {
        tlsrpt_reader_destroy(tmcf->reader);
        tmcf->reader = NULL;
    }
}
