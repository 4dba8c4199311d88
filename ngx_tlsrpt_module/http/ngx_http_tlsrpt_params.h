/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The query string, parameter by parameter.
 */

#ifndef NGX_HTTP_TLSRPT_PARAMS_H
#define NGX_HTTP_TLSRPT_PARAMS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tlsrpt_query.h"

#pragma GCC visibility push(hidden)

/* TLSRPT_OK, or TLSRPT_ERR_PARAMETER with error->path the parameter's name and
   error->detail the reason. */
typedef int (*ngx_http_tlsrpt_param_pt)(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);

/*
 * Calls the handler with each parameter, unescaped, and stops at what is not
 * TLSRPT_OK.  A parameter given twice is an error, and so is a value that is
 * not UTF-8: the handler sees neither.
 */
int ngx_http_tlsrpt_params(ngx_http_request_t *r,
    ngx_http_tlsrpt_param_pt handler, void *data, tlsrpt_error_t *error);

/* For a resource that takes none. */
int ngx_http_tlsrpt_params_none(ngx_http_request_t *r, tlsrpt_error_t *error);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_PARAMS_H */
