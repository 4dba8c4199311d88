/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names that are in the index and have no data any more.
 */

#ifndef NGX_HTTP_TLSRPT_FORGET_H
#define NGX_HTTP_TLSRPT_FORGET_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* Takes the name out of the index, unless reports come for it meanwhile; nobody
   waits for that.  Few at a time: whoever reads the index next finds those that
   were too many. */
void ngx_http_tlsrpt_forget(ngx_http_request_t *r, tlsrpt_str_t domain);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_FORGET_H */
