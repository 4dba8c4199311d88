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
#include "ngx_http_tlsrpt_path.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_scope.h"


typedef struct {
    ngx_str_t                       pattern;    /* _path_match(), below the
                                                   location */
    ngx_uint_t                      methods;
    const char                     *allow;
    const ngx_http_tlsrpt_types_t  *types;  /* that it answers in */
    ngx_http_tlsrpt_resource_pt     handler;
    unsigned                        open:1; /* to all, whatever the scope */
} ngx_http_tlsrpt_route_t;

static ngx_int_t ngx_http_tlsrpt_api_refused(ngx_http_request_t *r);
static ngx_http_tlsrpt_route_t *ngx_http_tlsrpt_api_route(ngx_str_t *path,
    ngx_http_tlsrpt_target_t *target);
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
      ngx_http_tlsrpt_health_resource, 1 },

    { ngx_string("domains"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_domains_resource, 0 },

    { ngx_string("problems"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_open_resource, 0 },

    { ngx_string("events"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_events_resource, 0 },

    { ngx_string("domains/:domain"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_stats_resource, 0 },

    { ngx_string("domains/:domain/problems"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_problems_resource, 0 },

    { ngx_string("domains/:domain/events"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_events_resource, 0 },

    { ngx_string("domains/:domain/reports"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_reports_resource, 0 },

    { ngx_string("domains/:domain/reports/:id"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_report_types,
      ngx_http_tlsrpt_report_resource, 0 },

    { ngx_string("domains/:domain/senders"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_table_types,
      ngx_http_tlsrpt_senders_resource, 0 },

    { ngx_string("domains/:domain/records"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_records_types,
      ngx_http_tlsrpt_records_resource, 0 },

    { ngx_string("domains/:domain/setup"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_setup_resource, 0 },

    { ngx_string("domains/:domain/policy"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_policy_resource, 0 },

    { ngx_string("domains/:domain/policy/proposal"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_proposal_resource, 0 },

    { ngx_string("domains/:domain/policy/simulate"),
      NGX_HTTP_POST, "POST",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_simulate_resource, 0 },

    { ngx_string("metrics"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_metrics_types,
      ngx_http_tlsrpt_metrics_resource, 0 },

    { ngx_string("contacts/:id"),
      NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST, "GET, HEAD, POST",
      &ngx_http_tlsrpt_contact_types,
      ngx_http_tlsrpt_contact_resource, 1 },

    { ngx_string("tools/record"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_tool_record_resource, 1 },

    { ngx_string("tools/report"),
      NGX_HTTP_POST, "POST",
      &ngx_http_tlsrpt_tool_report_types,
      ngx_http_tlsrpt_tool_report_resource, 1 },

    { ngx_string("tools/policy"),
      NGX_HTTP_POST, "POST",
      &ngx_http_tlsrpt_json_types,
      ngx_http_tlsrpt_tool_policy_resource, 1 },

    { ngx_null_string, 0, NULL, NULL, NULL, 0 }
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

    below = ngx_http_tlsrpt_path(r, &path);
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
        rc = ngx_http_tlsrpt_path_domain(r, &target->domain);

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

    if (!route->open && ngx_http_tlsrpt_scope_unknown(r)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "the registry is not loaded yet");
    }

    return route->handler(r, target);
}


/* nginx refused it, see ngx_http_tlsrpt_location_errors() */

static ngx_int_t
ngx_http_tlsrpt_api_refused(ngx_http_request_t *r)
{
    if (ngx_http_tlsrpt_answer_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_error_refused(r);
}


static ngx_http_tlsrpt_route_t *
ngx_http_tlsrpt_api_route(ngx_str_t *path, ngx_http_tlsrpt_target_t *target)
{
    ngx_http_tlsrpt_route_t  *route;

    for (route = ngx_http_tlsrpt_routes; route->handler; route++) {
        if (ngx_http_tlsrpt_path_match(&route->pattern, path,
                                       &target->domain, &target->id)) {
            return route;
        }
    }

    return NULL;
}
