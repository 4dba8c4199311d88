/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Months that are long over, to be packed in Redis.
 */

#ifndef NGX_HTTP_TLSRPT_CLOSE_H
#define NGX_HTTP_TLSRPT_CLOSE_H

#include "ngx_http_tlsrpt_module.h"

#pragma GCC visibility push(hidden)

/* Closes the months of the domain that are due, later and in turns; nobody
   waits for that.  Few at a time: a domain that is one too many is due again
   with its next day. */
void ngx_http_tlsrpt_close(ngx_http_tlsrpt_main_conf_t *tmcf,
    tlsrpt_str_t domain);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_CLOSE_H */
