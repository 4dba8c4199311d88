/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_send.h"


ngx_int_t
ngx_http_tlsrpt_answer_headers(ngx_http_request_t *r)
{
    if (ngx_http_tlsrpt_add_header(r, "Vary", "Accept") != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_tlsrpt_add_header(r, "X-Content-Type-Options", "nosniff");
}


ngx_int_t
ngx_http_tlsrpt_answer_json(ngx_http_request_t *r, json_t *json)
{
    char  *text;

    /* json_dumps() answers NULL with NULL */

    text = json_dumps(json, JSON_COMPACT|JSON_REAL_PRECISION(6));
    json_decref(json);

    return ngx_http_tlsrpt_answer_text(r, "application/json; charset=utf-8",
                                       text, text ? ngx_strlen(text) : 0);
}


ngx_int_t
ngx_http_tlsrpt_answer_text(ngx_http_request_t *r, const char *type,
    char *text, size_t len)
{
    if (text == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_send_text(r, NGX_HTTP_OK, type, text, len);
}
