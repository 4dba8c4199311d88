/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which request it is, who makes it, and whether it may be made at all.
 */

#include "ngx_http_tlsrpt_admin.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_check.h"
#include "ngx_http_tlsrpt_ctx.h"
#include "ngx_http_tlsrpt_enrol.h"
#include "ngx_http_tlsrpt_enrolments.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_foreign.h"
#include "ngx_http_tlsrpt_hosts.h"
#include "ngx_http_tlsrpt_mute.h"
#include "ngx_http_tlsrpt_path.h"
#include "ngx_http_tlsrpt_send.h"
#include "ngx_http_tlsrpt_strike.h"
#include "tlsrpt_enrolment.h"


/* More than a policy of as many mx as there may be. */
#define NGX_HTTP_TLSRPT_ADMIN_BODY   32768


/* Those of one pattern follow each other. */
typedef struct {
    ngx_str_t                  pattern;     /* ngx_http_tlsrpt_path_match() */
    ngx_uint_t                 methods;
    const char                *allow;       /* of all with this pattern */
    ngx_http_tlsrpt_admin_pt   handler;
    unsigned                   body:1;      /* it takes one */
    unsigned                   of_operator:1;
} ngx_http_tlsrpt_admin_route_t;

/* Kept while the body is read. */
typedef struct {
    ngx_http_tlsrpt_admin_t         admin;
    ngx_http_tlsrpt_admin_route_t  *route;
} ngx_http_tlsrpt_admin_ctx_t;


