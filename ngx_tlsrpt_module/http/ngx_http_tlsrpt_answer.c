/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_send.h"
#include "ngx_http_tlsrpt_text.h"


static ngx_int_t ngx_http_tlsrpt_answer_large(ngx_http_request_t *r,
    const char *type, char *text, size_t len);


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

    if (len > NGX_HTTP_TLSRPT_TEXT_WHOLE) {
        return ngx_http_tlsrpt_answer_large(r, type, text, len);
    }

    return ngx_http_tlsrpt_send_text(r, NGX_HTTP_OK, type, text, len);
}


static ngx_int_t
ngx_http_tlsrpt_answer_large(ngx_http_request_t *r, const char *type,
    char *text, size_t len)
{
    ngx_int_t                rc;
    tlsrpt_buf_t             buf, *bufs;
    ngx_http_tlsrpt_text_t   large;

    ngx_memzero(&large, sizeof(ngx_http_tlsrpt_text_t));
    ngx_memzero(&buf, sizeof(tlsrpt_buf_t));

    buf.data = text;
    buf.len = len;
    bufs = &buf;

    rc = ngx_http_tlsrpt_text_spill(r, &large, &buf, 0);
    free(text);

    ngx_memzero(&buf, sizeof(tlsrpt_buf_t));
    buf.failed = (rc != NGX_OK);

    return ngx_http_tlsrpt_text_send(r, type, &large, &bufs, 1);
}
