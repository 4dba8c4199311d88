/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which resource a request is for.
 */

#include "ngx_http_tlsrpt_accept.h"
#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_dashboard.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_module.h"


/* How long a domain in a path may be before it is normalized. */
#define NGX_HTTP_TLSRPT_SEGMENT_LEN  1024


/* Segments ":domain" and ":id" of the pattern take any one of the path. */
typedef struct {
    ngx_str_t                       pattern;    /* below the location */
    ngx_uint_t                      methods;
    const char                     *allow;
    const ngx_http_tlsrpt_types_t  *types;  /* that it answers in */
    ngx_http_tlsrpt_resource_pt     handler;
} ngx_http_tlsrpt_route_t;

static ngx_int_t ngx_http_tlsrpt_api_refused(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_api_path(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_http_tlsrpt_route_t *ngx_http_tlsrpt_api_route(ngx_str_t *path,
    ngx_http_tlsrpt_target_t *target);
static ngx_uint_t ngx_http_tlsrpt_api_match(ngx_str_t *pattern,
    ngx_str_t *path, ngx_http_tlsrpt_target_t *target);
static void ngx_http_tlsrpt_api_segment(ngx_str_t *path, ngx_str_t *segment);
static ngx_int_t ngx_http_tlsrpt_api_domain(ngx_http_request_t *r,
    ngx_str_t *domain);
static ngx_int_t ngx_http_tlsrpt_api_answer(ngx_http_request_t *r,
    ngx_http_tlsrpt_route_t *route, ngx_http_tlsrpt_target_t *target);


static const ngx_str_t  ngx_http_tlsrpt_json[] = {
    ngx_string("application/json")
};

static const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_json_types = {
    ngx_http_tlsrpt_json, 1, "there is application/json"
};

static const ngx_str_t  ngx_http_tlsrpt_table[] = {
    ngx_string("application/json"),
    ngx_string("text/csv")
};

static const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_table_types = {
    ngx_http_tlsrpt_table, 2, "there are application/json and text/csv"
};

static ngx_http_tlsrpt_route_t  ngx_http_tlsrpt_routes[] = {

    { ngx_string("health"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_health_resource },

    { ngx_string("domains"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_domains_resource },

    { ngx_string("problems"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_open_resource },

    { ngx_string("events"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_events_resource },

    { ngx_string("domains/:domain"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_stats_resource },

    { ngx_string("domains/:domain/problems"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_problems_resource },

    { ngx_string("domains/:domain/events"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_events_resource },

    { ngx_string("domains/:domain/reports"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_reports_resource },

    { ngx_string("domains/:domain/reports/:id"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_report_types,
      ngx_http_tlsrpt_report_resource },

    { ngx_string("domains/:domain/senders"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_senders_resource },

    { ngx_string("domains/:domain/records"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_records_types,
      ngx_http_tlsrpt_records_resource },

    { ngx_string("domains/:domain/policy"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_policy_resource },

    { ngx_string("metrics"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_metrics_types,
      ngx_http_tlsrpt_metrics_resource },

    { ngx_string("tools/record"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_tool_record_resource },

    { ngx_string("tools/report"),
      NGX_HTTP_POST, "POST",
      &ngx_http_tlsrpt_tool_report_types,
      ngx_http_tlsrpt_tool_report_resource },

    { ngx_string("tools/policy"),
      NGX_HTTP_POST, "POST",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_tool_policy_resource },

    { ngx_null_string, 0, NULL, NULL, NULL }
};


ngx_int_t
ngx_http_tlsrpt_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc, below;
    ngx_str_t                  path;
    ngx_http_tlsrpt_route_t   *route;
    ngx_http_tlsrpt_target_t   target;

    if (r->internal && r->err_status >= NGX_HTTP_BAD_REQUEST) {
        return ngx_http_tlsrpt_api_refused(r);
    }

    below = ngx_http_tlsrpt_api_path(r, &path);
    route = (below == NGX_OK) ? ngx_http_tlsrpt_api_route(&path, &target)
                              : NULL;

    /* the body is read by a resource that takes one, or by nobody */

    if (route == NULL || !(r->method & route->methods & NGX_HTTP_POST)) {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (below == NGX_OK) {
        rc = ngx_http_tlsrpt_dashboard_handler(r, &path);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if (ngx_http_tlsrpt_answer_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (route == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such resource");
    }

    if (!(r->method & route->methods)) {
        return ngx_http_tlsrpt_error_method(r, route->allow);
    }

    return ngx_http_tlsrpt_api_answer(r, route, &target);
}


static ngx_int_t
ngx_http_tlsrpt_api_answer(ngx_http_request_t *r,
    ngx_http_tlsrpt_route_t *route, ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t  rc;

    if (target->domain.len) {
        rc = ngx_http_tlsrpt_api_domain(r, &target->domain);

        if (rc == NGX_DECLINED) {
            return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                         "not a domain name");
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    target->type = ngx_http_tlsrpt_accept(r, route->types->types,
                                          route->types->ntypes);

    if (target->type == NGX_DECLINED) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_TLSRPT_NOT_ACCEPTABLE,
                                     route->types->refusal);
    }

    return route->handler(r, target);
}


/* nginx refused it, see ngx_http_tlsrpt_error_pages() */

static ngx_int_t
ngx_http_tlsrpt_api_refused(ngx_http_request_t *r)
{
    if (ngx_http_tlsrpt_answer_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_error_refused(r);
}


/* What follows the location, without the slashes around it. */

static ngx_int_t
ngx_http_tlsrpt_api_path(ngx_http_request_t *r, ngx_str_t *path)
{
    if (ngx_http_tlsrpt_location_path(r, path) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (path->len && path->data[path->len - 1] == '/') {
        path->len--;
    }

    return NGX_OK;
}


static ngx_http_tlsrpt_route_t *
ngx_http_tlsrpt_api_route(ngx_str_t *path, ngx_http_tlsrpt_target_t *target)
{
    ngx_http_tlsrpt_route_t  *route;

    for (route = ngx_http_tlsrpt_routes; route->handler; route++) {
        if (ngx_http_tlsrpt_api_match(&route->pattern, path, target)) {
            return route;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_tlsrpt_api_match(ngx_str_t *pattern, ngx_str_t *path,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_str_t  want, have, pattern_rest, path_rest;

    ngx_str_null(&target->domain);
    ngx_str_null(&target->id);

    pattern_rest = *pattern;
    path_rest = *path;

    while (pattern_rest.len && path_rest.len) {
        ngx_http_tlsrpt_api_segment(&pattern_rest, &want);
        ngx_http_tlsrpt_api_segment(&path_rest, &have);

        if (want.data[0] == ':' && have.len) {
            *(want.data[1] == 'd' ? &target->domain : &target->id) = have;
            continue;
        }

        if (want.len != have.len
            || ngx_memcmp(want.data, have.data, have.len) != 0)
        {
            return 0;
        }
    }

    return pattern_rest.len == 0 && path_rest.len == 0;
}


/* Takes the first segment off the path, with the slash after it. */

static void
ngx_http_tlsrpt_api_segment(ngx_str_t *path, ngx_str_t *segment)
{
    u_char  *slash, *last;

    last = path->data + path->len;
    slash = ngx_strlchr(path->data, last, '/');

    segment->data = path->data;
    segment->len = (slash ? slash : last) - path->data;

    path->data = slash ? slash + 1 : last;
    path->len = last - path->data;
}


/* The segment as it was given becomes the name, normalized. */

static ngx_int_t
ngx_http_tlsrpt_api_domain(ngx_http_request_t *r, ngx_str_t *domain)
{
    u_char     *name;
    ngx_str_t   segment;

    segment = *domain;

    if (segment.len > NGX_HTTP_TLSRPT_SEGMENT_LEN) {
        return NGX_DECLINED;
    }

    name = ngx_pnalloc(r->pool, TLSRPT_DOMAIN_LEN + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    domain->data = name;
    domain->len = tlsrpt_domain_normalize((char *) segment.data, segment.len,
                                          (char *) name);

    return domain->len ? NGX_OK : NGX_DECLINED;
}
