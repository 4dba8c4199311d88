/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers of the reading API.
 */

#ifndef NGX_HTTP_TLSRPT_ANSWER_H
#define NGX_HTTP_TLSRPT_ANSWER_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <jansson.h>

#pragma GCC visibility push(hidden)

/* What every answer of the API carries, problems included. */
ngx_int_t ngx_http_tlsrpt_answer_headers(ngx_http_request_t *r);

/* Both take what they are given, NULL included: that is out of memory, 503.
   The text was allocated by malloc(); type is a static string. */
ngx_int_t ngx_http_tlsrpt_answer_json(ngx_http_request_t *r, json_t *json);
ngx_int_t ngx_http_tlsrpt_answer_text(ngx_http_request_t *r, const char *type,
    char *text, size_t len);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_ANSWER_H */
