/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Whoever has much to do does it in turns: others' events are between them.
 */

#ifndef NGX_HTTP_TLSRPT_TURN_H
#define NGX_HTTP_TLSRPT_TURN_H

#include <time.h>

#include <ngx_config.h>
#include <ngx_core.h>

/* How long one takes, but for what was begun, in nanoseconds. */
#define NGX_HTTP_TLSRPT_TURN  4000000


static ngx_inline uint64_t
ngx_http_tlsrpt_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}

#endif /* NGX_HTTP_TLSRPT_TURN_H */
