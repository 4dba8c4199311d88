/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A record of the registry, as Redis has it, becomes a row of the zone.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_ROW_H
#define NGX_HTTP_TLSRPT_REGISTRY_ROW_H

#include "ngx_http_tlsrpt_registry_zone.h"
#include "tlsrpt_registry_record.h"

#pragma GCC visibility push(hidden)

/*
 * The row lives as long as the record, and until the next one is made.  reply:
 * of HGET, or an element of HMGET.
 *
 *     NGX_OK        *row, and *record, to be destroyed after it
 *     NGX_DECLINED  it cannot be read, or is of a later version than this: what
 *                   is known of the domain stays
 *     NGX_ERROR     out of memory
 */
ngx_int_t ngx_http_tlsrpt_row(ngx_http_tlsrpt_row_t *row,
    const ngx_str_t *name, const tlsrpt_reply_t *reply,
    tlsrpt_registry_record_t **record);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_ROW_H */