static ngx_int_t ngx_http_tlsrpt_admin_answer(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *routes);
static ngx_http_tlsrpt_admin_route_t *ngx_http_tlsrpt_admin_route(
    ngx_http_request_t *r, ngx_http_tlsrpt_admin_route_t *routes,
    ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_admin_run(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *route, ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_admin_who(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_admin_read(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *route, ngx_http_tlsrpt_admin_t *admin);
static ngx_int_t ngx_http_tlsrpt_admin_body(ngx_http_request_t *r);


static ngx_http_tlsrpt_admin_route_t  ngx_http_tlsrpt_admin_routes[] = {

    { ngx_string("domains"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      ngx_http_tlsrpt_enrolments, 0, 0 },

    { ngx_string("domains/:domain"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD, PUT, DELETE",
      ngx_http_tlsrpt_enrol_get, 0, 0 },

    { ngx_string("domains/:domain"),
      NGX_HTTP_PUT, "GET, HEAD, PUT, DELETE",
      ngx_http_tlsrpt_enrol_put, 1, 0 },

    { ngx_string("domains/:domain"),
      NGX_HTTP_DELETE, "GET, HEAD, PUT, DELETE",
      ngx_http_tlsrpt_enrol_delete, 0, 0 },

    { ngx_string("domains/:domain/check"),
      NGX_HTTP_POST, "POST",
      ngx_http_tlsrpt_check, 0, 0 },

    { ngx_string("domains/:domain/problems/:id"),
      NGX_HTTP_PUT, "PUT",
      ngx_http_tlsrpt_mute, 1, 0 },

    { ngx_string("domains/:domain/reports/:id"),
      NGX_HTTP_DELETE, "DELETE",
      ngx_http_tlsrpt_strike, 0, 0 },

    { ngx_string("domains/:domain/reports/:id/restore"),
      NGX_HTTP_POST, "POST",
      ngx_http_tlsrpt_restore, 0, 0 },

    { ngx_string("certificates"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      ngx_http_tlsrpt_hosts, 0, 1 },

    { ngx_string("zone"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      ngx_http_tlsrpt_zone_text, 0, 1 },

    { ngx_null_string, 0, NULL, NULL, 0, 0 }
};

/* tlsrpt_certificates: at the location itself, too. */

static ngx_http_tlsrpt_admin_route_t  ngx_http_tlsrpt_certificates_routes[] = {

    { ngx_string("certificates"),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      ngx_http_tlsrpt_hosts, 0, 0 },

    { ngx_string(""),
      NGX_HTTP_GET|NGX_HTTP_HEAD, "GET, HEAD",
      ngx_http_tlsrpt_hosts, 0, 0 },

    { ngx_null_string, 0, NULL, NULL, 0, 0 }
};


ngx_int_t
ngx_http_tlsrpt_admin_handler(ngx_http_request_t *r)
{
    return ngx_http_tlsrpt_admin_answer(r, ngx_http_tlsrpt_admin_routes);
}


ngx_int_t
ngx_http_tlsrpt_certificates_handler(ngx_http_request_t *r)
{
    return ngx_http_tlsrpt_admin_answer(r,
                                        ngx_http_tlsrpt_certificates_routes);
}


static ngx_int_t
ngx_http_tlsrpt_admin_answer(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *routes)
{
    ngx_int_t                       rc;
    ngx_http_tlsrpt_admin_t         admin;
    ngx_http_tlsrpt_admin_route_t  *route;

    if (ngx_http_tlsrpt_add_header(r, "X-Content-Type-Options", "nosniff")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->internal && r->err_status >= NGX_HTTP_BAD_REQUEST) {
        /* nginx refused it, see ngx_http_tlsrpt_location_errors() */
        return ngx_http_tlsrpt_error_refused(r);
    }

    ngx_memzero(&admin, sizeof(ngx_http_tlsrpt_admin_t));

    route = ngx_http_tlsrpt_admin_route(r, routes, &admin);

    if (route == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such resource");
    }

    if (!(r->method & route->methods)) {
        return ngx_http_tlsrpt_error_method(r, route->allow);
    }

    if (ngx_http_tlsrpt_foreign(r, route->body, &rc)) {
        return rc;
    }

    return ngx_http_tlsrpt_admin_run(r, route, &admin);
}


/* The one of the path and the method, else any of the path; NULL: none. */

static ngx_http_tlsrpt_admin_route_t *
ngx_http_tlsrpt_admin_route(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *routes, ngx_http_tlsrpt_admin_t *admin)
{
    ngx_str_t                       path, domain, id;
    ngx_http_tlsrpt_admin_route_t  *route, *found;

    if (ngx_http_tlsrpt_path(r, &path) != NGX_OK) {
        return NULL;
    }

    found = NULL;

    for (route = routes; route->handler; route++) {
        if (!ngx_http_tlsrpt_path_match(&route->pattern, &path, &domain, &id)) {
            continue;
        }

        admin->domain = domain;
        admin->id = id;
        found = route;

        if (r->method & route->methods) {
            break;
        }
    }

    return found;
}


static ngx_int_t
ngx_http_tlsrpt_admin_run(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *route, ngx_http_tlsrpt_admin_t *admin)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_admin_who(r, admin);

    if (rc == NGX_DECLINED) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_FORBIDDEN,
                                     "an owner's name is 1 to 128 bytes of "
                                     "visible ASCII");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (route->of_operator && !ngx_http_tlsrpt_is_operator(admin)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_FORBIDDEN,
                                     "that is the operator's alone");
    }

    if (admin->domain.len) {
        rc = ngx_http_tlsrpt_path_domain(r, &admin->domain);

        if (rc == NGX_DECLINED) {
            return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                         "not a domain name");
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (route->body) {
        return ngx_http_tlsrpt_admin_read(r, route, admin);
    }

    rc = ngx_http_discard_request_body(r);

    return (rc == NGX_OK) ? route->handler(r, admin) : rc;
}


/* NGX_DECLINED: nobody who could ask. */

static ngx_int_t
ngx_http_tlsrpt_admin_who(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    ngx_http_tlsrpt_ctx_t       *ctx;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    if (tlcf->owner == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, tlcf->owner, &admin->owner) != NGX_OK) {
        return NGX_ERROR;
    }

    admin->max = tlcf->owner_max;

    if (!tlsrpt_owner_is_valid(ngx_http_tlsrpt_str(&admin->owner))) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_tlsrpt_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->owner = admin->owner;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_admin_read(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_route_t *route, ngx_http_tlsrpt_admin_t *admin)
{
    ngx_http_tlsrpt_ctx_t        *ctx;
    ngx_http_tlsrpt_admin_ctx_t  *kept;

    if (ngx_http_tlsrpt_body_exceeds(r, NGX_HTTP_TLSRPT_ADMIN_BODY)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     "the body has over 32768 bytes");
    }

    ctx = ngx_http_tlsrpt_ctx(r);
    kept = ngx_palloc(r->pool, sizeof(ngx_http_tlsrpt_admin_ctx_t));

    if (ctx == NULL || kept == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    kept->admin = *admin;
    kept->route = route;
    ctx->admin = kept;

    return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_admin_body);
}


static ngx_int_t
ngx_http_tlsrpt_admin_body(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_tlsrpt_ctx_t        *ctx;
    ngx_http_tlsrpt_admin_ctx_t  *kept;

    if (ngx_http_tlsrpt_body_exceeds(r, NGX_HTTP_TLSRPT_ADMIN_BODY)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     "the body has over 32768 bytes");
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);
    kept = ctx->admin;

    rc = kept->route->handler(r, &kept->admin);

    if (rc == NGX_DONE) {
        /* a handler that waits keeps the request itself: this is what reading
           kept it for */
        ngx_http_finalize_request(r, NGX_DONE);
    }

    return rc;
}
