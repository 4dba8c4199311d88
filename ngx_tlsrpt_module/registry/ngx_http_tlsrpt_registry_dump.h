/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The zone in a file, so that what was known is served after a restart, too,
 * while Redis is away.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_DUMP_H
#define NGX_HTTP_TLSRPT_REGISTRY_DUMP_H

#include "ngx_http_tlsrpt_registry_zone.h"

#pragma GCC visibility push(hidden)

/* Fills the zone, which is empty, with what the file has.  One that is not
   there, is broken or too old is none, and the log says so. */
void ngx_http_tlsrpt_dump_read(ngx_str_t *file, ngx_log_t *log);

/* Writes the file, in turns.  NGX_AGAIN: call it again; NGX_DONE: it is there,
   whole; NGX_ERROR: it could not be written, and the one before is there
   still. */
ngx_int_t ngx_http_tlsrpt_dump_write(ngx_str_t *file, ngx_log_t *log);

/* Gives up one that is being written, if any. */
void ngx_http_tlsrpt_dump_abort(void);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_DUMP_H */
