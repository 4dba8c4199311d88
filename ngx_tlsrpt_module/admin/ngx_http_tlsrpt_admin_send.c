/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_send.h"


ngx_int_t
ngx_http_tlsrpt_admin_json(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json)
{
    char  *text;

    /* json_dumps() answers NULL with NULL */

    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);

    if (text == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_send_text(r, status,
                                     "application/json; charset=utf-8", text,
                                     ngx_strlen(text));
}


ngx_int_t
ngx_http_tlsrpt_admin_none(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    if (ngx_http_tlsrpt_add_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->disable_not_modified = 1;
    r->headers_out.status = NGX_HTTP_NO_CONTENT;

    rc = ngx_http_send_header(r);

    return (rc == NGX_OK) ? ngx_http_send_special(r, NGX_HTTP_LAST) : rc;
}
