/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers of enrolment.  Both return what a content handler returns.
 */

#ifndef NGX_HTTP_TLSRPT_ADMIN_SEND_H
#define NGX_HTTP_TLSRPT_ADMIN_SEND_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <jansson.h>

#pragma GCC visibility push(hidden)

/* Takes json, NULL included: that is out of memory, 503. */
ngx_int_t ngx_http_tlsrpt_admin_json(ngx_http_request_t *r, ngx_uint_t status,
    json_t *json);

/* 204: it is done, and nothing is left to say. */
ngx_int_t ngx_http_tlsrpt_admin_none(ngx_http_request_t *r);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ADMIN_SEND_H */
