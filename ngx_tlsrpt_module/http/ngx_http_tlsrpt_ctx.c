/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_ctx.h"
#include "ngx_http_tlsrpt_module.h"


ngx_http_tlsrpt_ctx_t *
ngx_http_tlsrpt_ctx(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_ctx_t));

        if (ctx != NULL) {
            ngx_http_set_ctx(r, ctx, ngx_http_tlsrpt_module);
        }
    }

    return ctx;
}
