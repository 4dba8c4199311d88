/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_send.h"


#define NGX_HTTP_TLSRPT_RETRY_AFTER  "30"       /* seconds */


static json_t *ngx_http_tlsrpt_error_json(ngx_uint_t status,
    const char *detail);
static ngx_int_t ngx_http_tlsrpt_error_send(ngx_http_request_t *r,
    ngx_uint_t status, json_t *json);
static const char *ngx_http_tlsrpt_error_title(ngx_uint_t status);


static struct {
    ngx_uint_t   status;
    const char  *title;
} ngx_http_tlsrpt_titles[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 503, "Service Unavailable" },
    { 507, "Insufficient Storage" },
    { 0, NULL }
};


ngx_int_t
ngx_http_tlsrpt_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    return ngx_http_tlsrpt_error_send(r, status,
                                 ngx_http_tlsrpt_error_json(status, detail));
}


ngx_int_t
ngx_http_tlsrpt_error_at(ngx_http_request_t *r, ngx_uint_t status,
    const char *path, const char *detail)
{
    json_t  *json;

    json = ngx_http_tlsrpt_error_json(status, detail);

    if (path && path[0]
        && json_object_set_new(json, "path", json_string(path)) != 0)
    {
        json_decref(json);
        json = NULL;
    }

    return ngx_http_tlsrpt_error_send(r, status, json);
}


ngx_int_t
ngx_http_tlsrpt_error_of(ngx_http_request_t *r,
    const tlsrpt_error_t *error)
{
    json_t      *json;
    u_char       detail[512], *p;
    ngx_int_t    failed;
    ngx_uint_t   status;
    const char  *text;

    status = tlsrpt_error_status(error->code);
    text = tlsrpt_error_text(error->code);

    p = error->detail[0]
            ? ngx_snprintf(detail, sizeof(detail) - 1, "%s: %s", text,
                           error->detail)
            : ngx_snprintf(detail, sizeof(detail) - 1, "%s", text);
    *p = '\0';

    json = ngx_http_tlsrpt_error_json(status, (const char *) detail);
    failed = 0;

    if (error->path[0]) {
        failed |= json_object_set_new(json, "path", json_string(error->path));
    }

    if (error->line) {
        failed |= json_object_set_new(json, "line",
                                      json_integer((json_int_t) error->line));
        failed |= json_object_set_new(json, "column",
                                    json_integer((json_int_t) error->column));
    }

    if (status == NGX_HTTP_BAD_REQUEST
        && error->code != TLSRPT_ERR_PARAMETER)
    {
        failed |= json_object_set_new(json, "offset",
                                    json_integer((json_int_t) error->offset));
    }

    if (failed) {
        json_decref(json);
        json = NULL;
    }

    return ngx_http_tlsrpt_error_send(r, status, json);
}


/* These two modules tell by a number of their own, 3 and 2, that they refused a
   request. */

ngx_uint_t
ngx_http_tlsrpt_is_limited(ngx_http_request_t *r)
{
    return r->err_status == NGX_HTTP_TOO_MANY_REQUESTS
           || r->main->limit_req_status == 3
           || r->main->limit_conn_status == 2;
}


ngx_int_t
ngx_http_tlsrpt_error_refused(ngx_http_request_t *r)
{
    return ngx_http_tlsrpt_error(r, r->err_status,
               ngx_http_tlsrpt_is_limited(r)
                   ? "too many requests, come again later"
               : r->err_status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
                   ? "the body is larger than the limit"
                   : "the request cannot be read");
}


ngx_int_t
ngx_http_tlsrpt_error_method(ngx_http_request_t *r, const char *allow)
{
    if (ngx_http_tlsrpt_add_header(r, "Allow", allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_ALLOWED, NULL);
}


static json_t *
ngx_http_tlsrpt_error_json(ngx_uint_t status, const char *detail)
{
    json_t  *json;

    json = json_pack("{s:s, s:s, s:I}", "type", "about:blank",
                     "title", ngx_http_tlsrpt_error_title(status),
                     "status", (json_int_t) status);

    if (detail != NULL
        && json_object_set_new(json, "detail", json_string(detail)) != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


/* Takes json, NULL included. */

static ngx_int_t
ngx_http_tlsrpt_error_send(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json)
{
    char       *text;
    ngx_int_t   rc;

    /* what is left of a body is not wanted, and is no request of its own; nor
       will anything be sent that a client could wait for (RFC 9110 10.1.1) */

    r->expect_tested = 1;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        json_decref(json);
        return rc;
    }

    if ((status == NGX_HTTP_SERVICE_UNAVAILABLE
         || status == NGX_HTTP_TOO_MANY_REQUESTS)
        && ngx_http_tlsrpt_add_header(r, "Retry-After",
                                      NGX_HTTP_TLSRPT_RETRY_AFTER)
           != NGX_OK)
    {
        json_decref(json);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    return text ? ngx_http_tlsrpt_send_text(r, status,
                                            "application/problem+json", text,
                                            ngx_strlen(text))
                : NGX_HTTP_SERVICE_UNAVAILABLE;
}


static const char *
ngx_http_tlsrpt_error_title(ngx_uint_t status)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_tlsrpt_titles[i].status; i++) {
        if (ngx_http_tlsrpt_titles[i].status == status) {
            return ngx_http_tlsrpt_titles[i].title;
        }
    }

    return "Error";
}
